//! What the reconciler does about sleep: who is watched, who sleeps, who wakes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::reconcile::Reconciler;
use super::settle::{Starting, Verdict};
use super::sleep::{Ends, News, Question, resting};
use super::state::{Function, Start};
use crate::kafka::{self, Beginning, GroupPartitions, Groups, Settled, TopicInfo, TopicPartition};

/// How long settling may take, and how much longer for each function.
const SETTLE: Duration = Duration::from_secs(10);
const SETTLE_EACH: Duration = Duration::from_millis(10);
/// Functions that are asked about over one connection, as long as there are not too many
const PART: usize = 500;
/// connections.
const MOST_PARTS: usize = 12;

impl Reconciler {
    /// Does what the watch over the ends of sources has found.
    pub(super) fn act_on(&mut self, news: News) {
        match news {
            News::Moved(names) => {
                for name in names {
                    if let Some(function) = self.functions.get_mut(&name) {
                        function.wake();
                    }
                }
            }
            News::Quiet(quiet) => {
                for (name, program, ends) in quiet {
                    if let Some(function) = self.functions.get_mut(&name) {
                        function.fall_asleep(&program, ends, &self.around.board);
                    }
                }
            }
        }
    }

    /// Settles where those begin of which that is not settled yet, all at once.
    pub(super) fn ensure_starts(&self, starting: &[Starting]) -> BTreeMap<String, kafka::Result<Settled>> {
        let beginning = |starting: &Starting| {
            let Start::At(start, topics) = &starting.start else { return None };
            Some((starting.name.clone(), Beginning { asked: asked(starting, topics), start: *start }))
        };
        let open: Vec<(String, Beginning)> = starting.iter().filter_map(beginning).collect();
        if open.is_empty() || self.stopping.has_begun() {
            return BTreeMap::new();
        }
        self.in_parts(open, |groups, part| {
            let (names, beginnings): (Vec<String>, Vec<Beginning>) = part.into_iter().unzip();
            let patience = SETTLE + SETTLE_EACH * u32::try_from(beginnings.len()).unwrap_or(u32::MAX);
            names.into_iter().zip(groups.ensure_starts(&beginnings, patience)).collect()
        })
    }

    /// Of those that are about to start, the ones that have nothing to do, with where their sources end. Those of which
    /// it is known where they stand are not asked again.
    pub(super) fn at_rest(
        &self,
        judged: &[(Starting, Verdict)],
        mut known: BTreeMap<String, Vec<Option<i64>>>,
    ) -> BTreeMap<String, Ends> {
        let fresh = |name: &str| self.functions.get(name).is_some_and(|function| !function.is_running());
        let ready = judged.iter().filter(|(starting, verdict)| *verdict == Verdict::Ready && fresh(&starting.name));
        let questions = ready.map(|(starting, _)| {
            let GroupPartitions { group, partitions } = asked(starting, &starting.needs.sources);
            // It was settled on what there was when the function came, and there may be more by now.
            let is_all = matches!(&starting.start, Start::At(_, topics) if *topics == starting.needs.sources);
            let committed = known.remove(&starting.name).filter(|_| is_all);
            Question { name: starting.name.clone(), group, partitions, committed }
        });
        if self.sleep.is_on() { self.in_parts(questions.collect(), resting) } else { BTreeMap::new() }
    }

    /// Asks for many functions over several connections: Kafka answers the requests of one in turn, and takes
    /// milliseconds to write down an offset.
    fn in_parts<T: Send, R: Send>(
        &self,
        mut all: Vec<T>,
        ask: impl Fn(&Groups, Vec<T>) -> BTreeMap<String, R> + Sync,
    ) -> BTreeMap<String, R> {
        let parts = all.len().div_ceil(PART).min(MOST_PARTS);
        if parts <= 1 {
            return ask(&Groups::new(&self.around.topics), all);
        }
        let each = all.len().div_ceil(parts);
        let (settings, topics) = (&self.around.settings, &self.around.topics);
        std::thread::scope(|scope| {
            let mut threads = Vec::new();
            while !all.is_empty() {
                let part = all.split_off(all.len().saturating_sub(each));
                let ask = &ask;
                threads.push(scope.spawn(move || {
                    let apart = Groups::apart(settings);
                    ask(&apart.unwrap_or_else(|_| Groups::new(topics)), part)
                }));
            }
            threads.into_iter().filter_map(|thread| thread.join().ok()).flatten().collect()
        })
    }

    /// Has those watched that run or sleep.
    pub(super) fn keep_watch(&self) {
        let functions = self.functions.iter();
        self.sleep.watch(functions.filter_map(|(name, function)| Some((name, function.watched()?))));
    }

    pub(super) fn anybody_sleeps(&self) -> bool {
        self.functions.values().any(Function::is_asleep)
    }
}

fn asked(starting: &Starting, topics: &[TopicInfo]) -> GroupPartitions {
    let group = starting.program.manifest.source.group.clone();
    GroupPartitions { group, partitions: topics.iter().flat_map(partitions_of).collect() }
}

fn partitions_of(topic: &TopicInfo) -> impl Iterator<Item = TopicPartition> + use<> {
    let name: Arc<str> = topic.name.as_str().into();
    (0..topic.partitions).map(move |partition| TopicPartition::new(Arc::clone(&name), partition))
}
