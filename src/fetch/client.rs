//! The node's HTTP clients: one for each kind of addresses, each with connections of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Certificate, Client};
use tokio::sync::OnceCell;

use super::address::place;
use super::grants::Reach;
use super::names::Names;
use crate::protocol::calls::MAX_HEADER_BYTES;

const CONNECT: Duration = Duration::from_secs(10);
/// How long a connection is kept that nobody uses, and how many to one host.
const IDLE: Duration = Duration::from_secs(30);
const MOST_IDLE: usize = 16;
/// What a server may send ahead on one stream of HTTP/2, and on all streams of a connection.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 2 << 20;

/// Made at the first use: a node without fetches needs neither sockets nor certificates.
#[derive(Debug)]
pub struct Clients {
    certificates: Vec<Certificate>,
    names: Arc<Names>,
    clients: [OnceCell<Client>; 3],
}

/// A name leads only to addresses at which it may not be reached.
#[derive(Debug, thiserror::Error)]
#[error("the name leads only to addresses that are not allowed")]
pub struct Unreachable;

impl Clients {
    pub fn new(certificates: Vec<Certificate>) -> Clients {
        Clients { certificates, names: Arc::default(), clients: Reach::ALL.map(|_| OnceCell::new()) }
    }

    pub fn names(&self) -> &Names {
        &self.names
    }

    pub async fn of(&self, reach: Reach) -> Result<&Client, String> {
        let make = || async {
            let (certificates, names) = (self.certificates.clone(), Arc::clone(&self.names));
            // Reading the platform's certificates takes a while.
            let made = tokio::task::spawn_blocking(move || client(reach, certificates, names)).await;
            made.map_err(|error| error.to_string())?.map_err(|error| {
                format!("the node cannot set up its HTTP client: {error}; `ca-file` in its [fetch] names certificates")
            })
        };
        self.clients[reach as usize].get_or_try_init(make).await
    }
}

fn client(reach: Reach, certificates: Vec<Certificate>, names: Arc<Names>) -> reqwest::Result<Client> {
    Client::builder()
        .user_agent(concat!("eddyline/", env!("CARGO_PKG_VERSION")))
        // A proxy would reach for us what we must not reach, and redirects are looked at one by one.
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .dns_resolver(Arc::new(Resolver { reach, names }))
        .tls_backend_rustls()
        .tls_certs_merge(certificates)
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(MOST_IDLE)
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .http2_max_header_list_size(MAX_HEADER_BYTES as u32)
        .build()
}

/// Gives the addresses that were found for a name, without those that are not allowed. What it gives is what is
/// connected to, so that nothing can change between the check and the use.
struct Resolver {
    reach: Reach,
    names: Arc<Names>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, found) = (self.reach, self.names.held(name.as_str()));
        Box::pin(async move {
            let found = found.ok_or("the name was not looked up")?;
            let allowed: Vec<SocketAddr> = found
                .all
                .iter()
                .filter(|address| reach.allows(place(**address)))
                .map(|address| SocketAddr::new(*address, 0))
                .collect();
            if allowed.is_empty() {
                return Err(Unreachable.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
