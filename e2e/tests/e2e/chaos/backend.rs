//! The backend of the service: things by path, and every call that was made.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use serde_json::Value;
use xos_e2e::chaos::PROCESS;

use super::server::{Answer, Server};

/// A running backend. It ends when it is dropped.
pub(crate) struct Backend {
    server: Server,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    things: BTreeMap<String, Value>,
    /// How often each process made each call, by path and idempotency key.
    calls: BTreeMap<String, BTreeMap<String, usize>>,
    /// How long a call takes.
    takes: Duration,
    /// The calls that run, by path: which processes make them.
    running: BTreeMap<String, Vec<String>>,
    /// Calls of one object that ran at once: the object, and who made them.
    overlaps: Vec<(String, Vec<String>)>,
    /// When the last call began.
    last: Option<Instant>,
}

/// A call that runs, until this is dropped: also when its caller is gone.
struct During {
    state: Arc<Mutex<State>>,
    path: String,
    process: String,
}

impl During {
    fn begin(state: &Arc<Mutex<State>>, path: &str, process: &str) -> Self {
        let mut locked = lock(state);
        locked.last = Some(Instant::now());
        let running = locked.running.entry(path.to_owned()).or_default();
        running.push(process.to_owned());
        let all = running.clone();
        if all.len() > 1 {
            locked.overlaps.push((path.to_owned(), all));
        }
        Self { state: Arc::clone(state), path: path.to_owned(), process: process.to_owned() }
    }
}

impl Drop for During {
    fn drop(&mut self) {
        if let Some(running) = lock(&self.state).running.get_mut(&self.path)
            && let Some(at) = running.iter().position(|process| *process == self.process)
        {
            running.remove(at);
        }
    }
}

impl Backend {
    /// Starts a backend.
    pub(crate) async fn start() -> io::Result<Self> {
        let state = Arc::<Mutex<State>>::default();
        let kept = Arc::clone(&state);
        let server = Server::start(move |request| answer(Arc::clone(&kept), request)).await?;
        Ok(Self { server, state })
    }

    /// Returns the URL of the backend.
    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// Returns its things by `Model/name`.
    pub(crate) fn things(&self) -> BTreeMap<String, Value> {
        lock(&self.state).things.clone()
    }

    /// Returns how often each call was made, by `METHOD Model/name idempotency-key`.
    pub(crate) fn calls(&self) -> BTreeMap<String, usize> {
        let state = lock(&self.state);
        state.calls.iter().map(|(call, processes)| (call.clone(), processes.values().sum())).collect()
    }

    /// Makes each call take this long.
    pub(crate) fn takes(&self, takes: Duration) {
        lock(&self.state).takes = takes;
    }

    /// Returns the calls of one object that ran at once, and which processes made them.
    pub(crate) fn overlaps(&self) -> Vec<(String, Vec<String>)> {
        lock(&self.state).overlaps.clone()
    }

    /// Returns when the last call began.
    pub(crate) fn last(&self) -> Option<Instant> {
        lock(&self.state).last
    }

    /// Returns the calls that a single process made more than once, and how often.
    pub(crate) fn repeated_by_a_process(&self) -> BTreeMap<String, usize> {
        let most = |processes: &BTreeMap<String, usize>| processes.values().copied().max().filter(|most| *most > 1);
        let state = lock(&self.state);
        state.calls.iter().filter_map(|(call, processes)| Some((call.clone(), most(processes)?))).collect()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(state: Arc<Mutex<State>>, request: Request<Incoming>) -> Answer {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let path = head.uri.path().trim_start_matches('/').to_owned();
    let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let key = header("idempotency-key");
    let process = header(PROCESS);
    let _during = During::begin(&state, &path, process);
    let takes = lock(&state).takes;
    tokio::time::sleep(takes).await;
    let mut state = lock(&state);
    let calls = state.calls.entry(format!("{} {path} {key}", head.method)).or_default();
    *calls.entry(process.to_owned()).or_default() += 1;
    if head.method == Method::DELETE {
        state.things.remove(&path);
    } else {
        state.things.insert(path, serde_json::from_slice(&body).map_err(io::Error::other)?);
    }
    drop(state);
    let mut response = Response::new(Full::default().map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}
