//! Functions by the hundred and thousand that have nothing to do: how long a node takes to start with them, what they
//! hold, and how long one takes to wake.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde::{Deserialize, Serialize};

use crate::broker::{Broker, PATIENCE, client};
use crate::isolates::{Times, threads, times};
use crate::memory::held;
use crate::node::Node;

/// Topics that one request makes.
const TOGETHER: usize = 200;
/// For so long nothing happens.
const QUIET: Duration = Duration::from_secs(20);
const WAKES: usize = 5;
/// How often a node starts again.
const STARTS: usize = 5;
/// How long one look at the broker may take.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Debug, Serialize, Deserialize)]
pub struct Functions {
    pub count: usize,
    /// From the start of a node that has never seen them until all wait for records, in seconds.
    pub first_start: f64,
    /// The same for a node that starts again.
    pub start: Times,
    /// Until the handlers of all have been tried out in a worker, which goes on beside the records; once, in seconds.
    pub tried_out: f64,
    /// Of all processes of the node, in megabytes: when all wait, and when all are tried out.
    pub resident: [f64; 2],
    /// The host's part of the latter.
    pub host_resident: f64,
    pub host_threads: usize,
    /// Share of a core that all processes of the node take while nothing happens.
    pub idle_cpu: f64,
    /// From a record to its result, in milliseconds, workers and consumer group included.
    pub wake: Times,
}

pub fn measure(brokers: &str, count: usize) -> Result<Functions> {
    eprintln!("{count} functions with nothing to do");
    let folder = tempfile::Builder::new().prefix("eddyline-cold.").tempdir()?;
    let name = |n: usize| format!("cold-{count}-{n:05}-{}", std::process::id());
    let (names, output) = ((0..count).map(name).collect::<Vec<_>>(), format!("cold-{count}-{}", std::process::id()));
    let broker = Broker::at(brokers)?;
    names.chunks(TOGETHER).try_for_each(|some| broker.create(some, 1))?;
    broker.create(std::slice::from_ref(&output), 1)?;
    settle(&broker.address, &output)?;
    names.iter().enumerate().try_for_each(|(n, name)| write(folder.path(), n, name, &output))?;

    let mut node = Node::start(folder.path(), brokers)?;
    let first_start = node.idle(count)?;
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        node.stop();
        node = Node::start(folder.path(), brokers)?;
        starts.push(node.idle(count)?);
    }
    let waiting = node.usage().resident_mb;
    let tried_out = node.tried_out(count)?;
    let before = node.usage().cpu_seconds;
    sleep(QUIET);
    let after = node.usage();
    let idle_cpu = (after.cpu_seconds - before) / QUIET.as_secs_f64();
    let host = node.host()?;
    let (host_resident, host_threads) = (held(host)?.resident, threads(host));
    let wake = wake(&broker.address, &names, &output)?;
    node.stop();
    names.chunks(TOGETHER).try_for_each(|some| broker.delete(some))?;
    broker.delete(&[output])?;
    Ok(Functions {
        count,
        first_start,
        start: times(starts),
        tried_out,
        resident: [waiting, after.resident_mb],
        host_resident,
        host_threads,
        idle_cpu,
        wake,
    })
}

/// Waits until the broker leads what was made last, which it does in turn, and its groups have their own topic: what it
/// is still busy with would count as ours.
fn settle(brokers: &str, last: &str) -> Result<()> {
    let consumer: BaseConsumer = client(brokers).set("group.id", last).create()?;
    let begun = Instant::now();
    let mut whole = TopicPartitionList::new();
    whole.add_partition(last, 0);
    while consumer.fetch_watermarks(last, 0, LOOK).is_err() || consumer.committed_offsets(whole.clone(), LOOK).is_err()
    {
        ensure!(begun.elapsed() < PATIENCE, "the broker does not lead {last}");
        sleep(LOOK);
    }
    Ok(())
}

/// A function as people write them; no two have the same code.
fn write(folder: &Path, n: usize, name: &str, output: &str) -> Result<()> {
    let folder = folder.join("functions").join(name);
    fs::create_dir_all(&folder)?;
    let manifest = format!(
        "[source]\ntopics = [{name:?}]\nstart = \"latest\"\n[sink]\ntopic = {output:?}\n[dead-letter]\nenabled = false\n"
    );
    fs::write(folder.join("function.toml"), manifest)?;
    let code = format!("const number: number = {n};\nexport default (record) => `${{record.text()}} ${{number}}`;\n");
    Ok(fs::write(folder.join("index.ts"), code)?)
}

fn wake(brokers: &str, names: &[String], output: &str) -> Result<Times> {
    let producer: BaseProducer = client(brokers).create()?;
    let consumer: BaseConsumer = client(brokers).create()?;
    let end = || Ok::<i64, anyhow::Error>(consumer.fetch_watermarks(output, 0, PATIENCE)?.1);
    let mut took = Vec::new();
    for name in names.iter().step_by(names.len().div_ceil(WAKES)) {
        let (before, written) = (end()?, Instant::now());
        producer.send(BaseRecord::<[u8], [u8]>::to(name).payload(b"x")).map_err(|(error, _)| error)?;
        producer.flush(PATIENCE)?;
        while end()? == before {
            ensure!(written.elapsed() < PATIENCE, "{name} does not wake");
        }
        took.push(written.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times(took))
}
