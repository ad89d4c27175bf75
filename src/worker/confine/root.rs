//! A root folder with nothing in it, in a mount namespace of the worker's own.

use std::ffi::CStr;
use std::io;
use std::ptr::null;

use rustix::thread::UnshareFlags;

use super::apply::failed;
use super::namespaces::Rights;

/// Where the empty file system is put for a moment: a folder that is there on every Linux.
const PLACE: &CStr = c"/proc";

/// Changes the root to an empty, read-only file system and lets go of the old one.
pub fn empty(rights: &Rights) -> Result<String, String> {
    rights.make(UnshareFlags::NEWNS, "mount namespace")?;
    // Nothing of what follows may be seen outside.
    mount(None, c"/", None, libc::MS_REC | libc::MS_PRIVATE).map_err(failed("private mounts"))?;
    let flags = libc::MS_RDONLY | libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
    mount(Some(c"tmpfs"), PLACE, Some(c"size=4k,nr_inodes=1,mode=555"), flags).map_err(failed("empty file system"))?;
    enter().map_err(failed("change of the root"))?;
    Ok("empty and read-only".to_owned())
}

fn mount(kind: Option<&CStr>, target: &CStr, data: Option<&CStr>, flags: libc::c_ulong) -> io::Result<()> {
    let kind = kind.map_or(null(), CStr::as_ptr);
    let data = data.map_or(null(), |data| data.as_ptr().cast());
    // SAFETY: all of them are null or texts with an end, and outlive the call.
    done(unsafe { libc::mount(kind, target.as_ptr(), kind, flags, data) })
}

/// Puts the old root on top of the new one and takes it away again, so that no folder is needed to keep it in.
fn enter() -> io::Result<()> {
    rustix::process::chdir(PLACE)?;
    rustix::process::pivot_root(c".", c".")?;
    // SAFETY: the path is a text with an end.
    done(unsafe { libc::umount2(c".".as_ptr(), libc::MNT_DETACH) })?;
    Ok(rustix::process::chdir(c"/")?)
}

fn done(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
