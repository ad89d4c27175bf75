//! The snapshot that all workers share: made once by a process of its own, then sealed.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fstat, memfd_create};
use rustix::io::Errno;

use super::process::{describe, inherit};

/// The descriptor under which it is written, and read by workers.
pub const DESCRIPTOR: RawFd = 5;

/// It takes a fraction of a second; nobody waits longer for a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(2);

/// Memory that holds V8's heap with the web APIs in it, and that nobody can change any more.
#[derive(Debug, Clone)]
pub struct Snapshot(Arc<OwnedFd>);

impl Snapshot {
    /// Has `program` make one.
    pub fn make(program: &Path) -> io::Result<Snapshot> {
        let memory = memfd_create("eddyline-snapshot", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        let mut maker = Command::new(program);
        maker.arg("snapshot").env_clear().stdin(Stdio::null()).stdout(Stdio::null());
        inherit(&mut maker, [(memory.as_raw_fd(), DESCRIPTOR)]);
        let mut maker = maker.spawn()?;
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = maker.try_wait()? {
                break status;
            }
            if Instant::now() > until {
                maker.kill()?;
                break maker.wait()?;
            }
            std::thread::sleep(LOOK);
        };
        if !status.success() || fstat(&memory)?.st_size == 0 {
            let message = format!("cannot make the snapshot of the workers: its maker {}", describe(status));
            return Err(io::Error::other(message));
        }
        let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL;
        patiently(until, || fcntl_add_seals(&memory, seals))?;
        Ok(Snapshot(Arc::new(memory)))
    }

    /// How large it is.
    pub fn size(&self) -> io::Result<u64> {
        Ok(fstat(&*self.0)?.st_size as u64)
    }
}

/// The kernel refuses to seal memory for as long as it holds pages of it for a purpose of its own: to move them, for
/// example.
fn patiently(until: Instant, mut seal: impl FnMut() -> rustix::io::Result<()>) -> io::Result<()> {
    loop {
        match seal() {
            Err(Errno::BUSY) if Instant::now() < until => std::thread::sleep(LOOK),
            Err(error) => return Err(io::Error::other(format!("cannot seal the snapshot of the workers: {error}"))),
            Ok(()) => return Ok(()),
        }
    }
}

impl AsFd for Snapshot {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Snapshot {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealing_waits_until_nobody_holds_the_memory() {
        let mut refusals = 2;
        let mut seal = || {
            refusals -= 1;
            if refusals >= 0 { Err(Errno::BUSY) } else { Ok(()) }
        };
        patiently(Instant::now() + PATIENCE, &mut seal).unwrap();
        let refused = patiently(Instant::now(), || Err(Errno::BUSY)).unwrap_err();
        assert!(refused.to_string().contains("cannot seal"), "{refused}");
        assert!(patiently(Instant::now() + PATIENCE, || Err(Errno::PERM)).is_err(), "nothing that waiting would mend");
    }
}
