//! Serves the fetches of all isolates of a node: knows which are open, counts them, and ends them with their isolate.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Certificate;
use tokio::runtime::{self, Runtime};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use super::client::Clients;
use super::exchange::Exchange;
use super::failure::Failure;
use super::grants::Grants;
use super::refusals::Refusals;
use super::request::Checked;
use super::upload::Upload;
use super::window::Window;
use crate::function::Program;
use crate::pool::{Calls, Host, Line};
use crate::protocol::calls::{Call, Reply, Request, RequestBody, most_open};
use crate::telemetry::{FetchOutcome, FunctionMetrics, Metrics};

/// What a node allows all functions together.
#[derive(Debug, Clone)]
pub struct FetchOptions {
    /// Fetches on their way at once; more wait.
    pub max_concurrent: usize,
    /// Of one function alone, so that none takes the turns of all others.
    pub max_concurrent_per_function: usize,
    /// For one fetch, from the call to the end of its response.
    pub timeout: Duration,
    /// Bytes of the body of a request and, unpacked, of a response.
    pub max_request: u64,
    pub max_response: u64,
    /// Further certificates to trust, as PEM.
    pub certificates: Option<Vec<u8>>,
}

#[derive(Debug, thiserror::Error)]
#[error("the certificates cannot be read: {0}")]
pub struct BadCertificates(#[source] reqwest::Error);

const THREADS: usize = 2;
/// Names that are being resolved at once.
const RESOLVING: usize = 64;
/// And those of one function.
const LOOKUPS: usize = 8;

/// The service; cheap to clone.
#[derive(Debug, Clone)]
pub struct Fetch {
    node: Arc<Node>,
}

#[derive(Debug)]
struct Node {
    options: FetchOptions,
    metrics: Arc<Metrics>,
    permits: Semaphore,
    shares: Mutex<HashMap<String, Share>>,
    clients: Clients,
    /// Started by the first fetch.
    runtime: OnceLock<Option<Runtime>>,
}

/// What all isolates of a function have together.
#[derive(Debug, Clone)]
struct Share {
    fetches: Arc<Semaphore>,
    lookups: Arc<Semaphore>,
    refusals: Arc<Refusals>,
}

impl Fetch {
    pub fn new(options: FetchOptions, metrics: Arc<Metrics>) -> Result<Fetch, BadCertificates> {
        let pem = options.certificates.as_deref();
        let certificates = pem.map(Certificate::from_pem_bundle).transpose().map_err(BadCertificates)?;
        let node = Node {
            permits: Semaphore::new(options.max_concurrent.min(Semaphore::MAX_PERMITS)),
            shares: Mutex::default(),
            clients: Clients::new(certificates.unwrap_or_default()),
            runtime: OnceLock::new(),
            options,
            metrics,
        };
        Ok(Fetch { node: Arc::new(node) })
    }
}

impl Host for Fetch {
    fn serve(&self, program: &Program, line: Line) -> Arc<dyn Calls> {
        let limits = &program.load().limits;
        let share = self.node.share(program.name());
        share.refusals.begin(program.version);
        Arc::new(Served(Arc::new(Isolate {
            node: Arc::clone(&self.node),
            function: program.name().to_owned(),
            metrics: self.node.metrics.function(program.name()),
            grants: program.grants().clone(),
            // Nothing is waited for longer than the invocation itself may take.
            limit: self.node.options.timeout.min(Duration::from_millis(limits.wall_ms)),
            most_open: most_open(limits.fetches),
            share,
            line,
            open: Mutex::new(Some(HashMap::new())),
        })))
    }
}

impl Node {
    fn runtime(&self) -> Option<&Runtime> {
        let start = || {
            let runtime = runtime::Builder::new_multi_thread()
                .worker_threads(THREADS)
                .max_blocking_threads(RESOLVING)
                .thread_name("fetch")
                .enable_all()
                .build();
            runtime.inspect_err(|error| tracing::error!(%error, "cannot start the threads that fetch")).ok()
        };
        self.runtime.get_or_init(start).as_ref()
    }

    /// The turns of one function.
    fn share(&self, function: &str) -> Share {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        let turns = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        let new = || Share {
            fetches: turns(self.options.max_concurrent_per_function),
            lookups: turns(LOOKUPS),
            refusals: Arc::default(),
        };
        shares.entry(function.to_owned()).or_insert_with(new).clone()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // The last to go may be a task of this very runtime, which cannot wait for itself.
        if let Some(runtime) = self.runtime.take().flatten() {
            runtime.shutdown_background();
        }
    }
}

/// The isolate as the pool holds it: when it is dropped, so are its fetches.
#[derive(Debug)]
struct Served(Arc<Isolate>);

#[derive(Debug)]
struct Isolate {
    node: Arc<Node>,
    function: String,
    metrics: Arc<FunctionMetrics>,
    grants: Grants,
    limit: Duration,
    most_open: usize,
    /// Shared by all isolates of the function.
    share: Share,
    line: Line,
    /// By id; `None` once the isolate is gone. Whoever takes a fetch out of it says how it ended.
    open: Mutex<Option<HashMap<u64, Open>>>,
}

#[derive(Debug)]
struct Open {
    task: AbortHandle,
    upload: Option<Arc<Upload>>,
    window: Arc<Window>,
    begun: Instant,
}

impl Calls for Served {
    fn call(&self, body: &[u8]) -> Result<(), String> {
        let isolate = &self.0;
        let (id, call) = Call::decode(body).map_err(|error| format!("a call cannot be read: {error}"))?;
        match call {
            Call::Fetch(request) => return isolate.begin(id, request),
            Call::Cancel => {
                if let Some(open) = isolate.close(id, FetchOutcome::Cancelled) {
                    open.task.abort();
                }
                return Ok(());
            }
            _ => {}
        }
        let open = isolate.lock();
        // It may have ended while this was on its way.
        let Some(fetch) = open.as_ref().and_then(|open| open.get(&id)) else { return Ok(()) };
        let result = match (call, &fetch.upload) {
            (Call::Taken(count), _) if fetch.window.leave(count as usize) => Ok(()),
            (Call::Taken(_), _) => Err("more of a response was taken than sent"),
            (Call::Chunk(bytes), Some(upload)) => upload.push(bytes),
            (Call::End, Some(upload)) => upload.end(),
            _ => Err("a request without a body has one"),
        };
        result.map_err(str::to_owned)
    }

    fn close(&self) {
        let open = self.0.lock().take();
        for fetch in open.into_iter().flat_map(HashMap::into_values) {
            self.0.count(FetchOutcome::Cancelled, fetch.begun);
            fetch.task.abort();
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.close();
    }
}

impl Isolate {
    fn lock(&self) -> MutexGuard<'_, Option<HashMap<u64, Open>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(self: &Arc<Isolate>, id: u64, request: Request) -> Result<(), String> {
        let mut guard = self.lock();
        let Some(open) = guard.as_mut() else { return Ok(()) };
        // A worker that keeps to its own limits never comes here.
        if open.len() >= self.most_open {
            return Err(format!("more than {} fetches are open", self.most_open));
        }
        if open.contains_key(&id) {
            return Err("a fetch begins twice".to_owned());
        }
        let max_request = self.node.options.max_request;
        let length = match request.body {
            RequestBody::Whole(length) => Some(length),
            RequestBody::None | RequestBody::Stream => None,
        };
        let has_body = request.body != RequestBody::None;
        let upload = has_body.then(|| Arc::new(Upload::new(self.line.clone(), id, length, max_request)));
        let Some(runtime) = self.node.runtime() else {
            self.line.send(Reply::Failed("the node cannot fetch now").encode(self.line.channel(), id));
            return Ok(());
        };
        let window = Arc::<Window>::default();
        let (isolate, body, taken) = (Arc::clone(self), upload.clone(), Arc::clone(&window));
        let task = runtime.spawn(async move {
            let run = isolate.run(id, request, body.as_ref(), &taken);
            let late = Err(Failure::Late(isolate.limit));
            let result = tokio::time::timeout(isolate.limit, run).await.unwrap_or(late);
            isolate.end(id, result);
        });
        open.insert(id, Open { task: task.abort_handle(), upload, window, begun: Instant::now() });
        Ok(())
    }

    /// Everything up to the last byte of the response, but the word that it was the last.
    async fn run(
        &self,
        id: u64,
        request: Request,
        upload: Option<&Arc<Upload>>,
        window: &Window,
    ) -> Result<(), Failure> {
        let options = &self.node.options;
        let request = Checked::of(request, options.max_request)?;
        // Before it waits for its turn, so that what is not allowed costs nothing.
        self.grants.reach(&request.url).map_err(Failure::Refused)?;
        let _share = self.share.fetches.acquire().await;
        let _permit = self.node.permits.acquire().await;
        let exchange = Exchange {
            id,
            line: &self.line,
            clients: &self.node.clients,
            grants: &self.grants,
            lookups: &self.share.lookups,
            upload,
            window,
            max_response: options.max_response,
        };
        let answer = exchange.answer(request).await?;
        let has_body = answer.head.has_body;
        exchange.room().await;
        let head = Reply::Head(answer.head.clone()).encode(self.line.channel(), id);
        if !has_body {
            // Closed before the worker hears of it, because it may begin the next at once.
            if self.close(id, FetchOutcome::Answered).is_some() {
                self.line.send(head);
            }
            return Ok(());
        }
        self.line.send(head);
        exchange.pass_on(answer).await
    }

    /// Says how a fetch has ended, unless that was said already.
    fn end(&self, id: u64, result: Result<(), Failure>) {
        let outcome = result.as_ref().map_or_else(Failure::outcome, |()| FetchOutcome::Answered);
        if self.close(id, outcome).is_none() {
            return;
        }
        let reply = match &result {
            Ok(()) => Reply::End.encode(self.line.channel(), id),
            Err(failure) => Reply::Failed(&failure.message()).encode(self.line.channel(), id),
        };
        self.line.send(reply);
        if let Err(Failure::Refused(refusal)) = result
            && let Some(at) = &refusal.at
            && self.share.refusals.is_news(at, Instant::now())
        {
            tracing::warn!(function = %self.function, host = %at, reason = %refusal.message, "a fetch was refused");
        }
    }

    /// Takes a fetch out of those that are open, and counts it.
    fn close(&self, id: u64, outcome: FetchOutcome) -> Option<Open> {
        let open = self.lock().as_mut()?.remove(&id)?;
        self.count(outcome, open.begun);
        Some(open)
    }

    fn count(&self, outcome: FetchOutcome, begun: Instant) {
        self.metrics.fetched(outcome, begun.elapsed());
    }
}
