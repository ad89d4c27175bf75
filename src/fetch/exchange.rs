//! One fetch from its request to the end of its response: check, send, follow, pass on.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Body, Method, Response, StatusCode, Url, Version};
use tokio::sync::Semaphore;

use super::address::place;
use super::client::Clients;
use super::failure::Failure;
use super::grants::{Grants, Reach, Refusal, at, cut};
use super::names::Addresses;
use super::pattern::Host;
use super::redirect;
use super::request::Checked;
use super::upload::Upload;
use super::window::Window;
use crate::pool::Line;
use crate::protocol::calls::{
    HeaderList, MAX_CHUNK, MAX_HEADER_BYTES, MAX_HEADERS, Redirect, Reply, RequestBody, ResponseHead,
};

/// How often a worker is looked at that has too much to read as it is.
const FULL: Duration = Duration::from_millis(5);

/// A fetch that has begun.
pub struct Exchange<'a> {
    pub id: u64,
    pub line: &'a Line,
    pub clients: &'a Clients,
    pub grants: &'a Grants,
    /// Names that the function may have looked up at once.
    pub lookups: &'a Arc<Semaphore>,
    pub upload: Option<&'a Arc<Upload>>,
    pub window: &'a Window,
    pub max_response: u64,
}

/// A response whose head may be passed on.
pub struct Answer {
    response: Response,
    pub head: ResponseHead,
}

impl Exchange<'_> {
    /// Sends the request and follows redirects until there is an answer for the handler.
    pub async fn answer(&self, mut request: Checked) -> Result<Answer, Failure> {
        let mut redirects = 0;
        loop {
            let response = self.send(&request).await?;
            let status = response.status();
            let target = match request.redirect {
                Redirect::Manual => None,
                Redirect::Follow | Redirect::Error => redirect::target(status, response.headers(), &request.url),
            };
            let Some(target) = target else {
                return self.judge(response, &request, redirects > 0);
            };
            if request.redirect == Redirect::Error {
                return Err(Failure::Network(format!("{:?} answers with a redirect", at(&request.url))));
            }
            redirects += 1;
            if redirects > redirect::MOST {
                return Err(Failure::Network(format!("more than {} redirects", redirect::MOST)));
            }
            drop(response);
            let again = redirect::follow(&mut request, status, target?)?;
            if let (true, Some(upload)) = (again, self.upload) {
                upload.again().await;
            }
        }
    }

    /// Sends one request to a host that is allowed.
    async fn send(&self, request: &Checked) -> Result<Response, Failure> {
        let reach = self.grants.reach(&request.url).map_err(Failure::Refused)?;
        let _held = self.addresses(&request.url, reach).await?;
        let client = self.clients.of(reach).await.map_err(Failure::Network)?;
        let mut sending = client.request(request.method.clone(), request.url.clone()).headers(request.headers.clone());
        if let (Some(upload), false) = (self.upload, request.body == RequestBody::None) {
            sending = sending.body(Body::wrap(upload.reader()));
        }
        let response = sending.send().await;
        let response = response.map_err(|error| Failure::of_sending(error, &request.url, reach))?;
        // The resolver and the check of literal addresses let nothing else through; this would tell if they did.
        match response.remote_addr() {
            Some(address) if !reach.allows(place(address.ip())) => {
                Err(Failure::Refused(Refusal::of_addresses(&at(&request.url), reach)))
            }
            _ => Ok(response),
        }
    }

    /// Finds the addresses of a URL's name for the client to connect to. Where none is allowed, this says so at once.
    async fn addresses(&self, url: &Url, reach: Reach) -> Result<Option<Arc<Addresses>>, Failure> {
        let (Some(Host::Name(_)), Some(name)) = (Host::of(url), url.host_str()) else { return Ok(None) };
        let unknown = |why: String| Failure::Network(format!("cannot find the address of {:?}: {why}", cut(name)));
        let found = self.clients.names().look_up(name, self.lookups).await.map_err(unknown)?;
        match found.all.iter().any(|address| reach.allows(place(*address))) {
            true => Ok(Some(found)),
            false if found.all.is_empty() => Err(unknown("it has none".to_owned())),
            false => Err(Failure::Refused(Refusal::of_addresses(&at(url), reach))),
        }
    }

    /// Whether a response may be passed on.
    fn judge(&self, response: Response, request: &Checked, redirected: bool) -> Result<Answer, Failure> {
        let status = response.status();
        let has_body = request.method != Method::HEAD
            && !matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED);
        if has_body && response.content_length().is_some_and(|length| length > self.max_response) {
            return Err(self.too_long());
        }
        // HTTP/2 has done without such texts.
        let reason = status.canonical_reason().filter(|_| response.version() < Version::HTTP_2);
        let head = ResponseHead {
            status: status.as_u16(),
            reason: reason.unwrap_or_default().to_owned(),
            url: without_fragment(&request.url),
            redirected,
            headers: header_list(response.headers())?,
            has_body,
        };
        Ok(Answer { response, head })
    }

    /// Passes a response's body on, as fast as the handler takes it.
    pub async fn pass_on(&self, answer: Answer) -> Result<(), Failure> {
        let mut response = answer.response;
        let url = response.url().clone();
        let mut total = 0;
        loop {
            let piece = response.chunk().await.map_err(|error| Failure::of_reading(&error, &url))?;
            let Some(piece) = piece else { return Ok(()) };
            // Counted as the handler gets it, unpacked.
            total += piece.len() as u64;
            if total > self.max_response {
                return Err(self.too_long());
            }
            for chunk in piece.chunks(MAX_CHUNK) {
                self.window.enter(chunk.len()).await;
                self.room().await;
                self.line.send(Reply::Chunk(chunk).encode(self.line.channel(), self.id));
            }
        }
    }

    /// Waits while the worker has more to read than it does.
    pub async fn room(&self) {
        while self.line.is_full() {
            tokio::time::sleep(FULL).await;
        }
    }

    fn too_long(&self) -> Failure {
        Failure::Limit(format!(
            "the response has more than {} bytes; `max-response` in the node's [fetch] sets how many it may have",
            self.max_response
        ))
    }
}

fn without_fragment(url: &Url) -> String {
    let mut url = url.clone();
    url.set_fragment(None);
    url.into()
}

fn header_list(headers: &HeaderMap) -> Result<HeaderList, Failure> {
    let list: HeaderList =
        headers.iter().map(|(name, value)| (name.as_str().as_bytes().to_vec(), value.as_bytes().to_vec())).collect();
    let bytes: usize = list.iter().map(|(name, value)| name.len() + value.len()).sum();
    if list.len() > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
        return Err(Failure::Limit(format!(
            "the response has {} headers with {bytes} bytes; {MAX_HEADERS} with {MAX_HEADER_BYTES} bytes are allowed",
            list.len()
        )));
    }
    Ok(list)
}
