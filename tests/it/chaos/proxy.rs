//! What stands between one node and the broker: it can be slow, fall silent, and cut every connection.

use std::io;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const HOST: &str = "127.0.0.1";

#[derive(Debug, Clone, Copy, Default)]
struct Rules {
    latency: Duration,
    silent: bool,
    /// Connections from before the last cut are closed.
    cuts: u64,
}

/// It ends when it is dropped.
pub struct Proxy {
    pub port: u16,
    target: Arc<AtomicU16>,
    /// Connections that are open.
    open: Arc<AtomicUsize>,
    rules: watch::Sender<Rules>,
}

impl Proxy {
    /// Listens on a free port. Until it is told where to lead to, it refuses.
    pub fn start() -> Proxy {
        let listener = StdListener::bind((HOST, 0)).expect("a port");
        listener.set_nonblocking(true).expect("a listener");
        let port = listener.local_addr().expect("an address").port();
        let target: Arc<AtomicU16> = Arc::default();
        let (rules, seen) = watch::channel(Rules::default());
        let open: Arc<AtomicUsize> = Arc::default();
        let (leads_to, counts) = (Arc::clone(&target), Arc::clone(&open));
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(serve(listener, leads_to, counts, seen));
        });
        Proxy { port, target, open, rules }
    }

    pub fn address(&self) -> String {
        format!("{HOST}:{}", self.port)
    }

    pub fn lead_to(&self, port: u16) {
        self.target.store(port, Ordering::SeqCst);
    }

    /// Whether anybody is connected, whom a fault would strike.
    pub fn is_used(&self) -> bool {
        self.open.load(Ordering::SeqCst) > 0
    }

    /// Delays everything, in both directions.
    pub fn slow(&self, latency: Duration) {
        self.rules.send_modify(|rules| rules.latency = latency);
    }

    /// Lets nothing through and closes nothing, as a network that is cut in the middle.
    pub fn silence(&self, silent: bool) {
        self.rules.send_modify(|rules| rules.silent = silent);
    }

    /// Closes all connections; new ones may be made at once.
    pub fn cut(&self) {
        self.rules.send_modify(|rules| rules.cuts += 1);
    }
}

async fn serve(
    listener: StdListener,
    target: Arc<AtomicU16>,
    open: Arc<AtomicUsize>,
    mut rules: watch::Receiver<Rules>,
) {
    let listener = TcpListener::from_std(listener).expect("a listener");
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((near, _)) = accepted {
                    let (target, open, rules) = (target.load(Ordering::SeqCst), Arc::clone(&open), rules.clone());
                    tokio::spawn(async move {
                        open.fetch_add(1, Ordering::SeqCst);
                        carry(near, target, rules).await;
                        open.fetch_sub(1, Ordering::SeqCst);
                    });
                }
            }
            changed = rules.changed() => {
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}

/// One connection, until either side or a cut ends it.
async fn carry(near: TcpStream, target: u16, rules: watch::Receiver<Rules>) {
    let cuts = rules.borrow().cuts;
    let Ok(far) = TcpStream::connect((HOST, target)).await else { return };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    tokio::select! {
        _ = pump(near_in, far_out, rules.clone()) => {}
        _ = pump(far_in, near_out, rules.clone()) => {}
        () = is_cut(rules, cuts) => {}
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut rules: watch::Receiver<Rules>) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        let latency = rules.borrow().latency;
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        if rules.wait_for(|now| !now.silent).await.is_err() {
            return Ok(());
        }
        to.write_all(&buffer[..count]).await?;
    }
}

async fn is_cut(mut rules: watch::Receiver<Rules>, cuts: u64) {
    let _ = rules.wait_for(|now| now.cuts != cuts).await;
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read, Write};
    use std::net::TcpStream;

    use super::*;

    /// A server that gives back each byte.
    fn echo() -> u16 {
        let listener = StdListener::bind((HOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || io::copy(&mut &stream, &mut &stream));
            }
        });
        port
    }

    fn connect(proxy: &Proxy) -> TcpStream {
        let stream = TcpStream::connect(proxy.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        stream
    }

    fn asks(stream: &mut TcpStream, byte: u8) -> io::Result<u8> {
        stream.write_all(&[byte])?;
        hears(stream)
    }

    fn hears(stream: &mut TcpStream) -> io::Result<u8> {
        let mut answer = [0];
        stream.read_exact(&mut answer)?;
        Ok(answer[0])
    }

    #[test]
    fn a_silent_proxy_holds_back_and_a_cut_closes() {
        let proxy = Proxy::start();
        proxy.lead_to(echo());
        assert!(!proxy.is_used());
        let mut stream = connect(&proxy);
        stream.set_read_timeout(None).unwrap();
        assert_eq!(asks(&mut stream, 1).unwrap(), 1);
        assert!(proxy.is_used());

        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        proxy.silence(true);
        let kind = asks(&mut stream, 2).unwrap_err().kind();
        assert!(matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{kind}");
        stream.set_read_timeout(None).unwrap();
        proxy.silence(false);
        assert_eq!(hears(&mut stream).unwrap(), 2, "it comes late and is not lost");

        proxy.cut();
        assert!(hears(&mut stream).is_err(), "closed");
        let mut again = connect(&proxy);
        again.set_read_timeout(None).unwrap();
        assert_eq!(asks(&mut again, 3).unwrap(), 3);
    }
}
