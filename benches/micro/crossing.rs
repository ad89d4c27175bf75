//! Into V8 and back, for each record and for each batch: CPU time of the isolate's thread in a real worker.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use eddyline::protocol::control::Handler;

use crate::case::{Case, RECORDS};
use crate::protocol::HEADERS;
use crate::worker::{self, Batch, Client};

/// Passes that belong to V8's compilers.
const WARMING: u64 = 200;
const SMALL: &[u8] = br#"{"id":12345,"status":"paid","total":99.5}"#;

const NOTHING: &str = "export default function () {}";
const SAME: &str = "export default function (record) { return record; }";
const TEXT: &str = "export default function (record) { return record.text(); }";
const JSON: &str =
    "export default function (record) { const order = record.json(); order.tax = order.total * 0.2; return order; }";
const HEADER: &str = "export default function (record) { if (record.headers.get('tenant') !== 'shop') throw 1; }";
const EMIT: &str = "export default function (record, ctx) { ctx.emit(record.text(), { key: 'other' }); }";
const ASYNC: &str = "export default async function (record) { return record; }";
const BATCH: &str = "export default { batch(records) { return records; } };";

pub fn cases() -> Vec<Case> {
    let command = worker::command();
    // One worker serves all, as in a node; each case has an isolate of its own.
    let client = Rc::new(RefCell::new(Client::process(&command)));
    let mut channel = 0;
    let mut case = |name, code: &str, handler, invocations, records| {
        channel += 1;
        let (client, channel) = (client.clone(), channel);
        client.borrow_mut().load(channel, &worker::function(code, handler));
        let headers: &[_] = if code == HEADER { &HEADERS } else { &[] };
        let run = move |passes| {
            // So many that the isolate finds the next when it is done with one: going to sleep is another matter.
            let ahead = (2 * RECORDS / u64::from(invocations * records)).clamp(3, 200);
            let batch = Batch { channel, invocations, records, value: SMALL, headers, ahead };
            client.borrow_mut().run(&batch, passes)
        };
        run(WARMING);
        let pass = Box::new(move |passes| Duration::from_nanos(run(passes)));
        Case { name, records: u64::from(invocations * records), pass }
    };
    let all = RECORDS as u32;
    vec![
        case("crossing, nothing done", NOTHING, Handler::Record, all, 1),
        case("crossing, record returned", SAME, Handler::Record, all, 1),
        case("crossing, text returned", TEXT, Handler::Record, all, 1),
        case("crossing, JSON changed", JSON, Handler::Record, all, 1),
        case("crossing, header read", HEADER, Handler::Record, all, 1),
        case("crossing, text emitted", EMIT, Handler::Record, all, 1),
        case("crossing, promise returned", ASYNC, Handler::Record, all, 1),
        case("crossing, batches of 100", BATCH, Handler::Batch, all / 100, 100),
        case("crossing, alone in its message", SAME, Handler::Record, 1, 1),
    ]
}
