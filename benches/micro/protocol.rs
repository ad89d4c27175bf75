//! Messages between host and worker: written, put together, read.

use std::hint::black_box;

use eddyline::protocol::frame::{Assembler, HEADER};
use eddyline::protocol::headers::HeaderView;
use eddyline::protocol::run::{Invocation, RecordView, RunBuilder, RunReader};
use eddyline::protocol::settled::{
    How, OwnedHeader, ResultHead, SettledBuilder, SettledReader, Value, Verdict, put_result,
};

use crate::case::{Case, RECORDS};

const VALUE: [u8; 100] = [b'v'; 100];
pub const HEADERS: [HeaderView<'static>; 4] = [
    (b"traceparent", Some(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")),
    (b"content-type", Some(b"application/json")),
    (b"tenant", Some(b"shop")),
    (b"empty", None),
];

pub fn cases() -> Vec<Case> {
    let (plain, with_headers) = (run(&[]), run(&HEADERS));
    let (result, patch) = (settled(None), settled(Some((false, changes()))));
    let frames = plain.clone();
    vec![
        Case::new("run, written", || run(&[])),
        Case::new("run with 4 headers, written", || run(&HEADERS)),
        Case::new("run, read", move || read_run(&plain)),
        Case::new("run with 4 headers, read", move || read_run(&with_headers)),
        Case::new("settled, written", || settled(None)),
        Case::new("settled, read", move || read_settled(&result)),
        Case::new("settled with changed headers, read and applied", move || read_settled(&patch)),
        Case::new("message, put together from the socket's pieces", move || assemble(&frames)),
    ]
}

fn run(headers: &[HeaderView<'_>]) -> Vec<u8> {
    let mut builder = RunBuilder::new(1, ["orders"].into_iter());
    for id in 1..=RECORDS {
        builder.invocation(&Invocation { id, lane: 1, epoch: 1, attempt: 1, records: 1 });
        let (offset, key, value) = (id as i64, Some(&b"customer 12345"[..]), Some(&VALUE[..]));
        let record = RecordView { topic: "orders", partition: 3, offset, timestamp: 1, key, value };
        builder.record(&record, headers.iter().copied());
    }
    builder.finish()
}

fn read_run(message: &[u8]) -> usize {
    let mut reader = RunReader::new(&message[HEADER..]).expect("well formed");
    let mut sum = 0;
    while let Some(invocation) = reader.invocation().expect("well formed") {
        for _ in 0..invocation.records {
            let (record, headers) = reader.record().expect("well formed");
            sum += record.value.map_or(0, <[u8]>::len) + headers.iter().map(|(name, _)| name.len()).sum::<usize>();
        }
    }
    sum
}

fn changes() -> &'static [OwnedHeader] {
    static CHANGES: std::sync::LazyLock<[OwnedHeader; 2]> =
        std::sync::LazyLock::new(|| [(b"tenant".to_vec(), Some(b"other".to_vec())), (b"new".to_vec(), None)]);
    &*CHANGES
}

fn settled(headers: Option<(bool, &[OwnedHeader])>) -> Vec<u8> {
    let mut builder = SettledBuilder::new(1);
    let mut results = Vec::new();
    for id in 1..=RECORDS {
        results.clear();
        put_result(&mut results, &ResultHead { headers, ..ResultHead::default() }, Value::Bytes(&VALUE));
        builder.each(id, 1, 1000, 1);
        builder.success(1, &results);
    }
    builder.finish(1, 1, 1)
}

/// As the pipeline does: each result's headers are those of its record once changed.
fn read_settled(message: &[u8]) -> usize {
    let mut reader = SettledReader::new(&message[HEADER..]).expect("well formed");
    let mut sum = 0;
    while let Some(entry) = reader.entry().expect("well formed") {
        let How::Each { verdicts, .. } = entry.how else { unreachable!("all have run") };
        for verdict in verdicts {
            let Verdict::Success { results, .. } = verdict else { unreachable!("all succeeded") };
            for result in results.iter() {
                sum += result.headers.apply(HEADERS.into_iter()).len();
                black_box(result.value);
            }
        }
    }
    sum
}

fn assemble(message: &[u8]) -> usize {
    let mut assembler = Assembler::default();
    let mut rest = message;
    while !rest.is_empty() {
        let read = |room: &mut [u8]| {
            let count = rest.len().min(room.len()).min(16 << 10);
            room[..count].copy_from_slice(&rest[..count]);
            rest = &rest[count..];
            Ok::<usize, ()>(count)
        };
        assembler.fill(read).expect("it is read from memory");
    }
    assembler.next_message().expect("well formed").expect("whole").body.len()
}
