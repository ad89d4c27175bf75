//! Seccomp: the system calls that a worker may make.
//!
//! A call is allowed, or it fails as if it were not permitted, or it fails as if the kernel did not know it, or it
//! ends the process. Allowed is what V8, tokio, the allocator, threads and our socket need ([`calls`]). Not permitted
//! is what libraries try and can do without. What no library tries is an attack, and ends the process at once, which
//! its host sees as a crash. Everything else is unknown, so that a C library newer than this list falls back to what
//! it did before.

mod calls;
mod filter;

pub use filter::restrict;
