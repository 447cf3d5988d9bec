//! An API server for objects of any kind, in memory: server-side apply, lists, watches, deletion with finalizers.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::StreamExt as _;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tower::{BoxError, service_fn};

/// Clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct Cluster(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    version: u64,
    objects: BTreeMap<Key, Value>,
    watches: Vec<(Place, String, UnboundedSender<String>)>,
    /// What was asked for, as `PATCH configmaps/a`.
    requests: Vec<String>,
}

type Answer = UnsyncBoxBody<Bytes, Infallible>;

/// Plural, namespace, name.
type Key = (String, String, String);

/// What a request is about: a plural, in a namespace or in all, and perhaps one name.
#[derive(Clone, Debug, PartialEq)]
struct Place {
    plural: String,
    namespace: Option<String>,
    name: Option<String>,
}

impl Place {
    fn read(path: &str) -> Self {
        let parts: Vec<_> = path.trim_matches('/').split('/').collect();
        let rest = if parts[0] == "api" { &parts[2..] } else { &parts[3..] };
        let text = |text: &str| Some(text.to_owned());
        match rest {
            ["namespaces", namespace, plural, name] => {
                Self { plural: (*plural).to_owned(), namespace: text(namespace), name: text(name) }
            }
            ["namespaces", namespace, plural] => {
                Self { plural: (*plural).to_owned(), namespace: text(namespace), name: None }
            }
            [plural, name] => Self { plural: (*plural).to_owned(), namespace: None, name: text(name) },
            [plural] => Self { plural: (*plural).to_owned(), namespace: None, name: None },
            other => panic!("{other:?}"),
        }
    }

    fn key(&self) -> Key {
        let namespace = self.namespace.clone().unwrap_or_default();
        (self.plural.clone(), namespace, self.name.clone().unwrap_or_default())
    }

    fn has(&self, key: &Key) -> bool {
        self.plural == key.0 && self.namespace.as_ref().is_none_or(|namespace| *namespace == key.1)
    }
}

/// Returns whether an object fits selectors of a query: `labelSelector=a=b,c=d` and `fieldSelector=metadata.name=x`.
fn is_selected(object: &Value, query: &str) -> bool {
    let url = reqwest::Url::parse(&format!("http://x/?{query}")).unwrap();
    url.query_pairs().all(|(key, selector)| match &*key {
        "labelSelector" => selector.split(',').all(|one| {
            let (name, value) = one.split_once('=').unwrap();
            object["metadata"]["labels"][name] == value
        }),
        "fieldSelector" => format!("metadata.name={}", object["metadata"]["name"].as_str().unwrap()) == selector,
        _ => true,
    })
}

impl State {
    fn show(&mut self, what: &str, key: &Key, object: &Value) {
        let event = format!("{}\n", json!({"type": what, "object": object}));
        self.watches.retain(|(place, query, to)| {
            !place.has(key) || !is_selected(object, query) || to.unbounded_send(event.clone()).is_ok()
        });
    }

    fn store(&mut self, key: &Key, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let is_new = self.objects.insert(key.clone(), object.clone()).is_none();
        self.show(if is_new { "ADDED" } else { "MODIFIED" }, key, &object);
        object
    }

    fn remove(&mut self, key: &Key) -> Option<Value> {
        let mut object = self.objects.get(key)?.clone();
        if object["metadata"]["finalizers"].as_array().is_some_and(|all| !all.is_empty()) {
            object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
            return Some(self.store(key, object));
        }
        self.objects.remove(key);
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.show("DELETED", key, &object);
        Some(json!({"kind": "Status", "apiVersion": "v1", "status": "Success"}))
    }

    fn apply(&mut self, key: &Key, body: &Value) -> Value {
        let mut object = self.objects.get(key).cloned().unwrap_or_default();
        if object.is_null() {
            object = json!({"metadata": {"uid": format!("foreign-{}", self.version + 1), "generation": 1}});
        }
        let before = object.clone();
        for (name, value) in body.as_object().unwrap() {
            if name == "metadata" {
                for (name, value) in value.as_object().unwrap() {
                    object["metadata"][name] = value.clone();
                }
            } else {
                object[name] = value.clone();
            }
        }
        if object["metadata"]["uid"] == before["metadata"]["uid"] && object == before {
            return object;
        }
        self.store(key, object)
    }
}

fn answer(code: u16, body: impl Into<Vec<u8>>) -> Response<Answer> {
    Response::builder()
        .status(StatusCode::from_u16(code).unwrap())
        .body(Full::new(Bytes::from(body.into())).boxed_unsync())
        .unwrap()
}

fn not_found(key: &Key) -> Response<Answer> {
    let message = format!("{} {:?} not found", key.0, key.2);
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message,
        "reason": "NotFound", "code": 404});
    answer(404, status.to_string())
}

impl Cluster {
    /// Returns a client of it.
    pub(crate) fn client(&self) -> Client {
        let this = self.clone();
        let service = service_fn(move |request: Request<Body>| {
            let this = this.clone();
            async move { Ok::<_, BoxError>(this.handle(request).await) }
        });
        Client::new(service, "home")
    }

    async fn handle(&self, request: Request<Body>) -> Response<Answer> {
        let (parts, body) = request.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let place = Place::read(parts.uri.path());
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let mut state = self.0.lock().unwrap();
        let key = place.key();
        if place.plural == "unserveds" {
            return answer(404, "404 page not found\n");
        }
        if place.name.is_some() {
            state.requests.push(format!("{} {}/{}", parts.method, key.0, key.2));
        }
        if place.name.is_none() {
            if query.contains("watch=") {
                let (to, shown) = unbounded();
                state.watches.push((place, query, to));
                let frames = shown.map(|line| Ok::<_, Infallible>(http_body::Frame::data(line.into())));
                return Response::new(StreamBody::new(frames).boxed_unsync());
            }
            let all: Vec<_> =
                state.objects.iter().filter(|(key, one)| place.has(key) && is_selected(one, &query)).collect();
            let items: Vec<_> = all.into_iter().map(|(_, one)| one).collect();
            let list = json!({"kind": "List", "apiVersion": "v1", "items": items,
                "metadata": {"resourceVersion": state.version.to_string()}});
            return answer(200, list.to_string());
        }
        let result = match parts.method {
            Method::GET => state.objects.get(&key).cloned(),
            Method::PATCH => Some(state.apply(&key, &serde_json::from_slice(&bytes).unwrap())),
            Method::DELETE => state.remove(&key),
            other => panic!("{other}"),
        };
        result.map_or_else(|| not_found(&key), |result| answer(200, result.to_string()))
    }

    fn key(plural: &str, name: &str) -> Key {
        (plural.to_owned(), "default".to_owned(), name.to_owned())
    }

    /// Stores an object of somebody else, in the namespace `default`.
    pub(crate) fn put(&self, plural: &str, object: &Value) {
        let name = object["metadata"]["name"].as_str().unwrap();
        let mut object = object.clone();
        object["metadata"]["namespace"] = json!("default");
        self.0.lock().unwrap().store(&Self::key(plural, name), object);
    }

    /// Changes an object, as its controller does.
    pub(crate) fn change(&self, plural: &str, name: &str, change: impl FnOnce(&mut Value)) {
        let mut state = self.0.lock().unwrap();
        let key = Self::key(plural, name);
        let mut object = state.objects[&key].clone();
        change(&mut object);
        state.store(&key, object);
    }

    /// Removes an object, whatever finalizers it has.
    pub(crate) fn remove(&self, plural: &str, name: &str) {
        let mut state = self.0.lock().unwrap();
        let key = Self::key(plural, name);
        if let Some(object) = state.objects.get_mut(&key) {
            object["metadata"]["finalizers"] = json!([]);
        }
        state.remove(&key);
    }

    /// Returns an object; null if there is none.
    pub(crate) fn get(&self, plural: &str, name: &str) -> Value {
        self.0.lock().unwrap().objects.get(&Self::key(plural, name)).cloned().unwrap_or_default()
    }

    /// Returns the requests for single objects since the last call.
    pub(crate) fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().requests)
    }
}
