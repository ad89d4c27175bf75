//! Notices changes in the functions' folder.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, SystemTime};

use notify::{Config, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// How often the folder is looked at although nothing was noticed.
const WATCHED: Duration = Duration::from_secs(10);
/// The same where the system cannot tell us of changes.
const UNWATCHED: Duration = Duration::from_millis(500);

pub struct Watch {
    root: PathBuf,
    notice: Arc<dyn Fn() + Send + Sync>,
    watcher: Option<RecommendedWatcher>,
    /// The folder that is watched; another may stand in its place by now.
    watched: Option<Identity>,
}

/// What tells a folder from a later one of the same name: device, inode and, since inodes are used again, its birth.
type Identity = (u64, u64, Option<SystemTime>);

impl Watch {
    /// Sends `changed()` for whatever happens below `root`.
    pub fn start<T: Send + 'static>(root: &Path, orders: Sender<T>, changed: fn() -> T) -> Watch {
        let notice = Arc::new(move || {
            let _ = orders.send(changed());
        });
        let mut watch = Watch { root: root.to_owned(), notice, watcher: None, watched: None };
        watch.renew();
        watch
    }

    /// Watches the folder that stands there now, unless it is watched already. A watch follows a folder, not a name.
    pub fn renew(&mut self) {
        let now = identity(&self.root);
        if self.watcher.is_some() && self.watched == now {
            return;
        }
        // Asked for before the watch begins, so that a folder replaced in between is noticed the next time.
        self.watched = now;
        self.watcher = None;
        let notice = Arc::clone(&self.notice);
        let notice = move |event: notify::Result<notify::Event>| {
            let reading = matches!(event, Ok(notify::Event { kind: EventKind::Access(_), .. }));
            if !reading {
                notice();
            }
        };
        // A link may lead to a folder that is not ours to watch, or in a circle.
        let watcher = RecommendedWatcher::new(notice, Config::default().with_follow_symlinks(false))
            .and_then(|mut watcher| watcher.watch(&self.root, RecursiveMode::Recursive).map(|()| watcher));
        match watcher {
            Ok(watcher) => self.watcher = Some(watcher),
            // A folder that does not exist cannot be watched.
            Err(error) => {
                tracing::debug!(%error, path = %self.root.display(), "changes are looked for instead of being told");
            }
        }
    }

    /// How long to wait before looking anyway.
    pub fn patience(&self) -> Duration {
        if self.watcher.is_some() { WATCHED } else { UNWATCHED }
    }
}

fn identity(root: &Path) -> Option<Identity> {
    let metadata = fs::metadata(root).ok()?;
    Some((metadata.dev(), metadata.ino(), metadata.created().ok()))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);
    /// Nothing came for this long, so what was told of earlier changes has been.
    const QUIET: Duration = Duration::from_millis(200);

    fn watch(root: &Path) -> (Watch, Receiver<()>) {
        let (sender, told) = channel();
        (Watch::start(root, sender, || ()), told)
    }

    /// Whether the file at `path` is told of when it appears.
    fn tells(told: &Receiver<()>, path: &Path) -> bool {
        while told.recv_timeout(QUIET).is_ok() {}
        fs::write(path, "").unwrap();
        told.recv_timeout(PATIENCE).is_ok()
    }

    #[test]
    fn a_folder_that_was_replaced_as_a_whole_is_watched_again() {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("functions");
        fs::create_dir(&root).unwrap();
        let (mut watch, told) = watch(&root);
        assert_eq!(watch.patience(), WATCHED);
        assert!(tells(&told, &root.join("a")));

        fs::remove_dir_all(&root).unwrap();
        fs::create_dir(&root).unwrap();
        watch.renew();
        assert!(tells(&told, &root.join("b")), "removed and made again");

        fs::rename(&root, parent.path().join("old")).unwrap();
        fs::create_dir(&root).unwrap();
        watch.renew();
        assert!(tells(&told, &root.join("c")), "moved away and made again");
    }

    #[test]
    fn a_link_in_a_circle_does_not_blind_the_watch() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("one")).unwrap();
        std::os::unix::fs::symlink("..", root.path().join("one/up")).unwrap();
        let (watch, told) = watch(root.path());
        assert_eq!(watch.patience(), WATCHED);
        assert!(tells(&told, &root.path().join("one/a")));
        // Those that were watched twice would be forgotten with the link.
        fs::create_dir(root.path().join("two")).unwrap();
        std::os::unix::fs::symlink("../one", root.path().join("two/one")).unwrap();
        fs::remove_file(root.path().join("two/one")).unwrap();
        assert!(tells(&told, &root.path().join("one/b")));
    }

    #[test]
    fn a_folder_that_is_gone_is_looked_for_often_and_watched_when_it_is_back() {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("functions");
        let (mut watch, told) = watch(&root);
        assert_eq!(watch.patience(), UNWATCHED);
        fs::create_dir(&root).unwrap();
        watch.renew();
        assert_eq!(watch.patience(), WATCHED);
        assert!(tells(&told, &root.join("a")));
        fs::remove_dir_all(&root).unwrap();
        watch.renew();
        assert_eq!(watch.patience(), UNWATCHED);
    }
}
