//! What was compared, in which versions.

use std::fs;
use std::path::Path;
use std::process::Command;

use deno_core::v8;
use serde_json::Value;

pub fn all(root: &Path) -> Vec<(String, String)> {
    let peers = root.join("benches/peers");
    let streams = fs::read_to_string(peers.join("streams/pom.xml")).unwrap_or_default();
    let kafka = fs::read_to_string(root.join("scripts/kafka.d/pom.xml")).unwrap_or_default();
    let go = fs::read_to_string(peers.join("bento/go.mod")).unwrap_or_default();
    let node = fs::read_to_string(peers.join("node/package.json")).unwrap_or_default();
    let node: Value = serde_json::from_str(&node).unwrap_or_default();
    let package = |name: &str| node["dependencies"][name].as_str().unwrap_or_default().to_owned();
    let bento = go.split("warpstreamlabs/bento v").nth(1).and_then(|rest| rest.split_whitespace().next());
    let pairs = [
        ("Eddyline", format!("{} ({})", env!("CARGO_PKG_VERSION"), commit(root))),
        ("librdkafka", rdkafka::util::get_rdkafka_version().1),
        ("V8", v8::V8::get_version().to_owned()),
        ("Kafka", artifact(&kafka, "kafka_2.13")),
        ("Java", java()),
        ("Kafka Streams", artifact(&streams, "kafka-streams")),
        ("Jackson", artifact(&streams, "jackson-databind")),
        ("GraalJS", artifact(&streams, "js-community")),
        ("Node", package("node")),
        ("@platformatic/kafka", package("@platformatic/kafka")),
        ("kafkajs", package("kafkajs")),
        ("Bento", bento.unwrap_or_default().to_owned()),
    ];
    pairs.map(|(name, version)| (name.to_owned(), version)).into()
}

/// The last commit that changed what is measured, and a plus where something has been changed since.
fn commit(root: &Path) -> String {
    let git = |arguments: &[&str]| {
        let parts = ["src", "benches", "Cargo.toml", "Cargo.lock"];
        let said = Command::new("git").current_dir(root).args(arguments).arg("--").args(parts).output();
        said.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
    };
    let changed = if git(&["status", "--porcelain"]).is_empty() { "" } else { "+" };
    git(&["log", "-1", "--format=%h"]) + changed
}

/// The version of a dependency in a pom.xml.
fn artifact(pom: &str, name: &str) -> String {
    let behind = pom.split(&format!("<artifactId>{name}</artifactId>")).nth(1).unwrap_or_default();
    let version = behind.split("<version>").nth(1).and_then(|rest| rest.split('<').next());
    version.unwrap_or_default().to_owned()
}

fn java() -> String {
    let said = Command::new("java").arg("-version").output().map(|output| output.stderr).unwrap_or_default();
    String::from_utf8_lossy(&said).split('"').nth(1).unwrap_or_default().to_owned()
}
