//! Starting one worker process and finding out how it ended.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair, sockopt};

use super::last_words;
use super::snapshot::{self, Snapshot};
use crate::protocol::words::Words;

/// What a socket takes at once: a message that goes through it whole need not wait for its reader.
const SEND_BUFFER: usize = 1 << 20;

/// Descriptors under which a worker finds its socket and its page of words.
pub fn worker_fds() -> (RawFd, RawFd) {
    (3, 4)
}

/// How to start a worker: this program in its second role.
#[derive(Debug, Clone)]
pub struct WorkerCommand {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// What its isolates are made from.
    pub snapshot: Snapshot,
    /// A worker without a layer of its sandbox is not used.
    pub needs_whole_sandbox: bool,
    /// What a worker may hold in memory.
    pub memory: Option<u64>,
}

impl WorkerCommand {
    /// The program that is running now, as `eddyline worker`. Makes the snapshot, once for all workers to come.
    pub fn this_program() -> io::Result<WorkerCommand> {
        // The link stays valid when the file on disk is replaced while we run.
        let own = PathBuf::from("/proc/self/exe");
        let program = if own.exists() { own } else { std::env::current_exe()? };
        WorkerCommand::new(program, "worker")
    }

    /// A program that takes the role of a worker by its first argument.
    pub fn new(program: impl Into<PathBuf>, role: &str) -> io::Result<WorkerCommand> {
        let program = program.into();
        let snapshot = Snapshot::make(&program)?;
        let arguments = vec![role.to_owned()];
        Ok(WorkerCommand { program, arguments, snapshot, needs_whole_sandbox: false, memory: None })
    }
}

/// A started worker, before anything was said.
#[derive(Debug)]
pub struct Started {
    pub child: Child,
    pub socket: OwnedFd,
    pub words: Words,
    /// Where its stderr can be read.
    pub stderr: OwnedFd,
}

/// Starts a worker with an empty environment and nothing open but its socket, its words, the snapshot and a pipe as
/// stderr.
///
/// The worker is killed when the calling *thread* ends, so call from a thread that outlives it.
pub fn start(command: &WorkerCommand) -> io::Result<Started> {
    let (host, worker) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    for end in [&host, &worker] {
        // The kernel may allow less; then more of a message waits in its writer.
        let _ = sockopt::set_socket_send_buffer_size(end, SEND_BUFFER);
    }
    let (words, words_fd) = Words::create()?;
    let (socket_fd, words_raw) = (worker.as_raw_fd(), words_fd.as_raw_fd());
    let (to_socket, to_words) = worker_fds();
    let (stderr, their_stderr) = last_words::pipe()?;
    let mut process = Command::new(&command.program);
    process.args(&command.arguments).env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(their_stderr);
    let snapshot = (command.snapshot.as_raw_fd(), snapshot::DESCRIPTOR);
    inherit(&mut process, [(socket_fd, to_socket), (words_raw, to_words), snapshot]);
    let child = process.spawn()?;
    Ok(Started { child, socket: host, words, stderr })
}

/// Leaves descriptors of ours open in a process, each under a number of its own, and ties the process to our life.
pub fn inherit<const N: usize>(process: &mut Command, descriptors: [(RawFd, RawFd); N]) {
    // SAFETY: between fork and exec only async-signal-safe calls are made, and no memory is allocated.
    unsafe {
        process.pre_exec(move || {
            // All are first moved out of the way, for one may hold another's place.
            let mut moved = [0; N];
            for (place, (ours, _)) in moved.iter_mut().zip(descriptors) {
                *place = libc::fcntl(ours, libc::F_DUPFD_CLOEXEC, 10);
            }
            for (from, (_, theirs)) in moved.into_iter().zip(descriptors) {
                if from < 0 || libc::dup2(from, theirs) < 0 {
                    return Err(io::Error::last_os_error());
                }
            }
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) < 0 {
                return Err(io::Error::last_os_error());
            }
            // Its own process group: ^C in a terminal is the host's to handle.
            libc::setpgid(0, 0);
            Ok(())
        });
    }
}

/// How a process ended, in words.
pub fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with code {code}"),
        (None, Some(libc::SIGSYS)) => "was killed by seccomp (SIGSYS) for a forbidden system call".to_owned(),
        (None, Some(signal)) => format!("was ended by signal {signal} ({})", signal_name(signal)),
        (None, None) => "ended".to_owned(),
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        libc::SIGKILL => "SIGKILL",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGABRT => "SIGABRT",
        libc::SIGBUS => "SIGBUS",
        libc::SIGILL => "SIGILL",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGTERM => "SIGTERM",
        _ => "unnamed",
    }
}
