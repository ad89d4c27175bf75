//! Surroundings that refuse what a container's usual profile refuses.

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

const NOBODY: u32 = 65534;

/// A filter that refuses namespaces and mounts, as the default profiles of Docker and Podman do.
pub fn profile() -> BpfProgram {
    let refused = [libc::SYS_unshare, libc::SYS_setns, libc::SYS_mount, libc::SYS_umount2, libc::SYS_pivot_root];
    let rules = refused.into_iter().map(|call| (call, Vec::new())).collect();
    let arch = std::env::consts::ARCH.try_into().expect("an architecture that has filters");
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(libc::EPERM as u32), arch);
    filter.expect("a filter").try_into().expect("a program")
}

/// Lets the process that calls it run under the profile. It needs no memory, so that it can come between fork and exec.
pub fn put_on(profile: &BpfProgram) -> std::io::Result<()> {
    drop_sys_admin();
    apply_filter(profile).map_err(|_| std::io::Error::last_os_error())
}

pub fn enter() {
    put_on(&profile()).expect("a filter can be installed");
}

/// A container's root is not the machine's.
fn drop_sys_admin() {
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
    if let Ok(mut sets) = capabilities(None) {
        sets.effective.remove(CapabilitySet::SYS_ADMIN);
        sets.permitted.remove(CapabilitySet::SYS_ADMIN);
        sets.inheritable.remove(CapabilitySet::SYS_ADMIN);
        let _ = set_capabilities(None, sets);
    }
}

/// As somebody who was never root, as far as that can be had.
pub fn become_nobody() {
    // SAFETY: these calls touch no memory of ours; the process has one thread.
    unsafe {
        libc::setgroups(0, std::ptr::null());
        libc::setresgid(NOBODY, NOBODY, NOBODY);
        libc::setresuid(NOBODY, NOBODY, NOBODY);
        // A process that changes its user is closed to others, but one that began as that user is not.
        libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0);
    }
}
