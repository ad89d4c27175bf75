//! What V8 has compiled of large modules, for the next isolate of the same function in this worker.
//!
//! V8 trusts such a cache as it trusts itself. So it never leaves the process: each worker makes its own, from the very
//! text that it will be used for, before any of that text has run.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use deno_core::SourceCodeCacheInfo;
use sha2::{Digest, Sha256};

/// Smaller modules are compiled in no time.
const LEAST_TEXT: usize = 32 << 10;
/// Most bytes of caches; beyond that all are dropped, and those in use come back.
const MOST_BYTES: usize = 32 << 20;

type Key = [u8; 32];

#[derive(Default)]
struct Caches {
    by_text: HashMap<Key, Vec<u8>>,
    bytes: usize,
}

static CACHES: Mutex<Option<Caches>> = Mutex::new(None);

/// What V8 is given along with a module's text; `None` where a cache is not worth it.
pub fn find(text: &str) -> Option<SourceCodeCacheInfo> {
    if text.len() < LEAST_TEXT {
        return None;
    }
    let data = with(|caches| caches.by_text.get(&key(text)).cloned());
    // The hash is for stores that know modules by their names.
    Some(SourceCodeCacheInfo { hash: 0, data: data.map(Cow::Owned) })
}

/// Keeps what V8 made of a text.
pub fn keep(text: &str, data: &[u8]) {
    with(|caches| caches.insert(key(text), data));
}

fn with<T>(act: impl FnOnce(&mut Caches) -> T) -> T {
    let mut caches = CACHES.lock().unwrap_or_else(PoisonError::into_inner);
    act(caches.get_or_insert_default())
}

/// V8 itself compares no more than the lengths of texts.
fn key(text: &str) -> Key {
    Sha256::digest(text).into()
}

impl Caches {
    fn insert(&mut self, key: Key, data: &[u8]) {
        if data.len() > MOST_BYTES {
            return;
        }
        if self.bytes + data.len() > MOST_BYTES {
            *self = Caches::default();
        }
        self.bytes += data.len();
        if let Some(before) = self.by_text.insert(key, data.to_vec()) {
            self.bytes -= before.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_texts_have_no_cache_and_large_ones_their_own() {
        assert!(find("export default () => 1;").is_none());
        let (one, other) = ("a".repeat(LEAST_TEXT), "b".repeat(LEAST_TEXT));
        keep(&one, b"cache");
        assert_eq!(find(&one).unwrap().data.as_deref(), Some(&b"cache"[..]));
        assert!(find(&other).unwrap().data.is_none());
    }

    #[test]
    fn caches_take_a_bounded_amount_of_memory() {
        let mut caches = Caches::default();
        let half = vec![0; MOST_BYTES / 2];
        caches.insert([1; 32], &half);
        caches.insert([1; 32], &half);
        caches.insert([2; 32], &half);
        assert_eq!((caches.by_text.len(), caches.bytes), (2, MOST_BYTES));
        caches.insert([3; 32], b"one more");
        assert_eq!((caches.by_text.len(), caches.bytes), (1, 8));
        caches.insert([4; 32], &vec![0; MOST_BYTES + 1]);
        assert_eq!(caches.by_text.len(), 1);
    }
}
