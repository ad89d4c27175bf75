//! Groups that functions have left for long are visited now and then, so that Kafka does not forget where they stand.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::watch::{Shared, Watched};
use crate::kafka::{Settings, visit};

/// How long Kafka may take to let us into a group: a new one waits for more members, three seconds by default.
const PATIENCE: Duration = Duration::from_secs(60);

/// When which group is visited.
#[derive(Debug, Default)]
struct Calendar {
    due: BTreeMap<String, Instant>,
}

impl Calendar {
    /// These groups are without us now. When one was left may be long ago, and the node that saw it may be gone: visits
    /// begin at any time within the interval, so that nodes which start again and again visit every group nevertheless.
    fn follow<'a>(&mut self, groups: impl Iterator<Item = &'a str>, now: Instant, mut any: impl FnMut() -> Duration) {
        let mut before = std::mem::take(&mut self.due);
        self.due = groups
            .map(|group| {
                let due = before.remove(group).unwrap_or_else(|| now + any());
                (group.to_owned(), due)
            })
            .collect();
    }

    fn next(&self) -> Option<(&str, Instant)> {
        self.due.iter().map(|(group, due)| (group.as_str(), *due)).min_by_key(|(_, due)| *due)
    }

    fn put_off(&mut self, group: &str, until: Instant) {
        if let Some(due) = self.due.get_mut(group) {
            *due = until;
        }
    }
}

/// Visits until the node stops, one group after the other.
pub(super) fn run(shared: &Arc<Shared>, settings: &Settings, every: Duration) {
    let mut calendar = Calendar::default();
    let mut edition = 0;
    loop {
        let next = calendar.next().map(|(_, due)| due);
        if !shared.wait(next, edition) {
            return;
        }
        edition = shared.read(|watched| {
            let left = watched.values().filter_map(|watched| match watched {
                Watched::Asleep(program, _) | Watched::Paused(program) => Some(program.manifest.source.group.as_str()),
                Watched::Running(..) => None,
            });
            calendar.follow(left, Instant::now(), || every.mul_f64(fastrand::f64()));
        });
        let now = Instant::now();
        let Some(group) = calendar.next().filter(|(_, due)| *due <= now).map(|(group, _)| group.to_owned()) else {
            continue;
        };
        let wait = match visit(settings, shared.groups(), &group, PATIENCE) {
            Ok(had_any) => {
                tracing::debug!(group, had_any, "Kafka keeps the positions of the group");
                every
            }
            Err(error) => {
                tracing::warn!(group, %error, "cannot visit a group whose positions Kafka is to keep, trying again");
                every / 10
            }
        };
        calendar.put_off(&group, Instant::now() + wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_has_its_time_and_keeps_it_as_long_as_it_is_left() {
        let now = Instant::now();
        let at = |seconds| now + Duration::from_secs(seconds);
        let mut times = [7, 3, 5].map(Duration::from_secs).into_iter();
        let mut calendar = Calendar::default();
        let mut any = || times.next().unwrap();
        calendar.follow(["a", "b"].into_iter(), now, &mut any);
        assert_eq!(calendar.next(), Some(("b", at(3))));
        calendar.put_off("b", at(20));
        assert_eq!(calendar.next(), Some(("a", at(7))));
        calendar.follow(["b"].into_iter(), at(1), &mut any);
        assert_eq!(calendar.next(), Some(("b", at(20))));
        calendar.follow(["a", "b"].into_iter(), at(1), &mut any);
        assert_eq!(calendar.next(), Some(("a", at(6))), "it was in its group meanwhile");
    }
}
