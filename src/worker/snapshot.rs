//! The snapshot from which all isolates are made: V8's heap once the web APIs are in it, so that no isolate has to
//! compile and run their scripts again.
//!
//! It is made at the node's start by a short-lived process of this program, and workers find it on a descriptor.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::process::ExitCode;
use std::sync::OnceLock;

use deno_core::{JsRuntimeForSnapshot, RuntimeOptions};
use rustix::mm::{MapFlags, ProtFlags, mmap};

use super::{engine, extensions, process};

/// Where who makes the snapshot finds its memory.
const DESCRIPTOR: i32 = 5;

/// What is evaluated into it, in this order.
const SCRIPTS: [(&str, &str); 4] = [
    ("ext:eddyline/web.js", include_str!("js/web.js")),
    ("ext:eddyline/limits.js", include_str!("js/limits.js")),
    ("ext:eddyline/compression.js", include_str!("js/compression.js")),
    ("ext:eddyline/crypto.js", include_str!("js/crypto.js")),
];

static SNAPSHOT: OnceLock<&[u8]> = OnceLock::new();

/// Makes the snapshot and writes it into the memory behind the descriptor.
pub fn make_from_fds() -> ExitCode {
    engine::initialise();
    // SAFETY: whoever starts this process leaves the descriptor open, and nobody else in the process owns it.
    let mut memory = unsafe { File::from_raw_fd(DESCRIPTOR) };
    let made = make().and_then(|bytes| memory.write_all(&bytes).map_err(|error| error.to_string()));
    match made {
        Ok(()) => process::exit(0),
        Err(error) => process::fail(&format!("cannot make the snapshot: {error}")),
    }
}

fn make() -> Result<Box<[u8]>, String> {
    let timer = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let timer = timer.map_err(|error| error.to_string())?;
    let _context = timer.enter();
    let options = RuntimeOptions { extensions: extensions::all(), ..RuntimeOptions::default() };
    let mut runtime = JsRuntimeForSnapshot::try_new(options).map_err(|error| error.to_string())?;
    let agent = format!("__bootstrap.userAgent = 'Eddyline/{}';", env!("CARGO_PKG_VERSION"));
    runtime.execute_script("ext:eddyline/agent.js", agent).map_err(|error| error.to_string())?;
    for (name, script) in SCRIPTS {
        runtime.execute_script(name, script).map_err(|error| error.to_string())?;
    }
    Ok(runtime.snapshot())
}

/// Maps the snapshot that the host left behind the descriptor.
pub fn open(memory: &OwnedFd) -> std::io::Result<()> {
    let length = rustix::fs::fstat(memory)?.st_size as usize;
    // SAFETY: the host has sealed the memory, so that it neither shrinks nor changes, and nothing unmaps it.
    let bytes = unsafe {
        let at = mmap(std::ptr::null_mut(), length, ProtFlags::READ, MapFlags::SHARED, memory.as_fd(), 0)?;
        std::slice::from_raw_parts(at.cast::<u8>(), length)
    };
    let _ = SNAPSHOT.set(bytes);
    Ok(())
}

/// The snapshot of this process.
pub fn get() -> Option<&'static [u8]> {
    SNAPSHOT.get().copied()
}
