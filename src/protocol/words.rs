//! The page of memory that a worker shares with its host: one word for each isolate, saying what it is running.
//!
//! When a worker dies without a word on the socket, this page is what still tells which invocation was running.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// Most isolates that one worker may hold; their channels are 1 to this number.
pub const MAX_ISOLATES: usize = 4096;
const BYTES: usize = (MAX_ISOLATES + 1) * size_of::<AtomicU64>();

#[derive(Debug)]
pub struct Words {
    at: *mut AtomicU64,
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
        file.set_len(BYTES as u64)?;
        // Were a worker to make it shorter, its host would die of looking at it.
        fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        let words = Words::open(&file)?;
        Ok((words, file.into()))
    }

    pub fn open(fd: &impl AsFd) -> std::io::Result<Words> {
        // SAFETY: a fresh shared mapping of a descriptor that is at least this long; nothing else is mapped there.
        let at =
            unsafe { mmap(std::ptr::null_mut(), BYTES, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, fd, 0)? };
        Ok(Words { at: at.cast() })
    }

    /// The word of the isolate on `channel`; channels that cannot exist share word 0.
    pub fn word(&self, channel: u32) -> &AtomicU64 {
        let index = if channel as usize <= MAX_ISOLATES { channel as usize } else { 0 };
        // SAFETY: `index` is within the mapping, which is aligned to a page and lives as long as `self`.
        unsafe { &*self.at.add(index) }
    }

    /// What the isolate on `channel` is running; a worker may write anything here, so it is a hint and no more.
    pub fn running(&self, channel: u32) -> Option<u64> {
        Some(self.word(channel).load(Ordering::Acquire)).filter(|id| *id != 0)
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
        assert_eq!(host.running(3), Some(99));
        assert_eq!(host.running(4), None);
        assert_eq!(host.running(u32::MAX), None);
    }

    #[test]
    fn nobody_can_make_the_page_shorter() {
        let (_host, fd) = Words::create().unwrap();
        assert!(File::from(fd).set_len(0).is_err());
    }
}
