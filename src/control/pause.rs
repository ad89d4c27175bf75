//! Functions that are paused: by themselves, because they kept bringing their workers down, or by hand.
//!
//! A paused function has left its group; what it has not done stays in its topics. This node alone knows of it, and
//! forgets it when it ends.

use std::sync::Arc;

use super::state::Function;
use crate::function::Program;
use crate::pipeline::Paused;
use crate::status::{Board, FunctionState};

pub(super) struct Pause {
    /// What goes on when it is resumed.
    pub program: Arc<Program>,
    reason: String,
    /// It is on the board.
    shown: bool,
}

impl Function {
    /// Somebody asked for a pause.
    pub fn pause(&mut self, board: &Board) {
        let Some(program) = self.newest().filter(|_| self.paused.is_none() && !self.removed) else { return };
        tracing::info!(function = %self.name, "somebody pauses the function");
        self.wanted = None;
        if self.running.is_some() {
            board.update(&self.name, |status| status.enter(FunctionState::Draining, None));
            self.end_running();
        }
        let reason = format!("somebody paused it on this node; `eddyline resume {}` lets it go on", self.name);
        self.paused = Some(Pause { program, reason, shown: false });
        self.collect_finished(board);
    }

    /// Somebody asked for the end of a pause.
    pub fn resume(&mut self, board: &Board) {
        let Some(pause) = self.paused.take() else { return };
        tracing::info!(function = %self.name, "somebody resumes the function");
        self.metrics.paused.set(0);
        board.update(&self.name, |status| status.enter(FunctionState::Starting, None));
        self.wanted = Some(pause.program);
    }

    /// A new version takes the place of the paused one.
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
        self.paused = Some(Pause { program, reason, shown: false });
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
