//! The operations behind `fetch`: `js/fetch.js` has made the request, the host decides about it.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;

use deno_core::{ByteString, JsBuffer, OpState, op2, v8};
use deno_error::JsErrorBox;
use serde::Serialize;

use super::arena::{Arena, Breach, Invocation};
use super::context::running;
use super::fetches::{Arrived, Upload, announced};
use crate::protocol::calls::{MAX_HEADER_BYTES, MAX_HEADERS, MAX_METHOD, MAX_URL, Redirect, Request};

/// The head of a response as `fetch.js` reads it.
#[derive(Serialize)]
pub struct Head {
    status: u16,
    reason: String,
    url: String,
    redirected: bool,
    has_body: bool,
    headers: Vec<(ByteString, ByteString)>,
}

fn arena(state: &RefCell<OpState>) -> Rc<Arena> {
    Arena::of(&state.borrow())
}

/// Begins a fetch for the invocation whose code is running, and returns its id. Without bytes, `streams` says whether
/// a body follows.
#[op2]
pub fn op_fetch_start(
    scope: &mut v8::PinScope<'_, '_>,
    state: Rc<RefCell<OpState>>,
    #[string] method: String,
    #[string] url: String,
    #[serde] headers: Vec<(ByteString, ByteString)>,
    #[smi] redirect: u32,
    #[buffer] body: Option<JsBuffer>,
    streams: bool,
) -> Result<f64, JsErrorBox> {
    let arena = arena(&state);
    let owner = running(scope);
    if owner == 0 {
        return Err(JsErrorBox::type_error("fetch works only while a record is handled, not while modules are loaded"));
    }
    let most = arena.settings.limits.fetches;
    if arena.fetches.is_full(owner, most) {
        return Err(JsErrorBox::range_error(arena.breach(owner, Breach::Fetches).message));
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if url.len() > MAX_URL || method.len() > MAX_METHOD || headers.len() > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
        return Err(JsErrorBox::type_error(format!(
            "the request is too long: its URL may have {MAX_URL} bytes, and its {MAX_HEADERS} headers {MAX_HEADER_BYTES}"
        )));
    }
    let note = |invocation: &mut Invocation| invocation.fetches = true;
    if arena.with_invocation(owner, note).is_none() {
        return Err(JsErrorBox::type_error("the invocation has ended, so nothing can be fetched any more"));
    }
    let upload = match (body, streams) {
        (Some(body), _) => Upload::Whole(body, 0),
        (None, true) => Upload::Stream,
        (None, false) => Upload::None,
    };
    let redirect = match redirect {
        0 => Redirect::Follow,
        1 => Redirect::Error,
        _ => Redirect::Manual,
    };
    let headers = headers.into_iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
    let request = Request { method, url, headers, redirect, body: announced(&upload) };
    Ok(arena.fetches.begin(owner, request, upload) as f64)
}

/// Waits for the head of the response; false if the fetch was given up.
#[op2]
pub async fn op_fetch_response(state: Rc<RefCell<OpState>>, id: f64) -> Result<bool, JsErrorBox> {
    let arena = arena(&state);
    poll_fn(|context| arena.fetches.poll_head(id as u64, context.waker())).await.map_err(JsErrorBox::type_error)
}

/// The head that was waited for.
#[op2]
#[serde]
pub fn op_fetch_head(state: &OpState, id: f64) -> Option<Head> {
    let head = Arena::of(state).fetches.take_head(id as u64)?;
    let headers = head.headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    let (status, reason, url) = (head.status, head.reason, head.url);
    Some(Head { status, reason, url, redirected: head.redirected, has_body: head.has_body, headers })
}

/// Waits for the next bytes of the response: 0 if there are some, 1 at their end, 2 if the fetch was given up.
#[op2]
#[smi]
pub async fn op_fetch_body(state: Rc<RefCell<OpState>>, id: f64) -> Result<u32, JsErrorBox> {
    let arena = arena(&state);
    let arrived = poll_fn(|context| arena.fetches.poll_body(id as u64, context.waker())).await;
    Ok(match arrived.map_err(JsErrorBox::type_error)? {
        Arrived::Data => 0,
        Arrived::End => 1,
        Arrived::Gone => 2,
    })
}

/// The bytes that were waited for.
#[op2]
#[buffer]
pub fn op_fetch_take(state: &OpState, id: f64) -> Vec<u8> {
    Arena::of(state).fetches.take_body(id as u64)
}

/// Waits until something of a streamed body may be sent; false if no more of it is wanted.
#[op2]
pub async fn op_fetch_room(state: Rc<RefCell<OpState>>, id: f64) -> bool {
    let arena = arena(&state);
    poll_fn(|context| arena.fetches.poll_room(id as u64, context.waker())).await
}

/// Sends some of `bytes` from `at` on, and says how many.
#[op2(fast)]
#[smi]
pub fn op_fetch_write(state: &OpState, id: f64, #[buffer] bytes: &[u8], #[smi] at: u32) -> u32 {
    let rest = bytes.get(at as usize..).unwrap_or_default();
    Arena::of(state).fetches.write(id as u64, rest) as u32
}

#[op2(fast)]
pub fn op_fetch_finish(state: &OpState, id: f64) {
    Arena::of(state).fetches.finish(id as u64);
}

#[op2(fast)]
pub fn op_fetch_cancel(state: &OpState, id: f64) {
    Arena::of(state).fetches.cancel(id as u64);
}
