//! Which calls are allowed, which are refused, and which end the worker.

use libc::c_long;

/// A call's number and when the rule is about it.
pub type Call = (c_long, When);

#[derive(Clone, Copy)]
pub enum When {
    Always,
    /// That argument is one of these.
    OneOf(u8, &'static [u64]),
    /// That argument is a null pointer.
    Null(u8),
    /// That argument is this process's id.
    OwnProcess(u8),
    /// Of that argument, the bits of `mask` are those of `value`.
    Bits {
        argument: u8,
        mask: u64,
        value: u64,
    },
}

use When::{Always, Bits, Null, OneOf, OwnProcess};

const THREAD: u64 = (libc::CLONE_VM | libc::CLONE_SIGHAND | libc::CLONE_THREAD) as u64;
const NAMESPACES: u64 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u64;

pub const ALLOWED: &[Call] = &[
    // The socket, the standard streams.
    (libc::SYS_read, Always),
    (libc::SYS_readv, Always),
    (libc::SYS_write, Always),
    (libc::SYS_writev, Always),
    (libc::SYS_recvfrom, Always),
    (libc::SYS_sendto, Null(4)),
    (libc::SYS_shutdown, Always),
    (libc::SYS_close, Always),
    (libc::SYS_fstat, Always),
    (libc::SYS_lseek, Always),
    (
        libc::SYS_fcntl,
        OneOf(
            1,
            &[
                libc::F_DUPFD_CLOEXEC as u64,
                libc::F_GETFD as u64,
                libc::F_SETFD as u64,
                libc::F_GETFL as u64,
                libc::F_SETFL as u64,
            ],
        ),
    ),
    // Waiting.
    (libc::SYS_ppoll, Always),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_poll, Always),
    (libc::SYS_epoll_create1, Always),
    (libc::SYS_epoll_ctl, Always),
    (libc::SYS_epoll_pwait, Always),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_epoll_wait, Always),
    (libc::SYS_eventfd2, Always),
    (libc::SYS_futex, Always),
    (libc::SYS_sched_yield, Always),
    (libc::SYS_nanosleep, Always),
    (libc::SYS_clock_nanosleep, Always),
    (libc::SYS_restart_syscall, Always),
    // Memory, with machine code in it.
    (libc::SYS_mmap, Always),
    (libc::SYS_munmap, Always),
    (libc::SYS_mremap, Always),
    (libc::SYS_mprotect, Always),
    (libc::SYS_madvise, Always),
    (libc::SYS_brk, Always),
    (libc::SYS_pkey_alloc, Always),
    (libc::SYS_pkey_free, Always),
    (libc::SYS_pkey_mprotect, Always),
    // Threads. `clone3` hides its flags from filters; the C library takes `clone` where it is unknown.
    (libc::SYS_clone, Bits { argument: 0, mask: THREAD | NAMESPACES, value: THREAD }),
    (libc::SYS_exit, Always),
    (libc::SYS_exit_group, Always),
    (libc::SYS_set_robust_list, Always),
    (libc::SYS_rseq, Always),
    (libc::SYS_membarrier, Always),
    (libc::SYS_gettid, Always),
    (libc::SYS_sched_getaffinity, Always),
    (libc::SYS_sched_getparam, Always),
    (libc::SYS_sched_getscheduler, Always),
    (libc::SYS_getcpu, Always),
    (
        libc::SYS_prctl,
        // The last one is what the filter that comes after this one needs.
        OneOf(0, &[libc::PR_SET_NAME as u64, libc::PR_GET_NAME as u64, PR_SET_VMA, libc::PR_SET_NO_NEW_PRIVS as u64]),
    ),
    (libc::SYS_seccomp, Always),
    // Signals, to itself.
    (libc::SYS_rt_sigaction, Always),
    (libc::SYS_rt_sigprocmask, Always),
    (libc::SYS_rt_sigreturn, Always),
    (libc::SYS_sigaltstack, Always),
    (libc::SYS_tgkill, OwnProcess(0)),
    // Clocks, chance, and what a process may know of itself.
    (libc::SYS_clock_gettime, Always),
    (libc::SYS_clock_getres, Always),
    (libc::SYS_gettimeofday, Always),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_time, Always),
    (libc::SYS_getrandom, Always),
    // V8 asks for the kernel's version.
    (libc::SYS_uname, Always),
    (libc::SYS_getpid, Always),
    (libc::SYS_getuid, Always),
    (libc::SYS_geteuid, Always),
    (libc::SYS_getgid, Always),
    (libc::SYS_getegid, Always),
    (libc::SYS_getrusage, Always),
    (libc::SYS_sysinfo, Always),
    (libc::SYS_prlimit64, Null(2)),
];

const PR_SET_VMA: u64 = 0x5356_4d41;

/// Libraries try these and go on without them.
pub const REFUSED: &[Call] = &[
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_open, Always),
    (libc::SYS_openat, Always),
    (libc::SYS_openat2, Always),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_creat, Always),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_stat, Always),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_lstat, Always),
    (libc::SYS_newfstatat, Always),
    (libc::SYS_statx, Always),
    (libc::SYS_statfs, Always),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_access, Always),
    (libc::SYS_faccessat, Always),
    (libc::SYS_faccessat2, Always),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_readlink, Always),
    (libc::SYS_readlinkat, Always),
    (libc::SYS_getcwd, Always),
    (libc::SYS_ioctl, Always),
    (libc::SYS_ftruncate, Always),
    (libc::SYS_memfd_create, Always),
    (libc::SYS_pipe2, Always),
    (libc::SYS_dup, Always),
    (libc::SYS_dup3, Always),
    (libc::SYS_sendmsg, Always),
    (libc::SYS_recvmsg, Always),
    (libc::SYS_socketpair, Always),
    (libc::SYS_kill, Always),
    (libc::SYS_tkill, Always),
    (libc::SYS_seccomp, Always),
];

/// No part of a worker makes these: somebody else has taken it over.
pub const FATAL: &[Call] = &[
    // Other programs, other processes.
    (libc::SYS_execve, Always),
    (libc::SYS_execveat, Always),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_fork, Always),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_vfork, Always),
    (libc::SYS_clone, Bits { argument: 0, mask: libc::CLONE_THREAD as u64, value: 0 }),
    (libc::SYS_ptrace, Always),
    (libc::SYS_process_vm_readv, Always),
    (libc::SYS_process_vm_writev, Always),
    (libc::SYS_process_madvise, Always),
    (libc::SYS_kcmp, Always),
    (libc::SYS_pidfd_open, Always),
    (libc::SYS_pidfd_getfd, Always),
    (libc::SYS_pidfd_send_signal, Always),
    // The network.
    (libc::SYS_socket, Always),
    (libc::SYS_connect, Always),
    (libc::SYS_bind, Always),
    (libc::SYS_listen, Always),
    (libc::SYS_accept, Always),
    (libc::SYS_accept4, Always),
    // The kernel.
    (libc::SYS_bpf, Always),
    (libc::SYS_perf_event_open, Always),
    (libc::SYS_userfaultfd, Always),
    (libc::SYS_io_uring_setup, Always),
    (libc::SYS_io_uring_enter, Always),
    (libc::SYS_io_uring_register, Always),
    (libc::SYS_io_setup, Always),
    (libc::SYS_keyctl, Always),
    (libc::SYS_add_key, Always),
    (libc::SYS_request_key, Always),
    (libc::SYS_kexec_load, Always),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_kexec_file_load, Always),
    (libc::SYS_init_module, Always),
    (libc::SYS_finit_module, Always),
    (libc::SYS_delete_module, Always),
    (libc::SYS_reboot, Always),
    (libc::SYS_syslog, Always),
    (libc::SYS_acct, Always),
    (libc::SYS_swapon, Always),
    (libc::SYS_swapoff, Always),
    (libc::SYS_quotactl, Always),
    (libc::SYS_personality, Always),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_iopl, Always),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_ioperm, Always),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_modify_ldt, Always),
    // Mounts and namespaces.
    (libc::SYS_mount, Always),
    (libc::SYS_umount2, Always),
    (libc::SYS_pivot_root, Always),
    (libc::SYS_chroot, Always),
    (libc::SYS_move_mount, Always),
    (libc::SYS_open_tree, Always),
    (libc::SYS_fsopen, Always),
    (libc::SYS_fsconfig, Always),
    (libc::SYS_fsmount, Always),
    (libc::SYS_fspick, Always),
    (libc::SYS_mount_setattr, Always),
    (libc::SYS_unshare, Always),
    (libc::SYS_setns, Always),
    (libc::SYS_name_to_handle_at, Always),
    (libc::SYS_open_by_handle_at, Always),
    (libc::SYS_fanotify_init, Always),
    // Who it is, and the machine's name and time.
    (libc::SYS_setuid, Always),
    (libc::SYS_setgid, Always),
    (libc::SYS_setresuid, Always),
    (libc::SYS_setresgid, Always),
    (libc::SYS_setreuid, Always),
    (libc::SYS_setregid, Always),
    (libc::SYS_setgroups, Always),
    (libc::SYS_setfsuid, Always),
    (libc::SYS_setfsgid, Always),
    (libc::SYS_capset, Always),
    (libc::SYS_sethostname, Always),
    (libc::SYS_setdomainname, Always),
    (libc::SYS_settimeofday, Always),
    (libc::SYS_clock_settime, Always),
    (libc::SYS_clock_adjtime, Always),
    (libc::SYS_adjtimex, Always),
];
