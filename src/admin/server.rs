//! The thread that serves the admin interface.

use std::{
    io,
    net::{SocketAddr, TcpListener, ToSocketAddrs},
    sync::Arc,
    thread,
};

use tokio::{runtime, sync::oneshot};

use super::router::{State, router};
use crate::{commands::Commands, status::Board, telemetry::Metrics};

/// The running admin interface; it ends when this is dropped.
#[derive(Debug)]
pub struct Admin {
    /// Where it listens, with the port that the system chose if it was asked to.
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Admin {
    /// Binds `listen` (`host:port`) and serves it from a new thread.
    pub fn start(listen: &str, board: Arc<Board>, metrics: Arc<Metrics>, commands: Commands) -> io::Result<Admin> {
        let listener = bind(listen)?;
        let address = listener.local_addr()?;
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _context = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let (stop, stopped) = oneshot::channel();
        let routes = router(State { board, metrics, commands });
        let thread = thread::Builder::new().name("admin".to_owned()).spawn(move || {
            let serve = async {
                tokio::select! {
                    // Open connections are dropped with the runtime: they must not hold up the end of the node.
                    result = axum::serve(listener, routes) => if let Err(error) = result {
                        tracing::error!(%error, "admin interface stopped");
                    },
                    _ = stopped => {}
                }
            };
            runtime.block_on(serve);
            // A command that waits for Kafka must not hold it up either.
            runtime.shutdown_background();
        })?;
        tracing::info!(%address, "admin interface listens");
        Ok(Admin { address, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn bind(listen: &str) -> io::Result<TcpListener> {
    let explained = |error: io::Error| {
        let reason = match error.kind() {
            io::ErrorKind::AddrInUse => "the port is taken, perhaps by another node".to_owned(),
            _ => error.to_string(),
        };
        let text = format!("cannot listen on {listen:?} for the admin interface: {reason}; set `admin.listen`");
        io::Error::new(error.kind(), text)
    };
    let addresses: Vec<SocketAddr> = listen.to_socket_addrs().map_err(explained)?.collect();
    let listener = TcpListener::bind(&addresses[..]).map_err(explained)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}
