//! Whether every record that was written can be accounted for, by what the functions and what Kafka say.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Context as _;
use serde::Serialize;

use super::{
    flow::{Flow, settled},
    stage::Stage,
};
use crate::{
    cli::{context::Context, graph::Function, traffic::Reader},
    shutdown::Shutdown,
    status::Counters,
};

const KAFKA_TIMEOUT: Duration = Duration::from_secs(20);
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// How often to look before what is missing counts as lost: a minute.
const LOOKS: u32 = 1200;

/// What became of a function's records.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Account {
    pub(super) function: String,
    #[serde(flatten)]
    pub(super) counters: Counters,
    /// Records that its source topics hold.
    pub(super) held_by_sources: u64,
    /// Records that its sink topics hold, where nobody else writes them.
    pub(super) held_by_sinks: Option<u64>,
    pub(super) held_by_dead_letter: u64,
}

impl Account {
    /// Every record was taken once, ended in one way, and what it left behind is in Kafka.
    pub(super) fn is_complete(&self) -> bool {
        let Counters { records_in, records_out, dead_lettered, .. } = self.counters;
        records_in == self.held_by_sources
            && records_in == settled(&self.counters)
            && dead_lettered == self.held_by_dead_letter
            && self.held_by_sinks.is_none_or(|held| held == records_out)
    }

    /// What does not add up, for people.
    pub(super) fn difference(&self) -> Option<String> {
        let Counters { records_in, records_out, dead_lettered, .. } = self.counters;
        let mut found = Vec::new();
        let mut compare = |what: &str, is: u64, should: u64| {
            if is != should {
                found.push(format!("{what}: {is}, not {should}"));
            }
        };
        compare("records taken", records_in, self.held_by_sources);
        compare("records settled", settled(&self.counters), records_in);
        compare("dead letters in Kafka", self.held_by_dead_letter, dead_lettered);
        compare("results in Kafka", self.held_by_sinks.unwrap_or(records_out), records_out);
        (!found.is_empty()).then(|| found.join("; "))
    }
}

/// Waits until everything is handled, and gives the accounts, which may be incomplete even then.
pub(super) fn settle(context: &Context, stage: &Stage) -> anyhow::Result<Vec<Account>> {
    context.note("waiting until the last record is handled");
    // Signals ended the feeding; the account is worth its moment also then.
    let unhurried = Shutdown::new();
    for _ in 0..LOOKS {
        if stage.flow.is_quiet() {
            let accounts = accounts(stage)?;
            if accounts.iter().all(Account::is_complete) {
                return Ok(accounts);
            }
        }
        unhurried.wait_for(LOOK_INTERVAL);
    }
    accounts(stage)
}

fn accounts(stage: &Stage) -> anyhow::Result<Vec<Account>> {
    let flow = &stage.flow;
    let topics = flow.functions().iter().flat_map(|one| one.reads.iter().chain(&one.writes).chain(&one.dead_letter));
    let mut names: Vec<&str> = topics.map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let infos = stage.node.topics.describe(&names, KAFKA_TIMEOUT)?;
    let mut reader = Reader::from_beginning(&stage.node.settings, infos.iter().flatten())?;
    let ends = reader.ends(KAFKA_TIMEOUT).context("cannot tell how much the topics hold")?;
    let mut held: BTreeMap<&str, u64> = BTreeMap::new();
    for partition in &ends {
        *held.entry(&partition.partition.topic).or_default() += u64::try_from(partition.high).unwrap_or(0);
    }
    Ok(flow.functions().iter().map(|function| account(flow, function, &held)).collect())
}

fn account(flow: &Flow, function: &Function, held: &BTreeMap<&str, u64>) -> Account {
    let held_by = |topics: &[String]| topics.iter().filter_map(|topic| held.get(topic.as_str())).sum();
    let alone = function.writes.iter().all(|topic| flow.is_written_by_one(topic));
    Account {
        function: function.name.clone(),
        counters: flow.counters(function),
        held_by_sources: held_by(&function.reads),
        held_by_sinks: alone.then(|| held_by(&function.writes)),
        held_by_dead_letter: function.dead_letter.iter().filter_map(|topic| held.get(topic.as_str())).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete() -> Account {
        Account {
            function: "f".to_owned(),
            counters: Counters {
                records_in: 10,
                records_out: 14,
                done: 7,
                filtered: 2,
                failed: 1,
                dead_lettered: 1,
                retried: 3,
            },
            held_by_sources: 10,
            held_by_sinks: Some(14),
            held_by_dead_letter: 1,
        }
    }

    #[test]
    fn an_account_is_complete_when_kafka_and_the_function_agree() {
        let account = complete();
        assert!(account.is_complete());
        assert_eq!(account.difference(), None);
    }

    #[test]
    fn anything_lost_or_doubled_is_found_and_named() {
        type Change = fn(&mut Account);
        let changes: [(Change, &str); 5] = [
            (|account| account.held_by_sources = 11, "records taken: 10, not 11"),
            (|account| account.counters.done = 6, "records settled: 9, not 10"),
            (|account| account.held_by_dead_letter = 0, "dead letters in Kafka: 0, not 1"),
            (|account| account.held_by_sinks = Some(15), "results in Kafka: 15, not 14"),
            (|account| account.counters.records_in = 11, "records taken: 11, not 10"),
        ];
        for (change, named) in changes {
            let mut account = complete();
            change(&mut account);
            assert!(!account.is_complete(), "{named}");
            assert!(account.difference().unwrap().contains(named), "{:?}", account.difference());
        }
    }
}
