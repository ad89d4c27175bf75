//! What this node knows of the cluster's wishes, shared by whoever reads, writes and obeys them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::follow;
use super::format::Wish;
use super::write::Pen;
use crate::kafka::{self, Settings, Topics};
use crate::status::{Board, WishesState};

/// How many records that count for nothing are remembered, for whoever wrote them and has yet to look.
const REMEMBERED: usize = 1000;
/// Whoever wrote a record that counts for nothing has so long to write again before others do it, not all at once.
const AGAIN: Duration = Duration::from_secs(1);

/// The wishes by function.
pub type Known = Arc<BTreeMap<String, Wish>>;

/// The wishes as the node holds them; cheap to clone.
#[derive(Clone)]
pub struct Wishes(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) topics: Arc<Topics>,
    pub(super) replication: Option<i32>,
    pub(super) node: String,
    pub(super) pen: Mutex<Option<Pen>>,
    board: Arc<Board>,
    book: Mutex<Book>,
    changed: Condvar,
    notice: OnceLock<Box<dyn Fn() + Send + Sync>>,
    pub(super) stopping: AtomicBool,
    /// Wakes the thread that follows.
    pub(super) bell: SyncSender<()>,
}

#[derive(Default)]
pub(super) struct Book {
    known: Known,
    /// For each function, where its newest record lies that counts.
    places: BTreeMap<String, i64>,
    /// Where records lie that count for nothing, since their writer did not know the one before; the newest of them.
    outdone: BTreeSet<i64>,
    /// Functions whose newest record is such a one, and when what counts is to be written again.
    owed: BTreeMap<String, Instant>,
    /// Behind the last record that was read.
    pub(super) next: i64,
    pub(super) standing: Standing,
}

/// How far the node can rely on what it knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has not read everything yet, and no function starts.
    #[default]
    Reading,
    Following,
    /// The topic cannot be made or read; what is known is all there is.
    Unavailable(String),
}

impl Book {
    /// The topic is read from its beginning again; what is known stays so meanwhile.
    pub(super) fn begin_anew(&mut self) {
        self.next = 0;
        self.places.clear();
        self.outdone.clear();
        self.owed.clear();
    }

    /// Takes in one record, whose writer had read everything before `read`. Returns whether it changes anything.
    ///
    /// All nodes read the same records in the same order, and so agree on which of them count: the one that is first
    /// to be written on what counted before. Whoever wrote another writes again.
    pub(super) fn learn(&mut self, function: &str, offset: i64, read: Option<i64>, value: Option<&[u8]>) -> bool {
        self.next = self.next.max(offset + 1);
        if self.places.get(function).is_some_and(|&place| read.is_some_and(|read| read <= place)) {
            self.outdone.insert(offset);
            if self.outdone.len() > REMEMBERED {
                self.outdone.pop_first();
            }
            self.owed.insert(function.to_owned(), Instant::now() + AGAIN.mul_f64(1.0 + fastrand::f64()));
            return false;
        }
        self.owed.remove(function);
        self.places.insert(function.to_owned(), offset);
        let known = Arc::make_mut(&mut self.known);
        let before = known.remove(function);
        let Some(value) = value else { return before.is_some() };
        let wish = Wish::parse(value).unwrap_or_else(|error| {
            tracing::warn!(function, offset, %error, topic = super::TOPIC, "a wish cannot be read and counts for nothing");
            Wish::default()
        });
        let changes = before.as_ref() != Some(&wish);
        known.insert(function.to_owned(), wish);
        changes
    }

    /// The functions whose wish is to be written again by now; each is named once.
    pub(super) fn owed(&mut self, now: Instant) -> Vec<String> {
        self.owed.extract_if(.., |_, due| *due <= now).map(|(function, _)| function).collect()
    }

    pub(super) fn wish(&self, function: &str) -> Option<&Wish> {
        self.known.get(function)
    }

    /// Whether the record there counts, or did so; nothing as long as it has not been read.
    pub(super) fn counts(&self, offset: i64) -> Option<bool> {
        (self.next > offset).then(|| !self.outdone.contains(&offset))
    }
}

impl Wishes {
    /// Begins to read the topic, which it makes if need be.
    pub fn start(
        settings: &Settings,
        topics: Arc<Topics>,
        replication: Option<i32>,
        node: String,
        board: Arc<Board>,
    ) -> std::io::Result<Wishes> {
        let mut settings = settings.clone();
        // It is in no group.
        settings.group_instance_id = None;
        // What is there comes at once in any case; where nothing is, asking twice a second is enough.
        settings.properties.entry("fetch.wait.max.ms".to_owned()).or_insert_with(|| "500".to_owned());
        let (bell, rung) = sync_channel(1);
        let wishes = Wishes(Arc::new(Shared {
            settings,
            topics,
            replication,
            node,
            pen: Mutex::default(),
            board,
            book: Mutex::default(),
            changed: Condvar::new(),
            notice: OnceLock::new(),
            stopping: AtomicBool::new(false),
            bell,
        }));
        let own = wishes.clone();
        std::thread::Builder::new().name("wishes".to_owned()).spawn(move || follow::run(&own, &rung))?;
        Ok(wishes)
    }

    /// Calls `notice` whenever something has changed.
    pub fn tell(&self, notice: impl Fn() + Send + Sync + 'static) {
        let _ = self.0.notice.set(Box::new(notice));
    }

    /// All that is known; nothing as long as the topic has not been read and may still be.
    pub fn known(&self) -> Option<Known> {
        let book = self.book();
        (book.standing != Standing::Reading).then(|| Arc::clone(&book.known))
    }

    pub fn of(&self, function: &str) -> Option<Wish> {
        self.book().wish(function).cloned()
    }

    pub fn node(&self) -> &str {
        &self.0.node
    }

    /// The thread ends by itself soon after; nobody needs to wait for it.
    pub fn stop(&self) {
        self.0.stopping.store(true, Ordering::Release);
        let _ = self.0.bell.try_send(());
    }

    pub fn is_stopping(&self) -> bool {
        self.0.stopping.load(Ordering::Acquire)
    }

    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is known; tells whoever waits for it, and whoever obeys it if `change` says so.
    pub(super) fn change(&self, change: impl FnOnce(&mut Book) -> bool) {
        let news = change(&mut self.book());
        self.0.changed.notify_all();
        if news && let Some(notice) = self.0.notice.get() {
            notice();
        }
    }

    pub(super) fn enter(&self, standing: Standing) {
        if self.book().standing == standing {
            return;
        }
        match &standing {
            Standing::Reading => {}
            Standing::Following => tracing::debug!(topic = super::TOPIC, "the cluster's wishes are followed"),
            Standing::Unavailable(reason) => tracing::warn!(
                topic = super::TOPIC, %reason, code = "E3003",
                "the cluster's wishes cannot be read: functions run, and pausing, resuming and seeking hold on this node alone"
            ),
        }
        self.0.board.update_node(|node| {
            (node.wishes.state, node.wishes.reason) = match &standing {
                Standing::Reading => (WishesState::Reading, None),
                Standing::Following => (WishesState::Following, None),
                Standing::Unavailable(reason) => (WishesState::Unavailable, Some(reason.clone())),
            };
        });
        self.change(|book| {
            book.standing = standing;
            true
        });
    }

    /// Waits until `is_so` gives something, at most for this long.
    pub(super) fn wait<T>(&self, within: Duration, mut is_so: impl FnMut(&Book) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + within;
        let mut book = self.book();
        loop {
            if let Some(found) = is_so(&book) {
                return Some(found);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            book = self.0.changed.wait_timeout(book, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Whether another attempt is not going to help before something is done about it.
pub(super) fn refused(error: &kafka::Error) -> bool {
    error.code().is_none_or(|code| code.is_denied())
}

#[cfg(test)]
mod tests {
    use super::super::format::Run;
    use super::*;

    fn bytes(node: &str) -> Vec<u8> {
        let mut wish = Wish::default();
        wish.run = Some(Run::running(node));
        wish.to_bytes()
    }

    fn node(book: &Book) -> &str {
        &book.wish("f").unwrap().run.as_ref().unwrap().node
    }

    #[test]
    fn the_newest_record_of_a_function_counts() {
        let mut book = Book::default();
        assert!(book.learn("f", 3, Some(0), Some(&bytes("a"))) && node(&book) == "a");
        assert!(book.learn("f", 7, Some(4), Some(&bytes("b"))) && node(&book) == "b");
        assert!(book.learn("f", 8, None, Some(&bytes("by hand"))) && node(&book) == "by hand");
        assert_eq!((book.next, book.counts(3), book.counts(8), book.counts(9)), (9, Some(true), Some(true), None));
    }

    #[test]
    fn one_that_was_written_without_knowing_the_last_that_counts_does_not() {
        let mut book = Book::default();
        book.learn("f", 3, Some(0), Some(&bytes("a")));
        assert!(!book.learn("f", 4, Some(3), Some(&bytes("b"))) && node(&book) == "a");
        assert_eq!((book.next, book.counts(3), book.counts(4)), (5, Some(true), Some(false)));
        // It knew the one that counts, and it does not matter what it knew of another.
        assert!(book.learn("f", 5, Some(4), Some(&bytes("c"))) && node(&book) == "c");
        assert!(book.learn("f", 6, Some(6), None) && book.wish("f").is_none());
        assert!(!book.learn("f", 7, Some(6), Some(&bytes("d"))) && book.wish("f").is_none());
        book.learn("g", 8, Some(0), Some(&bytes("e")));
        assert_eq!(book.counts(8), Some(true));
    }

    #[test]
    fn what_counts_is_owed_where_the_newest_record_does_not() {
        let mut book = Book::default();
        let late = || Instant::now() + 2 * AGAIN;
        for function in ["f", "g"] {
            book.learn(function, 3, Some(0), Some(&bytes("a")));
            book.learn(function, 4, Some(3), Some(&bytes("b")));
        }
        assert!(book.owed(Instant::now()).is_empty(), "its writer may write again");
        book.learn("g", 5, Some(5), Some(&bytes("b")));
        assert_eq!(book.owed(late()), ["f"]);
        assert!(book.owed(late()).is_empty(), "once");
        book.learn("f", 6, Some(3), Some(&bytes("c")));
        book.begin_anew();
        assert!(book.owed(late()).is_empty());
    }

    #[test]
    fn the_same_again_is_no_news_and_a_tombstone_ends_a_wish() {
        let mut book = Book::default();
        let wish = bytes("a");
        assert!(book.learn("f", 0, None, Some(&wish)));
        assert!(!book.learn("f", 1, None, Some(&wish)));
        assert!(book.learn("f", 2, None, None) && book.wish("f").is_none());
        assert!(!book.learn("f", 3, None, None));
        assert_eq!(book.next, 4);
    }

    #[test]
    fn what_cannot_be_read_counts_for_nothing_and_can_be_replaced() {
        let mut book = Book::default();
        book.learn("f", 0, None, Some(b"no json"));
        assert_eq!(book.wish("f"), Some(&Wish::default()));
        assert!(book.learn("f", 1, Some(1), Some(&bytes("a"))));
    }
}
