//! What every other figure is divided by, so that it means something on another machine: what a plain program does with a
//! record.

use std::collections::{HashMap, VecDeque};

use crate::case::{Case, RECORDS};

const VALUE: [u8; 100] = [b'v'; 100];

/// Hashes a key, copies key and value, queues them, counts them by key, and takes them out again.
pub fn case() -> Case {
    let keys: Vec<String> = (0..RECORDS).map(|n| format!("customer {n}")).collect();
    Case::new("reference", move || {
        let mut bytes = Vec::new();
        let mut queue = VecDeque::new();
        let mut counts: HashMap<u64, u32> = HashMap::new();
        for key in &keys {
            // The simplest of hashes, FNV-1a, so that no library's way of hashing matters.
            let hash = key
                .bytes()
                .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
            bytes.extend_from_slice(key.as_bytes());
            bytes.extend_from_slice(&VALUE);
            queue.push_back((hash, bytes.len()));
            *counts.entry(hash).or_default() += 1;
        }
        let mut sum = 0;
        while let Some((hash, end)) = queue.pop_front() {
            sum += end as u64 + u64::from(counts[&hash]);
        }
        sum
    })
}
