//! All cases in a few seconds, as ratios to the reference, compared with those of the repository.
//!
//! What the machine does beside it disturbs in stretches. So all cases take turns, in many short rounds; each is divided by
//! the reference measured right before and behind it, and the median of the rounds counts. V8's compilers do not always
//! arrive at the same code. So there are several sittings, each with new isolates, of which the best counts, and more of
//! them for what is slower than it may be before it is called so.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use crate::case::Case;
use crate::ratios::{Line, Ratios, TOLERANCE, Verdict, better, compare, median};
use crate::reference;

const SITTINGS: usize = 3;
const ROUNDS: usize = 15;
/// How long a case is measured in each round, and the reference on each side of it.
const TURN: Duration = Duration::from_millis(10);
const REFERENCE: Duration = Duration::from_millis(3);
/// How often what is slower is measured again.
const AGAIN: usize = 3;

/// Compares, or stores what is measured; `--write` says which.
pub fn run(write: bool) -> ExitCode {
    let mut stored = read();
    let known = stored.get(profile()).cloned().unwrap_or_default();
    let mut measured = Ratios::new();
    for _ in 0..SITTINGS {
        better(&mut measured, &measure(|_| true));
    }
    for _ in 0..AGAIN {
        let lines = compare(&known, &measured);
        let slower: Vec<&str> = slower(&lines).collect();
        if slower.is_empty() {
            break;
        }
        println!("once more, because they seem slower: {}", slower.join(" · "));
        better(&mut measured, &measure(|name| slower.contains(&name)));
    }
    let lines = compare(&known, &measured);
    print(&lines);
    if write {
        stored.insert(profile().to_owned(), measured.into_iter().map(|(name, ratio)| (name, rounded(ratio))).collect());
        let text = serde_json::to_string_pretty(&stored).expect("numbers") + "\n";
        std::fs::write(path(), text).expect("the repository can be written");
        return ExitCode::SUCCESS;
    }
    let complaints = lines.iter().filter(|line| line.verdict.is_complaint()).count();
    match complaints {
        0 => println!("all within {:.0} % of what is stored, or faster", TOLERANCE * 100.0),
        count => println!("{count} of {} do not fit benches/micro/ratios.json (profile {})", lines.len(), profile()),
    }
    ExitCode::from(u8::from(complaints > 0))
}

fn slower(lines: &[Line]) -> impl Iterator<Item = &str> {
    lines.iter().filter(|line| line.verdict == Verdict::Slower).map(|line| &*line.name)
}

/// The ratios of the wanted cases, all taking turns.
fn measure(wanted: impl Fn(&str) -> bool) -> Ratios {
    let mut reference = reference::case();
    let per_turn = passes(&mut reference, REFERENCE);
    let mut cases: Vec<Case> = crate::cases().into_iter().filter(|case| wanted(case.name)).collect();
    let counts: Vec<u64> = cases.iter_mut().map(|case| passes(case, TURN)).collect();
    let mut found: Vec<Vec<f64>> = vec![Vec::new(); cases.len()];
    let mut plain = || per_record(&mut reference, per_turn);
    for _ in 0..ROUNDS {
        let mut before = plain();
        for ((case, count), found) in cases.iter_mut().zip(&counts).zip(&mut found) {
            let spent = per_record(case, *count);
            let behind = plain();
            found.push(2.0 * spent / (before + behind));
            before = behind;
        }
    }
    cases.iter().zip(found).map(|(case, found)| (case.name.to_owned(), median(found))).collect()
}

/// Seconds for each record.
fn per_record(case: &mut Case, passes: u64) -> f64 {
    (case.pass)(passes).as_secs_f64() / (passes * case.records) as f64
}

/// How many passes take so long.
fn passes(case: &mut Case, long: Duration) -> u64 {
    let mut count = 1;
    loop {
        let spent = (case.pass)(count);
        if spent >= long / 4 {
            return ((count as f64 * long.as_secs_f64() / spent.as_secs_f64()) as u64).max(1);
        }
        count *= 2;
    }
}

fn print(lines: &[Line]) {
    println!("{:50} {:>9} {:>9} {:>8}", "times the reference, for as many records", "stored", "now", "change");
    for Line { name, stored, measured, verdict } in lines {
        let number = |value: &Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
        let change = stored
            .zip(*measured)
            .map_or("-".to_owned(), |(stored, now)| format!("{:+.1} %", (now / stored - 1.0) * 100.0));
        println!("{name:50} {:>9} {:>9} {change:>8}  {}", number(stored), number(measured), verdict.said());
    }
}

/// Ratios are another matter where the compiler did less.
fn profile() -> &'static str {
    if cfg!(debug_assertions) { "dev" } else { "bench" }
}

fn rounded(ratio: f64) -> f64 {
    (ratio * 1000.0).round() / 1000.0
}

fn path() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/micro/ratios.json"))
}

fn read() -> BTreeMap<String, Ratios> {
    let text = std::fs::read_to_string(path()).unwrap_or_else(|_| "{}".to_owned());
    serde_json::from_str(&text).expect("the stored ratios are numbers by name, for each profile")
}
