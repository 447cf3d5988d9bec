//! A backend: it notes each request, and answers as it is told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Value, json};

#[derive(Clone, Default)]
pub(crate) struct Backend(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    seen: Vec<Seen>,
    answers: VecDeque<(u16, Value)>,
    standing: Option<(u16, Value)>,
}

/// A request: `PUT /people/ada`, its body, and the header `authorization`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) body: Value,
    pub(crate) authorization: Option<String>,
}

impl Backend {
    /// Starts one. Returns it with its URL.
    pub(crate) async fn start() -> (Self, String) {
        let backend = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(backend.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (backend, url)
    }

    /// Lets the next request have this answer.
    pub(crate) fn answers(&self, status: u16, body: Value) {
        self.0.lock().unwrap().answers.push_back((status, body));
    }

    /// Lets all requests have this answer for which no other one is there.
    pub(crate) fn always(&self, status: u16, body: Value) {
        self.0.lock().unwrap().standing = Some((status, body));
    }

    /// Returns the requests since the last call.
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.0.lock().unwrap().seen)
    }

    /// Returns their first lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.take().into_iter().map(|seen| seen.line).collect()
    }
}

async fn answer(
    State(backend): State<Backend>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let mut inner = backend.0.lock().unwrap();
    let authorization = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let body = serde_json::from_slice(&body).unwrap_or_default();
    inner.seen.push(Seen { line: format!("{method} {uri}"), body, authorization });
    let standing = inner.standing.clone().unwrap_or((200, json!({})));
    let (status, answer) = inner.answers.pop_front().unwrap_or(standing);
    let text = answer.as_str().map_or_else(|| answer.to_string(), str::to_owned);
    (StatusCode::from_u16(status).unwrap(), text)
}
