//! The records: orders with varied contents, each made from its number alone, so that whoever reads a result can make
//! its record again and compare.

use std::fmt::Write;

use fastrand::Rng;

use crate::contract::Work;

/// Customers, which are the keys.
pub const KEYS: u64 = 10_000;

const SYLLABLES: [&str; 40] = [
    "an", "ber", "cal", "dor", "el", "fen", "gar", "hol", "in", "jas", "ker", "lo", "mar", "nel", "or", "pra", "qui",
    "ran", "sol", "ta", "ul", "ven", "wil", "xan", "yor", "zel", "bri", "cho", "dra", "fli", "gro", "kla", "plu",
    "sti", "tre", "vo", "wa", "sho", "thi", "mon",
];

pub fn customer(id: u64) -> u64 {
    // Spread, so that neighbours are of different customers.
    id.wrapping_mul(0x9e37_79b9_7f4a_7c15) % KEYS
}

/// Of ten bytes and one to five digits.
pub fn key(id: u64, out: &mut String) {
    out.clear();
    write!(out, "customer-{}", customer(id)).expect("a string takes it");
}

pub fn is_returned(id: u64) -> bool {
    id % 10 == 7
}

/// About `bytes` long, compact as JavaScript writes it.
pub fn order(id: u64, bytes: usize, out: &mut String) {
    let mut rng = Rng::with_seed(id);
    out.clear();
    let status = if is_returned(id) { "returned" } else { ["paid", "new", "sent"][rng.usize(..3)] };
    let (quantity, price) = factors(&mut rng);
    write!(out, r#"{{"id":{id},"status":"{status}","quantity":{quantity},"price":{price}"#).expect("a string takes it");
    if bytes >= 500 {
        let number = customer(id);
        write!(out, r#","customer":{{"number":{number},"name":""#).expect("a string takes it");
        words(&mut rng, 2, out);
        write!(
            out,
            r#"","mail":"m{}@example.org","since":{}}},"address":{{"street":""#,
            rng.u32(..),
            rng.u16(1990..2026)
        )
        .expect("a string takes it");
        words(&mut rng, 2, out);
        write!(out, r#"","house":{},"city":""#, rng.u8(1..)).expect("a string takes it");
        words(&mut rng, 1, out);
        out.push_str(r#""},"express":"#);
        out.push_str(if rng.bool() { "true" } else { "false" });
        items(&mut rng, bytes - 130, out);
    }
    out.push_str(r#","note":""#);
    while out.len() + 12 < bytes {
        words(&mut rng, 1, out);
        out.push(' ');
    }
    out.push_str("\"}");
}

/// Quantity and price of an order, the first that is drawn after its status.
fn factors(rng: &mut Rng) -> (u64, u64) {
    (rng.u64(1..20), rng.u64(100..100_000))
}

fn items(rng: &mut Rng, until: usize, out: &mut String) {
    out.push_str(r#","items":["#);
    let mut first = true;
    while out.len() < until {
        if !first {
            out.push(',');
        }
        first = false;
        write!(
            out,
            r#"{{"article":"A-{:08x}","count":{},"cents":{},"title":""#,
            rng.u32(..),
            rng.u8(1..9),
            rng.u16(..)
        )
        .expect("a string takes it");
        words(rng, 3, out);
        out.push_str("\"}");
    }
    out.push(']');
}

fn words(rng: &mut Rng, count: usize, out: &mut String) {
    for index in 0..count {
        if index > 0 {
            out.push(' ');
        }
        for _ in 0..rng.u8(1..4) {
            out.push_str(SYLLABLES[rng.usize(..SYLLABLES.len())]);
        }
    }
}

/// What becomes of one record: its result number `part`, made by whoever writes JSON as JavaScript does.
pub fn result(work: Work, order: &str, part: u64, out: &mut String) {
    out.clear();
    out.push_str(order);
    let field = match work {
        Work::Passthrough | Work::Filter | Work::Timer => return,
        Work::Enrich => format!(r#","total":{}}}"#, number(order, "quantity") * number(order, "price")),
        Work::FanOut => format!(r#","part":{part}}}"#),
    };
    out.pop();
    out.push_str(&field);
}

/// How many results a record has.
pub fn results(work: Work, id: u64) -> u64 {
    match work {
        Work::Filter => u64::from(is_returned(id)),
        Work::FanOut => 3,
        Work::Passthrough | Work::Enrich | Work::Timer => 1,
    }
}

/// The first number of this name. `0` where there is none.
pub fn number(json: &str, name: &str) -> u64 {
    let Some((_, rest)) = json.split_once(&format!("\"{name}\":")) else { return 0 };
    let digits = rest.trim_start().split(|c: char| !c.is_ascii_digit()).next().unwrap_or("");
    digits.parse().unwrap_or(0)
}
