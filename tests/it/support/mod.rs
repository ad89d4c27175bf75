//! What the tests share.

pub mod worker;
