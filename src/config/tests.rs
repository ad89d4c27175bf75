//! Layers, refusals and secrets of the configuration.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use proptest::prelude::*;

use super::*;
use crate::diagnostic::Diagnostics;

#[derive(Default)]
struct Given<'a> {
    file: Option<&'a str>,
    env: &'a [(&'a str, &'a str)],
    flags: &'a [(&'a str, &'a str)],
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

fn load_given(given: &Given<'_>) -> Result<Loaded, Diagnostics> {
    let folder = tempfile::tempdir().unwrap();
    if let Some(text) = given.file {
        std::fs::write(folder.path().join(CONFIG_FILE), text).unwrap();
    }
    load(LoadOptions {
        file: None,
        dir: folder.path().to_owned(),
        env: owned(given.env).into_iter(),
        flags: owned(given.flags).into_iter().collect(),
    })
}

fn from_file(text: &str) -> Result<Loaded, Diagnostics> {
    load_given(&Given { file: Some(text), ..Given::default() })
}

fn setting<'a>(loaded: &'a Loaded, key: &str) -> &'a Setting {
    let found = loaded.settings.iter().find(|setting| setting.key == key);
    found.expect("the key is listed")
}

#[test]
fn default_toml_is_the_default() {
    let loaded = load_given(&Given::default()).unwrap();
    assert_eq!(loaded.config, NodeConfig::default());
    assert!(loaded.settings.iter().all(|it| it.origin == Origin::Default));
}

#[test]
fn default_toml_shows_every_key_and_only_keys_that_exist() {
    let shown: String = DEFAULT_TOML
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|it| it.contains(" = ")).unwrap_or(line))
        .map(|line| format!("{line}\n"))
        .collect();
    let loaded = from_file(&shown).unwrap();
    let missing: Vec<_> = loaded.settings.iter().filter(|it| it.origin == Origin::Default).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(loaded.config.kafka.brokers.as_deref(), Some("localhost:9092"));
}

#[test]
fn later_layers_override_earlier_ones_and_are_named() {
    let loaded = load_given(&Given {
        file: Some("[kafka]\nbrokers = \"file:1\"\n[workers]\ncount = 2\n[admin]\nlisten = \"[::1]:1\""),
        env: &[("EDDYLINE__KAFKA__BROKERS", "env:1"), ("EDDYLINE__WORKERS__COUNT", "3")],
        flags: &[("kafka.brokers", "flag:1")],
    })
    .unwrap();
    assert_eq!(loaded.config.kafka.brokers.as_deref(), Some("flag:1"));
    assert_eq!(loaded.config.worker_count(), 3);
    assert_eq!(loaded.config.admin.listen, "[::1]:1");
    let origin = |key: &str| setting(&loaded, key).origin.to_string();
    assert_eq!(origin("kafka.brokers"), "flag for kafka.brokers");
    assert_eq!(origin("workers.count"), "environment EDDYLINE__WORKERS__COUNT");
    assert!(origin("admin.listen").starts_with("file ") && origin("admin.listen").ends_with(CONFIG_FILE));
    assert_eq!(origin("logging.level"), "default");
}

#[test]
fn every_kind_of_value_comes_from_every_layer() {
    let check = |loaded: Loaded| {
        let config = loaded.config;
        assert_eq!(config.functions.path, PathBuf::from("f"));
        assert_eq!(config.topics.create, Some(true));
        assert_eq!((config.topics.partitions, config.topics.replication_factor), (8, 3));
        assert_eq!(config.node_id(), "n1");
        assert_eq!(config.workers.start_timeout, Duration::from_secs(5));
        assert_eq!(config.source.max_in_flight_bytes, 1 << 20);
        assert_eq!(config.logging.level, "debug");
        assert_eq!(config.logging.format, LogFormat::Json);
        assert_eq!(config.shutdown.timeout, Duration::from_secs(1));
        let properties: Vec<_> = config.kafka.properties.iter().collect();
        let expected = [("security.protocol", "ssl"), ("socket.keepalive.enable", "true")];
        assert_eq!(properties, expected);
    };
    let pairs = [
        ("functions.path", "f"),
        ("topics.create", "true"),
        ("topics.partitions", "8"),
        ("topics.replication-factor", "3"),
        ("node.id", "n1"),
        ("workers.start-timeout", "5s"),
        ("source.max-in-flight-bytes", "1MiB"),
        ("logging.level", "debug"),
        ("logging.format", "json"),
        ("shutdown.timeout", "1s"),
        ("kafka.properties.security.protocol", "ssl"),
        ("kafka.properties.socket.keepalive.enable", "true"),
    ];
    let names = pairs.map(|(key, _)| {
        let name = key.replace('-', "_").replace('.', "__").to_uppercase();
        format!("EDDYLINE__{name}")
    });
    let env: Vec<_> = names.iter().zip(pairs).map(|(name, pair)| (name.as_str(), pair.1)).collect();
    let flags = Given { flags: &pairs, ..Given::default() };
    let env = Given { env: &env, ..Given::default() };
    check(load_given(&flags).unwrap());
    check(load_given(&env).unwrap());
    check(
        from_file(
            "[functions]\npath = \"f\"\n[topics]\ncreate = true\npartitions = 8\nreplication-factor = 3\n\
         [node]\nid = \"n1\"\n[workers]\nstart-timeout = \"5s\"\n[source]\nmax-in-flight-bytes = \"1MiB\"\n\
         [logging]\nlevel = \"debug\"\nformat = \"json\"\n[shutdown]\ntimeout = \"1s\"\n\
         [kafka.properties]\n\"security.protocol\" = \"ssl\"\nsocket.keepalive.enable = true\n",
        )
        .unwrap(),
    );
}

#[test]
fn other_variables_and_empty_ones_do_not_count() {
    let loaded = load_given(&Given {
        env: &[("EDDYLINE_TEST_BROKERS", "x"), ("HOME", "/"), ("EDDYLINE__KAFKA__BROKERS", "")],
        ..Given::default()
    });
    assert_eq!(loaded.unwrap().config, NodeConfig::default());
}

#[test]
fn mistakes_of_all_layers_are_shown_at_once() {
    let mistakes = load_given(&Given {
        file: Some(
            "[kafka]\nbrokrs = \"a:1\"\nproperties = 5\n[workers]\ncount = -1\nstart-timeout = 5\n[admn]\nlisten = \"x\"\n",
        ),
        env: &[
            ("EDDYLINE__KAFKA", "x"),
            ("EDDYLINE__LOGGING__LEVL", "x"),
            ("EDDYLINE__TOPICS__CREATE", "yes"),
            ("EDDYLINE__KAFKA__PROPERTIES__ENABLE__AUTO__COMMIT", "true"),
        ],
        flags: &[("kafka.brokers", "a:b"), ("shutdown.timeout", "99h")],
    })
    .unwrap_err();
    let shown: Vec<String> = mistakes
        .iter()
        .map(|it| {
            let file = it.file.file_name().unwrap().to_string_lossy();
            let line = it.line.map_or(String::new(), |line| format!(":{line}"));
            format!("{} {file}{line} {}; {}", it.code, it.message, it.hint.as_deref().unwrap_or_default())
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    E1002 eddyline.toml:2 unknown key `kafka.brokrs`; did you mean `brokers`?
    E1003 eddyline.toml:3 `kafka.properties`: expected a table, found an integer; write it as [kafka.properties]
    E1004 eddyline.toml:5 `workers.count`: "-1" was not understood; give a whole number
    E1004 eddyline.toml:6 `workers.start-timeout`: "5" was not understood; give a number with a unit, such as "50ms", "5s" or "24h"
    E1002 eddyline.toml:7 unknown key `admn`; did you mean `admin`?
    E1003 environment variable EDDYLINE__KAFKA `kafka` is a section, not a key; name a key in it: `kafka.…`
    E1017 environment variable EDDYLINE__KAFKA__PROPERTIES__ENABLE__AUTO__COMMIT `enable.auto.commit` cannot be set: offsets are committed only behind records whose results Kafka has acknowledged; remove it
    E1002 environment variable EDDYLINE__LOGGING__LEVL unknown key `logging.levl`; did you mean `level`?
    E1004 environment variable EDDYLINE__TOPICS__CREATE `topics.create`: "yes" is no choice; one of true, false
    E1004 flag for kafka.brokers `kafka.brokers`: "a:b" is no address; write host:port, such as localhost:9092
    E1004 flag for shutdown.timeout `shutdown.timeout`: "99h" is out of range; between 0ms and 1h
    "#);
}

#[test]
fn properties_that_promises_rest_on_are_refused_by_name() {
    for property in [
        "enable.auto.commit",
        "enable.auto.offset.store",
        "auto.offset.reset",
        "enable.idempotence",
        "acks",
        "request.required.acks",
        "max.in.flight",
        "max.in.flight.requests.per.connection",
        "transactional.id",
        "partition.assignment.strategy",
        "group.id",
        "group.protocol",
        "isolation.level",
        "partitioner",
        "allow.auto.create.topics",
        "enable.partition.eof",
        "bootstrap.servers",
        "metadata.broker.list",
        "message.max.bytes",
        "delivery.report.only.error",
        "retries",
        "message.send.max.retries",
        "test.mock.num.brokers",
        "ACKS",
    ] {
        let mistakes = from_file(&format!("[kafka.properties]\n\"{property}\" = 1")).unwrap_err();
        let first = mistakes.iter().next().unwrap();
        assert_eq!((first.code, first.line), ("E1017", Some(2)), "{property}");
        assert!(first.message.starts_with(&format!("`{property}` cannot be set: ")));
    }
}

#[test]
fn secret_properties_are_never_shown() {
    let loaded = load_given(&Given {
        file: Some("[kafka.properties]\n\"sasl.password\" = \"hunter2\"\nsasl.username = \"me\""),
        env: &[("EDDYLINE__KAFKA__PROPERTIES__SSL__KEY__PEM", "hunter2")],
        ..Given::default()
    })
    .unwrap();
    assert_eq!(loaded.config.kafka.properties.get("sasl.password"), Some("hunter2"));
    assert_eq!(loaded.config.kafka.properties.get("ssl.key.pem"), Some("hunter2"));
    let password = setting(&loaded, "kafka.properties.sasl.password");
    assert_eq!(password.value.as_deref(), Some("***"));
    let username = setting(&loaded, "kafka.properties.sasl.username");
    assert_eq!(username.value.as_deref(), Some("me"));
    let json = serde_json::to_string(&loaded.settings).unwrap();
    for shown in [format!("{loaded:?}"), json] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn secrets_in_a_wrong_file_are_never_quoted() {
    for text in [
        "[kafka.properties]\n\"sasl.password\" = [\"hunter2\"]\n",
        "[kafka.properties]\nsasl.password = hunter2\n",
        "[kafka.properties]\nsasl.password = \"hunter2\n",
        "[kafka.properties]\nsasl.password = \"hunter2\\u0000\"\n",
        "[kafka.propertis]\nsasl.password = [\"hunter2\"]\n",
        "kafka.properties = { \"sasl.password\" = \"hunter2\", acks = 1 }\n",
        "[kafka]\nproprties = { \"sasl.password\" = \"hunter2\" }\n",
        "[kafka.properties]\n\"ssl.key.pem\" = '''\nhunter2==\n'''\nx = }\n",
    ] {
        let mistakes = from_file(text).unwrap_err();
        let json = serde_json::to_string(&mistakes).unwrap();
        for shown in [mistakes.render(false), mistakes.render(true), json, format!("{mistakes:?}")] {
            assert!(!shown.contains("hunter2"), "{text}: {shown}");
        }
    }
}

#[test]
fn named_file_has_to_exist_and_the_usual_one_need_not() {
    let options = |file: Option<&str>| LoadOptions {
        file: file.map(PathBuf::from),
        dir: PathBuf::from("/nowhere"),
        env: std::iter::empty(),
        flags: BTreeMap::new(),
    };
    assert!(load(options(None)).is_ok());
    let mistakes = load(options(Some("/nowhere/my.toml"))).unwrap_err();
    assert_eq!(mistakes.iter().next().unwrap().code, "E1006");
}

#[test]
fn node_is_called_like_its_host_and_uses_its_cores_unless_configured() {
    let loaded = load_given(&Given::default()).unwrap();
    let host = loaded.config.node_id();
    assert!(!host.is_empty());
    assert_eq!(setting(&loaded, "node.id").value.as_ref(), Some(&host));
    assert!(loaded.config.worker_count() >= 1);
}

#[test]
fn docs_are_written_from_the_default() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/config.md");
    let written = std::fs::read_to_string(file).unwrap();
    assert_eq!(written, reference_markdown(), "run `make docs`");
}

#[test]
fn ceilings_lower_the_defaults_that_nobody_chose_and_contradict_those_that_somebody_did() {
    let loaded = from_file("[limits.max]\ncpu = \"20ms\"\n[limits.default]\nwall = \"1s\"").unwrap();
    let limits = &loaded.config.limits;
    assert_eq!((limits.default.cpu, limits.default.wall), (Duration::from_millis(20), Duration::from_secs(1)));
    assert_eq!(limits.origins.keys().collect::<Vec<_>>(), ["cpu"]);
    assert!(limits.origins["cpu"].ends_with(CONFIG_FILE), "{:?}", limits.origins);
    let mistakes = load_given(&Given {
        file: Some("[limits.max]\ntimers = 10"),
        env: &[("EDDYLINE__LIMITS__DEFAULT__TIMERS", "11")],
        flags: &[],
    })
    .unwrap_err();
    let mistake = mistakes.iter().next().unwrap();
    assert_eq!(mistake.code, "E1004");
    assert!(mistake.message.contains("`limits.default.timers` is 11, above `limits.max.timers`, which is 10"));
    assert!(mistake.file.to_string_lossy().contains("EDDYLINE__LIMITS__DEFAULT__TIMERS"));
}

#[test]
fn limits_take_the_ranges_of_the_manifest() {
    for (line, range) in [
        ("cpu = \"11m\"", "between 1ms and 10m"),
        ("heap = \"1MiB\"", "between 16MiB and 4GiB"),
        ("timers = 0", "between 1"),
    ] {
        let mistakes = from_file(&format!("[limits.max]\n{line}")).unwrap_err();
        let hint = mistakes.iter().next().unwrap().hint.clone().unwrap();
        assert!(hint.contains(range), "{line}: {hint}");
    }
}

proptest! {
    #[test]
    fn no_file_makes_loading_panic(text in any::<String>()) {
        let mut mistakes = Diagnostics::new();
        let file = std::path::Path::new(CONFIG_FILE);
        layer::from_text(file, &text, &Origin::Default, &mut mistakes);
        mistakes.render(false);
    }

    #[test]
    fn no_variable_makes_loading_panic(name in "[A-Z_]{0,20}", value in any::<String>()) {
        let mut mistakes = Diagnostics::new();
        let variable = (format!("EDDYLINE__{name}"), value);
        layer::from_environment(std::iter::once(variable), &mut mistakes);
        mistakes.render(false);
    }
}
