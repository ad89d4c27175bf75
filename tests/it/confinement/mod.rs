//! What a worker cannot do to the machine that it runs on.
//!
//! The attacks are made by a probe: this test program in a second role, started on the same path as a worker and
//! confined by the same function, which then tries one of [`attacks`] and says how it went. Each layer is tried by
//! itself as well, so that one that is missing shows although others stand behind it.

mod attacks;
mod calls;
mod container;
mod doctor;
mod layers;
mod looks;
mod memory;
mod probe;
mod real;
