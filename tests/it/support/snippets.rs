//! A few lines of JavaScript and the text that they come to.

use super::worker::{Record, Worker, async_handler};

/// A name, the body of an async handler, and the text of what it returns.
pub type Snippet<'a> = (&'a str, &'a str, &'a str);

/// Runs each body, with `tools` before it, in an isolate of its own and compares what it returns.
pub fn check(tools: &str, snippets: &[Snippet<'_>]) {
    let mut worker = Worker::start();
    for (channel, (name, body, expected)) in (1..).zip(snippets) {
        let loaded = worker.load(channel, &async_handler(&format!("{tools}{body}")));
        assert!(loaded.result.is_ok(), "{name}: {loaded:?}");
        let settled = worker.one_in(channel, Record::new("x"));
        assert_eq!(settled.outputs()[0].text(), *expected, "{name}");
    }
}
