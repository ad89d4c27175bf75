//! What a probe tries: one call, or a few, for each right that a worker must not have.

use libc::{
    AF_INET, AF_NETLINK, AF_PACKET, AF_UNIX, CLONE_NEWUSER, EINVAL, ENOENT, ENOTTY, O_CREAT, O_DIRECTORY, O_RDONLY,
    O_RDWR, O_WRONLY, SIGURG, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM, c_long,
};

use super::calls::{
    Tried, at, call, call_as_32_bit, clone, exec, inet, limit, on, open, own_pid, read_memory, remount, socket, unix,
    value,
};
use super::probe::Targets;

pub type Attack = fn(&Targets) -> Tried;

/// What comes of an attack that nothing hinders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Free {
    /// It succeeds.
    Works,
    /// The call is let through and fails for its arguments, which were chosen to do no harm.
    Fails(i32),
    /// Not every machine permits it, so that is not looked at.
    Varies,
}

use Free::{Fails, Varies, Works};

/// A name, what comes of it where nothing confines it, and what it does.
pub const ATTACKS: &[(&str, Free, Attack)] = &[
    ("open a file", Works, |t| open(&t.file, O_RDONLY)),
    ("open the password file", Works, |_| open("/etc/passwd", O_RDONLY)),
    ("open its own program", Works, |_| open("/proc/self/exe", O_RDONLY)),
    ("open its own memory", Works, |_| open("/proc/self/mem", O_RDWR)),
    ("open the memory of another", Varies, |t| open(&format!("/proc/{}/mem", t.pid), O_RDONLY)),
    ("open the environment of another", Varies, |t| open(&format!("/proc/{}/environ", t.pid), O_RDONLY)),
    ("open a device", Works, |_| open("/dev/zero", O_RDONLY)),
    ("open the root", Works, |_| open("/", O_RDONLY | O_DIRECTORY)),
    ("create a file", Works, |t| open(&format!("{}/file-{}", t.folder, own_pid()), O_CREAT | O_WRONLY)),
    ("make a folder", Works, |t| at(libc::SYS_mkdirat, &format!("{}/folder-{}", t.folder, own_pid()), &[0o700])),
    ("remove a file", Fails(ENOENT), |t| at(libc::SYS_unlinkat, &format!("{}/none", t.folder), &[])),
    ("change a mode", Fails(ENOENT), |t| at(libc::SYS_fchmodat, &format!("{}/none", t.folder), &[0o700])),
    ("ask for a file", Works, |t| at(libc::SYS_faccessat, &t.file, &[libc::R_OK.into()])),
    ("follow a link", Fails(EINVAL), |_| at(libc::SYS_readlinkat, "/proc/self/exe", &[])),
    ("change the folder", Works, |t| on(libc::SYS_chdir, &t.folder)),
    ("connect by TCP", Works, |t| inet(libc::SYS_connect, SOCK_STREAM, t.port)),
    ("listen by TCP", Works, |_| inet(libc::SYS_bind, SOCK_STREAM, 0)),
    ("reach a port by UDP", Works, |t| inet(libc::SYS_connect, SOCK_DGRAM, t.port)),
    ("connect to a socket by path", Works, |t| unix(t.path.as_bytes())),
    ("connect to a socket by name", Works, |t| unix(&[b"\0", t.name.as_bytes()].concat())),
    ("make a TCP socket", Works, |_| socket(AF_INET, SOCK_STREAM).map(drop)),
    ("make a local socket", Works, |_| socket(AF_UNIX, SOCK_STREAM).map(drop)),
    ("make a raw socket", Varies, |_| socket(AF_PACKET, SOCK_RAW).map(drop)),
    ("listen to the kernel", Works, |_| socket(AF_NETLINK, SOCK_RAW).map(drop)),
    ("run a program", Works, |_| exec()),
    ("fork", Works, |_| clone(0)),
    ("fork by clone3", Varies, |_| call(libc::SYS_clone3, &[])),
    ("fork into namespaces", Varies, |_| clone(CLONE_NEWUSER)),
    ("trace another", Varies, |t| call(libc::SYS_ptrace, &[SEIZE, t.pid.into()])),
    ("be traced", Works, |_| call(libc::SYS_ptrace, &[])),
    ("read the memory of another", Varies, |t| read_memory(t.pid, t.address)),
    ("compare with another", Varies, |t| call(libc::SYS_kcmp, &[own_pid(), t.pid.into(), 2])),
    ("hold another", Works, |t| call(libc::SYS_pidfd_open, &[t.pid.into()])),
    ("ask for another", Works, |t| call(libc::SYS_kill, &[t.pid.into(), 0])),
    ("signal another", Works, |t| call(libc::SYS_kill, &[t.pid.into(), SIGURG.into()])),
    ("signal a thread of another", Works, |t| call(libc::SYS_tgkill, &[t.pid.into(), t.pid.into(), SIGURG.into()])),
    ("signal everybody", Works, |_| call(libc::SYS_kill, &[-1, 0])),
    ("limit another", Works, |t| limit(t.pid)),
    ("limit itself", Works, |_| limit(0)),
    ("mount", Varies, |t| remount(&t.folder)),
    ("change the root", Varies, |_| on(libc::SYS_chroot, "/nowhere")),
    ("make a namespace", Varies, |_| call(libc::SYS_unshare, &[CLONE_NEWUSER.into()])),
    ("enter a namespace", Varies, |_| call(libc::SYS_setns, &[-1])),
    ("load a program into the kernel", Varies, |_| call(libc::SYS_bpf, &[5])),
    ("make a ring", Varies, |_| call(libc::SYS_io_uring_setup, &[1])),
    ("watch the machine", Varies, |_| call(libc::SYS_perf_event_open, &[0, 0, -1, -1])),
    ("handle faults", Varies, |_| call(libc::SYS_userfaultfd, &[])),
    ("use a keyring", Varies, |_| call(libc::SYS_keyctl, &[0, -3, 1])),
    ("add a key", Varies, |_| call(libc::SYS_add_key, &[])),
    ("load a module", Varies, |_| call(libc::SYS_init_module, &[0, 16])),
    ("become root", Varies, |_| call(libc::SYS_setresuid, &[])),
    ("name the machine", Varies, |_| call(libc::SYS_sethostname, &[0, -1])),
    ("set the clock", Varies, |_| call(libc::SYS_settimeofday, &[1])),
    ("read the kernel's log", Varies, |_| call(libc::SYS_syslog, &[99])),
    ("make a file in memory", Works, |_| call(libc::SYS_memfd_create, &[c"x".as_ptr() as c_long])),
    ("make a filter", Varies, |_| call(libc::SYS_seccomp, &[libc::SECCOMP_SET_MODE_FILTER.into()])),
    ("open itself to others", Works, |_| call(libc::SYS_prctl, &[libc::PR_SET_DUMPABLE.into(), 1])),
    ("type into a terminal", Fails(ENOTTY), |_| call(libc::SYS_ioctl, &[0, libc::TIOCSTI as c_long])),
    ("share memory", Works, |_| share_memory()),
    ("call as a 32-bit program", Varies, |_| call_as_32_bit()),
    ("call as an x32 program", Varies, |_| call(0x4000_0000 | libc::SYS_getpid, &[])),
    ("write into the memory of another", Varies, |t| call(libc::SYS_process_vm_writev, &[t.pid.into(), 1, 1])),
];

const SEIZE: c_long = libc::PTRACE_SEIZE as c_long;

fn share_memory() -> Tried {
    let made = value(libc::SYS_shmget, &[libc::IPC_PRIVATE.into(), 4096, 0o600])?;
    call(libc::SYS_shmctl, &[made, libc::IPC_RMID.into()])
}

pub fn find(name: &str) -> Option<Attack> {
    ATTACKS.iter().find(|(found, ..)| *found == name).map(|(_, _, attack)| *attack)
}
