//! Where `fetch` may go, and that nothing gets it anywhere else.

use std::io::Write as _;

use eddyline::outcome::Outcome;

use crate::support::fetching::{Service, link, program};
use crate::support::server::{Server, redirect, reply};

/// A handler that fetches the URL that its record names.
const FETCH: &str = "return await (await fetch(record.text())).text();";

fn net(hosts: &[String]) -> String {
    format!("[permissions]\nnet = {hosts:?}")
}

#[test]
fn without_permission_it_says_which_key_to_set() {
    let server = Server::echo();
    let service = Service::default();
    let mut caller = service.load(&link(), &program("test", "", FETCH));
    for (url, at, key) in [
        (format!("http://{}/", server.at()), server.at(), "private-net"),
        ("https://api.example.com/x".to_owned(), "api.example.com".to_owned(), "net"),
        ("https://api.example.com:8443/x".to_owned(), "api.example.com:8443".to_owned(), "net"),
    ] {
        let failed = caller.failure(&url);
        assert_eq!(failed.outcome, Outcome::Failed);
        assert!(failed.stack.contains("index.js:1:"), "{:?}", failed.stack);
        let expected = format!("add {at:?} to `{key}` in function.toml's [permissions]");
        assert!(failed.message.starts_with("TypeError: ") && failed.message.contains(&expected), "{}", failed.message);
    }
    assert_eq!(server.connections(), 0);
    assert_eq!(service.count("test", "refused"), 3);
}

#[test]
fn a_name_that_leads_to_a_private_address_is_refused_after_it_was_resolved() {
    let server = Server::echo();
    let service = Service::default();
    let (link, at) = (link(), format!("localhost:{}", server.port));
    let url = format!("http://{at}/");
    let failed = service.load(&link, &program("public", &net(std::slice::from_ref(&at)), FETCH)).failure(&url);
    assert!(failed.message.contains("leads to a private address"), "{}", failed.message);
    assert!(failed.message.contains("`private-net`"), "{}", failed.message);
    assert_eq!((server.connections(), service.count("public", "refused")), (0, 1));
    let allowed = format!("[permissions]\nprivate-net = [{at:?}]");
    let settled = service.load(&link, &program("private", &allowed, FETCH)).run(&url);
    assert!(settled.outputs()[0].text().contains("GET"));
}

#[test]
fn a_connection_of_one_function_is_none_of_another_ones() {
    // The first opens a connection that is then kept; the second may reach the same name, but not there.
    let server = Server::echo();
    let service = Service::default();
    let (link, at) = (link(), format!("localhost:{}", server.port));
    let url = format!("http://{at}/");
    let private = format!("[permissions]\nprivate-net = [{at:?}]");
    let mut may = service.load(&link, &program("may", &private, FETCH));
    let mut may_not = service.load(&link, &program("may-not", &net(&[at]), FETCH));
    assert_eq!(may.run(&url).outputs().len(), 1);
    assert!(may_not.failure(&url).message.contains("private-net"));
    assert_eq!(may.run(&url).outputs().len(), 1);
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn no_spelling_of_an_address_gets_around_the_list() {
    let server = Server::echo();
    let port = server.port;
    let mut caller = Service::default().caller(&["localhost:1".to_owned()], FETCH);
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "0",
        "0.0.0.0",
        "[::]",
        "localhost",
        "LOCALHOST.",
        "%6cocalhost",
        "allowed.example@127.0.0.1",
    ] {
        let failed = caller.failure(&format!("http://{host}:{port}/"));
        assert_eq!(failed.outcome, Outcome::Failed, "{host}");
    }
    for url in [
        format!("http://u:p@localhost:{port}/"),
        "file:///etc/passwd".to_owned(),
        "data:,x".to_owned(),
        "ftp://a/".to_owned(),
        "blob:null/x".to_owned(),
        "http://".to_owned(),
        "/relative".to_owned(),
    ] {
        assert_eq!(caller.failure(&url).outcome, Outcome::Failed, "{url}");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn redirects_lead_nowhere_that_is_not_allowed() {
    let secret = Server::echo();
    let other = Server::echo();
    let (to_secret, to_other) = (format!("http://{}/", secret.at()), format!("http://{}/in", other.at()));
    let server = Server::start(move |seen, stream| match seen.path.as_str() {
        "/out" => redirect(stream, 302, &to_secret),
        "/by-name" => redirect(stream, 302, &to_secret.replace("127.0.0.1", "localhost")),
        "/file" => redirect(stream, 302, "file:///etc/passwd"),
        "/user" => redirect(stream, 302, &to_other.replace("://", "://u:p@")),
        "/in" => redirect(stream, 302, &to_other),
        _ => reply(stream, 200, &[], b"here"),
    });
    let service = Service::default();
    let body = "
        const response = await fetch(record.text(), { headers: { authorization: 'secret', cookie: 'secret', 'x-own': '1' } });
        return await response.text();";
    let mut caller = service.caller(&[server.at(), other.at()], body);
    for path in ["/out", "/by-name", "/file", "/user"] {
        let failed = caller.failure(&format!("http://{}{path}", server.at()));
        assert_eq!(failed.outcome, Outcome::Failed, "{path}");
        assert!(failed.message.starts_with("TypeError: "), "{}", failed.message);
    }
    assert_eq!((secret.connections(), other.connections()), (0, 0));
    assert_eq!(service.count("test", "refused"), 4);
    assert_eq!(caller.run(&format!("http://{}/in", server.at())).outputs().len(), 1);
    let seen = &other.seen()[0];
    assert_eq!((seen.header("authorization"), seen.header("cookie"), seen.header("x-own")), (None, None, Some("1")));
}

#[test]
fn nothing_in_a_request_becomes_a_request_of_its_own() {
    let server = Server::echo();
    let body = format!(
        "const at = 'http://{}/', said = [];
         const bad = '\\r\\nx-evil: 1\\r\\n\\r\\nGET /evil HTTP/1.1';
         for (const make of [
           () => fetch(at, {{ headers: {{ a: 'b' + bad }} }}),
           () => fetch(at, {{ headers: {{ ['a' + bad]: 'b' }} }}),
           () => fetch(at, {{ method: 'GET' + bad }}),
           () => fetch(at, {{ method: 'CONNECT' }}),
           () => fetch(at, {{ headers: {{ a: '\\u0100' }} }}),
         ]) {{
           try {{ await make(); said.push('no error'); }} catch (error) {{ said.push(error.name); }}
         }}
         await fetch(at + bad);
         await fetch(at, {{ method: 'POST', body: 'abc', headers: {{
           host: 'evil.example', 'content-length': '999', 'transfer-encoding': 'chunked', connection: 'x-own', 'x-own': '1',
         }} }});
         return said;",
        server.at()
    );
    let answer = Service::default().caller(&[server.at()], &body).json("x");
    assert_eq!(answer, serde_json::json!(["TypeError", "TypeError", "TypeError", "TypeError", "TypeError"]));
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    assert!(seen[0].header("x-evil").is_none() && seen[0].path.contains("evil"), "{:?}", seen[0]);
    assert_eq!(seen[1].header("host"), Some(&server.at()[..]));
    assert_eq!((seen[1].header("content-length"), seen[1].header("x-own")), (Some("3"), Some("1")));
    assert_eq!((seen[1].header("transfer-encoding"), seen[1].text()), (None, "abc".to_owned()));
}

#[test]
fn invoke_applies_the_manifest_too() {
    let server = Server::echo();
    let folder = tempfile::tempdir().unwrap();
    let function = folder.path().join("functions/fetches");
    std::fs::create_dir_all(&function).unwrap();
    let manifest = format!(
        "[source]\ntopics = [\"in\"]\n[sink]\ntopic = \"out\"\n[permissions]\nprivate-net = [{:?}]\n",
        server.at()
    );
    std::fs::write(function.join("function.toml"), manifest).unwrap();
    let handler = "export default async (record) => (await (await fetch(record.text())).json()).path;";
    std::fs::write(function.join("index.js"), handler).unwrap();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_eddyline"))
        .args(["invoke", "fetches", "--raw", "--file", "-", "--output", "json"])
        .current_dir(folder.path())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let records = format!("http://{}/yes\nhttp://127.0.0.1:1/no\n", server.at());
    child.stdin.take().unwrap().write_all(records.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("/yes") && text.contains("private-net"),
        "{text} {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
