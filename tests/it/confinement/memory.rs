//! The cap on a worker's memory.

use std::fs;
use std::process::Command;

const MANIFEST: &str = "[source]\ntopics = [\"in\"]\n[limits]\nexternal = \"2GiB\"\ncpu = \"20s\"\nwall = \"40s\"\n";

/// Runs a record through a handler in a worker with the smallest cap, and says how it ended.
fn run(handler: &str) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let function = folder.path().join("functions/grows");
    fs::create_dir_all(&function).unwrap();
    // The function may take more than its worker.
    fs::write(function.join("function.toml"), MANIFEST).unwrap();
    fs::write(function.join("index.js"), handler).unwrap();
    fs::write(folder.path().join("records.ndjson"), "{\"value\":1}\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_eddyline"));
    command.current_dir(folder.path()).args(["invoke", "grows", "--file", "records.ndjson", "--output", "json"]);
    command.args([
        "--set",
        "workers.memory=256MiB",
        "--set",
        "limits.max.external=2GiB",
        "--set",
        "limits.max.cpu=20s",
    ]);
    let output = command.output().unwrap();
    let report: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let record = &report["records"][0];
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    (text(&record["outcome"]), text(&record["error"]["message"]))
}

#[test]
fn a_worker_that_outgrows_its_memory_is_ended_and_that_is_said() {
    // Each buffer is written to, so that it is really there; what is held is never let go.
    let (outcome, message) = run("export default () => {
        const held = [];
        for (;;) {
          if (held.length < 24) held.push(new Uint8Array(64 << 20).fill(1));
        }
      };");
    assert_eq!(outcome, "crashed");
    assert!(message.contains("exceeded its memory of 256MiB and was killed"), "{message}");
}

#[test]
fn a_worker_within_its_memory_is_left_alone() {
    let (outcome, message) = run("export default () => { new Uint8Array(64 << 20).fill(1); };");
    assert_eq!((&outcome[..], &message[..]), ("filtered", ""));
}
