//! A broker that for a while knows of topics but of no broker, as one does that has just come back.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use eddyline::kafka::{Settings, TopicInfo};

use super::support::topics;
use crate::support::eventually;

const METADATA: i16 = 3;
const API_VERSIONS: i16 = 18;
const TOPIC: &str = "t";

/// Speaks as much of Kafka's protocol as it takes to be asked for topics.
struct Broker {
    port: u16,
    /// Whether it names itself among the brokers.
    is_known: AtomicBool,
    /// How often it has answered without doing so.
    nameless: AtomicU32,
}

impl Broker {
    fn start() -> Arc<Broker> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let broker = Arc::new(Broker { port, is_known: AtomicBool::new(true), nameless: AtomicU32::new(0) });
        let own = Arc::clone(&broker);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let broker = Arc::clone(&own);
                thread::spawn(move || while broker.answer_one(&stream).is_ok() {});
            }
        });
        broker
    }

    /// Reads a request and writes its answer.
    fn answer_one(&self, mut stream: &TcpStream) -> std::io::Result<()> {
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let mut request = vec![0; u32::from_be_bytes(length) as usize];
        stream.read_exact(&mut request)?;
        let key = i16::from_be_bytes([request[0], request[1]]);
        // The answer begins with the request's number.
        let mut answer = request[4..8].to_vec();
        match key {
            API_VERSIONS => api_versions(&mut answer),
            METADATA => self.metadata(&mut answer),
            other => panic!("it was asked for {other}, which it does not offer"),
        }
        stream.write_all(&(answer.len() as u32).to_be_bytes())?;
        stream.write_all(&answer)
    }

    /// Version 1: brokers, the controller, topics.
    fn metadata(&self, out: &mut Vec<u8>) {
        if self.is_known.load(Ordering::Acquire) {
            put_i32(out, &[1, 1]);
            put_text(out, "127.0.0.1");
            put_i32(out, &[i32::from(self.port)]);
            put_i16(out, &[-1]);
            put_i32(out, &[1]);
        } else {
            self.nameless.fetch_add(1, Ordering::AcqRel);
            put_i32(out, &[0, -1]);
        }
        put_i32(out, &[1]);
        put_i16(out, &[0]);
        put_text(out, TOPIC);
        out.push(0);
        // One partition: no error, its number, its leader, replicas and those in sync.
        put_i32(out, &[1]);
        put_i16(out, &[0]);
        put_i32(out, &[0, 1, 1, 1, 1, 1]);
    }
}

/// Version 3: no error, what is offered as a compact list, no throttling, no tags.
fn api_versions(out: &mut Vec<u8>) {
    put_i16(out, &[0]);
    out.push(3);
    for (key, newest) in [(METADATA, 1), (API_VERSIONS, 3)] {
        put_i16(out, &[key, 0, newest]);
        out.push(0);
    }
    put_i32(out, &[0]);
    out.push(0);
}

fn put_i16(out: &mut Vec<u8>, numbers: &[i16]) {
    out.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
}

fn put_i32(out: &mut Vec<u8>, numbers: &[i32]) {
    out.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_i16(out, &[text.len() as i16]);
    out.extend(text.as_bytes());
}

#[test]
fn a_client_finds_back_to_a_broker_that_for_a_while_named_none() {
    let broker = Broker::start();
    let topics = topics(&Settings::new(format!("127.0.0.1:{}", broker.port)));
    let look = || topics.describe(&[TOPIC], Duration::from_secs(1)).ok()?.remove(0);
    let expected = TopicInfo { name: TOPIC.to_owned(), partitions: 1 };
    assert_eq!(eventually("it is seen", look), expected);
    broker.is_known.store(false, Ordering::Release);
    eventually("it has answered without a name", || {
        let _ = look();
        (broker.nameless.load(Ordering::Acquire) > 0).then_some(())
    });
    broker.is_known.store(true, Ordering::Release);
    let served = broker.nameless.load(Ordering::Acquire);
    assert_eq!(eventually("it is asked and seen again", look), expected, "after {served} answers");
}
