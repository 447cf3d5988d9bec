//! The backend of the service: things by path, and every call that was made.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use serde_json::Value;
use xos_e2e::chaos::PROCESS;

use super::server::{Answer, Server};

/// A running backend. It ends when it is dropped.
pub(super) struct Backend {
    server: Server,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    things: BTreeMap<String, Value>,
    /// How often each process made each call, by path and idempotency key.
    calls: BTreeMap<String, BTreeMap<String, usize>>,
}

impl Backend {
    /// Starts a backend.
    pub(super) async fn start() -> io::Result<Self> {
        let state = Arc::<Mutex<State>>::default();
        let kept = Arc::clone(&state);
        let server = Server::start(move |request| answer(Arc::clone(&kept), request)).await?;
        Ok(Self { server, state })
    }

    /// Returns the URL of the backend.
    pub(super) fn url(&self) -> String {
        self.server.url()
    }

    /// Returns its things by `Model/name`.
    pub(super) fn things(&self) -> BTreeMap<String, Value> {
        lock(&self.state).things.clone()
    }

    /// Returns how often each call was made, by `METHOD Model/name idempotency-key`.
    pub(super) fn calls(&self) -> BTreeMap<String, usize> {
        let state = lock(&self.state);
        state.calls.iter().map(|(call, processes)| (call.clone(), processes.values().sum())).collect()
    }

    /// Returns the calls that a single process made more than once, and how often.
    pub(super) fn repeated_by_a_process(&self) -> BTreeMap<String, usize> {
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
