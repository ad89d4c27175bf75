//! Starting one worker process and finding out how it ended.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use super::last_words;
use crate::protocol::words::Words;

/// Descriptors under which a worker finds its socket and its page of words.
pub fn worker_fds() -> (RawFd, RawFd) {
    (3, 4)
}

/// How to start a worker: this program in its second role.
#[derive(Debug, Clone)]
pub struct WorkerCommand {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// A worker without a layer of its sandbox is not used.
    pub needs_whole_sandbox: bool,
    /// What a worker may hold in memory.
    pub memory: Option<u64>,
}

impl WorkerCommand {
    /// The program that is running now, as `eddyline worker`.
    pub fn this_program() -> io::Result<WorkerCommand> {
        // The link stays valid when the file on disk is replaced while we run.
        let own = PathBuf::from("/proc/self/exe");
        let program = if own.exists() { own } else { std::env::current_exe()? };
        Ok(WorkerCommand::new(program, "worker"))
    }

    /// A program that takes the role of a worker by its first argument.
    pub fn new(program: impl Into<PathBuf>, role: &str) -> WorkerCommand {
        WorkerCommand {
            program: program.into(),
            arguments: vec![role.to_owned()],
            needs_whole_sandbox: false,
            memory: None,
        }
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

/// Starts a worker with an empty environment and nothing open but its socket, its words and a pipe as stderr.
///
/// The worker is killed when the calling *thread* ends, so call from a thread that outlives it.
pub fn start(command: &WorkerCommand) -> io::Result<Started> {
    let (host, worker) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    let (words, words_fd) = Words::create()?;
    let (socket_fd, words_raw) = (worker.as_raw_fd(), words_fd.as_raw_fd());
    let (to_socket, to_words) = worker_fds();
    let (stderr, their_stderr) = last_words::pipe()?;
    let mut process = Command::new(&command.program);
    process.args(&command.arguments).env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(their_stderr);
    // SAFETY: between fork and exec only async-signal-safe calls are made, and no memory is allocated.
    unsafe {
        process.pre_exec(move || {
            // Both are first moved out of the way, for either may hold the other's place.
            let socket = libc::fcntl(socket_fd, libc::F_DUPFD_CLOEXEC, 10);
            let words = libc::fcntl(words_raw, libc::F_DUPFD_CLOEXEC, 10);
            if socket < 0 || words < 0 || libc::dup2(socket, to_socket) < 0 || libc::dup2(words, to_words) < 0 {
                return Err(io::Error::last_os_error());
            }
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) < 0 {
                return Err(io::Error::last_os_error());
            }
            // Its own process group: ^C in a terminal is the host's to handle.
            libc::setpgid(0, 0);
            Ok(())
        });
    }
    let child = process.spawn()?;
    Ok(Started { child, socket: host, words, stderr })
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
