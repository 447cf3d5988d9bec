//! As much of an API server as the definitions' way to it needs: optimistic locking, pages, rights.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use http::{Method, Request, Response, StatusCode};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

pub(crate) const GROUP: &str = "a.xos.opencord.org";
const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
/// Objects in an answer, whatever limit is asked for.
const PAGE: usize = 3;

/// The server; clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct Server(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    definitions: HashMap<String, Value>,
    objects: Vec<Value>,
    served: Vec<Value>,
    forbidden: Option<&'static str>,
    expires: bool,
    next: Option<Value>,
    written: Vec<Value>,
    lists: Vec<String>,
    version: u64,
}

impl Server {
    pub(crate) fn with(definition: &CustomResourceDefinition) -> Self {
        let server = Self::default();
        server.0.lock().unwrap().store(serde_json::to_value(definition).unwrap());
        server
    }

    pub(crate) fn client(&self) -> Client {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect_bytes().await?;
                let sent = serde_json::from_slice(&body).unwrap_or(Value::Null);
                let query = parts.uri.query().unwrap_or_default();
                let (code, answer) = server.0.lock().unwrap().answer(&parts.method, parts.uri.path(), query, &sent);
                let answer = Body::from(serde_json::to_vec(&answer).unwrap());
                Ok::<_, kube::Error>(Response::builder().status(code).body(answer).unwrap())
            }
        });
        Client::new(service, "default")
    }

    pub(crate) fn add(&self, objects: impl IntoIterator<Item = Value>) {
        self.0.lock().unwrap().objects.extend(objects);
    }

    /// Another resource of the group.
    pub(crate) fn serve(&self, plural: &str, kind: &str) {
        let resource = json!({"name": plural, "singularName": "", "namespaced": true, "kind": kind, "verbs": ["list"]});
        self.0.lock().unwrap().served.push(resource);
    }

    pub(crate) fn forbid_lists(&self) {
        self.0.lock().unwrap().forbidden = Some("/apis/a.xos.opencord.org/v1/ms");
    }

    pub(crate) fn forbid_definitions(&self) {
        self.0.lock().unwrap().forbidden = Some(DEFINITIONS);
    }

    /// The next second page is too late.
    pub(crate) fn expire_once(&self) {
        self.0.lock().unwrap().expires = true;
    }

    pub(crate) fn replace_before_the_next_write(&self, definition: &CustomResourceDefinition) {
        self.0.lock().unwrap().next = Some(serde_json::to_value(definition).unwrap());
    }

    /// The resourceVersions that definitions were written with.
    pub(crate) fn written(&self) -> Vec<Value> {
        self.0.lock().unwrap().written.clone()
    }

    /// How objects were listed.
    pub(crate) fn lists(&self) -> Vec<String> {
        self.0.lock().unwrap().lists.clone()
    }
}

type Answer = (StatusCode, Value);

fn status(code: StatusCode, reason: &str, message: &str) -> Answer {
    (code, json!({"kind": "Status", "status": "Failure", "code": code.as_u16(), "reason": reason, "message": message}))
}

impl State {
    fn store(&mut self, mut definition: Value) {
        self.version += 1;
        definition["metadata"]["resourceVersion"] = json!(self.version.to_string());
        definition["status"] = json!({"conditions": [{"type": "Established", "status": "True"}]});
        let name = definition["metadata"]["name"].as_str().unwrap().to_owned();
        self.definitions.insert(name, definition);
    }

    fn answer(&mut self, method: &Method, path: &str, query: &str, sent: &Value) -> Answer {
        if self.forbidden.is_some_and(|prefix| path.starts_with(prefix)) {
            let resource = path.split('/').nth(4).unwrap();
            return status(StatusCode::FORBIDDEN, "Forbidden", &format!("{resource} is forbidden: nobody may list it"));
        }
        match path.strip_prefix(DEFINITIONS).map(|name| name.trim_start_matches('/')) {
            Some(name) if method == Method::PATCH => self.patch(name, sent),
            Some("") => {
                let items: Vec<_> = self.definitions.values().cloned().collect();
                (StatusCode::OK, list("apiextensions.k8s.io/v1", "CustomResourceDefinitionList", &items, None))
            }
            Some(name) => match self.definitions.get(name) {
                Some(definition) => (StatusCode::OK, definition.clone()),
                None => status(StatusCode::NOT_FOUND, "NotFound", "not found"),
            },
            None if path.ends_with("/ms") => self.objects(query),
            None if self.served.is_empty() => (StatusCode::NOT_FOUND, json!("404 page not found")),
            None => {
                let group = format!("{GROUP}/v1");
                (StatusCode::OK, json!({"kind": "APIResourceList", "groupVersion": group, "resources": self.served}))
            }
        }
    }

    fn patch(&mut self, name: &str, sent: &Value) -> Answer {
        if let Some(next) = self.next.take() {
            self.store(next);
        }
        let version = sent["metadata"]["resourceVersion"].clone();
        match self.definitions.get(name) {
            Some(_) if version == "0" => {
                return status(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", "must be specified for an update");
            }
            Some(stored) if stored["metadata"]["resourceVersion"] != version => {
                return status(StatusCode::CONFLICT, "Conflict", "the object has been modified");
            }
            _ => {}
        }
        self.written.push(version);
        self.store(sent.clone());
        (StatusCode::OK, self.definitions[name].clone())
    }

    fn objects(&mut self, query: &str) -> Answer {
        let query = query.trim_start_matches('&');
        self.lists.push(query.to_owned());
        let start = query.split_once("continue=").map_or(0, |(_, token)| token.parse().unwrap());
        if start > 0 && std::mem::take(&mut self.expires) {
            return status(StatusCode::GONE, "Expired", "The provided continue parameter is too old");
        }
        let items: Vec<_> = self.objects.iter().skip(start).take(PAGE).cloned().collect();
        let next = (start + PAGE < self.objects.len()).then(|| (start + PAGE).to_string());
        (StatusCode::OK, list(&format!("{GROUP}/v1"), "MList", &items, next.as_deref()))
    }
}

fn list(api_version: &str, kind: &str, items: &[Value], next: Option<&str>) -> Value {
    let metadata = json!({"resourceVersion": "9", "continue": next.unwrap_or_default()});
    json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, "items": items})
}
