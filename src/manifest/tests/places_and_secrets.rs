use super::*;
use crate::diagnostic::codes;

#[test]
fn later_stages_can_point_at_keys() {
    let manifest = parse("[source]\ntopics = [\"a\"]\n\n[batch]\nmax-records = 5\n").unwrap();
    assert!(manifest.places.has("batch"));
    assert!(!manifest.places.has("sink"));
    let error = manifest.places.error(codes::BAD_VALUE, "batch", "there is no batch handler");
    assert_eq!((error.line, error.column), (Some(4), Some(1)));
    assert_eq!(error.snippet.as_deref(), Some("[batch]"));
    let nowhere = manifest.places.error(codes::BAD_VALUE, "sink.topic", "x");
    assert_eq!((nowhere.line, nowhere.file.to_str()), (None, Some(FILE)));
}

#[test]
fn secret_values_in_a_manifest_are_never_quoted() {
    for text in [
        "[source]\n[secrets]\nA = \"hunter2\"\n",
        "[source]\n[secrets]\nA = { value = \"hunter2\" }\n",
        "secret.A = \"hunter2\"\n",
        "[source]\nsecrets.A = [\"hunter2\",\n\"hunter2\"]\n",
        "[source]\n[secrets]\nA = hunter2\n",
        "[source]\n[secrets]\nA = \"hunter2\n",
        "[source]\n[secrets]\nA = \"\"\"\nhunter2\n\"\"\"\nB = }\n",
    ] {
        let mistakes = parse(text).unwrap_err();
        let shown = [
            mistakes.render(false),
            mistakes.render(true),
            serde_json::to_string(&mistakes).unwrap(),
            format!("{mistakes:?}"),
        ];
        for shown in shown {
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
}

#[test]
fn secrets_come_from_environment_and_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "from file\n\n").unwrap();
    let text = format!("source.topics = [\"a\"]\n[secrets]\nA = {{ env = \"NODE_A\" }}\nB = {{ file = {file:?} }}");
    let manifest = parse(&text).unwrap();
    let environment = |name: &str| (name == "NODE_A").then(|| "from env".to_owned());
    let values = manifest.resolve_secrets_in(environment).unwrap();
    assert_eq!(format!("{values:?}"), r#"{"A": "***", "B": "***"}"#);
    let expected = [("A", "from env"), ("B", "from file\n")];
    assert_eq!(values.iter().collect::<Vec<_>>(), expected);
}

#[test]
fn missing_secrets_are_all_named_with_their_places() {
    let text = "source.topics = [\"a\"]\n[secrets]\nA = { env = \"NODE_A\" }\nB = { file = \"/nowhere/b\" }";
    let mistakes = parse(text).unwrap().resolve_secrets_in(|_| None).unwrap_err();
    let found: Vec<_> = mistakes.iter().map(|it| (it.code, it.line)).collect();
    assert_eq!(found, [("E1013", Some(3)), ("E1013", Some(4))]);
    let text = mistakes.render(false);
    assert!(text.contains("`NODE_A` is not set") && text.contains("/nowhere/b"), "{text}");
}

#[test]
fn functions_together_need_names_and_groups_of_their_own() {
    let parse = |folder: &str, name: &str, text: &str| {
        let file = Path::new(folder).join(MANIFEST_FILE);
        Manifest::parse(&file, name, text, &ParseOptions::default()).unwrap()
    };
    let plain = "source.topics = [\"a\"]";
    let grouped = "[source]\ntopics = [\"a\"]\ngroup = \"eddyline.a\"";
    let a = parse("f/a", "a", plain);
    let b = parse("f/b", "b", grouped);
    let c = parse("f/c", "c", grouped);
    let a_again = parse("g/a", "a", plain);
    let d = parse("f/d", "d", plain);
    let path = Path::new;

    let fine = check_together(&[(path("f/a"), &a), (path("f/d"), &d)]);
    assert!(fine.is_empty());

    let functions = [(path("f/a"), &a), (path("f/b"), &b), (path("f/c"), &c), (path("g/a"), &a_again)];
    let mistakes = check_together(&functions).render(false);
    insta::assert_snapshot!(mistakes, @r#"
error[E1016]: the functions `a` and `b` are in one consumer group, `eddyline.a`: each would get only part of the records
 --> f/b/function.toml:3:9
  |
3 | group = "eddyline.a"
  |         ^^^^^^^^^^^^
  |
note: `a` is in it too, by default
 --> f/a
  = help: remove `group`, so that each function has its own

error[E1016]: the functions `a` and `c` are in one consumer group, `eddyline.a`: each would get only part of the records
 --> f/c/function.toml:3:9
  |
3 | group = "eddyline.a"
  |         ^^^^^^^^^^^^
  |
note: `a` is in it too, by default
 --> f/a
  = help: remove `group`, so that each function has its own

error[E1015]: two functions are called `a`
--> g/a
 |
note: the other is here
--> f/a
 = help: rename one of the folders
"#);
}
