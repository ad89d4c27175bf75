//! What the machine, or the container, that we run on has to offer.

use std::fs;
use std::path::{Path, PathBuf};

/// Bytes of memory that this process and its children may use: the machine's, or less if a control group says so.
pub fn memory() -> Option<u64> {
    let limits = memory_limits(Path::new("/sys/fs/cgroup"), &read("/proc/self/cgroup").unwrap_or_default());
    total_memory().into_iter().chain(limits).min()
}

fn total_memory() -> Option<u64> {
    let text = read("/proc/meminfo")?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

/// The limits of the process's control groups and of those around them, in either version of their interface.
fn memory_limits(mounted: &Path, groups: &str) -> Vec<u64> {
    let mut limits = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let (root, file) = match controllers {
            "" => (mounted.to_owned(), "memory.max"),
            "memory" => (mounted.join("memory"), "memory.limit_in_bytes"),
            _ => continue,
        };
        // Inside a container the path may be that of the machine, which is not there: the root is our own group then.
        let inner = root.join(path.trim_start_matches('/'));
        let folders = inner.ancestors().take_while(|folder| folder.starts_with(&root)).map(PathBuf::from);
        limits.extend(folders.filter_map(|folder| read(folder.join(file))?.trim().parse::<u64>().ok()));
    }
    limits
}

/// How many mappings a process may have; each isolate takes some dozens.
pub fn max_map_count() -> Option<u64> {
    read("/proc/sys/vm/max_map_count")?.trim().parse().ok()
}

/// The kernel's version: its name, and its first two numbers.
pub fn kernel() -> (String, (u32, u32)) {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let mut numbers = release.split(['.', '-']).map_while(|part| part.parse().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    (release, version)
}

/// How many descriptors this process may open.
pub fn max_descriptors() -> u64 {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX)
}

fn read(path: impl AsRef<Path>) -> Option<String> {
    fs::read_to_string(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(root: &Path, path: &str, file: &str, limit: &str) {
        let folder = root.join(path);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(file), limit).unwrap();
    }

    #[test]
    fn limits_of_all_groups_around_count() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        group(root, "system.slice/eddyline.service", "memory.max", "max\n");
        group(root, "system.slice", "memory.max", "2147483648\n");
        group(root, "memory/docker/1", "memory.limit_in_bytes", "1073741824\n");
        assert_eq!(memory_limits(root, "0::/system.slice/eddyline.service\n"), [2 << 30]);
        assert_eq!(memory_limits(root, "4:memory:/docker/1\n3:cpu:/\n"), [1 << 30]);
        assert_eq!(memory_limits(root, "0::/not/here\nnonsense\n"), [0_u64; 0]);
    }

    #[test]
    fn a_group_that_is_named_as_outside_is_found_at_the_root() {
        let folder = tempfile::tempdir().unwrap();
        group(folder.path(), "", "memory.max", "536870912\n");
        assert_eq!(memory_limits(folder.path(), "0::/docker/1\n"), [512 << 20]);
    }

    #[test]
    fn this_machine_has_memory_and_a_kernel() {
        assert!(memory().unwrap() > 64 << 20);
        assert!(kernel().1 > (2, 6));
    }
}
