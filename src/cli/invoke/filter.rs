//! The function's filters, applied to given records as a node applies them.

use super::{
    invoked::{Cost, Invoked},
    record::Given,
};
use crate::{
    filter::{Filter, Subject, Verdict},
    outcome::Outcome,
};

/// The records that the handler is to be run with, and the others with their places among all.
pub(in crate::cli) struct Sifted {
    pub(in crate::cli) wanted: Vec<Given>,
    pub(in crate::cli) unwanted: Vec<(usize, Invoked)>,
}

pub(in crate::cli) fn sift(filter: Option<&Filter>, records: &[Given]) -> Sifted {
    let mut sifted = Sifted { wanted: Vec::new(), unwanted: Vec::new() };
    let mut sieve = filter.map(Filter::sieve);
    for (place, record) in records.iter().enumerate() {
        let subject = Subject {
            topic: &record.topic,
            partition: record.partition,
            offset: record.offset,
            timestamp: Some(record.timestamp).filter(|time| *time >= 0),
            key: record.key.as_deref(),
            value: record.value.as_deref(),
            headers: record.headers.iter().map(|(name, value)| (&name[..], value.as_deref())),
        };
        let reason = match sieve.as_mut().map(|sieve| sieve.judge(&subject)) {
            None | Some(Verdict::Wanted) => {
                sifted.wanted.push(record.clone());
                continue;
            }
            Some(Verdict::Unwanted) => "no filter matches",
            Some(Verdict::Undecodable) => "no filter matches: the value is no JSON",
        };
        let invoked =
            Invoked { message: reason.to_owned(), ..Invoked::empty(record, Outcome::Filtered, Cost::default()) };
        sifted.unwanted.push((place, invoked));
    }
    sifted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Pattern;

    #[test]
    fn records_are_divided_and_keep_their_places() {
        let pattern = Pattern::parse(r#"{"key": [{"exists": false}], "value": {"a": [1]}}"#).unwrap();
        let filter = Filter::new(vec![pattern]).unwrap();
        let record = |value: &str| Given { value: Some(value.as_bytes().to_vec()), ..Given::default() };
        let keyed = Given { key: Some(Vec::new()), ..record("{\"a\":1}") };
        let records = [record("{\"a\":2}"), record("{\"a\":1}"), record("a"), record("{\"a\":[0,1]}"), keyed];
        let Sifted { wanted, unwanted } = sift(Some(&filter), &records);
        assert_eq!(wanted, [records[1].clone(), records[3].clone()]);
        let said: Vec<(usize, &str)> = unwanted.iter().map(|(place, one)| (*place, one.message.as_str())).collect();
        assert_eq!(
            said,
            [(0, "no filter matches"), (2, "no filter matches: the value is no JSON"), (4, "no filter matches")]
        );
        assert!(sift(None, &records).unwanted.is_empty());
    }
}
