//! Long messages in memory that host and worker share, instead of through the socket: the kernel would copy them twice.
//!
//! There are a few slots for each direction. Whoever sends claims a free one, writes the body into it and says on the
//! socket where it lies; so messages keep their order. A record stays where it is until its isolate has let go of it;
//! a report is copied by the host before it is looked at, because the worker could still change it. Where no slot is
//! free, or a body is longer than one, the socket takes it.
//!
//! The worker may write anything here, and say that anything is free: it harms itself alone, for the host never reads
//! what it has written here for a worker.

use std::ops::Deref;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, munmap};

use super::frame::{self, Builder, Kind, MAX_FRAME, Message};
use super::wire::{Put, Reader, WireError};
use super::words::Words;

/// A shorter message costs the kernel less than it costs to find a slot.
const LEAST: usize = 8 << 10;
/// States lie so far apart, so that those of neighbours are never written to at the same time.
const APART: usize = 64;
const STATES: usize = 64 << 10;

const FREE: u32 = 0;
const TAKEN: u32 = 1;

/// The slots of one direction.
#[derive(Debug, Clone, Copy)]
struct Row {
    first: u32,
    count: u32,
    at: usize,
    /// Bytes of each.
    len: usize,
}

/// From the host to the worker: as many as isolates may have at hand while their results are on the way.
const DOWN: Row = Row { first: 0, count: 64, at: STATES, len: 1 << 20 };
/// From the worker to the host, which empties them at once.
const UP: Row = Row { first: DOWN.count, count: 8, at: DOWN.at + DOWN.count as usize * DOWN.len, len: 512 << 10 };
/// Of all together.
pub(super) const BYTES: usize = UP.at + UP.count as usize * UP.len;

const ALL: usize = (DOWN.count + UP.count) as usize;
// A longer body is in several frames.
const _: () = assert!(DOWN.len <= MAX_FRAME && UP.len <= MAX_FRAME);
const _: () = assert!(ALL * APART <= STATES);

/// Nothing has been in the slot since its memory was given back.
const UNUSED: u8 = 0;
const USED: u8 = 1;
/// Used, but not since the last look.
const RESTING: u8 = 2;

/// The slots of one worker, as one of both sides has them in its memory.
#[derive(Debug)]
pub struct Slots {
    at: *mut u8,
    /// What this side knows of the use of each.
    used: [AtomicU8; ALL],
}

// SAFETY: the mapping lives as long as `Slots`, and states are atomic. The host writes only to slots of `DOWN` that it has
// claimed, never reads them, and copies those of `UP` before it looks at them; a worker that keeps to the protocol writes
// only to slots of `UP` that it has claimed. One that does not spoils what it reads itself, or what is a copy by then.
unsafe impl Send for Slots {}
// SAFETY: as above.
unsafe impl Sync for Slots {}

/// Where a body lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    slot: u32,
    len: u32,
}

impl Place {
    fn read(notice: &[u8]) -> Result<Place, WireError> {
        let mut reader = Reader::new(notice);
        let place = Place { slot: reader.u32()?, len: reader.u32()? };
        reader.finish()?;
        Ok(place)
    }
}

impl Slots {
    pub(super) fn open(fd: &impl AsFd, offset: u64) -> std::io::Result<Slots> {
        // SAFETY: a fresh shared mapping of a descriptor that is at least this long; nothing else is mapped there.
        let at = unsafe {
            mmap(std::ptr::null_mut(), BYTES, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, fd, offset)?
        };
        Ok(Slots { at: at.cast(), used: [const { AtomicU8::new(UNUSED) }; ALL] })
    }

    /// Puts what is to be sent into a slot if it is a long `Run` or `Settled`. Returns what is sent instead of it; `None`
    /// where it has to go itself.
    pub fn pack(&self, message: &[u8]) -> Option<Vec<u8>> {
        let (kind, channel, body) = frame::single(message)?;
        let (row, kind) = match kind {
            Kind::Run => (&DOWN, Kind::RunAt),
            Kind::Settled => (&UP, Kind::SettledAt),
            _ => return None,
        };
        if body.len() < LEAST || body.len() > row.len {
            return None;
        }
        // The lowest free one: of what was used last, most is still in a cache.
        let slot = (row.first..row.first + row.count).find(|slot| self.claim(*slot))?;
        // SAFETY: the slot is ours until its state says otherwise, and so long at least.
        unsafe { std::ptr::copy_nonoverlapping(body.as_ptr(), self.start(row, slot), body.len()) };
        self.used[slot as usize].store(USED, Ordering::Relaxed);
        let mut notice = Builder::new(kind, channel);
        notice.body().put_u32(slot);
        notice.body().put_u32(body.len() as u32);
        Some(notice.finish())
    }

    /// How many long `Run` messages could be put now.
    pub fn free_for_runs(&self) -> usize {
        let is_free = |slot: &u32| self.state(*slot).load(Ordering::Relaxed) == FREE;
        (DOWN.first..DOWN.first + DOWN.count).filter(is_free).count()
    }

    /// The message that a worker's notice stands for; any other as it is.
    pub fn unpack(&self, message: Message) -> Result<Message, WireError> {
        if message.kind != Kind::SettledAt {
            return Ok(message);
        }
        let body = self.take_settled(&message.body)?;
        Ok(Message { kind: Kind::Settled, body, ..message })
    }

    /// The body that a notice speaks of, copied, since whoever wrote it may go on writing. The slot is free then.
    fn take_settled(&self, notice: &[u8]) -> Result<Vec<u8>, WireError> {
        let place = self.find(&UP, notice)?;
        let len = place.len as usize;
        let mut body = Vec::with_capacity(len);
        // SAFETY: the place lies within the mapping, and the copy within its own memory. Should it be written to
        // meanwhile, the copy has bytes of both, which are checked like any others.
        unsafe {
            std::ptr::copy_nonoverlapping(self.start(&UP, place.slot), body.as_mut_ptr(), len);
            body.set_len(len);
        }
        self.used[place.slot as usize].store(USED, Ordering::Relaxed);
        self.free(place.slot);
        Ok(body)
    }

    fn find(&self, row: &Row, notice: &[u8]) -> Result<Place, WireError> {
        let place = Place::read(notice)?;
        if !(row.first..row.first + row.count).contains(&place.slot) {
            return Err(WireError::Invalid { what: "slot", value: place.slot.into() });
        }
        if place.len as usize > row.len {
            return Err(WireError::Invalid { what: "length in a slot", value: place.len.into() });
        }
        Ok(place)
    }

    /// Called every second or so by the host: gives the memory of slots back that were not used since the last time.
    pub fn tidy(&self) {
        for row in [&DOWN, &UP] {
            for slot in row.first..row.first + row.count {
                let used = &self.used[slot as usize];
                match used.load(Ordering::Relaxed) {
                    USED => used.store(RESTING, Ordering::Relaxed),
                    RESTING => self.empty(row, slot),
                    _ => {}
                }
            }
        }
    }

    /// A slot that is in use keeps its memory until the next look.
    fn empty(&self, row: &Row, slot: u32) {
        if self.claim(slot) {
            // SAFETY: the slot is ours, so nobody has a reference into it.
            let _ = unsafe { madvise(self.start(row, slot).cast(), row.len, Advice::LinuxRemove) };
            self.used[slot as usize].store(UNUSED, Ordering::Relaxed);
            self.free(slot);
        }
    }

    fn claim(&self, slot: u32) -> bool {
        let state = self.state(slot);
        state.load(Ordering::Relaxed) == FREE
            && state.compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    fn free(&self, slot: u32) {
        self.state(slot).store(FREE, Ordering::Release);
    }

    fn state(&self, slot: u32) -> &AtomicU32 {
        // SAFETY: states lie at the beginning of the mapping, which is aligned to a page and lives as long as `self`.
        unsafe { &*self.at.add(slot as usize * APART).cast() }
    }

    fn start(&self, row: &Row, slot: u32) -> *mut u8 {
        // SAFETY: the slot is one of the row's, and so lies within the mapping.
        unsafe { self.at.add(row.at + (slot - row.first) as usize * row.len) }
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `open` with this length, and nobody can hold a reference into it any more.
        let _ = unsafe { munmap(self.at.cast(), BYTES) };
    }
}

/// The body of a `Run` message as the worker has it.
#[derive(Debug)]
pub enum Body {
    /// It came through the socket.
    Own(Vec<u8>),
    Lent(Lent),
}

/// A body in a slot, which is free again when this goes.
#[derive(Debug)]
pub struct Lent {
    words: Arc<Words>,
    place: Place,
}

impl Lent {
    /// The body that a notice of the host's speaks of.
    pub fn of(words: &Arc<Words>, notice: &[u8]) -> Result<Lent, WireError> {
        let place = words.slots().find(&DOWN, notice)?;
        Ok(Lent { words: Arc::clone(words), place })
    }
}

impl Deref for Lent {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the place was checked to lie within the mapping, which `words` keeps. The host writes to the slot only
        // while it is free, and it is not before `self` goes.
        unsafe { std::slice::from_raw_parts(self.words.slots().start(&DOWN, self.place.slot), self.place.len as usize) }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.words.slots().free(self.place.slot);
    }
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Body::Own(body) => body,
            Body::Lent(body) => body,
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(body: Vec<u8>) -> Body {
        Body::Own(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both_sides() -> (Words, Arc<Words>) {
        let (host, fd) = Words::create().unwrap();
        let worker = Words::open(&fd).unwrap();
        (host, Arc::new(worker))
    }

    fn body(len: usize, salt: usize) -> Vec<u8> {
        (0..len).map(|n| (n + salt) as u8).collect()
    }

    fn parsed(notice: &[u8]) -> Message {
        let mut assembler = crate::protocol::frame::Assembler::default();
        let mut rest = notice;
        while !rest.is_empty() {
            let filled: Result<usize, ()> = assembler.fill(|room| {
                let count = rest.len().min(room.len());
                room[..count].copy_from_slice(&rest[..count]);
                Ok(count)
            });
            rest = &rest[filled.unwrap()..];
        }
        assembler.next_message().unwrap().unwrap()
    }

    #[test]
    fn records_lie_where_they_are_until_the_worker_lets_go_of_them() {
        let (host, worker) = both_sides();
        let message = |salt| Builder::with_body(Kind::Run, 7, &body(100_000, salt));
        let mut lent: Vec<Lent> = (0..DOWN.count as usize)
            .map(|salt| {
                let notice = parsed(&host.slots().pack(&message(salt)).unwrap());
                assert_eq!((notice.kind, notice.channel), (Kind::RunAt, 7));
                Lent::of(&worker, &notice.body).unwrap()
            })
            .collect();
        assert_eq!(host.slots().pack(&message(0)), None, "none is free");
        assert!(lent.iter().enumerate().all(|(salt, lent)| **lent == body(100_000, salt)));
        lent.remove(5);
        assert!(host.slots().pack(&message(99)).is_some());
        assert!(lent.iter().all(|lent| lent.len() == 100_000));
    }

    #[test]
    fn what_the_worker_says_is_copied_and_its_slot_free_at_once() {
        let (host, worker) = both_sides();
        for salt in 0..3 * UP.count as usize {
            let message = Builder::with_body(Kind::Settled, 3, &body(LEAST + salt, salt));
            let notice = parsed(&worker.slots().pack(&message).unwrap());
            assert_eq!((notice.kind, notice.channel), (Kind::SettledAt, 3));
            assert_eq!(host.slots().take_settled(&notice.body).unwrap(), body(LEAST + salt, salt));
        }
    }

    #[test]
    fn what_is_short_or_longer_than_a_slot_goes_through_the_socket() {
        let (host, _worker) = both_sides();
        for len in [0, LEAST - 1, DOWN.len + 1] {
            assert_eq!(host.slots().pack(&Builder::with_body(Kind::Run, 1, &body(len, 0))), None, "{len}");
        }
        assert!(host.slots().pack(&Builder::with_body(Kind::Run, 1, &body(DOWN.len, 0))).is_some());
    }

    #[test]
    fn a_notice_of_a_place_that_cannot_be_is_refused() {
        let (host, _worker) = both_sides();
        let notice = |slot: u32, len: u32| [slot.to_le_bytes(), len.to_le_bytes()].concat();
        for (slot, len) in [(0, 10), (UP.first - 1, 10), (UP.first + UP.count, 10), (u32::MAX, 10)] {
            assert!(host.slots().take_settled(&notice(slot, len)).is_err(), "{slot}");
        }
        assert!(host.slots().take_settled(&notice(UP.first, UP.len as u32 + 1)).is_err());
        assert!(host.slots().take_settled(&notice(UP.first, u32::MAX)).is_err());
        assert!(host.slots().take_settled(&notice(UP.first, 1)[..7]).is_err());
        assert_eq!(host.slots().take_settled(&notice(UP.first, UP.len as u32)).unwrap().len(), UP.len);
    }

    #[test]
    fn memory_that_rests_is_given_back_but_not_what_is_in_use() {
        let (host, worker) = both_sides();
        let put = |salt| parsed(&host.slots().pack(&Builder::with_body(Kind::Run, 1, &body(9000, salt))).unwrap()).body;
        let first_notice = put(1);
        let first = Lent::of(&worker, &first_notice).unwrap();
        let second = put(2);
        drop(Lent::of(&worker, &second).unwrap());
        host.slots().tidy();
        let old = Lent::of(&worker, &second).unwrap();
        assert_eq!(*old, body(9000, 2), "it was used since the last look");
        drop(old);
        host.slots().tidy();
        assert_eq!(*first, body(9000, 1));
        assert_eq!(*Lent::of(&worker, &second).unwrap(), vec![0; 9000], "its memory is gone");
        drop(first);
        host.slots().tidy();
        let first = Lent::of(&worker, &first_notice).unwrap();
        assert_eq!(*first, vec![0; 9000], "and so is that of one that was in use then");
        drop(first);
        let again = put(3);
        assert_eq!(*Lent::of(&worker, &again).unwrap(), body(9000, 3));
    }
}
