//! The trial of one attack: from the writing of its record to the last of those behind it.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::attack::Attack;
use super::end::End;
use super::neighbour::{Figures, Neighbour, now_ms};
use super::stage::{AFTER, ATTACK, NEXT, Stage};
use crate::support::{Function, Node, process};

/// How long an attack, and what is behind it, may take until it counts as stuck. Some bring their worker down three times,
/// each time after seconds of CPU, beside other tests on the same cores.
const STUCK: Duration = Duration::from_secs(40);
/// The neighbour is watched for this long at least.
const WINDOW: Duration = Duration::from_millis(600);
const INTERVAL: Duration = Duration::from_millis(5);
/// How often an attack is tried while the neighbour seems to suffer: what an attack does to it, it does each time, and
/// what the machine does, it does now and then.
const ROUNDS: u32 = 3;

/// What came of an attack.
pub struct Tried {
    pub got: End,
    pub took: Duration,
    pub figures: Figures,
    /// Worker processes that ended meanwhile.
    pub deaths: u64,
    /// What else is amiss.
    pub amiss: Vec<String>,
    /// Which try this was.
    pub round: u32,
}

/// Tries an attack, and again where `suffers` says of the neighbour's figures that they are not good.
pub fn run(
    stage: &Stage<'_>,
    node: &Node,
    neighbour: &Neighbour,
    attack: &Attack,
    suffers: impl Fn(&Figures) -> bool,
) -> Tried {
    let mut round = Round { stage, node, attack, function: stage.function(attack), number: 1, amiss: Vec::new() };
    loop {
        let tried = round.run(neighbour);
        let is_last = tried.round == ROUNDS || !tried.amiss.is_empty() || !attack.expected.contains(&tried.got);
        if is_last || !suffers(&tried.figures) {
            return tried;
        }
        round.number += 1;
    }
}

fn restarts(node: &Node) -> u64 {
    let status = node.api("/node").unwrap_or_default();
    status["workers"]["restarts"].as_u64().unwrap_or_default()
}

/// One try of an attack.
struct Round<'a> {
    stage: &'a Stage<'a>,
    node: &'a Node,
    attack: &'a Attack,
    function: Function,
    number: u32,
    amiss: Vec<String>,
}

impl Round<'_> {
    fn run(&mut self, neighbour: &Neighbour) -> Tried {
        let (begun, begin_ms) = (Instant::now(), now_ms());
        let (deaths, canary) = (restarts(self.node), self.stage.canary.connections());
        let got = if self.attack.is_of_loading() { self.load() } else { self.handle() };
        let took = begun.elapsed();
        thread::sleep(WINDOW.saturating_sub(took));
        let figures = neighbour.figures(begin_ms, now_ms());
        if self.stage.canary.connections() != canary {
            self.amiss.push("the canary was reached".to_owned());
        }
        if process::memory(self.node.pid(), "VmRSS").is_none() {
            self.amiss.push("the node has ended".to_owned());
        }
        let deaths = restarts(self.node) - deaths;
        Tried { got, took, figures, deaths, amiss: std::mem::take(&mut self.amiss), round: self.number }
    }

    fn status(&self) -> Value {
        self.node.status(&self.function).unwrap_or_default()
    }

    /// Writes the attack and what is behind it, and waits for the ends.
    fn handle(&mut self) -> End {
        let status = self.status();
        if status["state"] != "running" {
            return broken(&status).unwrap_or_else(|| {
                End::Nothing(format!("the function is {} {}", status["state"], status["state_reason"]))
            });
        }
        match &self.attack.second {
            Some(code) => {
                self.replace(&self.attack.code, self.number > 1);
                self.write(&[ATTACK]);
                self.wait_for(ATTACK);
                self.replace(code, true);
                self.write(&[NEXT]);
            }
            None => self.write(&[ATTACK, NEXT]),
        }
        // Whatever the attack ends in comes before what the next one ends in.
        self.behind(NEXT);
        if self.amiss.is_empty() {
            self.write(&[AFTER]);
            self.behind(AFTER);
        }
        self.stage.ends.of(&self.key(ATTACK)).unwrap_or(match self.amiss.is_empty() {
            true => End::Filtered,
            false => End::Nothing(format!("within {} s", STUCK.as_secs())),
        })
    }

    /// Puts another handler in place, where it is another, and waits until its version runs.
    fn replace(&self, code: &str, is_other: bool) {
        if is_other {
            let version = self.status()["version"].clone();
            self.function.write("index.js", code);
            wait(|| (self.status()["version"] != version).then_some(()));
        }
    }

    /// Deploys the function, which is the attack, and sees that it works once it is mended.
    fn load(&mut self) -> End {
        let version = self.status()["version"].clone();
        self.stage.install(self.attack);
        let settled = wait(|| {
            let status = self.status();
            let assigned = status["assignment"].as_array().is_some_and(|all| !all.is_empty());
            let runs = status["state"] == "running" && assigned && status["version"] != version;
            (runs || broken(&status).is_some()).then_some(status)
        });
        let Some(status) = settled else {
            self.amiss.push("the function neither runs nor is broken".to_owned());
            return End::Nothing(format!("within {} s", STUCK.as_secs()));
        };
        if let Some(problem) = broken(&status) {
            self.stage.mend(self.attack);
            self.write(&[NEXT]);
            self.behind(NEXT);
            wait(|| broken(&self.status()).is_none().then_some(()));
            return problem;
        }
        if self.attack.has_record() {
            return self.handle();
        }
        self.write(&[NEXT]);
        self.behind(NEXT);
        End::Loads
    }

    /// Waits for the end of a record behind the attack, which must be the one that is expected of it.
    fn behind(&mut self, what: &str) {
        match self.wait_for(what) {
            Some(end) if end == self.attack.next => {}
            Some(end) => {
                let message = self.stage.ends.message(&self.key(what)).unwrap_or_default();
                self.amiss.push(format!("the record `{what}` ended in {end}: {message}"));
            }
            None => self.amiss.push(format!("the record `{what}` did not end within {} s", STUCK.as_secs())),
        }
    }

    fn key(&self, what: &str) -> String {
        Stage::key(self.attack, self.number, what)
    }

    fn write(&self, what: &[&str]) {
        self.stage.write(self.attack, self.number, what);
    }

    fn wait_for(&self, what: &str) -> Option<End> {
        let key = self.key(what);
        wait(|| self.stage.ends.of(&key))
    }
}

/// Why the function, or its newest version, cannot run: the first code of what is wrong.
fn broken(status: &Value) -> Option<End> {
    fn code(value: &Value) -> Option<&str> {
        match value {
            Value::Object(map) => map.get("code").and_then(Value::as_str).or_else(|| map.values().find_map(code)),
            Value::Array(all) => all.iter().find_map(code),
            _ => None,
        }
    }
    let found = code(&status["diagnostics"]).or_else(|| code(&status["broken_update"]))?;
    Some(End::Problem(found.to_owned()))
}

fn wait<T>(mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let until = Instant::now() + STUCK;
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() > until {
            return None;
        }
        thread::sleep(INTERVAL);
    }
}
