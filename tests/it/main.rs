//! Everything that is tested from the outside: the binary, the servers, the way of a record.

mod admin;
mod cli;
