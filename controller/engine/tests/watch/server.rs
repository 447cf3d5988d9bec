//! As much of an API server as a watch needs: it answers each request as the test says.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{StreamExt as _, stream};
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

/// The parameters of a request.
pub(crate) type Query = BTreeMap<String, String>;

/// An answer.
pub(crate) enum Answer {
    /// A status code and a text.
    Text(u16, String),
    /// The events of a watch, which ends after this time.
    Watch(Vec<Value>, Duration),
    /// The events of a watch that is silent after them, and never ends.
    Silence(Vec<Value>),
    /// None.
    Never,
}

/// A watch that ends when it was asked to, with a bookmark 2 s before, as the API server does it.
pub(crate) fn quiet(query: &Query) -> Answer {
    Answer::Watch(vec![], Duration::from_secs(query["timeoutSeconds"].parse().unwrap()))
}

pub(crate) fn status(code: u16, reason: &str, message: &str) -> Answer {
    let status = json!({"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message});
    Answer::Text(code, status.to_string())
}

pub(crate) fn list(version: &str, names: &[&str], next: Option<&str>) -> Answer {
    let items: Vec<_> = names.iter().map(|name| object(name, version)).collect();
    let metadata = json!({"resourceVersion": version, "continue": next.unwrap_or_default()});
    Answer::Text(200, json!({"kind": "MList", "apiVersion": "v1", "metadata": metadata, "items": items}).to_string())
}

pub(crate) fn object(name: &str, version: &str) -> Value {
    json!({
        "apiVersion": "a.xos.opencord.org/v1", "kind": "M",
        "metadata": {"namespace": "default", "name": name, "uid": name, "resourceVersion": version}, "spec": {},
    })
}

/// The requests so far, as text: `list`, `list <token>`, `list whole` or `watch <version>`.
#[derive(Clone, Default)]
pub(crate) struct Requests(Arc<Mutex<Vec<String>>>);

impl Requests {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// Returns a client whose requests are answered by `answer`, which is told how many came before.
pub(crate) fn client(answer: impl Fn(usize, &Query) -> Answer + Send + Sync + 'static) -> (Client, Requests) {
    let requests = Requests::default();
    let noted = requests.clone();
    let answer = Arc::new(answer);
    let service = tower::service_fn(move |request: Request<Body>| {
        let query = query(request.uri().query().unwrap_or_default());
        let before = {
            let mut noted = noted.0.lock().unwrap();
            noted.push(summary(&query));
            noted.len() - 1
        };
        let answer = answer(before, &query);
        async move { Ok::<_, kube::Error>(response(answer).await) }
    });
    (Client::new(service, "default"), requests)
}

fn query(text: &str) -> Query {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn summary(query: &Query) -> String {
    match query.get("watch") {
        Some(_) => format!("watch {}", query["resourceVersion"]),
        None => match (query.get("limit"), query.get("continue")) {
            (None, None) => "list whole".to_owned(),
            (_, None) => "list".to_owned(),
            (_, Some(token)) => format!("list {token}"),
        },
    }
}

async fn response(answer: Answer) -> Response<UnsyncBoxBody<Bytes, Infallible>> {
    let (code, body) = match answer {
        Answer::Never => std::future::pending().await,
        Answer::Text(code, text) => (code, Full::from(text).boxed_unsync()),
        Answer::Watch(events, lasts) => (200, body(events, async move { tokio::time::sleep(lasts).await })),
        Answer::Silence(events) => (200, body(events, std::future::pending())),
    };
    Response::builder().status(code).body(body).unwrap()
}

fn body(events: Vec<Value>, end: impl Future<Output = ()> + Send + 'static) -> UnsyncBoxBody<Bytes, Infallible> {
    let lines = events.into_iter().map(|event| Ok::<_, Infallible>(Frame::data(format!("{event}\n").into())));
    let end = stream::once(end).filter_map(async |()| None);
    StreamBody::new(stream::iter(lines).chain(end)).boxed_unsync()
}
