//! Takes every right from a worker process that it does not need, before it sees a line of a user's code.
//!
//! Each layer is a file of its own and holds without the others, so that a kernel or a container that refuses one
//! leaves the rest standing:
//!
//! - [`descriptors`]: nothing is open but the standard streams and what the host handed over;
//! - [`resources`]: no core dumps, nothing to write to files, few descriptors; the first to go when memory runs out;
//! - [`namespaces`]: a network, System V IPC and host name of its own;
//! - [`root`]: a file system with nothing in it;
//! - [`identity`]: another user than root;
//! - [`privileges`]: no capabilities, no new privileges, closed to other processes of its user;
//! - [`landlock`]: no file can be opened, no TCP port used, no process outside signalled;
//! - [`seccomp`]: only the system calls that V8, the allocator and our socket need.
//!
//! [`apply`] puts them on in the order in which each leaves the next one possible. All of it happens in the first
//! thread while it is the only one; the threads that come later inherit everything.

mod apply;
mod descriptors;
mod identity;
mod landlock;
mod namespaces;
mod privileges;
mod resources;
mod root;
mod seccomp;

pub use apply::confine;
