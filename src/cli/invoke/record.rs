//! Records from outside of Kafka, and their form as JSON.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

pub(in crate::cli) type Header = (Vec<u8>, Option<Vec<u8>>);

/// A record that a handler is invoked with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Given {
    pub(in crate::cli) topic: String,
    pub(in crate::cli) partition: i32,
    pub(in crate::cli) offset: i64,
    /// Milliseconds since 1970.
    pub(in crate::cli) timestamp: i64,
    pub(in crate::cli) key: Option<Vec<u8>>,
    pub(in crate::cli) value: Option<Vec<u8>>,
    pub(in crate::cli) headers: Vec<Header>,
}

const KEYS: [&str; 7] = ["topic", "partition", "offset", "timestamp", "key", "headers", "value"];

impl Given {
    /// A record as a line says it; what it does not say is taken from `defaults`.
    pub(in crate::cli) fn parse(line: &str, defaults: &Given) -> Result<Given, String> {
        let json: Value = serde_json::from_str(line).map_err(|error| format!("this is no JSON: {error}"))?;
        let Value::Object(fields) = json else {
            return Err("this is no object; with --raw, each line is a value as it is".to_owned());
        };
        if let Some(unknown) = fields.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(format!("unknown key {unknown:?}; known are {}", KEYS.join(", ")));
        }
        let number = |key: &str, default: i64| match fields.get(key) {
            None => Ok(default),
            Some(value) => value.as_i64().ok_or_else(|| format!("{key:?} is no whole number")),
        };
        let topic = match fields.get("topic") {
            None => defaults.topic.clone(),
            Some(topic) => topic.as_str().ok_or("\"topic\" is no text")?.to_owned(),
        };
        let partition = i32::try_from(number("partition", defaults.partition.into())?);
        Ok(Given {
            topic,
            partition: partition.map_err(|_| "\"partition\" is too large")?,
            offset: number("offset", defaults.offset)?,
            timestamp: number("timestamp", defaults.timestamp)?,
            key: fields.get("key").map_or(Ok(None), |key| text_bytes("key", key))?,
            value: value_bytes(fields.get("value").ok_or("there is no \"value\"; null makes a tombstone")?)?,
            headers: fields.get("headers").map_or(Ok(Vec::new()), headers)?,
        })
    }
}

/// A text, null, or `{"base64": …}`.
fn text_bytes(what: &str, value: &Value) -> Result<Option<Vec<u8>>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone().into_bytes())),
        Value::Object(fields) => match base64_of(fields) {
            Some(bytes) => bytes.map(Some),
            None => Err(format!("{what:?} is neither a text, null nor {{\"base64\": …}}")),
        },
        _ => Err(format!("{what:?} is neither a text, null nor {{\"base64\": …}}")),
    }
}

/// As [`text_bytes`], but any other JSON is itself the value.
fn value_bytes(value: &Value) -> Result<Option<Vec<u8>>, String> {
    match value {
        Value::Object(fields) if base64_of(fields).is_none() => Ok(Some(value.to_string().into_bytes())),
        Value::Null | Value::String(_) | Value::Object(_) => text_bytes("value", value),
        other => Ok(Some(other.to_string().into_bytes())),
    }
}

fn base64_of(fields: &Map<String, Value>) -> Option<Result<Vec<u8>, String>> {
    let text = fields.get("base64").filter(|_| fields.len() == 1)?.as_str()?;
    Some(STANDARD.decode(text).map_err(|error| format!("this is no base64: {error}")))
}

/// An object, or an array of pairs, which may repeat a name.
fn headers(value: &Value) -> Result<Vec<Header>, String> {
    const WRONG: &str = "\"headers\" is neither an object nor an array of [name, value]";
    let pair = |name: &str, value: &Value| Ok((name.as_bytes().to_vec(), text_bytes(name, value)?));
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| pair(name, value)).collect(),
        Value::Array(pairs) => pairs
            .iter()
            .map(|one| match one.as_array().map(Vec::as_slice) {
                Some([Value::String(name), value]) => pair(name, value),
                _ => Err(WRONG.to_owned()),
            })
            .collect(),
        _ => Err(WRONG.to_owned()),
    }
}

/// Bytes in the same form: as text where they are text.
pub(in crate::cli) fn text_json(bytes: Option<&[u8]>) -> Value {
    match bytes.map(std::str::from_utf8) {
        None => Value::Null,
        Some(Ok(text)) => text.into(),
        Some(Err(_)) => json!({ "base64": STANDARD.encode(bytes.unwrap_or_default()) }),
    }
}

/// The same, but what is a JSON object or array is shown as such.
pub(in crate::cli) fn value_json(bytes: Option<&[u8]>) -> Value {
    let parsed = bytes.and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok());
    parsed.filter(|value| value.is_object() || value.is_array()).unwrap_or_else(|| text_json(bytes))
}

pub(in crate::cli) fn headers_json(headers: &[Header]) -> Value {
    let pair = |(name, value): &Header| json!([text_json(Some(name)), text_json(value.as_deref())]);
    headers.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Given, String> {
        let defaults = Given { topic: "orders".to_owned(), offset: 3, timestamp: 7, ..Given::default() };
        Given::parse(line, &defaults)
    }

    #[test]
    fn a_line_says_only_what_matters() {
        let given = parse(r#"{"value": {"b": 1, "a": [2]}}"#).unwrap();
        assert_eq!(given.value.as_deref(), Some(&br#"{"b":1,"a":[2]}"#[..]));
        assert_eq!((given.topic.as_str(), given.offset, given.timestamp, given.key), ("orders", 3, 7, None));
    }

    #[test]
    fn bytes_texts_and_nulls_are_told_apart() {
        let given = parse(
            r#"{"topic":"t","partition":2,"offset":9,"timestamp":1,"key":"","value":{"base64":"/wA="},
                "headers":[["a","1"],["a",null],["b",{"base64":"/w=="}]]}"#,
        )
        .unwrap();
        assert_eq!(
            (given.partition, given.key.as_deref(), given.value.as_deref()),
            (2, Some(&[][..]), Some(&[255, 0][..]))
        );
        let headers = [(b"a".to_vec(), Some(b"1".to_vec())), (b"a".to_vec(), None), (b"b".to_vec(), Some(vec![255]))];
        assert_eq!(given.headers, headers);
        assert_eq!(parse(r#"{"value":null}"#).unwrap().value, None);
        assert_eq!(parse(r#"{"value":"{no json"}"#).unwrap().value.unwrap(), b"{no json");
        assert_eq!(parse(r#"{"value":12}"#).unwrap().value.unwrap(), b"12");
    }

    #[test]
    fn mistakes_say_what_is_wrong() {
        for (line, part) in [
            ("{", "no JSON"),
            ("[1]", "no object"),
            ("{}", "no \"value\""),
            (r#"{"value":1,"vlaue":2}"#, "\"vlaue\""),
            (r#"{"value":1,"offset":"x"}"#, "\"offset\""),
            (r#"{"value":1,"partition":9999999999}"#, "too large"),
            (r#"{"value":1,"key":5}"#, "\"key\""),
            (r#"{"value":1,"headers":[["a"]]}"#, "\"headers\""),
            (r#"{"value":{"base64":"%"}}"#, "base64"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
    }

    #[test]
    fn what_is_shown_can_be_given_again() {
        for bytes in [&b"plain"[..], b"{\"a\":1}", b"\xff\x00", b"", b"12"] {
            let shown = json!({ "value": value_json(Some(bytes)) }).to_string();
            assert_eq!(parse(&shown).unwrap().value.as_deref(), Some(bytes), "{shown}");
        }
    }
}
