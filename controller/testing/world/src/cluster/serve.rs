//! Answers requests.

use std::convert::Infallible;

use bytes::Bytes;
use futures::stream::{Stream, unfold};
use http::{Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use kube::client::Body;
use serde_json::{Value as Json, json};
use xos_engine::clock::Clock as _;
use xos_steps::ForeignKind;

use super::Cluster;
use super::objects::{Change, Objects, Place, Write};
use super::request::{Request, Verb};
use super::selector::Selector;
use super::status::Refused;

/// The body of an answer.
type Answer = UnsyncBoxBody<Bytes, Infallible>;

impl Cluster {
    /// Answers a request.
    pub(super) async fn answer(self, request: http::Request<Body>) -> Result<Response<Answer>, Infallible> {
        let (parts, body) = request.into_parts();
        let read = match body.collect_bytes().await {
            Ok(body) => Request::read(&parts, &body),
            Err(error) => Err(Refused::bad(error.to_string())),
        };
        let answer = read.and_then(|request| self.answer_to(&request));
        self.note();
        Ok(answer.unwrap_or_else(|refused| response(refused.code, json_of(&refused.body()))))
    }

    fn answer_to(&self, request: &Request) -> Result<Response<Answer>, Refused> {
        if let Verb::Watch(selector, version) = &request.verb {
            let frames = self.watch(request, selector.clone(), *version);
            return Ok(response(200, StreamBody::new(frames).boxed_unsync()));
        }
        let (code, body) = self.answer_at_once(request)?;
        Ok(response(code, json_of(&body)))
    }

    fn answer_at_once(&self, request: &Request) -> Result<(u16, Json), Refused> {
        let now = self.clock.now();
        let mut objects = self.lock();
        learn(&mut objects, request);
        let place = Place {
            group: request.group.clone(),
            plural: request.plural.clone(),
            namespace: request.namespace.clone(),
            name: name_of(request)?,
        };
        let not_found = || Refused::not_found(&request.resource(), &request.name);
        let (is_new, body) = (objects.get(&place).is_none(), &request.body);
        let write = match &request.verb {
            Verb::Get => return objects.get(&place).map(|object| (200, object.clone())).ok_or_else(not_found),
            Verb::List(selector) => return Ok((200, list(&objects, request, selector))),
            Verb::Delete => {
                let done = json!({"apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Success"});
                return Ok((200, objects.delete(&place, body, now)?.unwrap_or(done)));
            }
            Verb::Create => Write::Create(body),
            Verb::Replace => Write::Replace(body),
            Verb::Merge => Write::Merge(body),
            Verb::Apply(manager) => Write::Apply(manager, body),
            Verb::Watch(..) => return Err(not_found()),
        };
        let written = objects.write(&place, &write, request.is_of_status, now)?;
        drop(objects);
        self.tell();
        Ok((if is_new { 201 } else { 200 }, written))
    }

    /// Returns the events of a watch, for as long as somebody takes them.
    fn watch(
        &self,
        request: &Request,
        selector: Selector,
        version: u64,
    ) -> impl Stream<Item = Result<Frame<Bytes>, Infallible>> + Send + 'static {
        let of = (request.group.clone(), request.plural.clone(), request.namespace.clone());
        let (cluster, changed, is_partial) = (self.clone(), self.changed.subscribe(), request.is_partial);
        let start = self.lock().log().iter().take_while(|change| change.version <= version).count();
        unfold((cluster, changed, start), move |(cluster, mut changed, mut at)| {
            let (selector, of) = (selector.clone(), of.clone());
            async move {
                loop {
                    let change = cluster.lock().log().get(at).cloned();
                    match change {
                        Some(change) => {
                            at += 1;
                            let Some(event) = event(&change, &of, &selector, is_partial) else { continue };
                            cluster.note();
                            let line = Bytes::from(format!("{event}\n"));
                            return Some((Ok(Frame::data(line)), (cluster, changed, at)));
                        }
                        None => changed.changed().await.ok()?,
                    }
                }
            }
        })
    }
}

/// Learns of a kind from an object of it.
fn learn(objects: &mut Objects, request: &Request) {
    let Some(kind) = request.body["kind"].as_str().filter(|_| request.body["metadata"].is_object()) else { return };
    if objects.kind(&request.group, &request.plural).is_none() {
        let [group, version, plural] = [&request.group, &request.version, &request.plural].map(Clone::clone);
        let is_namespaced = !request.namespace.is_empty();
        objects.define(&ForeignKind { group, version, kind: kind.to_owned(), plural, is_namespaced });
    }
}

fn name_of(request: &Request) -> Result<String, Refused> {
    match &request.verb {
        Verb::Create => {
            let name = request.body["metadata"]["name"].as_str().map(str::to_owned);
            name.ok_or_else(|| Refused::unknown("`generateName`: give the object a name"))
        }
        _ => Ok(request.name.clone()),
    }
}

fn json_of(body: &Json) -> Answer {
    Full::new(Bytes::from(body.to_string())).boxed_unsync()
}

fn response(code: u16, body: Answer) -> Response<Answer> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

fn list(objects: &Objects, request: &Request, selector: &Selector) -> Json {
    let all = objects.of_kind(&request.group, &request.plural, &request.namespace);
    let items: Vec<_> =
        all.filter(|object| selector.selects(object)).map(|object| shown(object, request.is_partial)).collect();
    let kind = objects.kind(&request.group, &request.plural).map_or("", |kind| kind.kind.as_str());
    let version = if request.group.is_empty() {
        request.version.clone()
    } else {
        format!("{}/{}", request.group, request.version)
    };
    let metadata = json!({"resourceVersion": objects.version().to_string()});
    json!({"apiVersion": version, "kind": format!("{kind}List"), "metadata": metadata, "items": items})
}

fn shown(object: &Json, is_partial: bool) -> Json {
    if is_partial {
        json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": object["metadata"]})
    } else {
        object.clone()
    }
}

/// Returns what a watch tells of a change; nothing if it does not show the object.
fn event(
    change: &Change,
    (group, plural, namespace): &(String, String, String),
    selector: &Selector,
    is_partial: bool,
) -> Option<Json> {
    let place = &change.place;
    if place.group != *group || place.plural != *plural || !(namespace.is_empty() || place.namespace == *namespace) {
        return None;
    }
    let selected = |object: &Option<Json>| object.as_ref().filter(|object| selector.selects(object)).cloned();
    let (kind, object) = match (selected(&change.before), selected(&change.after)) {
        (None, Some(after)) => ("ADDED", after),
        (Some(_), Some(after)) => ("MODIFIED", after),
        (Some(mut before), None) => {
            before["metadata"]["resourceVersion"] = json!(change.version.to_string());
            ("DELETED", before)
        }
        (None, None) => return None,
    };
    Some(json!({"type": kind, "object": shown(&object, is_partial)}))
}
