//! How long a function that is new on a node that runs takes to its first result.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::broker::{Broker, PATIENCE, client};
use crate::isolates::{CODE, Times, times, value};
use crate::node::Node;

/// Functions that come after the one that the node has from the start.
const DEPLOYS: usize = 7;

const LOOKS: Duration = Duration::from_millis(1);

/// Milliseconds from a finished copy of the function's folder to the first result. Its topic has a record already.
pub fn measure(brokers: &str) -> Result<Times> {
    eprintln!("{DEPLOYS} functions that are deployed while a node runs");
    let folder = tempfile::Builder::new().prefix("eddyline-cold.").tempdir()?;
    let name = |what: &str| format!("cold-{what}-{}", std::process::id());
    let names: Vec<String> = (0..=DEPLOYS).map(|n| name(&format!("deploy-{n}"))).collect();
    let output = name("deployed");
    let topics: Vec<String> = names.iter().chain([&output]).cloned().collect();
    let broker = Broker::at(brokers)?;
    broker.create(&topics, 1)?;
    let producer: BaseProducer = client(&broker.address).create()?;
    for name in &names {
        producer.send(BaseRecord::<[u8], [u8]>::to(name).payload(&value())).map_err(|(error, _)| error)?;
    }
    producer.flush(PATIENCE)?;

    let consumer: BaseConsumer = client(&broker.address).create()?;
    let result = |count: i64| {
        let begun = Instant::now();
        while consumer.fetch_watermarks(&output, 0, PATIENCE)?.1 < count {
            ensure!(begun.elapsed() < PATIENCE, "deployed function {count} has no result");
            sleep(LOOKS);
        }
        Ok(begun.elapsed().as_secs_f64() * 1e3)
    };
    deploy(folder.path(), &names[0], &output)?;
    let node = Node::start(folder.path(), brokers)?;
    result(1)?;
    let mut took = Vec::new();
    for (count, name) in (2..).zip(&names[1..]) {
        deploy(folder.path(), name, &output)?;
        took.push(result(count)?);
    }
    node.stop();
    broker.delete(&topics)?;
    Ok(times(took))
}

/// As people should do it: the folder appears whole.
fn deploy(folder: &Path, name: &str, output: &str) -> Result<()> {
    let (new, functions) = (folder.join(name), folder.join("functions"));
    fs::create_dir_all(&new)?;
    fs::create_dir_all(&functions)?;
    let manifest = format!(
        "[source]\ntopics = [{name:?}]\nstart = \"earliest\"\n[sink]\ntopic = {output:?}\n[dead-letter]\nenabled = false\n"
    );
    fs::write(new.join("function.toml"), manifest)?;
    fs::write(new.join("index.js"), CODE)?;
    Ok(fs::rename(new, functions.join(name))?)
}
