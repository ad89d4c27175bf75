//! Where functions begin is settled for all that are about to start, before the first of them produces anything.

use std::sync::Arc;

use super::plan::{self, Needs};
use super::service::Stopping;
use super::state::Start;
use crate::function::Program;
use crate::kafka;

/// A function that is about to start, or to change.
#[derive(Debug)]
pub struct Starting {
    pub name: String,
    pub program: Arc<Program>,
    pub needs: Needs,
    pub start: Start,
}

/// What becomes of a function in this pass.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Ready,
    /// It knows where it begins, but cannot start yet, for this reason.
    Waits(String),
    /// It does not even know where it begins.
    Unsettled(String),
}

/// Settles positions with `ensure` and says who may start.
///
/// Whoever writes what an unsettled function reads must not start: that function would begin behind the records that it
/// should have read. `late` are functions whose positions cannot be settled in this pass at all. When the node stops in
/// between, nothing starts.
pub fn settle(
    starting: Vec<Starting>,
    late: Vec<Arc<Program>>,
    stopping: &Stopping,
    mut ensure: impl FnMut(&Starting) -> kafka::Result<()>,
) -> Vec<(Starting, Verdict)> {
    let mut unsettled = late;
    let mut judged = Vec::with_capacity(starting.len());
    for starting in starting {
        if stopping.has_begun() {
            return Vec::new();
        }
        let verdict = match ensure(&starting) {
            Ok(()) if starting.needs.is_complete() => Verdict::Ready,
            Ok(()) => Verdict::Waits(starting.needs.reason()),
            Err(error) => {
                unsettled.push(Arc::clone(&starting.program));
                Verdict::Unsettled(format!("cannot settle where to begin: {error}"))
            }
        };
        judged.push((starting, verdict));
    }
    if stopping.has_begun() {
        return Vec::new();
    }
    for (starting, verdict) in &mut judged {
        let writer = &starting.program.manifest;
        let reader = unsettled.iter().find(|reader| plan::feeds(writer, &reader.manifest));
        if let (Verdict::Ready, Some(reader)) = (&verdict, reader) {
            let name = reader.name();
            *verdict =
                Verdict::Waits(format!("waiting until it is settled where {name:?} begins, which reads from it"));
        }
    }
    judged
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;
    use crate::control::samples;

    fn starting(name: &str, source: &str, sink: &str) -> Starting {
        let manifest = samples::manifest(name, &[source], sink);
        let letters = manifest.dead_letter.topic.clone();
        let topics = samples::topics(&[(source, 1), (sink, 1), (&letters, 1)]);
        let needs = plan::needs(&manifest, &topics, &BTreeSet::new());
        Starting { name: name.to_owned(), program: samples::program(manifest), needs, start: Start::Settled }
    }

    fn pipeline() -> Vec<Starting> {
        vec![starting("a", "middle", "out"), starting("b", "in", "middle"), starting("c", "in", "elsewhere")]
    }

    fn ready(judged: &[(Starting, Verdict)]) -> Vec<&str> {
        judged.iter().filter(|(_, verdict)| *verdict == Verdict::Ready).map(|(one, _)| one.name.as_str()).collect()
    }

    #[test]
    fn nobody_writes_for_a_function_that_does_not_know_where_to_begin() {
        let fails = |starting: &Starting| match starting.name.as_str() {
            "a" => Err(kafka::Error::Client("timed out".to_owned())),
            _ => Ok(()),
        };
        let judged = settle(pipeline(), Vec::new(), &Stopping::default(), fails);
        assert_eq!(ready(&judged), ["c"]);
        assert!(matches!(&judged[0].1, Verdict::Unsettled(reason) if reason.contains("timed out")));
        assert!(matches!(&judged[1].1, Verdict::Waits(reason) if reason.contains("\"a\"")));

        let judged = settle(pipeline(), Vec::new(), &Stopping::default(), |_| Ok(()));
        assert_eq!(ready(&judged), ["a", "b", "c"]);
    }

    #[test]
    fn a_function_that_still_leaves_its_old_source_holds_its_writers_too() {
        let late = starting("a", "middle", "out").program;
        let judged = settle(pipeline().split_off(1), vec![late], &Stopping::default(), |_| Ok(()));
        assert_eq!(ready(&judged), ["c"]);
    }

    #[test]
    fn stopping_ends_the_pass_between_two_functions() {
        let stopping = Stopping::default();
        let mut asked = 0;
        let judged = settle(pipeline(), Vec::new(), &stopping, |_| {
            asked += 1;
            stopping.begin(Duration::from_secs(1));
            Ok(())
        });
        assert_eq!((asked, judged.len()), (1, 0));
    }
}
