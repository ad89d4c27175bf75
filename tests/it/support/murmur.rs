//! The partition that Java's clients choose for a key.

const M: u32 = 0x5bd1_e995;

fn murmur2(bytes: &[u8]) -> u32 {
    let mut hash = 0x9747_b28c ^ bytes.len() as u32;
    let mut blocks = bytes.chunks_exact(4);
    for block in &mut blocks {
        let mut k = u32::from_le_bytes(block.try_into().expect("four bytes")).wrapping_mul(M);
        k = (k ^ (k >> 24)).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ k;
    }
    let rest = blocks.remainder();
    if !rest.is_empty() {
        let last = rest.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
        hash = (hash ^ last).wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

pub fn partition_of(key: impl AsRef<[u8]>, partitions: i32) -> i32 {
    (murmur2(key.as_ref()) & 0x7fff_ffff) as i32 % partitions
}

#[test]
fn the_hash_is_the_one_of_javas_clients() {
    let known: [(&str, i32); 4] = [
        ("21", -973_932_308),
        ("foobar", -790_332_482),
        ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
    ];
    for (key, hash) in known {
        assert_eq!(murmur2(key.as_bytes()) as i32, hash, "{key}");
    }
}
