//! A Kafka that goes away and comes back.

use std::process::Command;

use crate::support::broker::skip;
use crate::support::folder::repository;
use crate::support::{Record, Scene};

/// A broker of this test's own, which may be stopped.
struct Broker {
    dir: tempfile::TempDir,
}

impl Broker {
    fn script(&self, verb: &str) -> Option<String> {
        let mut command = Command::new(repository().join("scripts/kafka"));
        let output = command.args([verb, "--dir"]).arg(self.dir.path()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.script("stop");
    }
}

#[test]
fn a_broker_that_is_away_for_a_while_costs_no_record_and_no_order() {
    let Some(scene) = Scene::new("outage") else { return };
    let broker = Broker { dir: tempfile::Builder::new().prefix("eddyline-it-kafka-").tempdir().expect("a folder") };
    let Some(address) = broker.script("start") else {
        return skip("outage", "scripts/kafka cannot start a broker here");
    };
    let scene = scene.on(&address);
    let (input, output) = (scene.topic("in", 2), scene.topic("out", 2));
    let handler = "
        export default async (record, ctx) => {
          const until = Date.now() + 3;
          while (Date.now() < until) await Promise.resolve();
          ctx.emit(record, { partition: record.partition });
        };";
    let function = scene.function("it").reads(&input).writes(&output).handler(handler);
    scene.write(&input, (0..1500).map(|n| Record::of(n.to_string()).on(n % 2)));
    let node = scene.start();
    scene.read_when(&output, 200);
    broker.script("stop").expect("the broker stops");
    node.eventually("it notices", |node| {
        let (status, body) = node.get("/health/ready")?;
        (status == 503 && body.contains(&address)).then_some(())
    });
    assert_eq!(node.get("/health/live").expect("an answer").0, 200);
    assert_eq!(broker.script("start").as_deref(), Some(&*address), "it comes back where it was");
    node.eventually("it is ready again", |node| node.is_ready().then_some(()));
    scene.caught_up(&function);
    let values = |topic: &str| -> Vec<_> {
        scene.read(topic).into_iter().map(|record| (record.partition, record.text().to_owned())).collect()
    };
    assert_eq!(values(&output), values(&input));
}
