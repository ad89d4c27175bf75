//! What an isolate asks of its host, and the answers. All of it is about fetches: a `Call` begins one, sends a piece
//! of its request's body, says that a piece of the response has been used, or gives it up; a `Reply` is the other half.
//!
//! A fetch has an id that its worker never uses again, so that what comes too late finds nothing. Bodies travel in
//! pieces of at most [`MAX_CHUNK`]. In each direction at most [`WINDOW`] bytes may be on their way: whoever takes a
//! piece says so by `Taken`, and only then more may follow.

use super::frame::{Builder, Kind};
use super::wire::{Put, Reader, WireError};

/// Bytes of a body that may have been sent and not yet taken.
pub const WINDOW: usize = 64 << 10;
/// Longest piece of a body.
pub const MAX_CHUNK: usize = 32 << 10;
/// Longest URL.
pub const MAX_URL: usize = 16 << 10;
/// Longest method.
pub const MAX_METHOD: usize = 64;
/// Most headers of a request or a response, and the bytes of their names and values.
pub const MAX_HEADERS: usize = 128;
pub const MAX_HEADER_BYTES: usize = 64 << 10;
/// Fetches that an isolate may have open at once, however many invocations wait in it, unless a single one may have
/// more.
const MAX_FETCHES: usize = 256;

/// How many fetches an isolate may have open whose invocations may have `each`.
pub fn most_open(each: u32) -> usize {
    MAX_FETCHES.max(each as usize)
}

/// What happens when the answer is a redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redirect {
    Follow,
    Error,
    Manual,
}

/// What follows a request's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestBody {
    None,
    /// So many bytes, which can be sent again.
    Whole(u64),
    /// Any number of bytes, once.
    Stream,
}

pub type HeaderList = Vec<(Vec<u8>, Vec<u8>)>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    pub url: String,
    pub headers: HeaderList,
    pub redirect: Redirect,
    pub body: RequestBody,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseHead {
    pub status: u16,
    /// What stands behind the status; empty where the protocol has no such text.
    pub reason: String,
    /// Where the answer came from in the end.
    pub url: String,
    pub redirected: bool,
    pub headers: HeaderList,
    /// Whether pieces of a body follow, and their end.
    pub has_body: bool,
}

/// From the worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call<'a> {
    Fetch(Request),
    /// A piece of the request's body.
    Chunk(&'a [u8]),
    /// The request's body is complete.
    End,
    /// So many bytes of the response have been taken.
    Taken(u32),
    /// Nobody waits for it any more. Nothing follows.
    Cancel,
}

/// From the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply<'a> {
    Head(ResponseHead),
    /// A piece of the response's body.
    Chunk(&'a [u8]),
    /// The response's body is complete. Nothing follows.
    End,
    /// It failed, for this reason. Nothing follows.
    Failed(&'a str),
    /// So many bytes of the request's body have been taken.
    Taken(u32),
    /// The request's body is needed once more, from its beginning. Nothing of it counts as being on its way.
    Again,
}

const FETCH: u8 = 1;
const CHUNK: u8 = 2;
const END: u8 = 3;
const TAKEN: u8 = 4;
const CANCEL: u8 = 5;
const HEAD: u8 = 6;
const FAILED: u8 = 7;
const AGAIN: u8 = 8;

impl Call<'_> {
    /// The message, ready for the socket.
    pub fn encode(&self, channel: u32, id: u64) -> Vec<u8> {
        let mut builder = Builder::new(Kind::Call, channel);
        let out = builder.body();
        match self {
            Call::Fetch(request) => {
                begin(out, FETCH, id);
                put_request(out, request);
            }
            Call::Chunk(bytes) => put_chunk(out, id, bytes),
            Call::End => begin(out, END, id),
            Call::Taken(count) => put_taken(out, id, *count),
            Call::Cancel => begin(out, CANCEL, id),
        }
        builder.finish()
    }
}

impl<'a> Call<'a> {
    /// Reads the body of a `Call`. Whatever a worker that keeps to the limits cannot have sent is an error.
    pub fn decode(body: &'a [u8]) -> Result<(u64, Call<'a>), WireError> {
        let mut reader = Reader::new(body);
        let tag = reader.u8()?;
        let id = reader.u64()?;
        let call = match tag {
            FETCH => Call::Fetch(request(&mut reader)?),
            CHUNK => Call::Chunk(chunk(&mut reader)?),
            END => Call::End,
            TAKEN => Call::Taken(reader.u32()?),
            CANCEL => Call::Cancel,
            _ => return Err(invalid("kind of call", tag.into())),
        };
        reader.finish()?;
        Ok((id, call))
    }
}

impl Reply<'_> {
    /// The message, ready for the socket.
    pub fn encode(&self, channel: u32, id: u64) -> Vec<u8> {
        let mut builder = Builder::new(Kind::Reply, channel);
        let out = builder.body();
        match self {
            Reply::Head(head) => {
                begin(out, HEAD, id);
                out.put_u16(head.status);
                out.put_bytes(head.reason.as_bytes());
                out.put_bytes(head.url.as_bytes());
                out.put_u8(u8::from(head.redirected));
                out.put_u8(u8::from(head.has_body));
                put_headers(out, &head.headers);
            }
            Reply::Chunk(bytes) => put_chunk(out, id, bytes),
            Reply::End => begin(out, END, id),
            Reply::Failed(message) => {
                begin(out, FAILED, id);
                out.put_bytes(message.as_bytes());
            }
            Reply::Taken(count) => put_taken(out, id, *count),
            Reply::Again => begin(out, AGAIN, id),
        }
        builder.finish()
    }
}

impl<'a> Reply<'a> {
    /// Reads the body of a `Reply`.
    pub fn decode(body: &'a [u8]) -> Result<(u64, Reply<'a>), WireError> {
        let mut reader = Reader::new(body);
        let tag = reader.u8()?;
        let id = reader.u64()?;
        let reply = match tag {
            HEAD => Reply::Head(ResponseHead {
                status: reader.u16()?,
                reason: reader.text()?.to_owned(),
                url: reader.text()?.to_owned(),
                redirected: reader.u8()? != 0,
                has_body: reader.u8()? != 0,
                headers: headers(&mut reader)?,
            }),
            CHUNK => Reply::Chunk(chunk(&mut reader)?),
            END => Reply::End,
            FAILED => Reply::Failed(reader.text()?),
            TAKEN => Reply::Taken(reader.u32()?),
            AGAIN => Reply::Again,
            _ => return Err(invalid("kind of reply", tag.into())),
        };
        reader.finish()?;
        Ok((id, reply))
    }
}

fn invalid(what: &'static str, value: i64) -> WireError {
    WireError::Invalid { what, value }
}

fn begin(out: &mut Vec<u8>, tag: u8, id: u64) {
    out.put_u8(tag);
    out.put_u64(id);
}

fn put_chunk(out: &mut Vec<u8>, id: u64, bytes: &[u8]) {
    begin(out, CHUNK, id);
    out.put_bytes(bytes);
}

fn put_taken(out: &mut Vec<u8>, id: u64, count: u32) {
    begin(out, TAKEN, id);
    out.put_u32(count);
}

fn put_request(out: &mut Vec<u8>, request: &Request) {
    out.put_bytes(request.method.as_bytes());
    out.put_bytes(request.url.as_bytes());
    out.put_u8(request.redirect as u8);
    let (kind, length) = match request.body {
        RequestBody::None => (0, 0),
        RequestBody::Whole(length) => (1, length),
        RequestBody::Stream => (2, 0),
    };
    out.put_u8(kind);
    out.put_u64(length);
    put_headers(out, &request.headers);
}

fn put_headers(out: &mut Vec<u8>, headers: &HeaderList) {
    out.put_u32(headers.len() as u32);
    for (name, value) in headers {
        out.put_bytes(name);
        out.put_bytes(value);
    }
}

fn chunk<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], WireError> {
    let bytes = reader.bytes()?;
    match bytes.len() {
        1..=MAX_CHUNK => Ok(bytes),
        len => Err(invalid("length of a chunk", len as i64)),
    }
}

fn bounded<'a>(text: &'a str, most: usize, what: &'static str) -> Result<&'a str, WireError> {
    if text.len() > most { Err(invalid(what, text.len() as i64)) } else { Ok(text) }
}

fn request(reader: &mut Reader<'_>) -> Result<Request, WireError> {
    let method = bounded(reader.text()?, MAX_METHOD, "length of a method")?.to_owned();
    let url = bounded(reader.text()?, MAX_URL, "length of a URL")?.to_owned();
    let redirect = match reader.u8()? {
        0 => Redirect::Follow,
        1 => Redirect::Error,
        2 => Redirect::Manual,
        other => return Err(invalid("redirect", other.into())),
    };
    let body = match (reader.u8()?, reader.u64()?) {
        (0, _) => RequestBody::None,
        (1, length) => RequestBody::Whole(length),
        (2, _) => RequestBody::Stream,
        (other, _) => return Err(invalid("body", other.into())),
    };
    Ok(Request { method, url, redirect, body, headers: headers(reader)? })
}

fn headers(reader: &mut Reader<'_>) -> Result<HeaderList, WireError> {
    let count = reader.u32()? as usize;
    if count > MAX_HEADERS {
        return Err(invalid("number of headers", count as i64));
    }
    let mut headers = HeaderList::with_capacity(count);
    let mut bytes = 0;
    for _ in 0..count {
        let (name, value) = (reader.bytes()?, reader.bytes()?);
        bytes += name.len() + value.len();
        if bytes > MAX_HEADER_BYTES {
            return Err(invalid("length of the headers", bytes as i64));
        }
        headers.push((name.to_vec(), value.to_vec()));
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::frame::Assembler;

    fn body(message: &[u8]) -> Vec<u8> {
        let (mut assembler, mut rest) = (Assembler::default(), message);
        loop {
            let filled = assembler.fill(|room| std::io::Read::read(&mut rest, room));
            assert!(filled.unwrap() > 0);
            if let Some(message) = assembler.next_message().unwrap() {
                return message.body;
            }
        }
    }

    fn fetch() -> Request {
        Request {
            method: "POST".to_owned(),
            url: "https://a.example/b?c".to_owned(),
            headers: vec![(b"a".to_vec(), b"\xff".to_vec()), (b"b".to_vec(), Vec::new())],
            redirect: Redirect::Manual,
            body: RequestBody::Whole(7),
        }
    }

    #[test]
    fn calls_and_replies_arrive_as_they_were_sent() {
        for call in [Call::Fetch(fetch()), Call::Chunk(b"abc"), Call::End, Call::Taken(9), Call::Cancel] {
            assert_eq!(Call::decode(&body(&call.encode(3, 4))), Ok((4, call)));
        }
        let head = ResponseHead {
            status: 201,
            reason: "Created".to_owned(),
            url: "https://a.example/".to_owned(),
            redirected: true,
            headers: fetch().headers,
            has_body: true,
        };
        let replies =
            [Reply::Head(head), Reply::Chunk(b"abc"), Reply::End, Reply::Failed("why"), Reply::Taken(9), Reply::Again];
        for reply in replies {
            assert_eq!(Reply::decode(&body(&reply.encode(3, 4))), Ok((4, reply)));
        }
    }

    #[test]
    fn what_exceeds_a_limit_is_no_call() {
        let mut many = fetch();
        many.headers = vec![(b"a".to_vec(), Vec::new()); MAX_HEADERS + 1];
        let mut wide = fetch();
        wide.headers = vec![(b"a".to_vec(), vec![b'a'; MAX_HEADER_BYTES])];
        let long = Request { url: "a".repeat(MAX_URL + 1), ..fetch() };
        let shout = Request { method: "A".repeat(MAX_METHOD + 1), ..fetch() };
        for request in [many, wide, long, shout] {
            assert!(Call::decode(&body(&Call::Fetch(request).encode(1, 1))).is_err());
        }
        assert!(Call::decode(&body(&Call::Chunk(&[0; MAX_CHUNK + 1]).encode(1, 1))).is_err());
        assert!(Call::decode(&body(&Call::Chunk(b"").encode(1, 1))).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), tag in 0u8..10) {
            let _ = Call::decode(&[&[tag][..], &bytes].concat());
            let _ = Reply::decode(&[&[tag][..], &bytes].concat());
        }
    }
}
