//! Messages on the socket: cut into frames on the way out, put together and checked on the way in.
//!
//! A frame is a header of 12 bytes and at most [`MAX_FRAME`] bytes of a body:
//! length `u32`, channel `u32`, kind `u16`, flags `u16`; the flag [`LAST`] ends the message.
//! Frames of one channel stay in order; frames of different channels may be interleaved.

use std::collections::HashMap;

use thiserror::Error;

/// Most bytes of a body in one frame.
pub const MAX_FRAME: usize = 1 << 20;
/// Most bytes of a whole message. Kafka's own records end at 2 GiB; ours at what one isolate can hold.
pub const MAX_MESSAGE: usize = 256 << 20;
pub const HEADER: usize = 12;
const LAST: u16 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Kind {
    Hello = 1,
    Prepare = 2,
    Prepared = 3,
    Load = 4,
    Loaded = 5,
    Run = 6,
    Settled = 7,
    Recall = 8,
    Unload = 9,
    Unloaded = 10,
    Log = 11,
    Call = 12,
    Reply = 13,
    Spare = 14,
    RunAt = 15,
    SettledAt = 16,
}

impl Kind {
    fn from_u16(value: u16) -> Option<Kind> {
        use Kind::*;
        let all = [
            Hello, Prepare, Prepared, Load, Loaded, Run, Settled, Recall, Unload, Unloaded, Log, Call, Reply, Spare,
            RunAt, SettledAt,
        ];
        all.into_iter().find(|kind| *kind as u16 == value)
    }

    /// The kind of a finished message.
    pub fn of(message: &[u8]) -> Option<Kind> {
        Kind::from_u16(u16::from_le_bytes(*message.get(8..)?.first_chunk()?))
    }
}

/// One whole message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub kind: Kind,
    pub channel: u32,
    pub body: Vec<u8>,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum FrameError {
    #[error("frame of {0} bytes is longer than allowed")]
    FrameTooLong(usize),
    #[error("message of more than {MAX_MESSAGE} bytes")]
    MessageTooLong,
    #[error("unknown message kind {0}")]
    UnknownKind(u16),
    #[error("kind changed within a message on channel {0}")]
    KindChanged(u32),
    #[error("more than {MAX_PARTIAL} messages are open at once")]
    TooManyOpen,
    #[error("messages that are open at once have more than {0} bytes")]
    TooMuchOpen(usize),
}

/// Most messages that may be incomplete at once.
const MAX_PARTIAL: usize = 1024;
/// Most bytes of all incomplete messages together: two of the largest.
const MAX_OPEN: usize = 2 * MAX_MESSAGE;

/// A message's bytes while it is built: room for the header first, so that the body need not be moved.
#[derive(Debug)]
pub struct Builder {
    kind: Kind,
    channel: u32,
    bytes: Vec<u8>,
}

impl Builder {
    pub fn new(kind: Kind, channel: u32) -> Builder {
        Builder::reusing(Vec::new(), kind, channel)
    }

    /// As [`Builder::new`], in a buffer that was used before.
    pub fn reusing(mut bytes: Vec<u8>, kind: Kind, channel: u32) -> Builder {
        bytes.clear();
        bytes.resize(HEADER, 0);
        Builder { kind, channel, bytes }
    }

    pub fn with_body(kind: Kind, channel: u32, body: &[u8]) -> Vec<u8> {
        let mut builder = Builder::new(kind, channel);
        builder.body().extend_from_slice(body);
        builder.finish()
    }

    /// The buffer to append the body to. What is in front of it must stay.
    pub fn body(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    pub fn len(&self) -> usize {
        self.bytes.len() - HEADER
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The message as it goes to the socket. Only a body above [`MAX_FRAME`] is copied.
    pub fn finish(mut self) -> Vec<u8> {
        let len = self.len();
        if len <= MAX_FRAME {
            let header = header(len, self.channel, self.kind, LAST);
            self.bytes[..HEADER].copy_from_slice(&header);
            return self.bytes;
        }
        let mut out = Vec::with_capacity(self.bytes.len() + (len / MAX_FRAME + 1) * HEADER);
        let mut chunks = self.bytes[HEADER..].chunks(MAX_FRAME).peekable();
        while let Some(chunk) = chunks.next() {
            let flags = if chunks.peek().is_none() { LAST } else { 0 };
            out.extend_from_slice(&header(chunk.len(), self.channel, self.kind, flags));
            out.extend_from_slice(chunk);
        }
        out
    }
}

fn header(len: usize, channel: u32, kind: Kind, flags: u16) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[0..4].copy_from_slice(&(len as u32).to_le_bytes());
    bytes[4..8].copy_from_slice(&channel.to_le_bytes());
    bytes[8..10].copy_from_slice(&(kind as u16).to_le_bytes());
    bytes[10..12].copy_from_slice(&flags.to_le_bytes());
    bytes
}

/// What the header of a frame says.
struct Head {
    len: usize,
    channel: u32,
    kind: u16,
    last: bool,
}

impl Head {
    fn read(bytes: &[u8; HEADER]) -> Head {
        let [l0, l1, l2, l3, c0, c1, c2, c3, k0, k1, f0, f1] = *bytes;
        Head {
            len: u32::from_le_bytes([l0, l1, l2, l3]) as usize,
            channel: u32::from_le_bytes([c0, c1, c2, c3]),
            kind: u16::from_le_bytes([k0, k1]),
            last: u16::from_le_bytes([f0, f1]) & LAST != 0,
        }
    }
}

/// Kind, channel and body of what is to be sent, if it is one message in one frame.
pub fn single(bytes: &[u8]) -> Option<(Kind, u32, &[u8])> {
    let (head, body) = bytes.split_first_chunk()?;
    let head = Head::read(head);
    let is_single = head.last && head.len == body.len();
    is_single.then_some((Kind::from_u16(head.kind)?, head.channel, body))
}

/// Puts messages together from whatever the socket delivers.
#[derive(Debug)]
pub struct Assembler {
    buffer: Vec<u8>,
    /// `buffer[start..end]` has arrived and no message has claimed it yet.
    start: usize,
    end: usize,
    /// A message in one frame of which not all has arrived, with room for all. What comes next is its own, so it is read
    /// into its place at once.
    arriving: Option<(Message, usize)>,
    partial: HashMap<u32, (Kind, Vec<u8>)>,
    /// Bytes of all that is in `partial`, and how many they may be.
    open: usize,
    most_open: usize,
}

impl Default for Assembler {
    fn default() -> Self {
        Assembler {
            buffer: Vec::new(),
            start: 0,
            end: 0,
            arriving: None,
            partial: HashMap::new(),
            open: 0,
            most_open: MAX_OPEN,
        }
    }
}

impl Assembler {
    /// Lets `read` write what arrives where it belongs; it returns how many bytes it wrote.
    pub fn fill<E>(&mut self, read: impl FnOnce(&mut [u8]) -> Result<usize, E>) -> Result<usize, E> {
        /// Little, because of a long message only what does not fit in here is read into its place.
        const ROOM: usize = 32 << 10;
        if let Some((message, arrived)) = &mut self.arriving {
            let room = &mut message.body[*arrived..];
            let most = room.len();
            let count = read(room)?.min(most);
            *arrived += count;
            return Ok(count);
        }
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.buffer.len() - self.end < ROOM {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            self.buffer.resize(self.end + ROOM, 0);
        }
        let room = &mut self.buffer[self.end..];
        let most = room.len();
        let count = read(room)?.min(most);
        self.end += count;
        Ok(count)
    }

    /// The next whole message, if there is one.
    pub fn next_message(&mut self) -> Result<Option<Message>, FrameError> {
        if let Some((message, arrived)) = self.arriving.take() {
            if arrived == message.body.len() {
                return Ok(Some(message));
            }
            self.arriving = Some((message, arrived));
            return Ok(None);
        }
        loop {
            let rest = &self.buffer[self.start..self.end];
            let Some(header) = rest.first_chunk::<HEADER>() else { return Ok(None) };
            let Head { len, channel, kind, last } = Head::read(header);
            let kind = Kind::from_u16(kind).ok_or(FrameError::UnknownKind(kind))?;
            if len > MAX_FRAME {
                return Err(FrameError::FrameTooLong(len));
            }
            let Some(chunk) = rest.get(HEADER..HEADER + len) else {
                if last && self.partial.is_empty() {
                    self.begin(Message { kind, channel, body: vec![0; len] });
                }
                return Ok(None);
            };
            self.start += HEADER + len;
            if last && self.partial.is_empty() {
                return Ok(Some(Message { kind, channel, body: chunk.to_vec() }));
            }
            let room = self.partial.len() < MAX_PARTIAL;
            let (open, body) = match self.partial.entry(channel) {
                std::collections::hash_map::Entry::Vacant(_) if !room => return Err(FrameError::TooManyOpen),
                entry => entry.or_insert_with(|| (kind, Vec::new())),
            };
            if *open != kind {
                return Err(FrameError::KindChanged(channel));
            }
            if body.len() + len > MAX_MESSAGE {
                return Err(FrameError::MessageTooLong);
            }
            if self.open + len > self.most_open {
                return Err(FrameError::TooMuchOpen(self.most_open));
            }
            self.open += len;
            body.extend_from_slice(chunk);
            if last {
                let body = self.partial.remove(&channel).map(|(_, body)| body).unwrap_or_default();
                self.open -= body.len();
                return Ok(Some(Message { kind, channel, body }));
            }
        }
    }

    /// The rest of what has arrived is the beginning of this message.
    fn begin(&mut self, mut message: Message) {
        let rest = &self.buffer[self.start + HEADER..self.end];
        message.body[..rest.len()].copy_from_slice(rest);
        self.arriving = Some((message, rest.len()));
        (self.start, self.end) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn feed(assembler: &mut Assembler, mut bytes: &[u8], step: usize) -> Result<Vec<Message>, FrameError> {
        let mut messages = Vec::new();
        while !bytes.is_empty() {
            let filled: Result<usize, ()> = assembler.fill(|room| {
                let count = step.min(bytes.len()).min(room.len());
                room[..count].copy_from_slice(&bytes[..count]);
                Ok(count)
            });
            bytes = &bytes[filled.unwrap()..];
            while let Some(message) = assembler.next_message()? {
                messages.push(message);
            }
        }
        Ok(messages)
    }

    #[test]
    fn a_message_above_the_frame_limit_travels_in_pieces_and_arrives_whole() {
        let body: Vec<u8> = (0..3 * MAX_FRAME + 17).map(|n| n as u8).collect();
        let bytes = Builder::with_body(Kind::Run, 7, &body);
        assert!(bytes.len() > body.len() + 3 * HEADER);
        let messages = feed(&mut Assembler::default(), &bytes, 100_000).unwrap();
        assert_eq!(messages, vec![Message { kind: Kind::Run, channel: 7, body }]);
    }

    #[test]
    fn pieces_of_different_channels_may_be_interleaved() {
        let long = vec![1; MAX_FRAME + 1];
        let bytes = Builder::with_body(Kind::Run, 1, &long);
        let (first, second) = bytes.split_at(HEADER + MAX_FRAME);
        let between = Builder::with_body(Kind::Log, 2, b"hello");
        let mut assembler = Assembler::default();
        let messages = feed(&mut assembler, &[first, &between, second].concat(), 200_000).unwrap();
        assert_eq!(messages[0].body, b"hello");
        assert_eq!(messages[1].body, long);
    }

    #[test]
    fn a_frame_that_claims_too_much_is_refused_before_it_is_read() {
        let bytes = header(MAX_FRAME + 1, 1, Kind::Log, LAST);
        assert_eq!(feed(&mut Assembler::default(), &bytes, 12), Err(FrameError::FrameTooLong(MAX_FRAME + 1)));
    }

    #[test]
    fn incomplete_messages_are_bounded_together_and_not_only_one_by_one() {
        let mut assembler = Assembler { most_open: 3 * MAX_FRAME, ..Assembler::default() };
        let frame = |channel, flags| {
            let mut bytes = header(MAX_FRAME, channel, Kind::Settled, flags).to_vec();
            bytes.resize(HEADER + MAX_FRAME, 0);
            bytes
        };
        // What is complete no longer counts, however often.
        for _ in 0..4 {
            let whole = [frame(1, 0), frame(2, 0), frame(1, LAST), frame(2, LAST)].concat();
            assert_eq!(feed(&mut assembler, &whole, 200_000).unwrap().len(), 2);
        }
        for channel in 1..=3 {
            assert_eq!(feed(&mut assembler, &frame(channel, 0), 200_000), Ok(Vec::new()));
        }
        assert_eq!(feed(&mut assembler, &frame(4, 0), 200_000), Err(FrameError::TooMuchOpen(3 * MAX_FRAME)));
    }

    proptest! {
        #[test]
        fn messages_arrive_as_sent_whatever_the_reads(bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..20), step in 1usize..400) {
            let bytes: Vec<u8> = bodies.iter().enumerate().flat_map(|(n, body)| Builder::with_body(Kind::Settled, n as u32, body)).collect();
            let messages = feed(&mut Assembler::default(), &bytes, step).unwrap();
            prop_assert_eq!(messages.into_iter().map(|message| message.body).collect::<Vec<_>>(), bodies);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = feed(&mut Assembler::default(), &bytes, 50);
        }
    }
}
