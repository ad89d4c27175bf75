//! A control group with a limit of memory, where the system lets us make one.

use std::fs;
use std::path::{Path, PathBuf};

pub struct MemoryGroup {
    path: PathBuf,
}

/// The folder of the hierarchy and the name of the limit's file, for both versions of control groups.
const KINDS: [(&str, &str); 2] = [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")];

impl MemoryGroup {
    /// Nothing where it cannot be made; then the test has said that it is skipped.
    pub fn new(test: &str, bytes: u64) -> Option<MemoryGroup> {
        let name = format!("eddyline-{test}-{}", std::process::id());
        let made = KINDS.iter().find_map(|(folder, limit)| make(&Path::new(folder).join(&name), limit, bytes));
        if made.is_none() {
            eprintln!("skipped: {test}: no control group with a limit of memory can be made here");
        }
        made
    }

    pub fn add(&self, pid: u32) {
        fs::write(self.path.join("cgroup.procs"), pid.to_string()).expect("the process joins the group");
    }
}

fn make(path: &Path, limit: &str, bytes: u64) -> Option<MemoryGroup> {
    fs::create_dir(path).ok()?;
    let group = MemoryGroup { path: path.to_owned() };
    fs::write(path.join(limit), bytes.to_string()).ok().map(|()| group)
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.path);
    }
}
