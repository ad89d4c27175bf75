//! The shortest story: one function, one topic in, one topic out.

use super::folder::{Draft, Function};
use super::node::Node;
use super::process;
use super::record::Record;
use super::scene::Scene;

pub struct Trial {
    pub input: String,
    pub output: String,
    pub function: Function,
    // Dropped before the scene, so that the node ends before its folder goes.
    pub node: Node,
    pub scene: Scene,
}

impl Trial {
    /// Starts a node with this one function, between two topics of `partitions` each, and waits until it runs.
    #[track_caller]
    pub fn new(test: &str, partitions: i32, handler: &str) -> Option<Trial> {
        Trial::with(test, partitions, |draft| draft, handler)
    }

    /// The same, with more in the manifest.
    #[track_caller]
    pub fn with(
        test: &str,
        partitions: i32,
        more: impl for<'a> FnOnce(Draft<'a>) -> Draft<'a>,
        handler: &str,
    ) -> Option<Trial> {
        let scene = Scene::new(test)?;
        let (input, output) = (scene.topic("in", partitions), scene.topic("out", partitions));
        let draft = scene.function("it").reads(&input).writes(&output);
        let function = more(draft).handler(handler);
        let node = scene.start();
        node.runs(&function);
        Some(Trial { input, output, function, node, scene })
    }

    /// Writes records and waits until each has its results or its dead letter.
    #[track_caller]
    pub fn feed(&self, records: impl IntoIterator<Item = Record>) {
        self.scene.write(&self.input, records);
        self.scene.caught_up(&self.function);
    }

    #[track_caller]
    pub fn out(&self) -> Vec<Record> {
        self.scene.read(&self.output)
    }

    #[track_caller]
    pub fn dead(&self) -> Vec<Record> {
        self.scene.read(&self.function.dead_letter)
    }

    /// A metric of the function.
    #[track_caller]
    pub fn metric(&self, name: &str) -> f64 {
        let labels = [("function", self.function.name.as_str())];
        self.node.metric(name, &labels).unwrap_or_else(|| panic!("no metric {name}"))
    }

    /// Kills the worker once the handler has logged so many times that it "began".
    #[track_caller]
    pub fn kill_worker_when_begun(&self, times: usize) {
        self.node.eventually("the handler has begun", |node| (node.logged("began").len() >= times).then_some(()));
        let victim = self.node.eventually("a worker lives", |node| node.workers().first().copied());
        process::signal(victim, libc::SIGKILL);
        self.node.eventually("it is gone", |node| (!node.workers().contains(&victim)).then_some(()));
    }
}
