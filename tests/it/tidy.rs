//! The rules of the house that a compiler does not check.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files below `folder`, with their text.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of the repository") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap_or(&path).to_string_lossy().into_owned();
                found.push((name, fs::read_to_string(&path).expect("a text")));
            }
        }
    }
    assert!(!found.is_empty(), "nothing was found below {folder:?}", folder = root());
    found
}

/// Lines of code that are not comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

fn offenders(folder: &str, word: &str, allowed: &[&str]) -> Vec<String> {
    sources(folder)
        .into_iter()
        .filter(|(name, _)| !allowed.iter().any(|prefix| name.starts_with(prefix)))
        .filter(|(_, text)| code(text).any(|line| line.contains(word)))
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn no_file_is_longer_than_five_hundred_lines() {
    let long: Vec<String> = sources("src")
        .into_iter()
        .chain(sources("tests"))
        .chain(sources("benches"))
        .filter(|(_, text)| text.lines().count() > 500)
        .map(|(name, _)| name)
        .collect();
    assert!(long.is_empty(), "split these before you go on: {long:?}");
}

#[test]
fn only_the_worker_knows_v8() {
    assert_eq!(offenders("src", "deno_core", &["src/worker/", "src/cli/version.rs"]), Vec::<String>::new());
}

#[test]
fn only_the_kafka_layer_knows_librdkafka() {
    assert_eq!(offenders("src", "rdkafka", &["src/kafka/", "src/cli/version.rs", "src/config/"]), Vec::<String>::new());
}

#[test]
fn only_fetch_opens_connections_for_functions() {
    assert_eq!(offenders("src", "reqwest", &["src/fetch/"]), Vec::<String>::new());
}

#[test]
fn the_data_plane_knows_neither_control_nor_admin_nor_command_line() {
    for folder in ["src/pipeline", "src/pool", "src/protocol", "src/kafka", "src/fetch", "src/worker"] {
        for outer in ["crate::control::", "crate::admin", "crate::cli", "crate::node"] {
            assert_eq!(offenders(folder, outer, &[]), Vec::<String>::new(), "{folder} imports {outer}");
        }
    }
}

#[test]
fn unsafe_code_stays_where_the_foreign_code_is() {
    let allowed =
        ["src/kafka/native/", "src/worker/", "src/protocol/words.rs", "src/protocol/slots.rs", "src/pool/process.rs"];
    assert_eq!(offenders("src", "unsafe ", &allowed), Vec::<String>::new());
}

#[test]
fn module_roots_declare_and_say_what_for() {
    for (name, text) in sources("src") {
        if name.ends_with("/mod.rs") {
            assert!(text.starts_with("//!"), "{name} does not say what it is for");
            // A verb with a folder of its own begins in its root, and tests share what they need in theirs.
            if name.starts_with("src/cli/") || name.contains("/tests/") {
                continue;
            }
            assert!(
                !code(&text).any(|line| line.starts_with("fn ") || line.starts_with("pub fn ")),
                "{name} has logic"
            );
        }
    }
}

#[test]
fn every_error_page_that_is_linked_exists() {
    let pages = root().join("docs/errors");
    let index = fs::read_to_string(pages.join("README.md")).expect("the index of errors");
    let links = index.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
    for link in links.filter(|link| link.starts_with('E')) {
        assert!(Path::exists(&pages.join(link)), "{link} is linked and does not exist");
    }
}
