//! Fetches that take too long or too much, and what becomes of those that nobody waits for.

use std::io::Write;
use std::time::Duration;

use eddyline::fetch::FetchOptions;
use eddyline::outcome::Outcome;
use eddyline::pool::{Host, IsolateEvent, Line};
use eddyline::protocol::calls::{Call, Redirect, Request, RequestBody};

use crate::support::eventually;
use crate::support::fetching::{Service, link, module, options, program};
use crate::support::process;
use crate::support::server::{Server, drip, reply, wait_for_end};

/// So many bytes of zeros, by gzip.
fn zeros(len: usize) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(&vec![0; len]).unwrap();
    packer.finish().unwrap()
}

fn permissions(server: &Server) -> String {
    format!("[permissions]\nprivate-net = [{:?}]\n", server.at())
}

#[test]
fn bodies_are_bounded_also_when_they_are_packed() {
    let server = Server::start(|seen, stream| match seen.path.as_str() {
        "/announced" => reply(stream, 200, &[], &[b'x'; (1 << 20) + 1]),
        "/endless" => drip(stream, &[b'x'; 10_000], Duration::ZERO),
        "/bomb" => reply(stream, 200, &[("content-encoding", "gzip")], &zeros(4 << 20)),
        "/fits" => reply(stream, 200, &[("content-encoding", "gzip")], &zeros(1 << 20)),
        _ => reply(stream, 200, &[], b""),
    });
    let service = Service::default();
    let body = format!(
        "const at = 'http://{}', said = [];
         const note = async (promise) => {{ try {{ said.push(await promise); }} catch (error) {{ said.push(`${{error.name}}: ${{error.message}}`); }} }};
         for (const path of ['/announced', '/endless', '/bomb', '/fits']) {{
           await note((async () => (await (await fetch(at + path)).arrayBuffer()).byteLength)());
         }}
         await note(fetch(at + '/post', {{ method: 'POST', body: new Uint8Array((1 << 20) + 1) }}));
         const stream = new ReadableStream({{ pull: (controller) => controller.enqueue(new Uint8Array(50_000)) }});
         await note(fetch(at + '/post', {{ method: 'POST', body: stream, duplex: 'half' }}));
         return said;",
        server.at()
    );
    let answer = service.caller(&[server.at()], &body).json("x");
    for index in [0, 1, 2] {
        assert!(answer[index].as_str().unwrap().contains("`max-response`"), "{answer}");
    }
    assert_eq!(answer[3], 1 << 20);
    for index in [4, 5] {
        assert!(answer[index].as_str().unwrap().contains("`max-request`"), "{answer}");
    }
    assert_eq!(service.count("test", "limit"), 5);
}

#[test]
fn headers_without_end_are_an_error() {
    let server = Server::start(|_, stream| {
        let value = "x".repeat(1000);
        let headers: Vec<(&str, &str)> = (0..90).map(|_| ("x-many", &value[..])).collect();
        reply(stream, 200, &headers, b"")
    });
    let body = format!("await fetch('http://{}/');", server.at());
    let failed = Service::default().caller(&[server.at()], &body).failure("x");
    assert!(failed.message.contains("90 headers") || failed.message.contains("91 headers"), "{}", failed.message);
}

#[test]
fn waiting_for_a_server_is_wall_time_and_no_cpu_time() {
    let server = Server::start(|seen, stream| match seen.path.as_str() {
        "/slow" => {
            std::thread::sleep(Duration::from_millis(300));
            reply(stream, 200, &[], b"slow")
        }
        "/drip" => drip(stream, b"x", Duration::from_millis(5)),
        _ => wait_for_end(stream),
    });
    let service = Service::default();
    let more = format!("{}[limits]\ncpu = \"100ms\"\nwall = \"1s\"", permissions(&server));
    let body = "return await (await fetch(record.text())).text();";
    let mut caller = service.load(&link(), &program("test", &more, body));
    assert_eq!(caller.run(&format!("http://{}/slow", server.at())).outputs()[0].text(), "slow");
    for path in ["/never", "/drip"] {
        let failed = caller.failure(&format!("http://{}{path}", server.at()));
        assert_eq!(failed.outcome, Outcome::WallLimit, "{path}: {}", failed.message);
    }
    eventually("the server sees both connections closed", || (server.closed() == 2).then_some(()));
}

#[test]
fn the_node_has_a_timeout_of_its_own() {
    let server = Server::start(|_, stream| wait_for_end(stream));
    let service = Service::new(FetchOptions { timeout: Duration::from_millis(200), ..options() });
    let body = format!("await fetch('http://{}/');", server.at());
    let failed = service.caller(&[server.at()], &body).failure("x");
    assert_eq!(failed.outcome, Outcome::Failed);
    assert!(failed.message.contains("longer than 200ms"), "{}", failed.message);
    assert_eq!(service.count("test", "timeout"), 1);
}

#[test]
fn what_an_invocation_leaves_open_ends_with_it() {
    let server = Server::start(|seen, stream| match seen.path.as_str() {
        "/drip" => drip(stream, b"x", Duration::from_millis(5)),
        _ => wait_for_end(stream),
    });
    let service = Service::default();
    let body = format!(
        "if (record.text() === 'look') return globalThis.went ?? 'nothing';
         const at = 'http://{}';
         fetch(at + '/never').then(() => globalThis.went = 'then', () => globalThis.went = 'caught');
         await fetch(at + '/drip');
         return 'left';",
        server.at()
    );
    let mut caller = service.caller(&[server.at()], &body);
    assert_eq!(caller.run("x").outputs()[0].text(), "left");
    eventually("the server sees both connections closed", || (server.closed() == 2).then_some(()));
    assert_eq!(caller.run("look").outputs()[0].text(), "nothing", "what was left behind does not go on");
    eventually("both are counted", || (service.count("test", "cancelled") == 2).then_some(()));
}

#[test]
fn too_many_open_fetches_end_the_invocation_with_a_code_of_their_own() {
    let server = Server::start(|_, stream| wait_for_end(stream));
    let service = Service::default();
    let body = format!(
        "const at = 'http://{}/';
         for (let n = 0; n < 32; n++) fetch(at);
         if (record.text() === 'more') await fetch(at);
         return 'enough';",
        server.at()
    );
    let mut caller = service.caller(&[server.at()], &body);
    assert_eq!(caller.run("enough").outputs()[0].text(), "enough");
    let failed = caller.failure("more");
    assert_eq!(failed.outcome, Outcome::PendingLimit);
    assert!(failed.message.contains("`fetches` in [limits]"), "{}", failed.message);
}

#[test]
fn responses_that_nobody_reads_do_not_count_once_they_are_there() {
    let server = Server::echo();
    let body = format!("for (let n = 0; n < 100; n++) await fetch('http://{}/'); return 1;", server.at());
    let mut caller = Service::default().caller(&[server.at()], &body);
    assert_eq!(caller.json("x"), 1);
}

#[test]
fn fetch_works_only_while_a_record_is_handled() {
    let service = Service::default();
    let code = "let said; try { await fetch('http://127.0.0.1:1/'); } catch (error) { said = error.message; }
        export default () => said;";
    let mut caller = service.load(&link(), &module("test", "", code));
    let settled = caller.run("x");
    assert!(settled.outputs()[0].text().contains("while a record is handled"), "{settled:?}");
}

#[test]
fn a_worker_that_dies_takes_its_fetches_with_it() {
    let server = Server::start(|_, stream| wait_for_end(stream));
    let service = Service::default();
    let body = format!("await fetch('http://{}/');", server.at());
    let mut caller = service.caller(&[server.at()], &body);
    caller.send("x");
    eventually("the request has arrived", || (server.seen().len() == 1).then_some(()));
    process::signal(caller.isolate.worker_pid(), libc::SIGKILL);
    assert!(matches!(caller.event(), IsolateEvent::Died(_)));
    eventually("the server sees the connection closed", || (server.closed() == 1).then_some(()));
    assert_eq!(service.count("test", "cancelled"), 1);
}

#[test]
fn an_isolate_that_is_given_back_takes_its_fetches_with_it() {
    let server = Server::start(|_, stream| wait_for_end(stream));
    let service = Service::default();
    let body = format!("await fetch('http://{}/');", server.at());
    let mut caller = service.caller(&[server.at()], &body);
    caller.send("x");
    eventually("the request has arrived", || (server.seen().len() == 1).then_some(()));
    drop(caller);
    eventually("the server sees the connection closed", || (server.closed() == 1).then_some(()));
}

#[test]
fn one_function_does_not_take_the_turns_of_another() {
    let stuck = Server::start(|_, stream| wait_for_end(stream));
    let server = Server::echo();
    let service = Service::new(FetchOptions { max_concurrent: 4, max_concurrent_per_function: 2, ..options() });
    let link = link();
    let greedy = format!("await Promise.all(Array.from({{ length: 30 }}, () => fetch('http://{}/')));", stuck.at());
    let mut greedy = service.load(&link, &program("greedy", &permissions(&stuck), &greedy));
    let modest = format!("return (await fetch('http://{}/')).status;", server.at());
    let mut modest = service.load(&link, &program("modest", &permissions(&server), &modest));
    greedy.send("x");
    eventually("the greedy one has taken its turns", || (stuck.seen().len() == 2).then_some(()));
    assert_eq!(modest.json("x"), 200);
    assert_eq!(stuck.seen().len(), 2);
}

#[test]
fn a_host_believes_nothing_that_a_worker_calls() {
    // Stands in for a worker that is not ours any more: its calls go straight to the service.
    let server = Server::start(|_, stream| wait_for_end(stream));
    let service = Service::default();
    let begin = |method: &str, body| {
        Call::Fetch(Request {
            method: method.to_owned(),
            url: format!("http://{}/", server.at()),
            headers: Vec::new(),
            redirect: Redirect::Follow,
            body,
        })
    };
    let link = link();
    let caller = service.load(&link, &program("test", &permissions(&server), "return 1;"));
    let calls =
        service.fetch.serve(&program("test", &permissions(&server), ""), Line::new(&link, caller.isolate.channel()));
    let body = |message: Vec<u8>| message[12..].to_vec();
    let call = |id: u64, call: Call<'_>| calls.call(&body(call.encode(1, id)));
    assert!(calls.call(b"nonsense").is_err());
    assert!(call(1, begin("POST", RequestBody::Whole(3))).is_ok());
    assert!(call(1, begin("POST", RequestBody::Whole(3))).is_err(), "begun twice");
    assert!(call(1, Call::Chunk(b"abcd")).is_err(), "longer than announced");
    assert!(call(2, begin("POST", RequestBody::Whole(3))).is_ok());
    assert!(call(2, Call::End).is_err(), "shorter than announced");
    assert!(call(3, begin("GET", RequestBody::None)).is_ok());
    assert!(call(3, Call::Chunk(b"a")).is_err(), "a body that was not announced");
    assert!(call(4, begin("GET", RequestBody::None)).is_ok());
    assert!(call(4, Call::Taken(1)).is_err(), "more taken than sent");
    assert!(call(5, Call::Cancel).is_ok(), "what ended long ago may still be spoken of");
    let many = (100..500).map(|id| call(id, begin("GET", RequestBody::None))).take_while(Result::is_ok).count();
    assert!(many < 400, "{many} are open");
    calls.close();
    eventually("all connections are closed", || (server.closed() == server.connections()).then_some(()));
}
