//! An HTTP server of a test's own, close enough to the wire to misbehave.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

#[derive(Debug, Default)]
struct State {
    seen: Mutex<Vec<Seen>>,
    connections: AtomicUsize,
    closed: AtomicUsize,
}

/// It listens until the test ends.
#[derive(Debug, Clone)]
pub struct Server {
    pub port: u16,
    state: Arc<State>,
}

impl Server {
    /// Starts one on 127.0.0.1; `answer` writes whatever it likes.
    pub fn start(answer: impl Fn(&Seen, &mut TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let server = Server { port, state: Arc::default() };
        let (state, answer) = (Arc::clone(&server.state), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                state.connections.fetch_add(1, Ordering::SeqCst);
                let (state, answer) = (Arc::clone(&state), Arc::clone(&answer));
                std::thread::spawn(move || {
                    let _ = serve(stream, &state, &*answer);
                    state.closed.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        server
    }

    /// One that echoes a request's method, body and `x-` headers as JSON.
    pub fn echo() -> Server {
        Server::start(|seen, stream| {
            let headers: serde_json::Map<String, serde_json::Value> = seen
                .headers
                .iter()
                .filter(|(name, _)| name.starts_with("x-") || name == "content-type" || name == "authorization")
                .map(|(name, value)| (name.clone(), value.clone().into()))
                .collect();
            let answer = serde_json::json!({
                "method": seen.method, "path": seen.path, "body": seen.text(), "headers": headers,
            });
            reply(stream, 200, &[("content-type", "application/json")], answer.to_string().as_bytes())
        })
    }

    pub fn at(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().expect("no test panics while it looks").clone()
    }

    /// Connections so far.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Connections that have ended.
    pub fn closed(&self) -> usize {
        self.state.closed.load(Ordering::SeqCst)
    }
}

/// Writes a whole response.
pub fn reply(stream: &mut TcpStream, status: u16, headers: &[(&str, &str)], body: &[u8]) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    stream.write_all(body)
}

pub fn redirect(stream: &mut TcpStream, status: u16, to: &str) -> io::Result<()> {
    reply(stream, status, &[("location", to)], b"")
}

/// Begins a response of unknown length, and writes chunks with a pause behind each until the client is gone.
pub fn drip(stream: &mut TcpStream, chunk: &[u8], pause: Duration) -> io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
    loop {
        write!(stream, "{:x}\r\n", chunk.len())?;
        stream.write_all(chunk)?;
        stream.write_all(b"\r\n")?;
        std::thread::sleep(pause);
    }
}

/// Waits until the client has closed the connection.
pub fn wait_for_end(stream: &mut TcpStream) -> io::Result<()> {
    let mut byte = [0];
    while stream.read(&mut byte)? > 0 {}
    Err(io::ErrorKind::ConnectionAborted.into())
}

fn serve(
    mut stream: TcpStream,
    state: &State,
    answer: &dyn Fn(&Seen, &mut TcpStream) -> io::Result<()>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(seen) = read(&mut reader)? {
        state.seen.lock().expect("no test panics while it looks").push(seen.clone());
        answer(&seen, &mut stream)?;
    }
    Ok(())
}

fn read(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Seen>> {
    let line = line_of(reader)?;
    if line.is_empty() {
        return Ok(None);
    }
    let mut words = line.split(' ');
    let mut word = || words.next().unwrap_or_default().to_owned();
    let (method, path) = (word(), word());
    let mut headers = Vec::new();
    loop {
        let line = line_of(reader)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut seen = Seen { method, path, headers, body: Vec::new() };
    if seen.header("transfer-encoding") == Some("chunked") {
        loop {
            let line = line_of(reader)?;
            let len = usize::from_str_radix(line.trim(), 16).map_err(|_| io::ErrorKind::InvalidData)?;
            let mut chunk = vec![0; len + 2];
            reader.read_exact(&mut chunk)?;
            if len == 0 {
                break;
            }
            seen.body.extend_from_slice(&chunk[..len]);
        }
    } else if let Some(len) = seen.header("content-length") {
        let mut body = vec![0; len.parse().map_err(|_| io::ErrorKind::InvalidData)?];
        reader.read_exact(&mut body)?;
        seen.body = body;
    }
    Ok(Some(seen))
}

/// A line, its bytes taken for Latin-1.
fn line_of(reader: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    Ok(line.into_iter().map(char::from).collect())
}
