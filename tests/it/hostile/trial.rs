//! The trial of one attack: from the writing of its record to the last of those behind it.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::attack::Attack;
use super::end::End;
use super::neighbour::{Figures, Neighbour, now_ms};
use super::stage::{AFTER, ATTACK, NEXT, Stage};
use crate::support::{Node, process};

/// How long an attack, and what is behind it, may take until it counts as stuck.
const STUCK: Duration = Duration::from_secs(20);
/// The neighbour is watched for this long at least.
const WINDOW: Duration = Duration::from_millis(600);
const INTERVAL: Duration = Duration::from_millis(5);

/// What came of an attack.
pub struct Tried {
    pub got: End,
    pub took: Duration,
    pub figures: Figures,
    /// Worker processes that ended meanwhile.
    pub deaths: u64,
    /// What else is amiss.
    pub amiss: Vec<String>,
}

pub fn run(stage: &Stage<'_>, node: &Node, neighbour: &Neighbour, attack: &Attack) -> Tried {
    let (begun, begin_ms) = (Instant::now(), now_ms());
    let (deaths, canary) = (restarts(node), stage.canary.connections());
    let mut amiss = Vec::new();
    let got = match attack.is_of_loading() {
        true => load(stage, node, attack, &mut amiss),
        false => handle(stage, node, attack, &mut amiss),
    };
    let took = begun.elapsed();
    thread::sleep(WINDOW.saturating_sub(took));
    let figures = neighbour.figures(begin_ms, now_ms());
    if stage.canary.connections() != canary {
        amiss.push("the canary was reached".to_owned());
    }
    if process::memory(node.pid(), "VmRSS").is_none() {
        amiss.push("the node has ended".to_owned());
    }
    let deaths = restarts(node) - deaths;
    Tried { got, took, figures, deaths, amiss }
}

fn restarts(node: &Node) -> u64 {
    let status = node.api("/node").unwrap_or_default();
    status["workers"]["restarts"].as_u64().unwrap_or_default()
}

/// Writes the attack and what is behind it, and waits for the ends.
fn handle(stage: &Stage<'_>, node: &Node, attack: &Attack, amiss: &mut Vec<String>) -> End {
    let function = stage.function(attack);
    let status = node.status(&function).unwrap_or_default();
    if status["state"] == "broken" {
        return broken(&status);
    }
    if status["state"] != "running" {
        return End::Nothing(format!("the function is {} {}", status["state"], status["state_reason"]));
    }
    match &attack.second {
        Some(code) => {
            stage.write(attack, &[ATTACK]);
            wait_for(stage, attack, ATTACK);
            function.write("index.js", code);
            let newer = |status: &Value| status["version"].as_u64() > Some(1);
            wait(|| node.status(&function).filter(newer).map(drop));
            stage.write(attack, &[NEXT]);
        }
        None => stage.write(attack, &[ATTACK, NEXT]),
    }
    // Whatever the attack ends in comes before what the next one ends in.
    behind(stage, attack, NEXT, amiss);
    if amiss.is_empty() {
        stage.write(attack, &[AFTER]);
        behind(stage, attack, AFTER, amiss);
    }
    stage.ends.of(&Stage::key(attack, ATTACK)).unwrap_or(match amiss.is_empty() {
        true => End::Filtered,
        false => End::Nothing(format!("within {} s", STUCK.as_secs())),
    })
}

/// Deploys the function, which is the attack, and sees that it works once it is mended.
fn load(stage: &Stage<'_>, node: &Node, attack: &Attack, amiss: &mut Vec<String>) -> End {
    stage.install(attack);
    let function = stage.function(attack);
    let settled = wait(|| {
        let status = node.status(&function)?;
        let assigned = status["assignment"].as_array().is_some_and(|all| !all.is_empty());
        let settled = status["state"] == "broken" || (status["state"] == "running" && assigned);
        settled.then_some(status)
    });
    let Some(status) = settled else {
        amiss.push("the function neither runs nor is broken".to_owned());
        return End::Nothing(format!("within {} s", STUCK.as_secs()));
    };
    if status["state"] == "running" && attack.has_record() {
        let got = handle(stage, node, attack, amiss);
        return if attack.expected.contains(&End::Loads) && amiss.is_empty() && !attack.expected.contains(&got) {
            got
        } else if matches!(got, End::Done(_)) && !attack.expected.contains(&got) {
            End::Loads
        } else {
            got
        };
    }
    let got = if status["state"] == "broken" { broken(&status) } else { End::Loads };
    if got != End::Loads {
        stage.mend(attack);
    }
    stage.write(attack, &[NEXT]);
    behind(stage, attack, NEXT, amiss);
    got
}

/// The first code of what a status says is wrong.
fn broken(status: &Value) -> End {
    fn code(value: &Value) -> Option<&str> {
        match value {
            Value::Object(map) => map.get("code").and_then(Value::as_str).or_else(|| map.values().find_map(code)),
            Value::Array(all) => all.iter().find_map(code),
            _ => None,
        }
    }
    match code(&status["diagnostics"]) {
        Some(code) => End::Problem(code.to_owned()),
        None => End::Nothing("it is broken for no reason".to_owned()),
    }
}

/// Waits for the end of a record behind the attack, which must be the one that is expected of it.
fn behind(stage: &Stage<'_>, attack: &Attack, what: &str, amiss: &mut Vec<String>) {
    match wait_for(stage, attack, what) {
        Some(end) if end == attack.next => {}
        Some(end) => amiss.push(format!("the record `{what}` ended in {end}")),
        None => amiss.push(format!("the record `{what}` did not end within {} s", STUCK.as_secs())),
    }
}

fn wait_for(stage: &Stage<'_>, attack: &Attack, what: &str) -> Option<End> {
    let key = Stage::key(attack, what);
    wait(|| stage.ends.of(&key))
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
