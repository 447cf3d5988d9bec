//! A proxy between a controller and the API server, which makes the API server fail at random.
//!
//! A request is dropped, delayed, never answered, refused (409, 429, 500, 503), or takes effect without an answer. A
//! watch is cut off, or gets the answer that it is too old (410).

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt as _, stream};
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use kube::Client;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::server::{Answer, Body, BodyError, Server};

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Delayed(Duration),
    /// It has no effect, and the connection is closed.
    Dropped,
    /// It has no effect, and the connection stays open.
    Swallowed,
    /// It takes effect, and the connection is closed.
    Lost,
    Refused(u16),
    /// The watch ends after this time.
    Cut(Duration),
    /// The watch gets the answer that it is too old.
    TooOld,
}

/// A running proxy. It ends when it is dropped.
pub(crate) struct Proxy {
    server: Server,
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    random: Mutex<StdRng>,
    /// The probability of a fault.
    rate: f64,
    is_storming: AtomicBool,
    /// Whether nothing passes: neither requests, nor what comes of running watches, nor their ends.
    is_silent: watch::Sender<bool>,
    faults: Mutex<BTreeMap<String, usize>>,
}

impl Proxy {
    /// Starts a proxy with the rights of `client`. At first it makes no faults.
    pub(crate) async fn start(client: Client, seed: u64, rate: f64) -> io::Result<Self> {
        let random = Mutex::new(StdRng::seed_from_u64(seed));
        let (is_storming, is_silent) = (AtomicBool::new(false), watch::Sender::new(false));
        let shared = Shared { client, random, rate, is_storming, is_silent, faults: Mutex::default() };
        let shared = Arc::new(shared);
        let used = Arc::clone(&shared);
        let server = Server::start(move |request| answer(Arc::clone(&used), request)).await?;
        Ok(Self { server, shared })
    }

    /// Begins or ends to make faults.
    pub(super) fn storm(&self, storms: bool) {
        self.shared.is_storming.store(storms, Ordering::Relaxed);
    }

    /// Begins or ends to keep silent. Connections stay open, as they do when a firewall has forgotten them; those of that
    /// time stay silent for ever.
    pub(crate) fn keep_silent(&self, is_silent: bool) {
        self.shared.is_silent.send_replace(is_silent);
    }

    /// Returns a client that reaches the API server through the proxy.
    pub(crate) fn client(&self) -> Client {
        let url = self.server.url().parse().expect("a URL");
        Client::try_from(kube::Config::new(url)).expect("a client")
    }

    /// Returns how often each fault happened.
    pub(super) fn faults(&self) -> BTreeMap<String, usize> {
        lock(&self.shared.faults).clone()
    }

    /// Writes a kubeconfig for the proxy.
    pub(crate) fn kubeconfig(&self, folder: &Path) -> io::Result<PathBuf> {
        let path = folder.join("proxy.kubeconfig");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "proxy",
            "clusters": [{"name": "proxy", "cluster": {"server": self.server.url()}}],
            "users": [{"name": "anybody", "user": {}}],
            "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "anybody"}}],
        });
        fs::write(&path, config.to_string())?;
        Ok(path)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn fault(&self, is_watch: bool) -> Option<Fault> {
        if !self.is_storming.load(Ordering::Relaxed) {
            return None;
        }
        let mut random = lock(&self.random);
        // Every watch ends at some time.
        if is_watch {
            let cut = Fault::Cut(Duration::from_millis(random.random_range(0..4000)));
            let fault = match random.random_range(0..8) {
                0 => Fault::Dropped,
                1 => Fault::TooOld,
                2 => Fault::Refused(410),
                3 => Fault::Swallowed,
                _ => cut,
            };
            return Some(fault);
        }
        if !random.random_bool(self.rate) {
            return None;
        }
        Some(match random.random_range(0..8) {
            0 => Fault::Dropped,
            1 | 2 => Fault::Lost,
            3 if random.random_bool(0.3) => Fault::Swallowed,
            4 => Fault::Refused(409),
            5 => Fault::Refused(429),
            6 => Fault::Refused(500),
            7 => Fault::Refused(503),
            _ => Fault::Delayed(Duration::from_millis(random.random_range(10..600))),
        })
    }

    fn note(&self, fault: Fault) {
        let name = match fault {
            Fault::Delayed(_) => "delayed".to_owned(),
            Fault::Cut(_) => "cut".to_owned(),
            fault => format!("{fault:?}").to_lowercase(),
        };
        *lock(&self.faults).entry(name).or_default() += 1;
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Answer {
    let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
    if *shared.is_silent.borrow() {
        return std::future::pending().await;
    }
    let fault = shared.fault(is_watch);
    if let Some(fault) = fault {
        shared.note(fault);
    }
    match fault {
        Some(Fault::Dropped) => return Err(io::ErrorKind::ConnectionReset.into()),
        Some(Fault::Swallowed) => return std::future::pending().await,
        Some(Fault::Refused(code)) => return Ok(status(code)),
        Some(Fault::TooOld) => return Ok(too_old()),
        Some(Fault::Delayed(time)) => tokio::time::sleep(time).await,
        Some(Fault::Lost | Fault::Cut(_)) | None => {}
    }
    let answer = forward(&shared.client, request).await?;
    match fault {
        Some(Fault::Lost) => Err(io::ErrorKind::ConnectionReset.into()),
        Some(Fault::Cut(after)) => Ok(cut(answer, after)),
        _ if is_watch => Ok(muted(answer, shared.is_silent.subscribe())),
        _ => Ok(answer.map(|body| body.map_err(Into::into).boxed_unsync())),
    }
}

/// Returns an answer of which nothing more comes once `is_silent` is true, not even the end.
fn muted(answer: Response<kube::client::Body>, is_silent: watch::Receiver<bool>) -> Response<Body> {
    answer.map(|body| {
        let frames = body.into_data_stream().map(|data| data.map(Frame::data).map_err(BodyError::from));
        let frames = stream::unfold((frames, is_silent), |(mut frames, is_silent)| async move {
            tokio::select! {
                biased;
                () = silence(is_silent.clone()) => std::future::pending().await,
                frame = frames.next() => frame.map(|frame| (frame, (frames, is_silent))),
            }
        });
        StreamBody::new(frames).boxed_unsync()
    })
}

/// Waits until the proxy keeps silent.
async fn silence(mut is_silent: watch::Receiver<bool>) {
    if is_silent.wait_for(|is_silent| *is_silent).await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn forward(client: &Client, request: Request<Incoming>) -> io::Result<Response<kube::client::Body>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let path = head.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let mut forwarded = Request::builder().method(head.method).uri(path);
    for name in [header::ACCEPT, header::CONTENT_TYPE] {
        if let Some(value) = head.headers.get(&name) {
            forwarded = forwarded.header(name, value);
        }
    }
    let forwarded = forwarded.body(kube::client::Body::from(body.to_vec())).map_err(io::Error::other)?;
    client.send(forwarded).await.map_err(io::Error::other)
}

/// Returns the part of an answer that comes within this time.
fn cut(answer: Response<kube::client::Body>, after: Duration) -> Response<Body> {
    let end = stream::once(async { Err(BodyError::from("cut")) });
    answer.map(|body| {
        let frames = body.into_data_stream().map(|data| data.map(Frame::data).map_err(BodyError::from));
        StreamBody::new(frames.take_until(tokio::time::sleep(after)).chain(end)).boxed_unsync()
    })
}

fn status_of(code: u16) -> Value {
    let reason = match code {
        409 => "Conflict",
        410 => "Expired",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        _ => "InternalError",
    };
    json!({
        "apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": reason, "message": "a storm", "code": code,
    })
}

fn status(code: u16) -> Response<Body> {
    let mut response = json_answer(&status_of(code));
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if code == 429 {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

fn too_old() -> Response<Body> {
    json_answer(&json!({"type": "ERROR", "object": status_of(410)}))
}

fn json_answer(value: &Value) -> Response<Body> {
    let body = Full::from(format!("{value}\n")).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
