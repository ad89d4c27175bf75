use std::{collections::BTreeMap, time::Duration};

use super::*;
use crate::fetch::HostPattern;
use crate::filter::{Filter, Pattern};

#[test]
fn reference_shows_the_defaults() {
    let file = Path::new("reference/function.toml");
    let documented = Manifest::parse(file, "reference", REFERENCE, &ParseOptions::default());
    let default = Manifest::new("reference", named(&["orders"]));
    assert_eq!(placeless(documented.unwrap()), default);
}

#[test]
fn reference_shows_only_keys_that_exist() {
    let uncommented: String = REFERENCE
        .lines()
        .filter(|line| !line.contains("pattern = "))
        .map(|line| match line.strip_prefix("# ") {
            Some(key) if key.contains(" = ") => format!("{key}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let manifest = parse(&uncommented).unwrap();
    assert_eq!(manifest.sink.topic.as_deref(), Some("orders.enriched"));
    assert_eq!(manifest.secrets.len(), 2);
}

#[test]
fn source_alone_is_a_manifest() {
    let manifest = parse("[source]\ntopics = [\"orders\"]").unwrap();
    assert_eq!(manifest.source.group, "eddyline.enrich");
    assert_eq!(manifest.dead_letter.topic, "enrich.dead-letter");
    let default = Manifest::new("enrich", named(&["orders"]));
    assert_eq!(placeless(manifest), default);
}

#[test]
fn every_key_reaches_its_value() {
    let text = r#"
        tenant = "shop-1"
        [source]
        topics = ["orders", "returns"]
        start = 2026-01-31T00:00:00Z
        group = "orders group"
        [[filter]]
        pattern = '{ "value": { "status": ["paid"] } }'
        [[filter]]
        pattern = '''
        { "key": ["a"] }'''
        [batch]
        max-records = 10
        max-bytes = "64KiB"
        max-wait = "20ms"
        [sink]
        topic = "orders.enriched"
        also = ["orders.audit"]
        [delivery]
        guarantee = "exactly-once"
        order = "key"
        concurrency = 1
        commit-interval = "50ms"
        [retry]
        max-attempts = 5
        backoff = { initial = "1s", max = "1s" }
        max-age = "1h"
        [dead-letter]
        enabled = false
        topic = "orders.dead"
        [limits]
        cpu = "10ms"
        wall = "1s"
        heap = "32MiB"
        external = "1MB"
        output = "10KiB"
        results = 3
        log = "1KiB"
        timers = 7
        fetches = 2
        load = "2s"
        [permissions]
        net = ["api.example.com", "*.Bücher.example:8443"]
        private-net = ["localhost:9000", "[::1]:80"]
        [env]
        CURRENCY = "EUR"
        [secrets]
        API_KEY = { env = "ENRICH_API_KEY" }
        TOKEN = { file = "/run/secrets/token" }
    "#;
    let manifest = Manifest::parse(Path::new(FILE), "enrich", text, &ParseOptions::default()).unwrap();
    let expected = Manifest {
        name: "enrich".to_owned(),
        tenant: Some("shop-1".to_owned()),
        source: Source {
            topics: named(&["orders", "returns"]),
            start: Start::Time("2026-01-31T00:00:00Z".parse().unwrap()),
            group: "orders group".to_owned(),
            skip_older_than: None,
        },
        filter: Some(filter(&[r#"{ "value": { "status": ["paid"] } }"#, "        { \"key\": [\"a\"] }"])),
        batch: Batch { max_records: 10, max_bytes: 64 << 10, max_wait: Duration::from_millis(20) },
        sink: Sink { topic: Some("orders.enriched".to_owned()), also: vec!["orders.audit".to_owned()] },
        delivery: Delivery {
            guarantee: Guarantee::ExactlyOnce,
            order: Order::Key,
            concurrency: 1,
            commit_interval: Duration::from_millis(50),
        },
        retry: Retry {
            max_attempts: 5,
            backoff: Backoff { initial: Duration::from_secs(1), max: Duration::from_secs(1) },
            max_age: Duration::from_secs(3_600),
        },
        dead_letter: DeadLetter { enabled: false, topic: "orders.dead".to_owned() },
        limits: Limits {
            cpu: Duration::from_millis(10),
            wall: Duration::from_secs(1),
            heap: 32 << 20,
            external: 1_000_000,
            output: 10 << 10,
            results: 3,
            log: 1 << 10,
            timers: 7,
            fetches: 2,
            load: Duration::from_secs(2),
        },
        permissions: Permissions {
            net: hosts(&["api.example.com", "*.xn--bcher-kva.example:8443"]),
            private_net: hosts(&["localhost:9000", "[::1]:80"]),
        },
        env: BTreeMap::from([("CURRENCY".to_owned(), "EUR".to_owned())]),
        secrets: BTreeMap::from([
            ("API_KEY".to_owned(), Secret::Env("ENRICH_API_KEY".to_owned())),
            ("TOKEN".to_owned(), Secret::File("/run/secrets/token".into())),
        ]),
        places: Places::default(),
    };
    assert_eq!(placeless(manifest), expected);
}

fn hosts(hosts: &[&str]) -> Vec<HostPattern> {
    hosts.iter().map(|host| HostPattern::parse(host).expect(host)).collect()
}

fn filter(patterns: &[&str]) -> Filter {
    Filter::new(patterns.iter().map(|text| Pattern::parse(text).unwrap()).collect()).unwrap()
}

#[test]
fn filters_may_be_written_in_line() {
    let text =
        "filter = [{ pattern = '{\"key\": [\"a\"]}' }, { pattern = '{\"key\": [\"b\"]}' }]\nsource.topics = [\"a\"]";
    assert_eq!(parse(text).unwrap().filter, Some(filter(&[r#"{"key": ["a"]}"#, r#"{"key": ["b"]}"#])));
}

#[test]
fn old_records_can_be_skipped_where_there_is_a_dead_letter() {
    let text = "source.topics = [\"a\"]\nsource.skip-older-than = \"24h\"";
    for letters in ["", "dead-letter.enabled = true"] {
        let manifest = parse(&format!("{text}\n{letters}")).unwrap();
        assert_eq!(manifest.source.skip_older_than, Some(Duration::from_secs(86_400)));
    }
}

#[test]
fn start_is_a_word_a_time_or_a_duration() {
    let time = |text: &str| Start::Time(text.parse().unwrap());
    for (written, expected) in [
        ("\"earliest\"", Start::Earliest),
        ("\"latest\"", Start::Latest),
        ("2026-01-31T00:00:00Z", time("2026-01-31T00:00:00Z")),
        ("2026-01-31 01:00:00.5+01:00", time("2026-01-31T00:00:00.5Z")),
        ("\"2026-01-31T00:00:00Z\"", time("2026-01-31T00:00:00Z")),
        ("\"24h\"", Start::Ago(Duration::from_secs(86_400))),
        ("\"1h 30m\"", Start::Ago(Duration::from_secs(5_400))),
    ] {
        let manifest = parse(&format!("source.topics = [\"a\"]\nsource.start = {written}"));
        assert_eq!(manifest.unwrap().source.start, expected, "{written}");
    }
}

#[test]
fn pattern_matches_whole_names_and_never_what_the_function_writes() {
    let manifest = parse(
        "source.pattern = 'orders\\..*|_.*|.*letter'\n\
         sink = { topic = \"orders.out\", also = [\"orders.audit\"] }",
    )
    .unwrap();
    for topic in ["orders.eu", "orders.", "other.dead-letter"] {
        assert!(manifest.reads(topic), "{topic}");
    }
    for topic in [
        "orders",
        "my.orders.eu",
        "orders.out",
        "orders.audit",
        "enrich.dead-letter",
        "_eddyline.functions",
        "__consumer_offsets",
    ] {
        assert!(!manifest.reads(topic), "{topic}");
    }
}

#[test]
fn named_topics_are_read_and_no_others() {
    let manifest = parse("source.topics = [\"a\", \"_b\"]").unwrap();
    assert!(manifest.reads("a") && manifest.reads("_b"));
    assert!(!manifest.reads("ab") && !manifest.reads("enrich.dead-letter"));
}

#[test]
fn folder_gives_the_function_its_name() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("clean-orders");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join(MANIFEST_FILE), "source.topics = [\"a\"]").unwrap();
    let manifest = Manifest::load(&folder, &ParseOptions::default()).unwrap();
    assert_eq!(manifest.name, "clean-orders");
}

#[test]
fn what_a_manifest_leaves_out_is_the_nodes_default_and_its_ceilings_say_where_they_were_set() {
    let mut allowance = Allowance::default();
    allowance.default.cpu = Duration::from_millis(20);
    allowance.default.timers = 5;
    allowance.max.heap = 32 << 20;
    allowance.origins.insert("heap".to_owned(), "file node.toml".to_owned());
    let options = ParseOptions { allowance, ..ParseOptions::default() };
    let parse = |text: &str| Manifest::parse(Path::new("function.toml"), "f", text, &options);
    let limits = parse("source.topics = [\"a\"]\n[limits]\nwall = \"1s\"").unwrap().limits;
    assert_eq!((limits.cpu, limits.timers), (Duration::from_millis(20), 5));
    assert_eq!((limits.wall, limits.load), (Duration::from_secs(1), Duration::from_secs(5)));
    let refused = parse("source.topics = [\"a\"]\n[limits]\nheap = \"64MiB\"").unwrap_err();
    let refused = refused.iter().next().unwrap();
    assert_eq!(refused.code, "E1018");
    assert_eq!(refused.related[0].file, Path::new("file node.toml"));
}

#[test]
fn exactly_once_needs_a_broker_with_transactions() {
    let text = "[source]\ntopics = [\"orders\"]\n[delivery]\nguarantee = \"exactly-once\"";
    let parse = |options: &ParseOptions| Manifest::parse(Path::new(FILE), "enrich", text, options);
    assert_eq!(parse(&ParseOptions::default()).unwrap().delivery.guarantee, Guarantee::ExactlyOnce);
    let embedded = ParseOptions { without_transactions: true, ..ParseOptions::default() };
    let mistakes = parse(&embedded).unwrap_err();
    assert!(mistakes.to_string().contains("embedded broker"), "{mistakes}");
}
