//! Preparing functions late: where many come at once, those that have nothing to do are prepared when they wake, or when
//! there is nothing else to do. Until then it is not known whether their modules can be loaded.

use std::path::PathBuf;
use std::sync::Arc;

use super::prepare::Preparer;
use super::reconcile::Reconciler;
use super::state::Function;
use super::versions;
use crate::diagnostic::Diagnostics;
use crate::function::Program;

/// When more functions than these come at once, they are prepared late.
pub(super) const MANY: usize = 32;
/// Most functions that are prepared before everything else is looked at again, of those that are to run
const AT_ONCE: usize = 128;
/// and of those that sleep.
const ASIDE: usize = 32;

/// A version that is about to run on these topics.
pub(super) struct Due {
    pub name: String,
    pub program: Arc<Program>,
    pub topics: Vec<String>,
}

impl Reconciler {
    /// Prepares those that are to run, and starts them.
    pub(super) fn prepare_and_run(&mut self, mut due: Vec<Due>) {
        self.hurry |= due.len() > AT_ONCE;
        due.truncate(AT_ONCE);
        let programs = due.iter().map(|due| (due.name.clone(), Arc::clone(&due.program))).collect();
        let prepared = self.prepare(programs);
        for (Due { name, program, topics }, result) in due.into_iter().zip(prepared) {
            match result {
                Some(Ok(true)) => self.run_version(&name, &program, topics),
                Some(Err(mistakes)) => self.turns_out_broken(&name, mistakes),
                Some(Ok(false)) => self.read_again(&name),
                None => {}
            }
        }
    }

    /// Whether functions sleep that nobody has tried out yet.
    pub(super) fn anybody_unprepared(&self) -> bool {
        self.functions.values().any(|function| function.unprepared().is_some())
    }

    /// Tries some of them out.
    pub(super) fn prepare_sleepers(&mut self) {
        let unprepared = |function: &Function| Some((function.name.clone(), function.unprepared()?));
        let some: Vec<_> = self.functions.values().filter_map(unprepared).take(ASIDE).collect();
        let names: Vec<String> = some.iter().map(|(name, _)| name.clone()).collect();
        for (name, result) in names.into_iter().zip(self.prepare(some)) {
            match result {
                Some(Ok(true)) => {
                    if let Some(function) = self.functions.get_mut(&name) {
                        function.is_tried_out(&self.around.board);
                    }
                }
                Some(Err(mistakes)) => self.turns_out_broken(&name, mistakes),
                Some(Ok(false)) => self.read_again(&name),
                None => {}
            }
        }
    }

    /// In the given order; nothing for those that the end of the node came before.
    fn prepare(&self, programs: Vec<(String, Arc<Program>)>) -> Vec<Option<Result<bool, Diagnostics>>> {
        let (limits, count) = (&self.around.prepare, programs.len());
        let places: Vec<(usize, PathBuf, Arc<Program>)> = programs
            .into_iter()
            .enumerate()
            .filter_map(|(place, (name, program))| Some((place, self.functions.get(&name)?.dir.clone(), program)))
            .collect();
        let mut results: Vec<Option<Result<bool, Diagnostics>>> = (0..count).map(|_| None).collect();
        let prepared = versions::with_all(&places, &self.stopping, || {
            let mut preparer = Preparer::new(limits);
            move |(_, dir, program): &(usize, PathBuf, Arc<Program>)| versions::prepare(dir, program, &mut preparer)
        });
        for ((place, ..), result) in prepared {
            results[*place] = Some(result);
        }
        results
    }

    fn turns_out_broken(&mut self, name: &str, mistakes: Diagnostics) {
        if let Some(function) = self.functions.get_mut(name) {
            function.end_rest();
            function.is_broken(mistakes, &self.around.board);
        }
    }

    /// Its folder holds something else than what was read.
    fn read_again(&mut self, name: &str) {
        if let Some(function) = self.functions.get_mut(name) {
            function.stamp = 0;
            self.rescan = true;
        }
    }
}
