//! The table of what was tried and what came of it, and all failures at once.

use std::io::Write;
use std::time::Instant;

use super::attack::Attack;
use super::end::End;
use super::neighbour::Figures;
use super::stage::{AFTER, ATTACK, NEXT, Stage};
use super::trial::Tried;

/// The neighbour keeps this part of its rate.
const KEPT: f64 = 0.9;
/// Its 99th percentile in milliseconds, unless the machine is slower than that when nobody attacks.
const P99_MS: i64 = 250;
const SLOWER: i64 = 3;

pub struct Report {
    baseline: Figures,
    begun: Instant,
    /// What each attack ended in, and in which round.
    ends: Vec<(u32, End)>,
    failures: Vec<String>,
}

/// Past the test harness, which keeps what successful tests print to itself: the suite takes minutes.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

impl Report {
    pub fn new(baseline: Figures) -> Report {
        let Figures { asked, rate, p99_ms } = baseline;
        say(&format!("the neighbour alone: {rate:.0} of {asked:.0} records per second, p99 {p99_ms} ms"));
        say(&format!(
            "{:40} {:24} {:24} {:>7} {:>5} {:>7} {:>6}",
            "attack", "expected", "got", "ms", "rate", "p99 ms", "deaths"
        ));
        Report { baseline, begun: Instant::now(), ends: Vec::new(), failures: Vec::new() }
    }

    /// Whether the neighbour does worse than it may.
    pub fn suffers(&self, figures: &Figures) -> bool {
        self.kept(figures) < KEPT || figures.p99_ms > self.allowed_ms()
    }

    fn kept(&self, figures: &Figures) -> f64 {
        figures.rate / figures.asked.min(self.baseline.rate)
    }

    fn allowed_ms(&self) -> i64 {
        P99_MS.max(SLOWER * self.baseline.p99_ms)
    }

    pub fn row(&mut self, stage: &Stage<'_>, attack: &Attack, tried: Tried) {
        let Tried { got, took, figures, deaths, mut amiss, round } = tried;
        if !attack.expected.contains(&got) {
            let expected: Vec<String> = attack.expected.iter().map(End::to_string).collect();
            let message = stage.ends.message(&Stage::key(attack, round, ATTACK)).unwrap_or_default();
            amiss.insert(0, format!("expected {}, got {got} {message}", expected.join(" | ")));
        }
        let kept = self.kept(&figures);
        if kept < KEPT {
            amiss.push(format!("the neighbour kept {:.0} % of its rate", kept * 100.0));
        }
        if figures.p99_ms > self.allowed_ms() {
            amiss.push(format!("the neighbour's p99 was {} ms", figures.p99_ms));
        }
        let short = |text: String| text.chars().take(24).collect::<String>();
        say(&format!(
            "{:40} {:24} {:24} {:>7} {:>4.0}% {:>7} {:>6}{}",
            attack.name,
            short(attack.expected[0].to_string()),
            short(got.to_string()),
            took.as_millis(),
            kept * 100.0,
            figures.p99_ms,
            deaths,
            match (amiss.is_empty(), round) {
                (false, _) => "  FAILED".to_owned(),
                (true, 1) => String::new(),
                (true, round) => format!("  in round {round}"),
            }
        ));
        self.ends.push((round, got));
        self.failures.extend(amiss.into_iter().map(|why| format!("{}: {why}", attack.name)));
    }

    /// Results and letters that came later than everybody thought, or that nobody asked for.
    pub fn unexpected(&mut self, stage: &Stage<'_>, attacks: &[Attack]) {
        for stranger in stage.strangers(attacks) {
            self.failures.push(format!("a record came out that nobody wrote: {stranger:?}"));
        }
        for (attack, (round, got)) in attacks.iter().zip(&self.ends) {
            let end = |what| stage.ends.of(&Stage::key(attack, *round, what));
            if end(ATTACK).is_some_and(|later| later != *got && !got.is_of_loading()) {
                self.failures.push(format!("{}: more came of the attack later", attack.name));
            }
            if [NEXT, AFTER].into_iter().any(|what| matches!(end(what), Some(End::Nothing(_)))) {
                self.failures.push(format!("{}: more came of the records behind it later", attack.name));
            }
        }
    }

    /// What is amiss with the neighbour as a whole.
    pub fn lost(&mut self, amiss: Vec<String>) {
        self.failures.extend(amiss);
    }

    pub fn close(self) {
        let (count, seconds) = (self.ends.len(), self.begun.elapsed().as_secs());
        say(&format!("{count} attacks in {seconds} s, {} failures", self.failures.len()));
        assert!(self.failures.is_empty(), "{} of {count} attacks:\n{}", self.failures.len(), self.failures.join("\n"));
    }
}
