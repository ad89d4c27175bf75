//! `eddyline doctor`, and what a node says of its sandbox.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::container;
use crate::support::Node;

const FUNCTION: &str = "[source]\ntopics = [\"orders\"]\n[sink]\ntopic = \"out\"\n";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let function = folder.path().join("functions/copy");
    fs::create_dir_all(&function).unwrap();
    fs::write(function.join("function.toml"), FUNCTION).unwrap();
    fs::write(function.join("index.js"), "export default (record) => record;").unwrap();
    fs::write(folder.path().join("records.ndjson"), "{\"value\":1}\n").unwrap();
    folder
}

fn eddyline(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eddyline"));
    command.current_dir(folder).args(arguments).env("EDDYLINE__ADMIN__LISTEN", "127.0.0.1:0");
    command
}

/// As in a container that refuses namespaces.
fn in_a_container(mut command: Command) -> Output {
    let profile = container::profile();
    // SAFETY: only system calls happen between fork and exec.
    unsafe { command.pre_exec(move || container::put_on(&profile)) };
    command.output().unwrap()
}

fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?} {text}"))
}

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name} is missing: {report}"))
}

#[test]
fn doctor_shows_every_layer_and_what_a_node_needs() {
    let folder = folder();
    let output = eddyline(folder.path(), &["doctor", "--output", "json"]).output().unwrap();
    let report = json(&output);
    assert_eq!(output.status.code(), Some(0), "{report}");
    let layers = report["sandbox"].as_array().unwrap();
    let names: Vec<&str> = layers.iter().filter_map(|layer| layer["layer"].as_str()).collect();
    let all = ["descriptors", "resources", "namespaces", "root", "identity", "privileges", "landlock", "seccomp"];
    assert_eq!(names, all);
    for name in ["configuration", "worker", "memory", "kernel", "descriptors", "mappings", "admin address"] {
        assert!(!check(&report, name)["found"].as_str().unwrap().is_empty(), "{name}");
    }
    assert_eq!(check(&report, "functions")["state"], "good");
    assert_eq!(check(&report, "brokers")["state"], "warning", "none are configured");
    assert!(check(&report, "worker")["found"].as_str().unwrap().contains("V8"));

    let text = String::from_utf8(eddyline(folder.path(), &["doctor"]).output().unwrap().stdout).unwrap();
    assert!(all.iter().all(|layer| text.contains(layer)), "{text}");
    assert!(text.contains("hint: brokers: "), "{text}");
}

#[test]
fn doctor_fails_for_what_a_node_cannot_do_without() {
    let folder = folder();
    fs::write(folder.path().join("functions/copy/index.js"), "export default 1;").unwrap();
    fs::write(folder.path().join("eddyline.toml"), "[kafka]\nbrokers = \"127.0.0.1:9\"\n").unwrap();
    let output = eddyline(folder.path(), &["doctor", "--output", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let report = json(&output);
    for name in ["functions", "brokers"] {
        let check = check(&report, name);
        assert!(check["state"] == "failed" && check["advice"].is_string(), "{check}");
    }
    assert!(check(&report, "functions")["found"].as_str().unwrap().contains("copy"));

    fs::write(folder.path().join("eddyline.toml"), "[kafka]\nbroker = 1\n").unwrap();
    let output = eddyline(folder.path(), &["doctor", "--output", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(check(&json(&output), "configuration")["found"].as_str().unwrap().contains("eddyline.toml"));
}

#[test]
fn in_a_container_layers_fall_away_without_harm() {
    let folder = folder();
    let arguments = ["invoke", "copy", "--file", "records.ndjson", "--output", "json"];
    let output = in_a_container(eddyline(folder.path(), &arguments));
    assert_eq!(json(&output)["records"][0]["outcome"], "done", "{output:?}");

    let output = in_a_container(eddyline(folder.path(), &["doctor", "--output", "json"]));
    let report = json(&output);
    assert_eq!(output.status.code(), Some(0), "{report}");
    assert_eq!(check(&report, "sandbox")["state"], "warning");
    let layers = report["sandbox"].as_array().unwrap();
    let missing: Vec<&Value> = layers.iter().filter(|layer| layer["holds"] == false).collect();
    assert!(missing.iter().any(|layer| layer["layer"] == "namespaces"), "{report}");
    assert!(missing.iter().all(|layer| layer["remedy"].is_string()), "{report}");
}

#[test]
fn a_node_says_at_its_start_what_confines_its_workers() {
    let folder = folder();
    let node = Node::start(
        folder.path(),
        &[("kafka.brokers", "127.0.0.1:9"), ("admin.listen", "127.0.0.1:0"), ("logging.format", "json")],
    );
    let line = node.eventually("it speaks of its sandbox", |node| node.logged("the workers are confined").pop());
    let layers = line["layers"].as_str().unwrap();
    assert!(layers.contains("descriptors") && layers.contains("seccomp"), "{line}");
    let missing = node.logged("a layer of the workers' sandbox is missing");
    assert_eq!(layers.split(", ").count() + missing.len(), 8, "{line} {missing:?}");
}

#[test]
fn a_node_that_demands_every_layer_does_not_start_without_one() {
    let folder = folder();
    let demand = ["--set", "workers.sandbox=required"];
    let output = in_a_container(eddyline(folder.path(), &[&["doctor", "--output", "json"], &demand[..]].concat()));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(check(&json(&output), "sandbox")["state"], "failed");

    let arguments = [&["run", "--brokers", "127.0.0.1:9"], &demand[..]].concat();
    let output = in_a_container(eddyline(folder.path(), &arguments));
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for part in ["E4001", "namespaces", "not permitted", "user.max_user_namespaces", "best-effort"] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
}
