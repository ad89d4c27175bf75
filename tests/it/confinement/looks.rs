//! What a probe finds when it looks around in its own process.

use std::mem::zeroed;

type Look = fn() -> String;

/// By name.
const LOOKS: &[(&str, Look)] = &[
    ("nothing", String::new),
    ("descriptors", descriptors),
    ("environment", || format!("{:?}", std::env::vars().collect::<Vec<_>>())),
    ("limits", limits),
    ("writing", writing),
    ("identity", || rustix::process::geteuid().as_raw().to_string()),
    ("privileges", privileges),
    ("host name", || rustix::system::uname().nodename().to_string_lossy().into_owned()),
    ("root", root),
    ("chance", chance),
    ("death signal", || format!("{:?}", rustix::process::parent_process_death_signal())),
    ("death with words", death),
];

pub fn find(name: &str) -> Option<Look> {
    LOOKS.iter().find(|(found, _)| *found == name).map(|(_, look)| *look)
}

fn descriptors() -> String {
    // SAFETY: asking about a descriptor touches no memory.
    let is_open = |fd: &i32| unsafe { libc::fcntl(*fd, libc::F_GETFD) } >= 0;
    format!("{:?}", (0..4096).filter(is_open).collect::<Vec<_>>())
}

fn limits() -> String {
    let hard = |kind| {
        // SAFETY: zeros are a limit, and the kernel writes over them.
        unsafe {
            let mut limit: libc::rlimit = zeroed();
            libc::getrlimit(kind, &mut limit);
            limit.rlim_max
        }
    };
    format!("{:?}", [libc::RLIMIT_CORE, libc::RLIMIT_FSIZE, libc::RLIMIT_NOFILE, libc::RLIMIT_MEMLOCK].map(hard))
}

/// Writes into a file that it can still make.
fn writing() -> String {
    // SAFETY: the name is a text with an end, and the bytes are as many as is said.
    let written = unsafe {
        let file = libc::memfd_create(c"x".as_ptr(), 0);
        libc::write(file, c"x".as_ptr().cast(), 1)
    };
    if written < 0 { std::io::Error::last_os_error().kind().to_string() } else { "written".to_owned() }
}

fn privileges() -> String {
    let none = rustix::thread::capabilities(None).is_ok_and(|sets| sets.permitted.is_empty());
    let closed = rustix::process::dumpable_behavior() == Ok(rustix::process::DumpableBehavior::NotDumpable);
    let kept = rustix::thread::no_new_privs() == Ok(true);
    format!("no capabilities: {none}, no new privileges: {kept}, closed to others: {closed}")
}

fn root() -> String {
    let names = std::fs::read_dir("/").map(|all| all.count());
    let outside = std::fs::metadata("/..//etc").is_ok();
    let written = std::fs::write("/file", "x").map_err(|error| error.kind());
    format!("{:?} {outside} {written:?}", names.map_err(|error| error.kind()))
}

fn chance() -> String {
    let mut bytes = [0_u8; 16];
    // SAFETY: the kernel writes at most as many bytes as the array has.
    let count = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    format!("{count} {}", bytes != [0; 16])
}

fn death() -> String {
    let words = "#\n# Fatal error: out of \u{1b}[31mluck\n";
    // SAFETY: the text is as long as is said.
    unsafe { libc::write(2, words.as_ptr().cast(), words.len()) };
    std::process::abort()
}
