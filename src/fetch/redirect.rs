//! Where a redirect leads, and what of the request goes there: the rules of the fetch standard.

use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, LOCATION};
use reqwest::{Method, StatusCode, Url};

use super::failure::Failure;
use super::request::Checked;
use crate::protocol::calls::{MAX_URL, RequestBody};

/// Most redirects of one fetch.
pub const MOST: usize = 20;

/// Headers that describe a body, and go with it.
const OF_BODIES: [&str; 4] = ["content-encoding", "content-language", "content-location", "content-type"];

/// Where a response wants us to go, if it is a redirect.
pub fn target(status: StatusCode, headers: &HeaderMap, from: &Url) -> Option<Result<Url, Failure>> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = headers.get(LOCATION)?;
    let broken = || Failure::Network("a redirect leads to no valid URL".to_owned());
    let parse = || {
        let text = std::str::from_utf8(location.as_bytes()).map_err(|_| broken())?;
        let mut target = from.join(text).map_err(|_| broken())?;
        if target.as_str().len() > MAX_URL {
            return Err(Failure::Network("a redirect leads to a URL that is too long".to_owned()));
        }
        if target.fragment().is_none() {
            target.set_fragment(from.fragment());
        }
        Ok(target)
    };
    Some(parse())
}

/// Turns a request into the one that follows a redirect; true if the body has to be sent again.
pub fn follow(request: &mut Checked, status: StatusCode, target: Url) -> Result<bool, Failure> {
    let drops_body = match status {
        StatusCode::SEE_OTHER => request.method != Method::GET && request.method != Method::HEAD,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => request.method == Method::POST,
        _ => false,
    };
    if request.body == RequestBody::Stream && status != StatusCode::SEE_OTHER {
        return Err(Failure::Network("a redirect asks for the body again, which was a stream".to_owned()));
    }
    if drops_body {
        request.method = Method::GET;
        request.body = RequestBody::None;
        for name in OF_BODIES {
            request.headers.remove(name);
        }
    }
    if request.url.origin() != target.origin() {
        let secret: [HeaderName; 2] = [AUTHORIZATION, COOKIE];
        for name in secret {
            request.headers.remove(name);
        }
    }
    request.url = target;
    Ok(request.body != RequestBody::None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::calls::{Redirect, Request};

    fn request(method: &str, body: RequestBody) -> Checked {
        let header = |name: &str| (name.as_bytes().to_vec(), b"x".to_vec());
        let request = Request {
            method: method.to_owned(),
            url: "https://a.example/b/c#d".to_owned(),
            headers: ["authorization", "cookie", "content-type", "x-own"].map(header).to_vec(),
            redirect: Redirect::Follow,
            body,
        };
        Checked::of(request, 100).unwrap()
    }

    fn names(request: &Checked) -> Vec<&str> {
        request.headers.keys().map(HeaderName::as_str).collect()
    }

    fn location(status: u16, value: &str) -> Option<Result<Url, Failure>> {
        let headers = HeaderMap::from_iter([(LOCATION, value.parse().unwrap())]);
        target(StatusCode::from_u16(status).unwrap(), &headers, &request("GET", RequestBody::None).url)
    }

    #[test]
    fn a_redirect_leads_where_its_location_says() {
        let leads = |value| location(302, value).unwrap().unwrap().to_string();
        assert_eq!(leads("/e"), "https://a.example/e#d");
        assert_eq!(leads("e#f"), "https://a.example/b/e#f");
        assert_eq!(leads("//b.example"), "https://b.example/#d");
        assert!(location(302, "http://[").unwrap().is_err());
        assert!(location(302, &"x".repeat(MAX_URL)).unwrap().is_err());
        assert!(location(200, "/e").is_none() && location(304, "/e").is_none());
    }

    #[test]
    fn only_some_redirects_keep_method_and_body() {
        let whole = RequestBody::Whole(3);
        for (status, method, sent, again) in [
            (301, "POST", "GET", false),
            (302, "POST", "GET", false),
            (303, "PUT", "GET", false),
            (307, "POST", "POST", true),
            (308, "PUT", "PUT", true),
            (301, "PUT", "PUT", true),
        ] {
            let mut request = request(method, whole);
            let target = Url::parse("https://a.example/").unwrap();
            assert_eq!(follow(&mut request, StatusCode::from_u16(status).unwrap(), target).unwrap(), again, "{status}");
            assert_eq!(request.method.as_str(), sent, "{status}");
            assert_eq!(names(&request).contains(&"content-type"), again, "{status}");
            assert!(names(&request).contains(&"authorization"));
        }
    }

    #[test]
    fn secrets_stay_with_their_origin() {
        for target in ["https://b.example/", "http://a.example/", "https://a.example:444/"] {
            let mut request = request("GET", RequestBody::None);
            follow(&mut request, StatusCode::FOUND, Url::parse(target).unwrap()).unwrap();
            let mut left = names(&request);
            left.sort_unstable();
            assert_eq!(left, ["content-type", "x-own"], "{target}");
        }
    }

    #[test]
    fn a_stream_cannot_be_sent_again() {
        let target = || Url::parse("https://a.example/").unwrap();
        assert!(follow(&mut request("POST", RequestBody::Stream), StatusCode::TEMPORARY_REDIRECT, target()).is_err());
        assert!(!follow(&mut request("POST", RequestBody::Stream), StatusCode::SEE_OTHER, target()).unwrap());
    }
}
