//! Functions by the hundred and thousand that have nothing to do: how long a node takes to start with them, what they
//! hold, and how long one takes to wake.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde::Serialize;

use crate::broker::{Broker, PATIENCE, client};
use crate::isolates::{Times, times};
use crate::node::Node;

/// Topics that one request makes.
const TOGETHER: usize = 200;
/// For so long nothing happens.
const QUIET: Duration = Duration::from_secs(20);
const WAKES: usize = 5;
/// How long one look at the broker may take.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Debug, Serialize)]
pub struct Functions {
    pub count: usize,
    /// From the start of a node that has never seen them until all wait for records, in seconds.
    pub first_start: f64,
    /// The same for a node that starts again.
    pub start: f64,
    /// Until the handlers of all have been tried out in a worker, which goes on beside the records.
    pub tried_out: f64,
    /// Of the node, in megabytes: when all wait, and when all are tried out.
    pub resident: [f64; 2],
    pub threads: usize,
    /// Share of a core while nothing happens.
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
    node.stop()?;
    let mut node = Node::start(folder.path(), brokers)?;
    let start = node.idle(count)?;
    let waiting = status(node.pid(), "VmRSS")? * 1024.0 / 1e6;
    let tried_out = node.tried_out(count)?;
    let before = cpu(node.pid())?;
    sleep(QUIET);
    let idle_cpu = (cpu(node.pid())? - before) / QUIET.as_secs_f64();
    let resident = [waiting, status(node.pid(), "VmRSS")? * 1024.0 / 1e6];
    let threads = status(node.pid(), "Threads")? as usize;
    let wake = wake(&broker.address, &names, &output)?;
    node.stop()?;
    names.chunks(TOGETHER).try_for_each(|some| broker.delete(some))?;
    broker.delete(&[output])?;
    Ok(Functions { count, first_start, start, tried_out, resident, threads, idle_cpu, wake })
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

/// A number of `/proc/PID/status`.
fn status(pid: u32, field: &str) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).context("a field")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// CPU seconds of a process and all its threads so far.
fn cpu(pid: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields = text.rsplit_once(')').context("a name")?.1.split_whitespace().skip(11).take(2);
    // A tick is a hundredth of a second everywhere.
    fields.map(|field| Ok(field.parse::<f64>()? / 100.0)).sum()
}
