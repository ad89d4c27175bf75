//! The real binary: its output, its files, its exit codes.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

const USAGE: i32 = 2;
const BAD_CONFIGURATION: i32 = 64;
const BAD_FUNCTIONS: i32 = 65;

/// The binary in a folder of its own, without anything that this machine's environment says.
fn eddyline(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eddyline"));
    command.current_dir(folder).args(arguments);
    for (name, _) in std::env::vars_os() {
        let known = ["PATH", "HOME", "LD_LIBRARY_PATH"].iter().any(|kept| name == *kept);
        if !known {
            command.env_remove(name);
        }
    }
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    eddyline(folder, arguments).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", out(output), err(output)))
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn write_function(folder: &Path, name: &str, manifest: &str, handler: &str) {
    let function = folder.join("functions").join(name);
    fs::create_dir_all(&function).unwrap();
    fs::write(function.join("function.toml"), manifest).unwrap();
    fs::write(function.join("index.ts"), handler).unwrap();
}

const ENRICH: &str = "[source]\ntopics = [\"orders\"]\n[sink]\ntopic = \"orders.enriched\"\n";

#[test]
fn every_command_has_help_with_examples_and_data_goes_to_stdout() {
    let folder = folder();
    for command in [
        "demo",
        "run",
        "dev",
        "seed",
        "new",
        "validate",
        "graph",
        "invoke",
        "config",
        "health",
        "pause",
        "resume",
        "seek",
        "backfill",
        "doctor",
        "completions",
        "dead-letters",
        "dead-letters list",
        "dead-letters show",
        "dead-letters replay",
        "dead-letters discard",
    ] {
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let output = run(folder.path(), &words);
        assert_eq!(code(&output), 0, "{command}");
        assert!(out(&output).contains("Examples:"), "{command}: {}", out(&output));
        assert!(err(&output).is_empty(), "{command}: {}", err(&output));
    }
}

#[test]
fn wrong_arguments_are_a_matter_of_usage() {
    let folder = folder();
    for arguments in [&["--nonsense"][..], &["nonsense"], &[], &["invoke", "f"], &["config", "--set", "novalue"]] {
        let output = run(folder.path(), arguments);
        assert_eq!(code(&output), USAGE, "{arguments:?}: {}", err(&output));
        assert!(out(&output).is_empty(), "{arguments:?}");
        assert!(!err(&output).is_empty(), "{arguments:?}");
    }
}

#[test]
fn versions_are_named_for_people_and_programs() {
    let folder = folder();
    let text = out(&run(folder.path(), &["version"]));
    for part in ["eddyline ", "v8 ", "librdkafka "] {
        assert!(text.lines().any(|line| line.starts_with(part)), "{text}");
    }
    let versions = json(&run(folder.path(), &["version", "--output", "json"]));
    assert_eq!(versions["eddyline"], env!("CARGO_PKG_VERSION"));
    assert!(versions["v8"].is_string() && versions["librdkafka"].is_string(), "{versions}");
}

#[test]
fn completions_come_for_every_shell() {
    let folder = folder();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(folder.path(), &["completions", shell]);
        assert!(code(&output) == 0 && out(&output).contains("validate"), "{shell}");
    }
}

#[test]
fn colours_appear_only_when_asked_for() {
    let folder = folder();
    write_function(folder.path(), "enrich", ENRICH, "");
    assert!(!out(&run(folder.path(), &["graph"])).contains('\u{1b}'), "stdout is no terminal");
    assert!(out(&run(folder.path(), &["graph", "--color", "always"])).contains('\u{1b}'));
    assert!(!out(&run(folder.path(), &["graph", "--color", "never"])).contains('\u{1b}'));
    let output = eddyline(folder.path(), &["graph"]).env("NO_COLOR", "1").output().unwrap();
    assert!(!out(&output).contains('\u{1b}'));
    assert!(out(&run(folder.path(), &["--color", "always", "--help"])).contains('\u{1b}'));
    assert!(!out(&run(folder.path(), &["--color=never", "--help"])).contains('\u{1b}'));
}

#[test]
fn config_shows_where_each_value_came_from_and_no_secret() {
    let folder = folder();
    let file = "[kafka]\nbrokers = \"from-file:9092\"\n[kafka.properties]\n\"sasl.password\" = \"hush-hush\"\n\
                [topics]\npartitions = 7\n";
    fs::write(folder.path().join("eddyline.toml"), file).unwrap();
    let output = eddyline(folder.path(), &["config", "--output", "json", "--set", "workers.count=3"])
        .env("EDDYLINE__KAFKA__BROKERS", "from-environment:9092")
        .output()
        .unwrap();
    let settings = json(&output);
    let setting = |key: &str| settings.as_array().unwrap().iter().find(|one| one["key"] == key).unwrap().clone();
    let brokers = setting("kafka.brokers");
    assert_eq!(
        (&brokers["value"], &brokers["origin"]["from"]),
        (&"from-environment:9092".into(), &"environment".into())
    );
    assert_eq!(setting("topics.partitions")["origin"]["from"], "file");
    assert_eq!(setting("workers.count")["origin"]["from"], "flag");
    assert_eq!(setting("admin.listen")["origin"]["from"], "default");
    assert!(!out(&output).contains("hush-hush"), "{}", out(&output));

    let text = out(&run(folder.path(), &["config"]));
    assert!(text.contains("from-file:9092") && !text.contains("hush-hush"), "{text}");
}

#[test]
fn a_manifest_above_the_nodes_ceiling_is_refused_with_the_ceiling_and_where_it_was_set() {
    let folder = folder();
    fs::write(folder.path().join("eddyline.toml"), "[limits.max]\ncpu = \"100ms\"\n").unwrap();
    write_function(folder.path(), "greedy", &format!("{ENRICH}[limits]\ncpu = \"200ms\"\n"), "export default () => 1;");
    let all = folder.path().join("functions");
    for arguments in [&["validate"][..], &["validate", &all.to_string_lossy()], &["graph"]] {
        let output = run(folder.path(), arguments);
        assert_eq!(code(&output), BAD_FUNCTIONS, "{arguments:?}");
        let text = out(&output) + &err(&output);
        for part in
            ["E1018", "function.toml:6:7", "limits.cpu", "200ms", "at most 100ms", "eddyline.toml", "[limits.max]"]
        {
            assert!(text.contains(part), "{arguments:?}: no {part} in {text}");
        }
    }
    let settings = json(&run(folder.path(), &["config", "--output", "json"]));
    let setting = |key: &str| settings.as_array().unwrap().iter().find(|one| one["key"] == key).unwrap().clone();
    assert_eq!(
        (&setting("limits.max.cpu")["value"], &setting("limits.default.heap")["value"]),
        (&"100ms".into(), &"64MiB".into())
    );
    assert_eq!(setting("limits.max.cpu")["origin"]["from"], "file");
}

#[test]
fn a_wrong_configuration_has_its_own_exit_code_and_a_place() {
    let folder = folder();
    fs::write(folder.path().join("eddyline.toml"), "[kafka]\nbroker = \"x:1\"\n").unwrap();
    for command in ["config", "graph", "validate", "run"] {
        let output = run(folder.path(), &[command]);
        assert_eq!(code(&output), BAD_CONFIGURATION, "{command}");
        let text = err(&output);
        assert!(text.contains("eddyline.toml:2:1") && text.contains("`brokers`"), "{command}: {text}");
    }
    let output = run(folder.path(), &["config", "--output", "json"]);
    let error: Value = serde_json::from_str(&err(&output)).unwrap();
    assert_eq!((&error["error"]["exit"], &error["error"]["diagnostics"][0]["line"]), (&64.into(), &2.into()));
}

#[test]
fn run_without_brokers_says_how_to_name_them() {
    let folder = folder();
    for command in [&["run"][..], &["seed"]] {
        let output = run(folder.path(), command);
        assert_eq!(code(&output), BAD_CONFIGURATION, "{command:?}");
        for way in ["kafka.brokers", "EDDYLINE__KAFKA__BROKERS", "--brokers", "eddyline dev"] {
            assert!(err(&output).contains(way), "{way} is missing: {}", err(&output));
        }
    }
}

#[test]
fn a_new_function_has_everything_beside_it_and_replaces_nothing() {
    let folder = folder();
    let output = run(folder.path(), &["new", "enrich-orders"]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    let functions = folder.path().join("functions");
    for file in ["enrich-orders/function.toml", "enrich-orders/index.ts", "eddyline.d.ts", "tsconfig.json"] {
        assert!(functions.join(file).is_file(), "{file} is missing");
        assert!(out(&output).contains(file), "{file} is not named: {}", out(&output));
    }
    assert!(err(&output).contains("eddyline dev"), "no next steps: {}", err(&output));
    let manifest = fs::read_to_string(functions.join("enrich-orders/function.toml")).unwrap();
    assert!(manifest.contains("enrich-orders") && !manifest.contains("{{"), "{manifest}");

    fs::write(functions.join("tsconfig.json"), "{}").unwrap();
    let output = run(folder.path(), &["new", "other", "--template", "javascript"]);
    assert!(code(&output) == 0 && functions.join("other/index.js").is_file(), "{}", err(&output));
    assert_eq!(fs::read_to_string(functions.join("tsconfig.json")).unwrap(), "{}");

    fs::write(functions.join("other/index.js"), "mine").unwrap();
    let output = run(folder.path(), &["new", "other"]);
    assert!(code(&output) == 1 && err(&output).contains("exists already"), "{}", err(&output));
    assert_eq!(fs::read_to_string(functions.join("other/index.js")).unwrap(), "mine");
    assert_eq!(code(&run(folder.path(), &["new", "Not A Name"])), USAGE);
    assert_eq!(code(&run(folder.path(), &["new", "fine", "--template", "none"])), USAGE);
}

#[test]
fn every_template_passes_validation() {
    let folder = folder();
    for template in ["enrich", "filter", "route", "redact", "batch", "javascript"] {
        let name = format!("my-{template}");
        let output = run(folder.path(), &["new", &name, "--template", template]);
        assert_eq!(code(&output), 0, "{template}: {}", err(&output));
    }
    let output = run(folder.path(), &["validate"]);
    assert_eq!(code(&output), 0, "{}{}", out(&output), err(&output));
    assert_eq!(out(&output).matches('✓').count(), 6, "{}", out(&output));
}

#[test]
fn validate_shows_every_mistake_in_every_function() {
    let folder = folder();
    write_function(folder.path(), "good", ENRICH, "export default (record) => record;");
    write_function(folder.path(), "bad-manifest", "[source]\ntopic = [\"orders\"]\n", "export default () => 1;");
    write_function(folder.path(), "bad-syntax", &ENRICH.replace("orders", "a"), "export default (record => {");
    let output = run(folder.path(), &["validate"]);
    assert_eq!(code(&output), BAD_FUNCTIONS);
    let text = out(&output);
    assert!(text.contains("✓ good") && text.contains("✗ bad-manifest") && text.contains("✗ bad-syntax"), "{text}");
    assert!(text.contains("function.toml:2:1") && text.contains("index.ts:1:"), "{text}");
    assert!(err(&output).contains("2 of 3 functions broken"), "{}", err(&output));

    let report = json(&run(folder.path(), &["validate", "--output", "json"]));
    assert_eq!(report["broken"], 2);
    let bad = report["functions"].as_array().unwrap().iter().find(|one| one["name"] == "bad-manifest").unwrap();
    assert_eq!(bad["ok"], false);
    let lines: Vec<&Value> = bad["diagnostics"].as_array().unwrap().iter().map(|one| &one["line"]).collect();
    assert!(lines.contains(&&2.into()), "{bad}");

    let output = run(folder.path(), &["validate", "functions/good"]);
    assert!(code(&output) == 0 && out(&output).matches('✓').count() == 1, "{}", out(&output));
    assert_eq!(code(&run(folder.path(), &["validate", "nowhere"])), 1);
}

#[test]
fn graph_draws_functions_and_topics_in_every_format() {
    let folder = folder();
    write_function(folder.path(), "enrich", ENRICH, "");
    for (format, part) in [("text", "[enrich]"), ("mermaid", "flowchart LR"), ("dot", "digraph")] {
        let output = run(folder.path(), &["graph", "--format", format]);
        assert!(code(&output) == 0 && out(&output).contains(part), "{format}: {}", out(&output));
        assert!(out(&output).contains("orders.enriched"), "{format}: {}", out(&output));
    }
    let graph = json(&run(folder.path(), &["graph", "--output", "json"]));
    assert_eq!(graph["topics"][0]["role"], "dead_letter");
    write_function(folder.path(), "broken", "[source", "");
    let output = run(folder.path(), &["graph"]);
    assert!(code(&output) == BAD_FUNCTIONS && out(&output).contains("[enrich]"), "{}", out(&output));
}

#[test]
fn health_says_that_nobody_answers() {
    let folder = folder();
    // Port 9 is reserved and nobody serves it.
    let output = run(folder.path(), &["health", "--admin", "127.0.0.1:9"]);
    assert!(code(&output) == 1 && err(&output).contains("127.0.0.1:9"), "{}", err(&output));
}

#[test]
fn invoke_shows_results_logs_and_failures() {
    let folder = folder();
    let handler = "export default (record, ctx) => {\n  console.log(\"saw\", record.key);\n  \
                   const order = record.json();\n  if (order.bad) throw new Error(\"bad order\");\n  \
                   return { ...order, total: 6 };\n};\n";
    write_function(folder.path(), "enrich", ENRICH, handler);
    let records = "{\"key\":\"a\",\"value\":{\"id\":1}}\n{\"key\":\"b\",\"value\":{\"bad\":true}}\n\
                   {\"key\":\"c\",\"value\":\"no json\"}\n";
    fs::write(folder.path().join("records.ndjson"), records).unwrap();
    let arguments = ["invoke", "enrich", "--file", "records.ndjson", "--output", "json"];
    let output = run(folder.path(), &arguments);
    assert_eq!(code(&output), 1, "{}", err(&output));
    let report = json(&output);
    let records = report["records"].as_array().unwrap();
    let outcomes: Vec<&Value> = records.iter().map(|record| &record["outcome"]).collect();
    assert_eq!(outcomes, ["done", "failed", "undecodable"]);
    let result = &records[0]["results"][0];
    assert_eq!((&result["topic"], &result["key"]), (&"orders.enriched".into(), &"a".into()));
    assert_eq!(result["value"], serde_json::json!({ "id": 1, "total": 6 }));
    assert_eq!(records[0]["logs"][0]["text"], "saw a");
    let error = &records[1]["error"];
    assert!(error["code"] == "E2001" && error["message"].as_str().unwrap().contains("bad order"), "{error}");
    assert!(error["stack"].as_str().unwrap().contains("index.ts:4"), "{error}");

    let output = run(folder.path(), &arguments[..4]);
    assert!(out(&output).contains("→ orders.enriched  {\"id\":1,\"total\":6}"), "{}", out(&output));
}

#[test]
fn invoke_says_what_is_wrong_with_its_input() {
    let folder = folder();
    write_function(folder.path(), "enrich", ENRICH, "export default (record) => record;");
    fs::write(folder.path().join("records.ndjson"), "{\"value\":1}\n{\"value\n").unwrap();
    let output = run(folder.path(), &["invoke", "enrich", "--file", "records.ndjson"]);
    assert!(code(&output) == USAGE && err(&output).contains("records.ndjson:2:"), "{}", err(&output));
    let output = run(folder.path(), &["invoke", "none", "--file", "records.ndjson"]);
    assert!(code(&output) == 1 && err(&output).contains("\"none\""), "{}", err(&output));
}

#[test]
fn invoke_shows_what_the_modules_log_while_they_load() {
    let folder = folder();
    write_function(folder.path(), "loud", ENRICH, "console.log(\"loading\");\nexport default (record) => record;");
    fs::write(folder.path().join("records.ndjson"), "{\"value\":1}\n").unwrap();
    let output = run(folder.path(), &["invoke", "loud", "--file", "records.ndjson", "--output", "json"]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(json(&output)["records"][0]["logs"][0]["text"], "loading");
}

#[test]
fn invoke_goes_on_behind_a_record_that_ends_its_isolate() {
    let folder = folder();
    let handler = "export default (record) => { if (record.json() === 1) for (;;); return record; };";
    write_function(folder.path(), "loops", ENRICH, handler);
    let records = "{\"value\":1}\n{\"value\":2}\n".repeat(5);
    fs::write(folder.path().join("records.ndjson"), records).unwrap();
    let output = run(folder.path(), &["invoke", "loops", "--file", "records.ndjson", "--output", "json"]);
    assert_eq!(code(&output), 1, "{}", err(&output));
    let report = json(&output);
    let outcomes: Vec<&Value> = report["records"].as_array().unwrap().iter().map(|record| &record["outcome"]).collect();
    assert_eq!(outcomes, ["cpu limit", "done"].repeat(5));
}
