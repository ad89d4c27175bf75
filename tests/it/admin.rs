//! The admin interface, asked over HTTP.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use eddyline::{
    admin::Admin,
    commands::{self, Command, Commands, Reach, Refusal},
    outcome::Outcome,
    status::{Board, FunctionState, Phase},
    telemetry::Metrics,
};
use serde_json::Value;

struct Fixture {
    board: Arc<Board>,
    metrics: Arc<Metrics>,
    commands: Commands,
    admin: Admin,
}

struct Answer {
    status: u16,
    content_type: String,
    allow: Option<String>,
    body: String,
}

fn start() -> Fixture {
    let metrics = Metrics::new();
    let board = Board::new("node-1", Arc::clone(&metrics));
    let commands = Commands::default();
    let admin = Admin::start("127.0.0.1:0", Arc::clone(&board), Arc::clone(&metrics), commands.clone()).unwrap();
    Fixture { board, metrics, commands, admin }
}

fn ask(address: SocketAddr, method: &str, path: &str) -> Answer {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let url = format!("http://{address}{path}");
    let mut response = match method {
        "GET" => agent.get(&url).call(),
        "HEAD" => agent.head(&url).call(),
        "DELETE" => agent.delete(&url).call(),
        "POST" => agent.post(&url).send_empty(),
        "POST of a page" => agent.post(&url).header("origin", "https://example.com").send_empty(),
        other => panic!("{other}"),
    }
    .unwrap();
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (content_type, allow) = (header("content-type").unwrap_or_default(), header("allow"));
    let status = response.status().as_u16();
    Answer { status, content_type, allow, body: response.body_mut().read_to_string().unwrap() }
}

fn get(fixture: &Fixture, path: &str) -> (u16, Value) {
    let answer = ask(fixture.admin.address, "GET", path);
    assert_eq!(answer.content_type, "application/json", "{path}");
    (answer.status, serde_json::from_str(&answer.body).unwrap())
}

#[test]
fn a_node_is_live_before_it_is_ready_and_says_why_it_is_not() {
    let fixture = start();
    assert_eq!(get(&fixture, "/health/live").0, 200);
    let (status, body) = get(&fixture, "/health/ready");
    assert_eq!((status, &body["ready"]), (503, &Value::Bool(false)));
    assert_eq!(body["reasons"][0], "the node is starting");

    fixture.board.update_node(|node| {
        node.phase = Phase::Running;
        node.workers.alive = 2;
    });
    let (status, body) = get(&fixture, "/health/ready");
    assert_eq!((status, &body["ready"]), (200, &Value::Bool(true)));
}

#[test]
fn functions_are_listed_and_found_by_name() {
    let fixture = start();
    fixture.board.update("enrich", |status| status.enter(FunctionState::Waiting, Some("topic missing".to_owned())));
    fixture.board.update("route", |status| status.enter(FunctionState::Running, None));
    fixture.metrics.function("route").settled(Outcome::Done, 5);

    let (status, body) = get(&fixture, "/api/v1/functions");
    assert_eq!(status, 200);
    let names: Vec<&Value> = body["functions"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["enrich", "route"]);
    let (_, route) = get(&fixture, "/api/v1/functions/route");
    assert_eq!((&route["state"], &route["counters"]["done"]), (&"running".into(), &5.into()));
    let (_, node) = get(&fixture, "/api/v1/node");
    assert_eq!((&node["id"], &node["functions"]["waiting"]), (&"node-1".into(), &1.into()));
}

#[test]
fn errors_have_one_form() {
    let fixture = start();
    for (path, code) in [("/api/v1/functions/none", "unknown_function"), ("/nothing", "not_found")] {
        let (status, body) = get(&fixture, path);
        assert_eq!((status, &body["error"]["code"]), (404, &code.into()));
        assert!(body["error"]["message"].is_string() && body["error"]["hint"].is_string(), "{body}");
    }
    let answer = ask(fixture.admin.address, "DELETE", "/metrics");
    assert_eq!((answer.status, answer.allow.as_deref()), (405, Some("GET,HEAD")));
    assert!(answer.body.contains("method_not_allowed"), "{}", answer.body);
}

#[test]
fn commands_are_handed_on_once_somebody_takes_them() {
    let fixture = start();
    fixture.board.update("enrich", |status| status.enter(FunctionState::Running, None));
    let post = |path: &str| ask(fixture.admin.address, "POST", path);
    let answer = post("/api/v1/functions/enrich/pause");
    assert_eq!(answer.status, 503, "{}", answer.body);

    let taken: Arc<Mutex<Vec<Command>>> = Arc::default();
    let list = Arc::clone(&taken);
    fixture.commands.serve(move |command| {
        list.lock().unwrap().push(command.clone());
        match command {
            Command::Pause { .. } => Ok(commands::Answer::Reach(Reach::Node { scope_reason: "no rights".to_owned() })),
            Command::Resume { .. } => Ok(commands::Answer::Reach(Reach::Cluster)),
            Command::Seek { .. } => Err(Refusal::new("has_members", "it has members", "wait")),
        }
    });
    let answer = post("/api/v1/functions/enrich/pause");
    assert_eq!(answer.status, 202);
    assert!(answer.body.contains(r#""name":"enrich""#), "{}", answer.body);
    assert!(answer.body.contains(r#""scope":"node","scope_reason":"no rights""#), "{}", answer.body);
    let answer = post("/api/v1/functions/enrich/resume");
    assert!(answer.status == 202 && answer.body.contains(r#""scope":"cluster""#), "{}", answer.body);
    let function = || "enrich".to_owned();
    let both = [Command::Pause { function: function() }, Command::Resume { function: function() }];
    assert_eq!(*taken.lock().unwrap(), both);

    let unknown = post("/api/v1/functions/none/pause");
    assert!(unknown.status == 404 && unknown.body.contains("unknown_function"), "{}", unknown.body);
    let read = ask(fixture.admin.address, "GET", "/api/v1/functions/enrich/pause");
    assert!(read.status == 405 && read.body.contains("use POST"), "{}", read.body);
    let page = ask(fixture.admin.address, "POST of a page", "/api/v1/functions/enrich/pause");
    assert!(page.status == 403 && page.body.contains("from_a_browser"), "{}", page.body);
    assert_eq!(taken.lock().unwrap().len(), 2, "nothing of that was handed on");

    let seek = |body: &str| {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let url = format!("http://{}/api/v1/functions/enrich/seek", fixture.admin.address);
        let mut answer = agent.post(&url).send(body).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    };
    let (status, body) = seek(r#"{"to":"earliest","dry-run":true}"#);
    assert!(status == 409 && body.contains("has_members"), "{body}");
    for wrong in ["", "{}", r#"{"to":1}"#, r#"{"to":"latest","unknown":1}"#] {
        let (status, body) = seek(wrong);
        assert!(status == 400 && body.contains("bad_body"), "{wrong}: {body}");
    }
    assert_eq!(taken.lock().unwrap().len(), 3);
}

#[test]
fn metrics_are_in_the_format_of_openmetrics_and_head_has_no_body() {
    let fixture = start();
    let answer = ask(fixture.admin.address, "GET", "/metrics");
    assert!(answer.content_type.starts_with("application/openmetrics-text"), "{}", answer.content_type);
    assert!(answer.body.ends_with("# EOF\n"), "{}", answer.body);
    let answer = ask(fixture.admin.address, "HEAD", "/metrics");
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
}

#[test]
fn a_taken_port_is_named_with_the_setting_to_change() {
    let fixture = start();
    let listen = fixture.admin.address.to_string();
    let error = Admin::start(&listen, fixture.board, fixture.metrics, fixture.commands).unwrap_err().to_string();
    assert!(error.contains(&listen) && error.contains("admin.listen"), "{error}");
}

#[test]
fn dropping_it_frees_the_port() {
    let Fixture { board, metrics, commands, admin } = start();
    let listen = admin.address.to_string();
    drop(admin);
    let again = Admin::start(&listen, board, metrics, commands).unwrap();
    assert_eq!(again.address.to_string(), listen);
}
