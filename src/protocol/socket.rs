//! Waiting for bytes on the socket between host and worker, on either side.

use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};

/// Reads what is there, and waits if there is nothing.
///
/// Whoever waits inside of a read is woken by the kernel each time the other side has read, too, because there is room
/// for writing then; whoever waits by `poll` is not.
pub fn receive(socket: &impl AsFd, room: &mut [u8]) -> Result<usize, Errno> {
    loop {
        match recv(socket, &mut *room, RecvFlags::DONTWAIT) {
            Err(Errno::AGAIN) => {}
            other => return other.map(|(_, count)| count),
        }
        poll(&mut [PollFd::new(socket, PollFlags::IN)], None)?;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn it_waits_for_bytes_and_hears_of_the_end() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let writer = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(20));
            theirs.write_all(b"news").unwrap();
        });
        let mut room = [0; 8];
        assert_eq!(receive(&ours, &mut room), Ok(4));
        writer.join().unwrap();
        assert_eq!((receive(&ours, &mut room), &room[..4]), (Ok(0), &b"news"[..]));
    }
}
