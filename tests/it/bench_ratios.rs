//! What `make bench-quick` says of figures, without measuring any.

#[path = "../../benches/micro/ratios.rs"]
mod ratios;

use ratios::{Ratios, TOLERANCE, Verdict, better, compare, median};

fn of(pairs: &[(&str, f64)]) -> Ratios {
    pairs.iter().map(|(name, ratio)| ((*name).to_owned(), *ratio)).collect()
}

fn verdicts(stored: &Ratios, measured: &Ratios) -> Vec<(String, Verdict)> {
    compare(stored, measured).into_iter().map(|line| (line.name, line.verdict)).collect()
}

#[test]
fn a_case_is_slower_or_faster_only_beyond_the_tolerance() {
    let stored = of(&[("a", 2.0), ("b", 2.0), ("c", 2.0), ("d", 2.0)]);
    let almost = TOLERANCE - 0.001;
    let beyond = TOLERANCE + 0.001;
    let measured = of(&[
        ("a", 2.0 * (1.0 + almost)),
        ("b", 2.0 * (1.0 + beyond)),
        ("c", 2.0 * (1.0 - almost)),
        ("d", 2.0 * (1.0 - beyond)),
    ]);
    let expected = [Verdict::Same, Verdict::Slower, Verdict::Same, Verdict::Faster];
    let found: Vec<Verdict> = verdicts(&stored, &measured).into_iter().map(|(_, verdict)| verdict).collect();
    assert_eq!(found, expected);
    assert_eq!(expected.map(Verdict::is_complaint), [false, true, false, false]);
}

#[test]
fn what_is_not_stored_or_no_longer_measured_is_complained_about_by_name() {
    let found = compare(&of(&[("both", 1.0), ("gone", 1.0)]), &of(&[("added", 1.0), ("both", 1.0)]));
    let verdicts: Vec<(&str, Verdict)> = found.iter().map(|line| (&*line.name, line.verdict)).collect();
    assert_eq!(verdicts, [("added", Verdict::New), ("both", Verdict::Same), ("gone", Verdict::Missing)]);
    assert!(Verdict::New.is_complaint() && Verdict::Missing.is_complaint());
    assert_eq!((found[0].stored, found[2].measured), (None, None));
    assert!(found[0].verdict.said().contains("--write") && found[2].verdict.said().contains("--write"));
}

#[test]
fn a_case_that_could_not_be_measured_does_not_pass() {
    assert_eq!(verdicts(&of(&[("a", 1.0)]), &of(&[("a", f64::NAN)])), [("a".to_owned(), Verdict::Slower)]);
    assert!(median(Vec::new()).is_nan());
}

#[test]
fn measuring_again_helps_only_what_was_disturbed() {
    let mut measured = of(&[("disturbed", 1.5), ("slow", 1.5)]);
    better(&mut measured, &of(&[("disturbed", 1.0), ("slow", 1.6)]));
    assert_eq!(measured, of(&[("disturbed", 1.0), ("slow", 1.5)]));
    assert_eq!(median(vec![9.0, 1.0, 2.0]), 2.0);
}

#[test]
fn the_stored_ratios_are_numbers_by_name() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/micro/ratios.json");
    let text = std::fs::read_to_string(path).expect("the stored ratios");
    let stored: std::collections::BTreeMap<String, Ratios> =
        serde_json::from_str(&text).expect("ratios for each profile");
    assert!(
        stored.values().all(|ratios| !ratios.is_empty() && ratios.values().all(|ratio| *ratio > 0.0)),
        "{stored:?}"
    );
}
