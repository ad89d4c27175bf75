//! The probe, from both sides: what it does in its own process, and how a test runs it.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use eddyline::pool::{WorkerCommand, start};
use eddyline::protocol::sandbox::{Layer, Sandbox};
use eddyline::worker::confine::confine;
use serde::{Deserialize, Serialize};

use super::{attacks, container, looks};

/// What a probe is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Orders {
    /// The name of one of the attacks or looks.
    pub task: String,
    pub layers: Vec<Layer>,
    pub place: Place,
    pub targets: Targets,
    /// Says nothing on the socket, where a host listens that expects a worker.
    pub quiet: bool,
}

/// What surrounds a probe before it is confined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// As this program runs.
    Here,
    /// As a user without any privileges.
    Nobody,
    /// As root in a container, which may neither make namespaces nor mount.
    Container,
}

/// What it attacks.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Targets {
    /// A process of the same user.
    pub pid: i32,
    /// An address that is mapped in it.
    pub address: u64,
    /// A file that everybody may read, in a folder that everybody may write to.
    pub file: String,
    pub folder: String,
    /// A port of the loopback interface that somebody listens on.
    pub port: u16,
    /// Sockets that somebody listens on, by path and by abstract name.
    pub path: String,
    pub name: String,
}

/// How an attack ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Done,
    /// The call failed with that error.
    Failed(i32),
    Killed(i32),
}

#[derive(Debug)]
pub struct Report {
    pub end: End,
    pub sandbox: Sandbox,
    /// What the probe found, for those that look rather than attack.
    pub found: String,
}

#[derive(Serialize, Deserialize)]
enum Said {
    Confined(Sandbox),
    Found(String),
    Done,
    Failed(i32),
}

const ROLE: &str = "probe";
const SOCKET: i32 = 3;
/// As many as a worker keeps.
const DESCRIPTORS: i32 = 6;

/// Takes the second role before the test harness begins, which would start threads.
#[used]
#[unsafe(link_section = ".init_array")]
static TAKE_ROLE: extern "C" fn() = take_role;

extern "C" fn take_role() {
    let mut arguments = std::env::args().skip(1);
    // The harness takes words as well, as filters; none of them looks like orders.
    if let (Some(ROLE), Some(orders)) = (arguments.next().as_deref(), arguments.next())
        && let Ok(orders) = serde_json::from_str(&orders)
    {
        run(&orders);
    }
}

fn run(orders: &Orders) -> ! {
    match orders.place {
        Place::Here => {}
        Place::Nobody => container::become_nobody(),
        Place::Container => container::enter(),
    }
    let sandbox = confine(&orders.layers, DESCRIPTORS);
    say(orders, &Said::Confined(sandbox));
    let said = match (attacks::find(&orders.task), looks::find(&orders.task)) {
        (Some(attack), _) => attack(&orders.targets).map_or_else(Said::Failed, |()| Said::Done),
        (None, Some(look)) => Said::Found(look()),
        (None, None) => panic!("there is no task {:?}", orders.task),
    };
    say(orders, &said);
    // SAFETY: `_exit` takes any code and does not return.
    unsafe { libc::_exit(0) }
}

fn say(orders: &Orders, said: &Said) {
    if !orders.quiet {
        let line = format!("{}\n", serde_json::to_string(said).expect("it can be written"));
        // SAFETY: the text is as long as is said.
        unsafe { libc::write(SOCKET, line.as_ptr().cast(), line.len()) };
    }
}

/// The command of a probe with these orders.
pub fn command(orders: &Orders) -> WorkerCommand {
    let arguments = vec![ROLE.to_owned(), serde_json::to_string(orders).expect("orders can be written")];
    WorkerCommand { program: "/proc/self/exe".into(), arguments, ..worker() }
}

/// The command of a real worker.
pub fn worker() -> WorkerCommand {
    static WORKER: OnceLock<WorkerCommand> = OnceLock::new();
    let make = || WorkerCommand::new(env!("CARGO_BIN_EXE_eddyline"), "worker").expect("a snapshot");
    WORKER.get_or_init(make).clone()
}

/// Runs a probe and says how it ended.
pub fn probe(task: &str, layers: &[Layer], place: Place, targets: &Targets) -> Report {
    let orders =
        Orders { task: task.to_owned(), layers: layers.to_vec(), place, targets: targets.clone(), quiet: false };
    let mut started = start(&command(&orders)).expect("the probe starts");
    let mut text = String::new();
    UnixStream::from(started.socket).read_to_string(&mut text).expect("it says text");
    let status = started.child.wait().expect("it ends");
    let mut report = Report { end: End::Done, sandbox: Sandbox::default(), found: String::new() };
    let mut ended = false;
    for line in text.lines() {
        // What an attack on `exec` writes.
        if line == "executed" {
            ended = true;
            continue;
        }
        match serde_json::from_str(line).expect("a line of a probe") {
            Said::Confined(sandbox) => report.sandbox = sandbox,
            Said::Found(found) => (report.found, ended) = (found, true),
            Said::Done => ended = true,
            Said::Failed(error) => (report.end, ended) = (End::Failed(error), true),
        }
    }
    if let Some(signal) = status.signal() {
        report.end = End::Killed(signal);
    } else {
        assert!(ended, "the probe {task:?} ended with {status} and said {text:?}");
    }
    report
}

/// Everything that probes attack, for as long as it lives.
pub struct Range {
    pub targets: Targets,
    victim: Child,
    _folder: tempfile::TempDir,
    _open: (std::net::TcpListener, std::os::unix::net::UnixListener, std::os::unix::net::UnixListener),
}

impl Range {
    pub fn new() -> Range {
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::fs::PermissionsExt;
        use std::os::unix::net::{SocketAddr, UnixListener};
        let folder = tempfile::tempdir().expect("a folder");
        let everybody = |mode| std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(folder.path(), everybody(0o777)).expect("its mode");
        let (file, path) = (folder.path().join("file"), folder.path().join("socket"));
        std::fs::write(&file, "a secret").expect("a file");
        let by_path = UnixListener::bind(&path).expect("a socket");
        std::fs::set_permissions(&path, everybody(0o777)).expect("its mode");
        let name = format!("eddyline-{}-{}", std::process::id(), fastrand::u64(..));
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        let by_name = UnixListener::bind_addr(&address).expect("a socket");
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let victim = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().expect("a process");
        let targets = Targets {
            pid: victim.id() as i32,
            address: first_mapping(victim.id()),
            file: file.display().to_string(),
            folder: folder.path().display().to_string(),
            port: tcp.local_addr().expect("an address").port(),
            path: path.display().to_string(),
            name,
        };
        Range { targets, victim, _folder: folder, _open: (tcp, by_path, by_name) }
    }
}

impl Drop for Range {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
    }
}

/// What `sleep` is on one machine or another.
const PROGRAMS: [&str; 3] = ["sleep", "coreutils", "busybox"];

fn first_mapping(pid: u32) -> u64 {
    crate::support::eventually("the process has mappings", || {
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
        // Those of the program itself, not of the one that started it.
        let line = maps.lines().find(|line| PROGRAMS.iter().any(|program| line.ends_with(program)))?;
        u64::from_str_radix(line.split('-').next()?, 16).ok()
    })
}
