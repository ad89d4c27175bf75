//! Who may have brought a worker down: decided by how it ended and by what its isolates were doing.
//!
//! The worker itself wrote what they were doing, and a hostile one writes what it likes. So a verdict says whose records
//! run alone from now on; only what happens in a process of their own is held against them for good.

use crate::protocol::words::Running;

/// Why a worker is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Somebody outside ended it, or we let it go.
    Outside,
    /// Its own code brought it down, or made us end it.
    Crash,
    /// It took more memory than there is for it.
    Memory,
}

/// An isolate at the end of its worker.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    pub running: Running,
    /// Bytes that it held beyond what it held when it last reported.
    pub growth: u64,
}

/// An isolate's part in the death of its worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    None,
    /// It may have been this one, or another.
    Suspect,
    /// By all that is known it was this one.
    Culprit,
}

/// Growth below this explains no want of memory.
const GROWN: u64 = 16 << 20;

/// Each isolate's part, in the same order.
pub fn judge(cause: Cause, seen: &[Seen]) -> Vec<Part> {
    if cause == Cause::Outside {
        return vec![Part::None; seen.len()];
    }
    if seen.len() == 1 {
        return vec![Part::Culprit];
    }
    if let (Cause::Memory, Some(culprit)) = (cause, grown(seen)) {
        return (0..seen.len()).map(|at| if at == culprit { Part::Culprit } else { Part::None }).collect();
    }
    if cause == Cause::Memory {
        // Whoever happens to run when memory runs out need not be the one that took it: what the engine does not
        // count grows while its owner waits as well.
        return vec![Part::Suspect; seen.len()];
    }
    let runs = |one: &Seen| one.running != Running::Nothing;
    let running = seen.iter().filter(|one| runs(one)).count();
    let part = |one: &Seen| match (running, runs(one)) {
        (0, _) => Part::Suspect,
        (1, true) => Part::Culprit,
        (_, true) => Part::Suspect,
        (_, false) => Part::None,
    };
    seen.iter().map(part).collect()
}

/// The isolate that grew by more than all others together, if that was much.
fn grown(seen: &[Seen]) -> Option<usize> {
    let (at, most) = seen.iter().enumerate().max_by_key(|(_, one)| one.growth)?;
    let others = seen.iter().enumerate().filter(|(other, _)| *other != at);
    let others = others.fold(0u64, |sum, (_, one)| sum.saturating_add(one.growth));
    (most.growth >= GROWN && most.growth > others).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn seen(running: Running, growth: u64) -> Seen {
        Seen { running, growth }
    }

    fn idle() -> Seen {
        seen(Running::Nothing, 0)
    }

    fn busy() -> Seen {
        seen(Running::Invocation(7), 0)
    }

    #[test]
    fn nobody_is_to_blame_for_what_comes_from_outside() {
        assert_eq!(judge(Cause::Outside, &[busy()]), [Part::None]);
        assert_eq!(judge(Cause::Outside, &[busy(), idle()]), [Part::None, Part::None]);
    }

    #[test]
    fn the_only_one_that_ran_is_to_blame_for_a_crash() {
        assert_eq!(judge(Cause::Crash, &[idle(), busy(), idle()]), [Part::None, Part::Culprit, Part::None]);
        assert_eq!(judge(Cause::Crash, &[idle(), seen(Running::Something, 0)]), [Part::None, Part::Culprit]);
    }

    #[test]
    fn of_several_that_ran_each_is_suspect_and_if_none_ran_all_are() {
        assert_eq!(judge(Cause::Crash, &[busy(), idle(), busy()]), [Part::Suspect, Part::None, Part::Suspect]);
        assert_eq!(judge(Cause::Crash, &[idle(), idle()]), [Part::Suspect, Part::Suspect]);
    }

    #[test]
    fn whoever_is_alone_in_a_worker_is_to_blame_whatever_it_says() {
        assert_eq!(judge(Cause::Crash, &[idle()]), [Part::Culprit]);
        assert_eq!(judge(Cause::Memory, &[idle()]), [Part::Culprit]);
    }

    #[test]
    fn for_memory_the_one_that_grew_is_to_blame_though_another_ran() {
        let grower = seen(Running::Nothing, 200 * MIB);
        assert_eq!(judge(Cause::Memory, &[busy(), grower, idle()]), [Part::None, Part::Culprit, Part::None]);
    }

    #[test]
    fn growth_that_is_not_clear_makes_suspects_of_all_whoever_ran() {
        let some = seen(Running::Invocation(1), 20 * MIB);
        assert_eq!(judge(Cause::Memory, &[some, some, idle()]), [Part::Suspect; 3]);
        let little = seen(Running::Nothing, MIB);
        assert_eq!(judge(Cause::Memory, &[busy(), little]), [Part::Suspect; 2], "even if only one ran");
    }

    #[test]
    fn words_that_cannot_be_overflow_nothing() {
        let all = seen(Running::Something, u64::MAX);
        assert_eq!(judge(Cause::Memory, &[all, all, all]), [Part::Suspect; 3]);
    }
}
