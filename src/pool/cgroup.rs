//! A control group for each worker, in which the kernel itself caps its memory.
//!
//! That takes a subtree that was given to the node alone: under systemd by `Delegate=yes`, best with
//! `DelegateSubgroup=host`. Everywhere else there is none, and the host's own looks are what caps a worker.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Where the second version of control groups is mounted.
const MOUNT: &str = "/sys/fs/cgroup";
/// The part of the subtree that the node itself lives in: a group with parts has no processes of its own.
const HOST: &str = "host";

/// A subtree that is ours.
#[derive(Debug)]
struct Subtree {
    at: PathBuf,
}

/// The group of one worker; goes with it.
#[derive(Debug)]
pub struct ControlGroup {
    at: PathBuf,
}

/// Puts a process into a group of its own with that much memory; `None` where no subtree is ours.
pub fn confine(pid: u32, memory: u64) -> Option<ControlGroup> {
    static OWN: OnceLock<Option<Subtree>> = OnceLock::new();
    let own = OWN.get_or_init(|| {
        let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
        match Subtree::take(Path::new(MOUNT), &groups, std::process::id()) {
            Ok(subtree) => Some(subtree),
            Err(reason) => {
                tracing::debug!(%reason, "workers get no control groups of their own");
                None
            }
        }
    });
    let group = own.as_ref()?.group(pid, memory);
    group.inspect_err(|error| tracing::warn!(%error, pid, "a worker got no control group of its own")).ok()
}

impl Subtree {
    /// Takes the process's own group, if nobody else is in it and memory can be divided there.
    fn take(mount: &Path, groups: &str, pid: u32) -> Result<Subtree, String> {
        let own = groups.lines().find_map(|line| line.strip_prefix("0::/")).ok_or("no second version")?;
        let own = mount.join(own);
        let is_host = own.file_name().is_some_and(|name| name == HOST);
        let at = if is_host { own.parent().unwrap_or(mount).to_owned() } else { own };
        let read = |name: &str| fs::read_to_string(at.join(name)).map_err(|error| format!("{name}: {error}"));
        if !read("cgroup.controllers")?.split_whitespace().any(|controller| controller == "memory") {
            return Err("memory cannot be divided".to_owned());
        }
        if !is_host {
            let inhabitants = read("cgroup.procs")?;
            if inhabitants.split_whitespace().any(|other| other != pid.to_string()) {
                return Err("others live in our group".to_owned());
            }
            let host = at.join(HOST);
            make(&host).map_err(|error| format!("{}: {error}", host.display()))?;
            fs::write(host.join("cgroup.procs"), pid.to_string()).map_err(|error| format!("moving: {error}"))?;
        }
        let divided = fs::write(at.join("cgroup.subtree_control"), "+memory");
        if let (Err(error), false) = (&divided, is_host) {
            // Back to where we were, as if nothing had been.
            let _ = fs::write(at.join("cgroup.procs"), pid.to_string());
            let _ = fs::remove_dir(at.join(HOST));
            return Err(format!("memory cannot be divided: {error}"));
        }
        divided.map_err(|error| format!("memory cannot be divided: {error}"))?;
        Ok(Subtree { at })
    }

    fn group(&self, pid: u32, memory: u64) -> io::Result<ControlGroup> {
        let group = ControlGroup { at: self.at.join(format!("worker-{pid}")) };
        make(&group.at)?;
        fs::write(group.at.join("memory.max"), memory.to_string())?;
        // Where memory can be swapped out, a worker is not to fill the machine's swap instead.
        let _ = fs::write(group.at.join("memory.swap.max"), "0");
        fs::write(group.at.join("cgroup.procs"), pid.to_string())?;
        Ok(group)
    }
}

impl ControlGroup {
    /// Whether the kernel ended the worker for its memory.
    pub fn ran_out_of_memory(&self) -> bool {
        let events = fs::read_to_string(self.at.join("memory.events")).unwrap_or_default();
        let kills = events.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse::<u64>().ok());
        kills.is_some_and(|kills| kills > 0)
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.at);
    }
}

/// Makes a group, or takes one that an earlier process left behind.
fn make(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plain files in place of the kernel's.
    fn subtree(path: &str, controllers: &str, inhabitants: &str) -> (tempfile::TempDir, PathBuf) {
        let mount = tempfile::tempdir().unwrap();
        let at = mount.path().join(path);
        fs::create_dir_all(&at).unwrap();
        fs::write(at.join("cgroup.controllers"), controllers).unwrap();
        fs::write(at.join("cgroup.procs"), inhabitants).unwrap();
        (mount, at)
    }

    #[test]
    fn a_subtree_of_ours_is_divided_into_the_host_and_a_group_for_each_worker() {
        let (mount, at) = subtree("system.slice/eddyline.service", "cpu memory pids", "70\n");
        let subtree = Subtree::take(mount.path(), "0::/system.slice/eddyline.service\n", 70).unwrap();
        let text = |name: &str| fs::read_to_string(at.join(name)).unwrap();
        assert_eq!((text("host/cgroup.procs"), text("cgroup.subtree_control")), ("70".into(), "+memory".into()));
        let group = subtree.group(71, 1 << 30).unwrap();
        assert_eq!((text("worker-71/memory.max"), text("worker-71/cgroup.procs")), ("1073741824".into(), "71".into()));
        assert!(!group.ran_out_of_memory());
        fs::write(at.join("worker-71/memory.events"), "low 0\noom 1\noom_kill 1\n").unwrap();
        assert!(group.ran_out_of_memory());
    }

    #[test]
    fn a_host_that_has_its_place_already_stays_there() {
        let (mount, at) = subtree("eddyline.service", "memory", "");
        fs::create_dir(at.join(HOST)).unwrap();
        Subtree::take(mount.path(), "0::/eddyline.service/host\n", 70).unwrap();
        assert!(!at.join("host/cgroup.procs").exists(), "nobody was moved");
    }

    #[test]
    fn a_group_that_is_not_ours_alone_is_left_as_it_is() {
        for (controllers, inhabitants) in [("cpu memory", "1\n70\n"), ("cpu", "70\n")] {
            let (mount, at) = subtree("session", controllers, inhabitants);
            assert!(Subtree::take(mount.path(), "0::/session\n", 70).is_err());
            assert!(!at.join(HOST).exists() && !at.join("cgroup.subtree_control").exists());
        }
        assert!(Subtree::take(Path::new("/nowhere"), "4:memory:/\n", 70).is_err());
    }
}
