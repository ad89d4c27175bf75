//! The memory that a worker shares with its host: for each isolate one word that says what it is running, and one that
//! says how much memory it holds; behind them the [`slots`] for long messages.
//!
//! When a worker dies without a word on the socket, this is what still tells which invocation was running and whose
//! memory grew. The worker may write anything here: what is read is a hint, and what it leads to must be bounded.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use super::slots::{self, Slots};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// Most isolates that one worker may hold; their channels are 1 to this number.
pub const MAX_ISOLATES: usize = 4096;
/// Words of either kind; the first of each belongs to no channel.
const COUNT: usize = MAX_ISOLATES + 1;
const BYTES: usize = 2 * COUNT * size_of::<AtomicU64>();
/// Where the slots begin; pages of any size end there.
const SLOTS_AT: u64 = 128 << 10;
const _: () = assert!(BYTES as u64 <= SLOTS_AT);
/// The word of an isolate whose code runs when it cannot be said for which invocation.
pub const SOMETHING: u64 = u64::MAX;

/// What an isolate was running, by its own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Running {
    Nothing,
    Invocation(u64),
    /// Modules that load, promises that go on, or what an invocation left behind.
    Something,
}

#[derive(Debug)]
pub struct Words {
    at: *mut AtomicU64,
    slots: Slots,
}

// SAFETY: the mapping lives as long as `Words` and is only reached through atomics.
unsafe impl Send for Words {}
// SAFETY: as above.
unsafe impl Sync for Words {}

impl Words {
    /// A new page, and the descriptor to hand to the worker.
    pub fn create() -> std::io::Result<(Words, OwnedFd)> {
        let fd = memfd_create("eddyline-words", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        let file = File::from(fd);
        // Most of it is never touched, and takes no memory then.
        file.set_len(SLOTS_AT + slots::BYTES as u64)?;
        // Were a worker to make it shorter, its host would die of looking at it.
        fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        let words = Words::open(&file)?;
        Ok((words, file.into()))
    }

    pub fn open(fd: &impl AsFd) -> std::io::Result<Words> {
        // SAFETY: a fresh shared mapping of a descriptor that is at least this long; nothing else is mapped there.
        let at =
            unsafe { mmap(std::ptr::null_mut(), BYTES, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, fd, 0)? };
        let words = at.cast();
        match Slots::open(fd, SLOTS_AT) {
            Ok(slots) => Ok(Words { at: words, slots }),
            Err(error) => {
                // SAFETY: just mapped with this length, and nobody knows of it.
                let _ = unsafe { munmap(at, BYTES) };
                Err(error)
            }
        }
    }

    /// Where long messages lie.
    pub fn slots(&self) -> &Slots {
        &self.slots
    }

    /// The word that says what the isolate on `channel` runs; channels that cannot exist share word 0.
    pub fn word(&self, channel: u32) -> &AtomicU64 {
        self.at(Words::index(channel))
    }

    /// Says that the isolate on `channel` runs this and nobody else anything: it alone is to blame for what comes now.
    pub fn blame(&self, channel: u32, running: u64) {
        for other in 0..COUNT {
            self.at(other).store(0, Ordering::Release);
        }
        self.word(channel).store(running, Ordering::Release);
    }

    /// The word that says how many bytes the isolate on `channel` holds.
    pub fn memory(&self, channel: u32) -> &AtomicU64 {
        self.at(COUNT + Words::index(channel))
    }

    pub fn running(&self, channel: u32) -> Running {
        match self.word(channel).load(Ordering::Acquire) {
            0 => Running::Nothing,
            SOMETHING => Running::Something,
            id => Running::Invocation(id),
        }
    }

    fn index(channel: u32) -> usize {
        if channel as usize <= MAX_ISOLATES { channel as usize } else { 0 }
    }

    fn at(&self, index: usize) -> &AtomicU64 {
        // SAFETY: `index` is below `2 * COUNT` and so within the mapping, which is aligned to a page and lives as long
        // as `self`.
        unsafe { &*self.at.add(index) }
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `open` with this length, and nobody can hold a reference into it any more.
        let _ = unsafe { munmap(self.at.cast(), BYTES) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_see_one_page() {
        let (host, fd) = Words::create().unwrap();
        let worker = Words::open(&fd).unwrap();
        worker.word(3).store(99, Ordering::Release);
        worker.word(5).store(SOMETHING, Ordering::Release);
        assert_eq!(host.running(3), Running::Invocation(99));
        assert_eq!(host.running(4), Running::Nothing);
        assert_eq!(host.running(5), Running::Something);
        assert_eq!(host.running(u32::MAX), Running::Nothing);
        let last = MAX_ISOLATES as u32;
        worker.memory(last).store(7, Ordering::Release);
        assert_eq!(host.memory(last).load(Ordering::Acquire), 7);
        assert_eq!((host.memory(3).load(Ordering::Acquire), host.running(last)), (0, Running::Nothing));
    }

    #[test]
    fn nobody_can_make_the_page_shorter() {
        let (_host, fd) = Words::create().unwrap();
        assert!(File::from(fd).set_len(0).is_err());
    }
}
