//! The servers that attacks with `fetch` talk to: one that behaves badly, and a canary that nobody may reach.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// After this a connection is given up, whatever it was for.
const LONGEST: Duration = Duration::from_secs(20);

pub struct Server {
    pub port: u16,
    connections: Arc<AtomicUsize>,
}

impl Server {
    fn start(serve: fn(TcpStream) -> std::io::Result<()>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                counted.fetch_add(1, Ordering::Relaxed);
                let _ = stream.set_read_timeout(Some(LONGEST));
                let _ = stream.set_write_timeout(Some(LONGEST));
                // Whatever goes wrong with a connection is what the attack is about.
                thread::spawn(move || drop(serve(stream)));
            }
        });
        Server { port, connections }
    }

    pub fn hostile() -> Server {
        Server::start(answer)
    }

    pub fn canary() -> Server {
        Server::start(|mut stream| {
            read_head(&mut stream)?;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\ncanary")
        })
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

fn read_head(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut head = Vec::new();
    let mut room = [0; 4096];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") && head.len() < 1 << 20 {
        let count = stream.read(&mut room)?;
        if count == 0 {
            break;
        }
        head.extend_from_slice(&room[..count]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let head = read_head(&mut stream)?;
    let target = head.split(' ').nth(1).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    match path {
        "/redirect" => {
            let to = if query.ends_with("/again") { target } else { query };
            let answer =
                format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes())
        }
        "/again" => stream.write_all(b"HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n"),
        "/endless" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")?;
            for _ in 0..4 << 10 {
                stream.write_all(&[b'x'; 1 << 20])?;
            }
            Ok(())
        }
        "/bomb" => bomb(&mut stream),
        "/drip" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")?;
            for _ in 0..LONGEST.as_millis() / 50 {
                stream.write_all(b"x")?;
                thread::sleep(Duration::from_millis(50));
            }
            Ok(())
        }
        // Until whoever asked goes away.
        "/silent" => stream.read(&mut [0]).map(drop),
        "/endless-head" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
            for n in 0..1 << 20 {
                stream.write_all(format!("x-{n}: {}\r\n", "y".repeat(1000)).as_bytes())?;
            }
            Ok(())
        }
        "/garbage" => stream.write_all(b"\0\xffHTTP/9.9 -1\r\n: :\r\ncontent-length: -5\r\n\r\n"),
        _ => {
            let len = head.len();
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {len}\r\nconnection: close\r\n\r\n{head}");
            stream.write_all(answer.as_bytes())
        }
    }
}

/// Gigabytes of zeros in gzip: a literal zero, then "the 258 bytes at distance 1 again", over and over, in 13 bits each.
fn bomb(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n")?;
    let mut bits: Vec<bool> = Vec::new();
    // The last block, with fixed codes; then the literal 0, whose code is 00110000.
    bits.extend([true, true, false]);
    bits.extend([false, false, true, true, false, false, false, false]);
    let lead = bits.len();
    let repeat = [true, true, false, false, false, true, false, true, false, false, false, false, false];
    for _ in 0..8 * 1024 {
        bits.extend(repeat);
    }
    let bytes = |bits: &[bool]| -> Vec<u8> {
        bits.chunks(8).map(|eight| (0..).zip(eight).fold(0, |byte, (at, bit)| byte | u8::from(*bit) << at)).collect()
    };
    stream.write_all(b"\x1f\x8b\x08\0\0\0\0\0\0\x03")?;
    // Whole turns of the pattern are whole bytes, so the part behind the first can be sent again and again.
    let head_bits = lead.next_multiple_of(8) - lead;
    let all = bytes(&bits);
    stream.write_all(&all[..1 + lead / 8])?;
    let mut rest = bits[lead + head_bits..].to_vec();
    rest.extend(&bits[lead..lead + head_bits]);
    let rest = bytes(&rest);
    for _ in 0..1024 {
        stream.write_all(&rest)?;
    }
    Ok(())
}
