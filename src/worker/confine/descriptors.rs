//! Closes what the worker inherited and has no use for.

use std::io;
use std::os::fd::RawFd;

use super::apply::failed;

/// Closes every descriptor from `first` on.
pub fn close_from(first: RawFd) -> Result<String, String> {
    // SAFETY: nothing in this process owns a descriptor of that range yet.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) };
    if closed != 0 {
        return Err(failed("close_range")(io::Error::last_os_error()));
    }
    Ok(format!("{first} are kept"))
}
