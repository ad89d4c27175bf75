//! Notices changes in the functions' folder.

use std::path::Path;
use std::sync::mpsc::Sender;
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// How often the folder is looked at although nothing was noticed.
const WATCHED: Duration = Duration::from_secs(10);
/// The same where the system cannot tell us of changes.
const UNWATCHED: Duration = Duration::from_millis(500);

pub struct Watch {
    watcher: Option<RecommendedWatcher>,
}

impl Watch {
    /// Sends `changed()` for whatever happens below `root`.
    pub fn start<T: Send + 'static>(root: &Path, orders: Sender<T>, changed: fn() -> T) -> Watch {
        let notice = move |event: notify::Result<notify::Event>| {
            let reading = matches!(event, Ok(notify::Event { kind: EventKind::Access(_), .. }));
            if !reading {
                let _ = orders.send(changed());
            }
        };
        let watcher = notify::recommended_watcher(notice)
            .and_then(|mut watcher| watcher.watch(root, RecursiveMode::Recursive).map(|()| watcher));
        if let Err(error) = &watcher {
            tracing::debug!(%error, path = %root.display(), "changes are looked for instead of being told");
        }
        Watch { watcher: watcher.ok() }
    }

    /// Whether the system tells us of changes; a folder that did not exist cannot be watched.
    pub fn is_told(&self) -> bool {
        self.watcher.is_some()
    }

    /// How long to wait before looking anyway.
    pub fn patience(&self) -> Duration {
        if self.watcher.is_some() { WATCHED } else { UNWATCHED }
    }
}
