//! Functions that cannot run are reported with what is wrong; the others run.

use std::fs;
use std::process::Command;

use crate::support::record::texts;
use crate::support::{Function, Node, Record, Scene};

const COPY: &str = "export default (record) => record;";

/// Waits until the function is refused, and returns what is said about it.
#[track_caller]
fn refused(node: &Node, function: &Function) -> String {
    node.enters(function, "broken")["diagnostics"].to_string()
}

#[test]
fn broken_functions_are_reported_and_the_others_run() {
    let Some(scene) = Scene::new("mistakes") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let draft = |name: &str| scene.function(name).reads(&input).writes(&output).without_dead_letter_topic();
    let syntax = draft("syntax").handler("export default (record) => {\n  retrun record;\n};");
    let throws = draft("throws").handler("throw new Error('not today');\nexport default (record) => record;");
    let wrong = draft("wrong").handler("export default { records() {} };");
    let unknown = draft("unknown").with("[retry]\nmax-atempts = 2").handler(COPY);
    let no_handler = draft("no-handler").handler(COPY);
    fs::remove_file(no_handler.path.join("index.ts")).expect("the handler is removed");
    let both = "[delivery]\nguarantee = \"exactly-once\"\norder = \"key\"\nconcurrency = 4";
    let reserved = draft("reserved").with(both).handler(COPY);
    let own_sink = scene.function("circle").reads(&input).writes(&input).handler(COPY);
    let fine = scene.function("fine").reads(&input).writes(&output).handler(COPY);
    scene.write(&input, [Record::of("x")]);

    let node = scene.start();
    let expected: [(&Function, &[&str]); 7] = [
        (&syntax, &["index.ts", "2"]),
        (&throws, &["not today", "index.ts"]),
        (&wrong, &["default"]),
        (&unknown, &["max-atempts", "max-attempts"]),
        (&no_handler, &["index.ts"]),
        (&reserved, &["E1014", "concurrency"]),
        (&own_sink, &[&input]),
    ];
    for (function, parts) in expected {
        let text = refused(&node, function);
        assert!(parts.iter().all(|part| text.contains(part)), "{}: {text}", function.name);
    }
    node.runs(&fine);
    scene.caught_up(&fine);
    assert_eq!(texts(&scene.read(&output)), ["x"]);
    assert!(node.is_ready(), "a broken function does not make the node unready");

    unknown.edit_manifest(&format!(
        "[source]\ntopics = [{input:?}]\nstart = \"earliest\"\n[sink]\ntopic = {output:?}\n[dead-letter]\nenabled = false"
    ));
    node.runs(&unknown);
    scene.caught_up(&unknown);
    assert_eq!(texts(&scene.read(&output)), ["x", "x"], "corrected, it runs");
}

#[test]
fn two_functions_in_one_group_are_refused_with_both_places() {
    let Some(scene) = Scene::new("one-group") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let group = format!("group = {:?}", scene.name("shared"));
    let draft = |name: &str| scene.function(name).reads(&input).writes(&output).source(&group);
    let (one, two) = (draft("one").handler(COPY), draft("two").handler(COPY));
    let validate = Command::new(env!("CARGO_BIN_EXE_eddyline"))
        .args(["validate", "--color", "never"])
        .current_dir(scene.folder())
        .output()
        .expect("the program runs");
    assert!(!validate.status.success());
    let said = format!("{}{}", String::from_utf8_lossy(&validate.stdout), String::from_utf8_lossy(&validate.stderr));
    for function in [&one, &two] {
        assert!(said.contains(&format!("{}/function.toml", function.name)), "{said}");
    }

    let node = scene.start();
    let states = node.eventually("one of them is refused", |node| {
        let states = [&one, &two].map(|function| node.status(function));
        let states = [states[0].clone()?, states[1].clone()?];
        states.iter().any(|status| status["state"] == "broken").then_some(states)
    });
    let broken = states.iter().find(|status| status["state"] == "broken").expect("one").to_string();
    assert!(broken.contains(&one.name) && broken.contains(&two.name), "{broken}");
}

#[test]
fn a_secret_reaches_its_handler_and_shows_nowhere() {
    let Some(scene) = Scene::new("secret") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let file = scene.folder().join("token");
    fs::write(&file, "very-secret-value\n").expect("a file");
    let secrets = format!("[secrets]\nTOKEN = {{ file = {:?} }}", file.display().to_string());
    let function = scene.function("it").reads(&input).writes(&output).with(&secrets).handler(
        "export default (record, ctx) => { console.log('env', Object.keys(ctx.env)); return ctx.env.TOKEN.length; };",
    );
    scene.write(&input, [Record::of("x")]);
    let node = scene.start_with(&[("logging.level", "debug")]);
    node.runs(&function);
    scene.caught_up(&function);
    assert_eq!(texts(&scene.read(&output)), ["17"]);
    let pages = ["/api/v1/functions", "/api/v1/node", "/metrics"].map(|path| node.get(path).expect("an answer").1);
    let shown = format!("{pages:?}{:?}", node.lines());
    assert!(!shown.contains("very-secret-value"));
}
