//! Functions that could run and have nothing to do: they hold no subscription until a record comes, or anything else
//! makes them act.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::plan::{self, TopicMap};
use super::sleep::{Ends, Watched};
use super::state::Function;
use super::versions::Reading;
use super::wishes::Moved;
use crate::function::Program;
use crate::manifest::Topics;
use crate::status::{Board, FunctionState};

pub(super) struct Asleep {
    /// What goes on when it wakes.
    pub program: Arc<Program>,
    topics: Vec<String>,
    /// Where its sources end, all of which its group has committed.
    ends: Ends,
    since: Timestamp,
    /// It is on the board.
    shown: bool,
}

impl Function {
    /// It runs this program and has had nothing to do for a time: it leaves its group.
    pub fn fall_asleep(&mut self, program: &Arc<Program>, ends: Ends, board: &Board) {
        let Some(running) = self.running.as_ref().filter(|running| Arc::ptr_eq(&running.program, program)) else {
            return;
        };
        // One in quarantine has to show first that it is calm.
        if self.wanted.is_some() || self.draining || self.metrics.quarantined.get() > 0 {
            return;
        }
        tracing::info!(function = %self.name, "the function has had nothing to do for a time, and sleeps");
        let topics = running.topics.clone();
        self.end_running();
        self.asleep =
            Some(Asleep { program: Arc::clone(program), topics, ends, since: Timestamp::now(), shown: false });
        self.collect_finished(board);
    }

    /// It is about to start and has nothing to do: it sleeps at once.
    pub fn rests(&mut self, program: &Arc<Program>, topics: Vec<String>, ends: Ends, board: &Board) {
        tracing::debug!(function = %self.name, version = program.version, "the function has nothing to do yet, and sleeps");
        let since = self.asleep.as_ref().map_or_else(Timestamp::now, |asleep| asleep.since);
        self.wanted = None;
        board.update(&self.name, |status| status.topics.clone_from(&topics));
        self.asleep = Some(Asleep { program: Arc::clone(program), topics, ends, since, shown: false });
        self.show_rest(board);
    }

    /// Something has happened that it may have to act on. It is looked at as if it started now.
    pub fn wake(&mut self) {
        if let Some(asleep) = &mut self.asleep
            && self.wanted.is_none()
            && !self.draining
        {
            tracing::info!(function = %self.name, "the function wakes");
            asleep.shown = false;
            self.wanted = Some(Arc::clone(&asleep.program));
        }
    }

    /// Where its group was moved last, and when. A group of one that sleeps is moved without a pause in between.
    pub fn hear_of_move(&mut self, moved: Option<&Moved>) {
        if self.moved.as_ref() != moved {
            self.moved = moved.cloned();
            self.wake();
        }
    }

    /// It runs, or something else has come in the way.
    pub(super) fn end_rest(&mut self) {
        if self.asleep.take().is_some() {
            self.metrics.idle.set(0);
        }
    }

    /// A new version has come. Where it reads something else, nothing is left of the old one.
    pub(super) fn keep_rest_for(&mut self, program: &Program) {
        let reading = |program: &Program| Reading::of(&program.manifest);
        match &mut self.asleep {
            Some(asleep) if reading(&asleep.program) != reading(program) => self.end_rest(),
            Some(asleep) => asleep.shown = false,
            None => {}
        }
    }

    /// Says that it sleeps, once nothing of it runs any more.
    pub(super) fn show_rest(&mut self, board: &Board) {
        if self.wanted.is_some() || self.is_ending() {
            return;
        }
        let Some(asleep) = self.asleep.as_mut().filter(|asleep| !asleep.shown) else { return };
        asleep.shown = true;
        self.metrics.idle.set(1);
        let Asleep { program, since, .. } = &*asleep;
        board.update(&self.name, |status| {
            status.version = program.version;
            status.digest.clone_from(&program.digest);
            status.handler = program.known_handler();
            status.enter(FunctionState::Idle, None);
            status.idle_since = Some(*since);
        });
    }

    /// What sleeps and was never tried out.
    pub(super) fn unprepared(&self) -> Option<Arc<Program>> {
        let asleep = self.asleep.as_ref().filter(|_| self.wanted.is_none())?;
        (!asleep.program.is_prepared()).then(|| Arc::clone(&asleep.program))
    }

    /// It can be loaded, as is known now.
    pub(super) fn is_tried_out(&mut self, board: &Board) {
        self.asleep.iter_mut().for_each(|asleep| asleep.shown = false);
        self.show_rest(board);
    }

    pub fn is_asleep(&self) -> bool {
        self.asleep.is_some()
    }

    /// What it is to be watched for.
    pub fn watched(&self) -> Option<Watched> {
        if self.wanted.is_some() || self.removed || self.draining {
            return None;
        }
        if let Some(running) = &self.running {
            return Some(Watched::Running(Arc::clone(&running.program), running.topics.clone()));
        }
        if let Some(Asleep { program, ends, .. }) = &self.asleep {
            return Some(Watched::Asleep(Arc::clone(program), ends.clone()));
        }
        let pause = self.paused.as_ref().filter(|_| !self.is_ending())?;
        Some(Watched::Paused(Arc::clone(&pause.program)))
    }

    pub fn follows_a_pattern(&self) -> bool {
        let pattern = |program: &Program| matches!(program.manifest.source.topics, Topics::Pattern(_));
        self.current().is_some_and(|program| pattern(program))
    }

    /// A pattern may match other topics by now, and topics of one that sleeps may have other partitions.
    pub fn follow_topics(&mut self, topics: &TopicMap, dead_letters: &BTreeSet<&str>, board: &Board) {
        if self.asleep.as_ref().is_some_and(|asleep| asleep.ends.miss_partitions(topics)) {
            self.wake();
        }
        if !self.follows_a_pattern() {
            return;
        }
        let Some(program) = self.current() else { return };
        let names = plan::needs(&program.manifest, topics, dead_letters).source_names();
        if let Some(running) = &mut self.running {
            if !names.is_empty() && names != running.topics {
                tracing::info!(function = %self.name, topics = %names.join(", "), "the pattern matches other topics");
                running.handle.subscribe(names.clone());
                board.update(&self.name, |status| status.topics.clone_from(&names));
                running.topics = names;
            }
        } else if let Some(asleep) = &self.asleep {
            if !names.is_empty() && names != asleep.topics {
                self.wake();
            }
        } else {
            // Whoever moves its positions wants to know where.
            board.update(&self.name, |status| status.topics = names);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::samples;
    use crate::diagnostic::Diagnostics;
    use crate::kafka::TopicPartition;
    use crate::telemetry::Metrics;

    struct Scene {
        function: Function,
        board: Arc<Board>,
    }

    impl Scene {
        /// A function that sleeps.
        fn new() -> Scene {
            let metrics = Metrics::new();
            let board = Board::new("node", Arc::clone(&metrics));
            let mut function = Function::new("f", metrics.function("f"));
            let program = program("a");
            function.want(Arc::clone(&program), &board);
            function.rests(&program, vec!["a".to_owned()], ends(), &board);
            Scene { function, board }
        }

        fn state(&mut self) -> FunctionState {
            self.function.collect_finished(&self.board);
            self.board.function("f").unwrap().state
        }
    }

    fn program(source: &str) -> Arc<Program> {
        samples::program(samples::manifest("f", &[source], "out"))
    }

    fn ends() -> Ends {
        let partition = TopicPartition::new("a", 0);
        Ends::of(std::slice::from_ref(&partition), &[(partition.clone(), 7)].into()).unwrap()
    }

    #[test]
    fn one_that_sleeps_is_watched_and_shown_until_it_wakes() {
        let mut scene = Scene::new();
        assert_eq!(scene.state(), FunctionState::Idle);
        assert!(scene.board.function("f").unwrap().idle_since.is_some());
        assert!(matches!(scene.function.watched(), Some(Watched::Asleep(..))));
        assert!(!scene.function.is_waiting() && scene.function.newest().is_some());
        scene.function.wake();
        assert!(scene.function.is_waiting() && scene.function.watched().is_none());
    }

    #[test]
    fn it_wakes_for_added_partitions_and_for_no_list_of_others() {
        let mut scene = Scene::new();
        let mut follow = |topics: &[(&str, i32)]| {
            scene.function.follow_topics(&samples::topics(topics), &BTreeSet::new(), &scene.board);
            scene.function.is_waiting()
        };
        assert!(!follow(&[("a", 1), ("b", 9)]));
        assert!(!follow(&[]));
        assert!(follow(&[("a", 2)]));
    }

    #[test]
    fn a_broken_version_leaves_it_asleep_and_one_with_another_source_does_not() {
        let mut scene = Scene::new();
        scene.function.wake();
        scene.function.is_broken(Diagnostics::new(), &scene.board);
        assert_eq!(scene.state(), FunctionState::Idle);
        scene.function.want(program("a"), &scene.board);
        scene.function.is_broken(Diagnostics::new(), &scene.board);
        assert_eq!(scene.state(), FunctionState::Idle);
        scene.function.want(program("b"), &scene.board);
        scene.function.is_broken(Diagnostics::new(), &scene.board);
        assert_eq!(scene.state(), FunctionState::Broken);
    }

    #[test]
    fn it_wakes_when_its_group_was_moved() {
        let mut scene = Scene::new();
        let moved = Moved::new("earliest", "n");
        scene.function.hear_of_move(Some(&moved));
        assert!(scene.function.is_waiting());
        let program = scene.function.wanted().unwrap();
        scene.function.rests(&program, vec!["a".to_owned()], ends(), &scene.board);
        scene.function.hear_of_move(Some(&moved));
        assert!(!scene.function.is_waiting(), "that was heard before");
    }

    #[test]
    fn a_pause_ends_its_sleep() {
        let mut scene = Scene::new();
        scene.function.pause_here(&scene.board);
        assert_eq!(scene.state(), FunctionState::Paused);
        assert!(matches!(scene.function.watched(), Some(Watched::Paused(_))) && !scene.function.is_asleep());
        scene.function.resume(&scene.board);
        assert!(scene.function.is_waiting());
    }
}
