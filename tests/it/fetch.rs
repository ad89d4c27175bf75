//! What `fetch` does for a handler.

use std::io::Write;
use std::time::Duration;

use crate::support::eventually;
use crate::support::fetching::{Service, options};
use crate::support::server::{Server, drip, redirect, reply, wait_for_end};

/// `{"packed":true}`, by gzip.
const PACKED: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x2a\x48\x4c\xce\x4e\x4d\x51\xb2\x2a\x29\x2a\x4d\xad\x05\x00\x89\xe0\xb5\xdc\x0f\x00\x00\x00";

#[test]
fn a_request_arrives_as_it_was_made_and_so_does_its_response() {
    let server = Server::echo();
    let service = Service::default();
    let body = format!(
        "const url = 'http://{}/a?b=c#d';
         const get = await fetch(url, {{ headers: {{ 'X-One': '1', 'x-two': 'caf\\u00e9' }} }});
         const post = await fetch(new Request(url, {{ method: 'POST', body: JSON.stringify({{ n: 1 }}), headers: {{ 'content-type': 'application/json' }} }}));
         const form = new FormData();
         form.append('field', 'value');
         const sent = await fetch(url, {{ method: 'PUT', body: form }});
         const search = await fetch(url, {{ method: 'POST', body: new URLSearchParams({{ q: 'x y' }}) }});
         return {{
           status: get.status, ok: get.ok, url: get.url, redirected: get.redirected, type: get.headers.get('content-type'),
           get: await get.json(), post: await post.json(), form: await sent.json(), search: JSON.parse(await search.text()),
         }};",
        server.at()
    );
    let mut caller = service.caller(&[server.at()], &body);
    let answer = caller.json("x");
    assert_eq!(answer["status"], 200);
    assert_eq!((&answer["ok"], &answer["redirected"]), (&true.into(), &false.into()));
    assert_eq!(answer["url"], format!("http://{}/a?b=c", server.at()));
    assert_eq!(answer["type"], "application/json");
    assert_eq!(answer["get"]["path"], "/a?b=c");
    assert_eq!(answer["get"]["headers"]["x-one"], "1");
    assert_eq!((&answer["post"]["method"], &answer["post"]["body"]), (&"POST".into(), &r#"{"n":1}"#.into()));
    assert_eq!(answer["post"]["headers"]["content-type"], "application/json");
    let form = &answer["form"];
    assert!(form["headers"]["content-type"].as_str().unwrap().starts_with("multipart/form-data; boundary="), "{form}");
    assert!(form["body"].as_str().unwrap().contains("name=\"field\"\r\n\r\nvalue"), "{form}");
    assert_eq!(answer["search"]["body"], "q=x+y");
    let seen = server.seen();
    assert!(seen[0].header("user-agent").unwrap().starts_with("eddyline/"));
    assert_eq!(seen[1].header("content-length"), Some("7"), "a body of known length says so");
    assert!(seen[2].header("content-length").is_some());
    assert_eq!(service.count("test", "answered"), 4);
}

#[test]
fn bodies_stream_both_ways() {
    let server = Server::echo();
    let service = Service::default();
    let body = format!(
        "const chunk = 'x'.repeat(50_000);
         let left = 8;
         const body = new ReadableStream({{
           async pull(controller) {{
             await new Promise((done) => setTimeout(done, 1));
             if (left-- > 0) controller.enqueue(new TextEncoder().encode(chunk)); else controller.close();
           }},
         }});
         const response = await fetch('http://{}/', {{ method: 'POST', body, duplex: 'half' }});
         let bytes = 0, chunks = 0;
         for await (const chunk of response.body) {{ bytes += chunk.length; chunks++; }}
         return {{ bytes, many: chunks > 1, used: response.bodyUsed }};",
        server.at()
    );
    let answer = service.caller(&[server.at()], &body).json("x");
    assert!(answer["bytes"].as_u64().unwrap() > 400_000, "{answer}");
    assert_eq!((&answer["many"], &answer["used"]), (&true.into(), &true.into()));
    let seen = &server.seen()[0];
    assert_eq!((seen.body.len(), seen.header("transfer-encoding")), (400_000, Some("chunked")));
}

#[test]
fn a_large_body_goes_through_the_window_whole() {
    let server = Server::echo();
    let service = Service::default();
    let body = format!(
        "const bytes = new Uint8Array(700_001).fill(97);
         const response = await fetch('http://{}/', {{ method: 'POST', body: bytes }});
         return (await response.json()).body.length;",
        server.at()
    );
    assert_eq!(service.caller(&[server.at()], &body).json("x"), 700_001);
    assert_eq!(server.seen()[0].header("content-length"), Some("700001"));
}

#[test]
fn a_packed_response_is_unpacked() {
    let server = Server::start(|seen, stream| {
        assert!(seen.header("accept-encoding").unwrap().contains("gzip"));
        reply(stream, 200, &[("content-encoding", "gzip"), ("content-type", "application/json")], PACKED)
    });
    let body = format!("return (await (await fetch('http://{}/')).json()).packed;", server.at());
    assert_eq!(Service::default().caller(&[server.at()], &body).json("x"), true);
}

#[test]
fn a_response_can_be_cloned_and_read_in_every_way() {
    let server = Server::echo();
    let body = format!(
        "const response = await fetch('http://{}/', {{ method: 'POST', body: 'b' }});
         const copy = response.clone();
         const blob = await (await fetch('http://{0}/')).blob();
         const buffer = await (await fetch('http://{0}/')).arrayBuffer();
         const search = new Response(new URLSearchParams('a=1')).formData();
         const head = await fetch('http://{0}/', {{ method: 'HEAD' }});
         return [
           (await response.json()).body, (await copy.json()).body, blob.size > 0, blob.type, buffer.byteLength > 0,
           (await search).get('a'), head.status, await head.text(), Response.json({{ a: 1 }}).headers.get('content-type'),
         ];",
        server.at()
    );
    // The server answers HEAD with a body all the same, so that connection is of no use any more.
    let answer = Service::default().caller(&[server.at()], &body).json("x");
    let expected = serde_json::json!(["b", "b", true, "application/json", true, "1", 200, "", "application/json"]);
    assert_eq!(answer, expected);
}

#[test]
fn redirects_are_followed_as_the_standard_says() {
    let server = Server::start(|seen, stream| match seen.path.as_str() {
        "/see-other" => redirect(stream, 303, "/end"),
        "/again" => redirect(stream, 307, "/end"),
        "/loop" => redirect(stream, 302, "/loop"),
        _ => reply(stream, 200, &[], format!("{} {}", seen.method, seen.text()).as_bytes()),
    });
    let body = format!(
        "const at = 'http://{}';
         const post = (path, more) => fetch(at + path, {{ method: 'POST', body: 'x'.repeat(100_000), ...more }});
         const other = await post('/see-other'), again = await post('/again');
         const manual = await fetch(at + '/again', {{ redirect: 'manual' }});
         const refused = async (promise) => {{ try {{ await promise; return 'no error'; }} catch (error) {{ return `${{error.name}}: ${{error.message}}`; }} }};
         const stream = new Blob(['x']).stream();
         return {{
           other: await other.text(), url: other.url, redirected: other.redirected,
           again: (await again.text()).length, manual: [manual.status, manual.headers.get('location'), manual.redirected],
           error: await refused(fetch(at + '/again', {{ redirect: 'error' }})),
           loop: await refused(fetch(at + '/loop')),
           stream: await refused(fetch(at + '/again', {{ method: 'POST', body: stream, duplex: 'half' }})),
         }};",
        server.at()
    );
    let answer = Service::default().caller(&[server.at()], &body).json("x");
    assert_eq!((&answer["other"], &answer["redirected"]), (&"GET ".into(), &true.into()));
    assert_eq!(answer["url"], format!("http://{}/end", server.at()));
    assert_eq!(answer["again"], 100_005, "the body was sent once more");
    assert_eq!(answer["manual"], serde_json::json!([307, "/end", false]));
    for (key, said) in [("error", "answers with a redirect"), ("loop", "more than 20"), ("stream", "was a stream")] {
        let message = answer[key].as_str().unwrap();
        assert!(message.starts_with("TypeError: ") && message.contains(said), "{message}");
    }
}

#[test]
fn an_aborted_fetch_ends_at_both_ends() {
    let server = Server::start(|seen, stream| match seen.path.as_str() {
        "/never" => wait_for_end(stream),
        _ => drip(stream, b"drop", Duration::from_millis(5)),
    });
    let service = Service::default();
    let body = format!(
        "const at = 'http://{}', said = [];
         const note = async (promise) => {{ try {{ await promise; said.push('no error'); }} catch (error) {{ said.push(error.name ?? error); }} }};
         await note(fetch(at + '/never', {{ signal: AbortSignal.abort('early') }}));
         const late = new AbortController();
         const pending = note(fetch(at + '/never', {{ signal: late.signal }}));
         setTimeout(() => late.abort(), 50);
         await pending;
         await note(fetch(at + '/never', {{ signal: AbortSignal.timeout(50) }}));
         const during = new AbortController();
         const response = await fetch(at + '/drip', {{ signal: during.signal }});
         const reader = response.body.getReader();
         await reader.read();
         during.abort();
         await note((async () => {{ for (;;) {{ if ((await reader.read()).done) break; }} }})());
         const given = await fetch(at + '/drip');
         await given.body.cancel();
         return said;",
        server.at()
    );
    let answer = service.caller(&[server.at()], &body).json("x");
    assert_eq!(answer, serde_json::json!(["early", "AbortError", "TimeoutError", "AbortError"]));
    eventually("the server sees all connections closed", || (server.closed() == 4).then_some(()));
    assert_eq!(server.seen().len(), 4, "what was aborted before it began was never sent");
    eventually("all are counted", || (service.count("test", "cancelled") == 4).then_some(()));
}

#[test]
fn connections_are_kept_from_record_to_record() {
    let server = Server::echo();
    let service = Service::default();
    let body = format!("await (await fetch('http://{}/')).text(); return 1;", server.at());
    let mut caller = service.caller(&[server.at()], &body);
    for _ in 0..5 {
        assert_eq!(caller.json("x"), 1);
    }
    assert_eq!((server.seen().len(), server.connections()), (5, 1));
}

#[test]
fn a_broken_response_is_an_error_that_says_so() {
    let server = Server::start(|seen, stream| {
        match seen.path.as_str() {
            "/short" => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")?,
            _ => stream.write_all(b"nonsense\r\n\r\n")?,
        }
        Err(std::io::ErrorKind::Other.into())
    });
    let body = format!(
        "const at = 'http://{}', said = [];
         for (const path of ['/short', '/nonsense']) {{
           try {{ await (await fetch(at + path)).text(); }} catch (error) {{ said.push(`${{error.name}}: ${{error.message}}`); }}
         }}
         return said;",
        server.at()
    );
    let answer = Service::default().caller(&[server.at()], &body).json("x");
    assert!(answer[0].as_str().unwrap().starts_with("TypeError: the response of"), "{answer}");
    assert!(answer[1].as_str().unwrap().starts_with("TypeError: no answer from"), "{answer}");
}

#[test]
fn the_node_can_trust_certificates_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let config = "[req]\ndistinguished_name = name\nx509_extensions = more\nprompt = no\n[name]\nCN = localhost\n\
        [more]\nbasicConstraints = CA:FALSE\nsubjectAltName = DNS:localhost\n";
    std::fs::write(folder.path().join("config"), config).unwrap();
    let made = std::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-config", &file("config")])
        .args(["-keyout", &file("key.pem"), "-out", &file("cert.pem")])
        .output();
    if !made.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: there is no openssl to make a certificate with");
        return;
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut server = std::process::Command::new("openssl")
        .args(["s_server", "-quiet", "-www", "-accept", &format!("127.0.0.1:{port}")])
        .args(["-key", &file("key.pem"), "-cert", &file("cert.pem")])
        .spawn()
        .unwrap();
    eventually("the server listens", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
    let body = format!("return (await fetch('https://localhost:{port}/')).status;");
    let allowed = [format!("localhost:{port}")];
    let trusting = Service::new(eddyline::fetch::FetchOptions {
        certificates: Some(std::fs::read(folder.path().join("cert.pem")).unwrap()),
        ..options()
    });
    let trusted = trusting.caller(&allowed, &body).json("x");
    let refused = Service::default().caller(&allowed, &body).failure("x");
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(trusted, 200);
    assert!(refused.message.contains("cannot connect"), "{}", refused.message);
}
