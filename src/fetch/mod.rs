//! `fetch` on the host's side: the only way of a function to the network.
//!
//! A worker has no sockets; it asks by calls ([`crate::protocol::calls`]), and this module decides and does:
//!
//! - [`service`] knows the isolates and their open fetches, counts them and ends them in time;
//! - [`request`] checks what a worker wrote, [`grants`] and [`pattern`] whether its function may fetch it, and
//!   [`refusals`] knows what was logged of those that may not;
//! - [`names`] finds the addresses of names, [`address`] says which are public, [`client`] connects to those alone that
//!   are allowed;
//! - [`exchange`] sends, follows redirects ([`redirect`]) and passes bodies on ([`upload`], [`window`]).
//!
//! Every byte from a worker is taken for hostile. What a function may reach comes from its manifest alone.

mod address;
mod client;
mod exchange;
mod failure;
mod grants;
mod names;
mod pattern;
mod redirect;
mod refusals;
mod request;
mod service;
mod upload;
mod window;

pub use address::Place;
pub use grants::Grants;
pub use pattern::{BadPattern, HostPattern};
pub use service::{BadCertificates, Fetch, FetchOptions};
