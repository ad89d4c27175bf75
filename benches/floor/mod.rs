//! The limits that we are judged by: the same loads by the fewest instructions that we know of, without our pipeline.
//!
//! `copy` moves records from topic to topic with librdkafka's batch calls; `v8` does the same and runs a plain
//! JavaScript function on each record, in one isolate by hand in the same thread. Both are at least once: an offset is
//! stored only when every result of the records before it has been acknowledged. They own no group: with several
//! threads, each takes its share of the partitions and has clients of its own.

/// What helps us with librdkafka helps the floors, too.
#[path = "../../src/kafka/native/bootstrap.rs"]
mod bootstrap;
mod epochs;
mod isolate;
#[path = "../../src/kafka/native/memory.rs"]
mod memory;
#[path = "../../src/kafka/native/patience.rs"]
mod patience;
mod results;
mod sink;
mod source;

use std::thread;
use std::time::Duration;

use epochs::Epochs;
use results::Results;
use sink::Sink;
use source::Source;

use crate::contract::{Contract, Work};

/// As many as librdkafka is asked for at once. More fill no cache better and make the first of them wait.
const CHUNK: usize = 1000;
const IDLE_WAIT: Duration = Duration::from_millis(5);

pub fn copy(contract: &Contract) {
    memory::keep_memory();
    on_threads(contract, |contract, source, sink| {
        assert_eq!(contract.work, Work::Passthrough, "only an engine can do more than copy");
        pump(source, sink, |_, results| results.same());
    });
}

pub fn v8(contract: &Contract) {
    memory::keep_memory();
    isolate::initialise();
    on_threads(contract, |contract, source, sink| {
        isolate::with(contract.work, |run| pump(source, sink, |value, results| run(value, results)));
    });
}

fn on_threads(contract: &Contract, run: fn(&Contract, Source, Sink)) {
    thread::scope(|scope| {
        for index in 0..contract.threads {
            scope.spawn(move || {
                let mine = (0..contract.partitions).filter(|partition| partition % contract.threads == index);
                let source = Source::new(contract, &mine.collect::<Vec<_>>());
                run(contract, source, Sink::new(contract));
            });
        }
    });
}

/// Until the process is ended.
fn pump(mut source: Source, mut sink: Sink, mut apply: impl FnMut(&[u8], &mut Results)) -> ! {
    let mut epochs = Epochs::default();
    let mut results = Results::default();
    let mut taken = Vec::with_capacity(CHUNK);
    loop {
        source.take(CHUNK, IDLE_WAIT, &mut taken);
        for record in &taken {
            results.begin(record);
            apply(record.value(), &mut results);
        }
        sink.produce(&mut results, &mut epochs);
        // The results are copies, so the records may go.
        taken.clear();
        if let Some(next) = epochs.turn(source.next()) {
            source.store(&next);
        }
        sink.serve(&mut epochs);
    }
}
