//! What an isolate may say, by how far it is: loading, ready, gone. A worker that says anything else is lying.

use super::isolate::IsolateEvent;
use crate::protocol::settled::SettledReader;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Loading,
    Ready,
    /// It could not be loaded, or has ended.
    Gone,
}

impl Phase {
    /// Takes note of an event; the error is what is wrong with it. Returns the bytes that the isolate holds, if it says.
    pub fn hear(&mut self, event: &IsolateEvent) -> Result<Option<u64>, String> {
        match (event, *self) {
            (IsolateEvent::Loaded(loaded), Phase::Loading) => {
                *self = if loaded.result.is_ok() { Phase::Ready } else { Phase::Gone };
            }
            (IsolateEvent::Unloaded(_), Phase::Ready) => *self = Phase::Gone,
            (IsolateEvent::Settled(body), Phase::Ready) => {
                let settled = SettledReader::new(body).map_err(|error| format!("Settled: {error}"))?;
                if settled.is_empty() {
                    return Err("Settled says nothing".to_owned());
                }
                return Ok(Some(settled.heap.saturating_add(settled.external)));
            }
            // Bounded by their rate, and by the end of the worker.
            (IsolateEvent::Log(_) | IsolateEvent::Died(_), _) => {}
            (IsolateEvent::Loaded(_), phase) => return Err(format!("Loaded from an isolate that is {phase:?}")),
            (IsolateEvent::Unloaded(_), phase) => return Err(format!("Unloaded from an isolate that is {phase:?}")),
            (IsolateEvent::Settled(_), phase) => return Err(format!("Settled from an isolate that is {phase:?}")),
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::control::{Handler, Loaded, Problem, Unloaded};
    use crate::protocol::frame::HEADER;
    use crate::protocol::settled::SettledBuilder;

    fn loaded() -> IsolateEvent {
        IsolateEvent::Loaded(Loaded { result: Ok(Handler::Record), took_us: 1, isolate_us: 1 })
    }

    fn failed() -> IsolateEvent {
        IsolateEvent::Loaded(Loaded { result: Err(Problem::default()), took_us: 1, isolate_us: 1 })
    }

    fn unloaded() -> IsolateEvent {
        IsolateEvent::Unloaded(Unloaded { reason: None })
    }

    fn settled(entries: u64) -> IsolateEvent {
        let mut builder = SettledBuilder::new(1);
        (0..entries).for_each(|id| builder.not_run(id, 1));
        IsolateEvent::Settled(builder.finish(1, 30, 12)[HEADER..].to_vec())
    }

    /// How many of these events are right.
    fn right(events: &[IsolateEvent]) -> usize {
        let mut phase = Phase::Loading;
        events.iter().take_while(|event| phase.hear(event).is_ok()).count()
    }

    #[test]
    fn a_life_is_heard_once_and_in_order() {
        assert_eq!(right(&[loaded(), settled(1), settled(2), unloaded()]), 4);
        assert_eq!(right(&[loaded(), loaded()]), 1);
        assert_eq!(right(&[loaded(), unloaded(), unloaded()]), 2);
        assert_eq!(right(&[loaded(), unloaded(), settled(1)]), 2);
        assert_eq!(right(&[failed(), failed()]), 1);
        assert_eq!(right(&[failed(), settled(1)]), 1);
        assert_eq!(right(&[settled(1)]), 0);
        assert_eq!(right(&[unloaded()]), 0);
    }

    #[test]
    fn settling_nothing_is_wrong() {
        assert_eq!(right(&[loaded(), settled(0)]), 1);
        assert_eq!(right(&[loaded(), IsolateEvent::Settled(Vec::new())]), 1);
    }

    #[test]
    fn what_an_isolate_holds_is_told_by_what_it_settles() {
        assert_eq!(Phase::Ready.hear(&settled(1)), Ok(Some(42)));
    }
}
