use proptest::prelude::*;

use super::*;
use crate::protocol::frame::HEADER;

#[test]
fn results_and_failures_arrive_as_written() {
    let mut results = Vec::new();
    put_result(&mut results, &ResultHead::default(), Value::Same);
    let headers = [(b"a".to_vec(), Some(b"1".to_vec())), (b"b".to_vec(), None)];
    let head = ResultHead {
        topic: 2,
        partition: Some(3),
        timestamp: Some(4),
        key: Some(None),
        headers: Some((true, &headers)),
    };
    put_result_with(&mut results, &head, |out| out.extend_from_slice(b"xyz"));
    let mut builder = SettledBuilder::new(1);
    builder.each(10, 1, 99, 3);
    builder.success(2, &results);
    builder.failure(Outcome::Rejected, "no", "at x");
    builder.later(Outcome::Failed, 250, "soon", "");
    builder.not_run(11, 1);
    builder.whole(12, 2, 5, Outcome::WallLimit, "slow", "");
    let bytes = builder.finish(1, 2, 3);

    let mut reader = SettledReader::new(&bytes[HEADER..]).unwrap();
    assert_eq!((reader.cpu_ns, reader.heap, reader.external), (1, 2, 3));
    let entry = reader.entry().unwrap().unwrap();
    let How::Each { wall_ns: 99, verdicts } = entry.how else { panic!("{entry:?}") };
    let [Verdict::Success { outcome: Outcome::Done, results }, Verdict::Failure(failure), later] = verdicts else {
        panic!("{verdicts:?}")
    };
    let Verdict::Later { failure: FailureView { outcome: Outcome::Failed, message: "soon", .. }, delay } = later else {
        panic!("{later:?}")
    };
    assert_eq!(*delay, Duration::from_millis(250));
    assert_eq!(*failure, FailureView { outcome: Outcome::Rejected, message: "no", stack: "at x" });
    let results: Vec<ResultView<'_>> = results.iter().collect();
    assert_eq!(results[0].value, Value::Same);
    assert!(matches!(results[0].headers, HeaderChange::Keep) && results[0].key.is_none());
    assert_eq!(results[1].value, Value::Bytes(b"xyz"));
    assert_eq!((results[1].topic, results[1].partition, results[1].timestamp), (2, Some(3), Some(4)));
    assert_eq!(results[1].key, Some(None));
    let HeaderChange::Replace(list) = results[1].headers else { panic!() };
    assert_eq!(list.iter().collect::<Vec<_>>(), vec![(&b"a"[..], Some(&b"1"[..])), (&b"b"[..], None)]);
    assert!(matches!(reader.entry().unwrap().unwrap().how, How::NotRun));
    assert!(matches!(reader.entry().unwrap().unwrap().how, How::Whole { .. }));
    assert!(reader.entry().unwrap().is_none());
}

fn first_entry(builder: SettledBuilder) -> Result<(), WireError> {
    let bytes = builder.finish(0, 0, 0);
    SettledReader::new(&bytes[HEADER..])?.entry().map(|_| ())
}

#[test]
fn more_verdicts_than_an_invocation_has_records_are_refused_before_they_are_read() {
    let settled = |count: u32| {
        let mut builder = SettledBuilder::new(1);
        builder.each(1, 1, 0, count);
        (0..count.min(MOST_RECORDS)).for_each(|_| builder.success(0, &[]));
        first_entry(builder)
    };
    assert_eq!(settled(MOST_RECORDS), Ok(()));
    let refused = |count| Err(WireError::Invalid { what: "number of verdicts", value: count });
    assert_eq!(settled(MOST_RECORDS + 1), refused(10_001));
    assert_eq!(settled(u32::MAX), refused(u32::MAX.into()));
}

#[test]
fn longer_texts_than_any_worker_writes_are_refused() {
    let whole = |message: usize, stack: usize| {
        let mut builder = SettledBuilder::new(1);
        builder.whole(1, 1, 0, Outcome::Failed, &"m".repeat(message), &"s".repeat(stack));
        first_entry(builder)
    };
    let refused = Err(WireError::Invalid { what: "length of a text", value: 65_537 });
    assert_eq!(whole(MOST_TEXT, MOST_TEXT), Ok(()));
    assert_eq!(whole(MOST_TEXT + 1, 0), refused);
    assert_eq!(whole(0, MOST_TEXT + 1), refused);
    let mut each = SettledBuilder::new(1);
    each.each(1, 1, 0, 1);
    each.later(Outcome::Failed, 5, "", &"s".repeat(MOST_TEXT + 1));
    assert_eq!(first_entry(each), refused);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        if let Ok(mut reader) = SettledReader::new(&bytes) {
            while let Ok(Some(_)) = reader.entry() {}
        }
    }
}
