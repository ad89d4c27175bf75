//! A request as a worker wrote it down, checked from scratch: nothing is believed because a well-behaved worker would
//! have checked it.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use super::failure::Failure;
use super::grants::cut;
use crate::protocol::calls::{Redirect, Request, RequestBody};

/// A request that may be sent, if its host is allowed.
#[derive(Debug)]
pub struct Checked {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub redirect: Redirect,
    pub body: RequestBody,
}

/// Headers that say how a message travels, and to whom; they are ours to write. As browsers do, we leave them out
/// without a word.
const OURS: [&str; 12] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

impl Checked {
    /// Checks a request whose body may have up to `most` bytes.
    pub fn of(request: Request, most: u64) -> Result<Checked, Failure> {
        let invalid = |what: &str| Failure::Request(what.to_owned());
        let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| invalid("the method is not valid"))?;
        if ["CONNECT", "TRACE", "TRACK"].iter().any(|never| method.as_str().eq_ignore_ascii_case(never)) {
            return Err(invalid("the method is forbidden"));
        }
        let url = Url::parse(&request.url).map_err(|_| invalid("the URL is not valid"))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let name = HeaderName::from_bytes(name).map_err(|_| invalid("the name of a header is not valid"))?;
            let value = HeaderValue::from_bytes(value).map_err(|_| {
                let name = cut(name.as_str());
                invalid(&format!("the value of the header {name:?} is not valid: it has a control character"))
            })?;
            if !OURS.contains(&name.as_str()) {
                headers.append(name, value);
            }
        }
        if request.body != RequestBody::None && (method == Method::GET || method == Method::HEAD) {
            return Err(invalid("a GET or HEAD request has no body"));
        }
        if matches!(request.body, RequestBody::Whole(length) if length > most) {
            return Err(Failure::Limit(super::upload::TooLong(most).to_string()));
        }
        Ok(Checked { method, url, headers, redirect: request.redirect, body: request.body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, url: &str, headers: &[(&str, &str)], body: RequestBody) -> Request {
        let header = |(name, value): &(&str, &str)| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
        Request {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: headers.iter().map(header).collect(),
            redirect: Redirect::Follow,
            body,
        }
    }

    #[test]
    fn what_says_how_a_message_travels_is_left_out() {
        let headers =
            [("Host", "b"), ("x-a", "1"), ("X-A", "2"), ("Transfer-Encoding", "chunked"), ("connection", "x-a")];
        let checked = Checked::of(request("GET", "http://a/", &headers, RequestBody::None), 10).unwrap();
        let sent: Vec<_> = checked.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(sent, [("x-a", &b"1"[..]), ("x-a", b"2")]);
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let none = RequestBody::None;
        for bad in [
            request("GE T", "http://a/", &[], none),
            request("", "http://a/", &[], none),
            request("GET / HTTP/1.1\r\nx: y", "http://a/", &[], none),
            request("CONNECT", "http://a/", &[], none),
            request("trace", "http://a/", &[], none),
            request("GET", "", &[], none),
            request("GET", "/relative", &[], none),
            request("GET", "http://", &[], none),
            request("GET", "http://a/", &[("a b", "c")], none),
            request("GET", "http://a/", &[(":path", "c")], none),
            request("GET", "http://a/", &[("", "c")], none),
            request("GET", "http://a/", &[("a", "b\r\nc: d")], none),
            request("GET", "http://a/", &[("a", "b\nc")], none),
            request("GET", "http://a/", &[("a", "b\0")], none),
            request("GET", "http://a/", &[], RequestBody::Whole(1)),
            request("HEAD", "http://a/", &[], RequestBody::Stream),
            request("POST", "http://a/", &[], RequestBody::Whole(11)),
        ] {
            let text = format!("{bad:?}");
            assert!(Checked::of(bad, 10).is_err(), "{text}");
        }
    }
}
