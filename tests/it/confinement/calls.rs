//! System calls as attacks make them: raw, so that no library is kinder than the kernel.

use std::ffi::CString;
use std::mem::{size_of, zeroed};
use std::ptr::null;

use libc::{c_int, c_long};

/// The error is that of the system.
pub type Tried = Result<(), i32>;

fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(-1)
}

/// A call of up to four arguments, for its value.
pub fn value(number: c_long, arguments: &[c_long]) -> Result<c_long, i32> {
    let argument = |at: usize| arguments.get(at).copied().unwrap_or(0);
    let (a, b, c, d) = (argument(0), argument(1), argument(2), argument(3));
    // SAFETY: the arguments are numbers, null where the kernel would write, or addresses that outlive the call.
    let result = unsafe { libc::syscall(number, a, b, c, d, 0, 0) };
    if result < 0 { Err(errno()) } else { Ok(result) }
}

pub fn call(number: c_long, arguments: &[c_long]) -> Tried {
    value(number, arguments).map(drop)
}

/// A call whose first two arguments are the working folder and a path.
pub fn at(number: c_long, path: &str, more: &[c_long]) -> Tried {
    let path = CString::new(path).expect("a path");
    let arguments = [&[libc::AT_FDCWD.into(), path.as_ptr() as c_long], more].concat();
    call(number, &arguments)
}

/// A call whose first argument is a path.
pub fn on(number: c_long, path: &str) -> Tried {
    let path = CString::new(path).expect("a path");
    call(number, &[path.as_ptr() as c_long])
}

pub fn open(path: &str, flags: c_int) -> Tried {
    at(libc::SYS_openat, path, &[flags.into(), 0o600])
}

pub fn socket(family: c_int, kind: c_int) -> Result<c_long, i32> {
    value(libc::SYS_socket, &[family.into(), kind.into(), 0])
}

pub fn own_pid() -> c_long {
    std::process::id().into()
}

/// A call on a new socket with an address of the loopback interface.
pub fn inet(number: c_long, kind: c_int, port: u16) -> Tried {
    let socket = socket(libc::AF_INET, kind)?;
    // SAFETY: zeros are an address.
    let mut address: libc::sockaddr_in = unsafe { zeroed() };
    address.sin_family = libc::AF_INET as u16;
    address.sin_port = port.to_be();
    address.sin_addr.s_addr = u32::from_ne_bytes([127, 0, 0, 1]);
    call(number, &[socket, &raw const address as c_long, size_of::<libc::sockaddr_in>() as c_long])
}

/// Connects to a socket of this machine, by path or by a name that begins with a zero.
pub fn unix(path: &[u8]) -> Tried {
    let socket = socket(libc::AF_UNIX, libc::SOCK_STREAM)?;
    // SAFETY: zeros are an address.
    let mut address: libc::sockaddr_un = unsafe { zeroed() };
    address.sun_family = libc::AF_UNIX as u16;
    for (to, from) in address.sun_path.iter_mut().zip(path) {
        *to = *from as libc::c_char;
    }
    let len = size_of::<libc::sa_family_t>() + path.len();
    call(libc::SYS_connect, &[socket, &raw const address as c_long, len as c_long])
}

/// Becomes a shell that writes to descriptor 3.
pub fn exec() -> Tried {
    let arguments = [c"/bin/sh".as_ptr(), c"-c".as_ptr(), c"echo executed >&3".as_ptr(), null()];
    let environment = [null::<libc::c_char>()];
    let program = arguments[0] as c_long;
    call(libc::SYS_execve, &[program, arguments.as_ptr() as c_long, environment.as_ptr() as c_long])
}

/// Makes a process, which ends at once.
pub fn clone(flags: c_int) -> Tried {
    if value(libc::SYS_clone, &[(flags | libc::SIGCHLD).into(), 0, 0, 0])? == 0 {
        // SAFETY: `_exit` takes any code and does not return.
        unsafe { libc::_exit(0) }
    }
    Ok(())
}

pub fn read_memory(pid: i32, address: u64) -> Tried {
    let mut bytes = [0_u8; 8];
    let here = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    let there = libc::iovec { iov_base: address as *mut _, iov_len: bytes.len() };
    // SAFETY: the kernel writes into `bytes`, as much as fits.
    if unsafe { libc::process_vm_readv(pid, &here, 1, &there, 1, 0) } < 0 { Err(errno()) } else { Ok(()) }
}

/// Would change how a folder is mounted, were it a mount.
pub fn remount(folder: &str) -> Tried {
    let folder = CString::new(folder).expect("a path");
    call(libc::SYS_mount, &[0, folder.as_ptr() as c_long, 0, libc::MS_REMOUNT as c_long])
}

pub fn limit(pid: i32) -> Tried {
    let limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    call(libc::SYS_prlimit64, &[pid.into(), libc::RLIMIT_CORE as c_long, &raw const limit as c_long, 0])
}

/// A call of a 32-bit program, which counts system calls in another way.
#[cfg(target_arch = "x86_64")]
pub fn call_as_32_bit() -> Tried {
    let result: i32;
    // SAFETY: 20 is getpid there; registers that the call may change are named.
    unsafe {
        std::arch::asm!("int 0x80", inlateout("eax") 20 => result, out("r8") _, out("r9") _, out("r10") _, out("r11") _);
    }
    if result < 0 { Err(-result) } else { Ok(()) }
}

#[cfg(not(target_arch = "x86_64"))]
pub fn call_as_32_bit() -> Tried {
    Err(libc::ENOSYS)
}
