//! Functions that are paused: by themselves, because they kept bringing their workers down, or by somebody's wish.
//!
//! A paused function has left its group; what it has not done stays in its topics. All nodes of the cluster obey the
//! same wish, and find it again when they start.

use std::sync::Arc;

use super::state::Function;
use super::wishes::{Cause, Run};
use crate::function::Program;
use crate::pipeline::Paused;
use crate::status::{Board, FunctionState};

pub(super) struct Pause {
    /// What goes on when it is resumed.
    pub program: Arc<Program>,
    reason: String,
    /// It holds for this content only: a new version goes on.
    bound: bool,
    /// It is on the board.
    shown: bool,
}

/// A pause that the other nodes do not know of yet.
pub struct Unsaid {
    pub reason: String,
    pub digest: String,
}

impl Function {
    /// Does what is wished for it, where it does not do so already. Only a wish that it has not seen before resumes it,
    /// so that what it did to workers of this node counts as well.
    pub fn heed(&mut self, wish: Option<&Run>, board: &Board) {
        let is_new = self.heeded.as_ref() != wish;
        if is_new {
            self.heeded = wish.cloned();
        }
        match wish {
            Some(run) if run.is_paused() => {
                let is_meant = |program: &Program| run.digest.as_ref().is_none_or(|digest| *digest == program.digest);
                if self.newest().is_some_and(|program| is_meant(&program)) {
                    self.pause(reason(run, &self.name), run.digest.is_some(), board);
                }
            }
            Some(run) if !run.is_running() => {}
            _ if is_new => self.resume(board),
            _ => {}
        }
    }

    /// Somebody asked for a pause on this node alone. What cannot be loaded is paused once it can.
    pub fn pause_here(&mut self, board: &Board) {
        let reason = format!("somebody paused it on this node; `eddyline resume {}` lets it go on", self.name);
        self.pause_ahead = self.newest().is_none().then(|| reason.clone());
        self.pause(reason, false, board);
    }

    /// A version has come in after somebody had paused the function here, when there was none.
    pub(super) fn pause_if_told_ahead(&mut self, board: &Board) {
        if let Some(reason) = self.pause_ahead.take() {
            self.pause(reason, false, board);
        }
    }

    fn pause(&mut self, reason: String, bound: bool, board: &Board) {
        let Some(program) = self.newest().filter(|_| self.paused.is_none() && !self.removed) else { return };
        tracing::info!(function = %self.name, %reason, "the function is to pause");
        self.wanted = None;
        self.end_rest();
        if self.running.is_some() {
            board.update(&self.name, |status| status.enter(FunctionState::Draining, None));
            self.end_running();
        }
        self.paused = Some(Pause { program, reason, bound, shown: false });
        self.collect_finished(board);
    }

    /// Somebody asked for the end of a pause.
    pub fn resume(&mut self, board: &Board) {
        self.pause_ahead = None;
        let Some(pause) = self.paused.take() else { return };
        tracing::info!(function = %self.name, "somebody resumes the function");
        self.metrics.paused.set(0);
        board.update(&self.name, |status| status.enter(FunctionState::Starting, None));
        self.wanted = Some(pause.program);
    }

    /// A new version has come. Returns whether it waits for the end of the pause; otherwise there is none any more.
    pub(super) fn takes_into_pause(&mut self, program: &Arc<Program>) -> bool {
        if let Some(pause) = self.paused.as_mut().filter(|pause| !pause.bound) {
            pause.program = Arc::clone(program);
            return true;
        }
        self.end_pause();
        false
    }

    /// It is gone, or a new version takes the place of the paused one.
    pub(super) fn end_pause(&mut self) {
        if self.paused.take().is_some() {
            self.metrics.paused.set(0);
        }
    }

    /// Whether the subscription that starts has to show first that it no longer brings workers down.
    pub fn starts_quarantined(&mut self) -> bool {
        std::mem::take(&mut self.offender)
    }

    /// The subscription has ended although nobody asked it to.
    pub(super) fn ended_by_itself(&mut self, program: Arc<Program>, ended: Option<Paused>, board: &Board) {
        let Some(Paused { reason, version }) = ended else {
            // Its thread has panicked, which is a mistake of ours; what it had not committed runs again.
            tracing::error!(function = %self.name, "the subscription ended unexpectedly and is started again");
            self.wanted.get_or_insert(program);
            return;
        };
        self.offender = true;
        // A newer version has come in the meantime, and gets its chance.
        if program.version > version || self.wanted.is_some() {
            self.wanted.get_or_insert(program);
            return;
        }
        self.unsaid = Some(Unsaid { reason: reason.clone(), digest: program.digest.clone() });
        self.paused = Some(Pause { program, reason, bound: true, shown: false });
        self.show_pause(board);
    }

    /// Says that it is paused, once nothing of it runs any more.
    pub(super) fn show_pause(&mut self, board: &Board) {
        let Some(pause) = self.paused.as_mut().filter(|pause| !pause.shown) else { return };
        pause.shown = true;
        self.metrics.paused.set(1);
        let reason = pause.reason.clone();
        tracing::info!(function = %self.name, %reason, "the function is paused");
        board.update(&self.name, |status| status.enter(FunctionState::Paused, Some(reason)));
    }
}

fn reason(run: &Run, name: &str) -> String {
    let Run { at, node, .. } = run;
    if run.is_for(Cause::Seek) {
        return format!(
            "its positions are being moved since {at}, through node {node}; if that was interrupted, \
             `eddyline resume {name}` lets it go on"
        );
    }
    if run.is_for(Cause::Crashes) {
        let reason = run.reason.as_deref().unwrap_or("it kept bringing its workers down");
        return format!("paused on all nodes since {at}, for what it did on node {node}: {reason}");
    }
    format!("somebody paused it on all nodes at {at}, through node {node}; `eddyline resume {name}` lets it go on")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::samples;
    use crate::diagnostic::{Diagnostic, codes};
    use crate::telemetry::Metrics;

    struct Scene {
        function: Function,
        board: Arc<Board>,
    }

    fn program(digest: &str) -> Arc<Program> {
        let bundle = samples::program(samples::manifest("f", &["a"], "out"));
        let manifest = bundle.manifest.clone();
        let empty = crate::protocol::control::Bundle {
            entry: String::new(),
            modules: Vec::new(),
            handler: crate::protocol::control::Handler::Record,
        };
        Arc::new(Program::new(manifest, 1, digest.to_owned(), empty, Default::default()))
    }

    impl Scene {
        fn new() -> Scene {
            let metrics = Metrics::new();
            let board = Board::new("node", Arc::clone(&metrics));
            let mut function = Function::new("f", metrics.function("f"));
            function.want(program("one"), &board);
            Scene { function, board }
        }

        /// Nothing of it could ever be loaded.
        fn broken() -> Scene {
            let metrics = Metrics::new();
            let board = Board::new("node", Arc::clone(&metrics));
            let mut function = Function::new("f", metrics.function("f"));
            function.is_broken(Diagnostic::error(codes::NO_ENTRY, "f", "no handler").into(), &board);
            Scene { function, board }
        }

        fn heed(&mut self, run: &Run) -> FunctionState {
            self.function.heed(Some(run), &self.board);
            self.function.collect_finished(&self.board);
            self.board.function("f").unwrap().state
        }

        fn update(&mut self, digest: &str) -> FunctionState {
            self.function.want(program(digest), &self.board);
            self.board.function("f").unwrap().state
        }
    }

    #[test]
    fn a_pause_by_hand_holds_for_new_versions_too() {
        let mut scene = Scene::new();
        let pause = Run::paused(Cause::Person, "n", None, None);
        assert_eq!(scene.heed(&pause), FunctionState::Paused);
        assert_eq!(scene.update("two"), FunctionState::Paused);
        assert!(!scene.function.is_waiting() && scene.function.runs("two"));
        assert_eq!(scene.heed(&Run::running("n")), FunctionState::Starting);
        assert_eq!(scene.function.wanted().unwrap().digest, "two");
    }

    #[test]
    fn a_pause_for_crashes_holds_for_what_crashed_alone() {
        let mut scene = Scene::new();
        let pause = Run::paused(Cause::Crashes, "n", Some("it crashed".to_owned()), Some("one".to_owned()));
        assert_eq!(scene.heed(&pause), FunctionState::Paused);
        assert!(scene.board.function("f").unwrap().state_reason.unwrap().contains("it crashed"));
        assert_eq!(scene.update("two"), FunctionState::Starting);
        assert_eq!(scene.heed(&pause), FunctionState::Starting);
        assert_eq!(scene.update("one"), FunctionState::Starting);
        assert_eq!(scene.heed(&pause), FunctionState::Paused, "the one that crashed is back");
    }

    #[test]
    fn what_is_broken_is_paused_when_it_is_mended_unless_somebody_has_resumed_it() {
        let mut scene = Scene::broken();
        let pause = Run::paused(Cause::Person, "n", None, None);
        assert_eq!(scene.heed(&pause), FunctionState::Broken);
        scene.update("one");
        assert_eq!(scene.heed(&pause), FunctionState::Paused);

        let mut scene = Scene::broken();
        scene.function.pause_here(&scene.board);
        assert_eq!(scene.update("one"), FunctionState::Paused, "also where this node alone was told");
        scene.function.resume(&scene.board);
        assert_eq!(scene.update("two"), FunctionState::Starting);

        let mut scene = Scene::broken();
        scene.function.pause_here(&scene.board);
        scene.function.resume(&scene.board);
        assert_eq!(scene.update("one"), FunctionState::Starting);
    }

    #[test]
    fn only_a_wish_that_is_new_resumes() {
        let mut scene = Scene::new();
        let running = Run::running("n");
        scene.heed(&running);
        scene.function.pause_here(&scene.board);
        assert_eq!(scene.heed(&running), FunctionState::Paused);
        scene.function.heed(None, &scene.board);
        assert!(scene.function.paused.is_none(), "the wish is gone");
    }
}
