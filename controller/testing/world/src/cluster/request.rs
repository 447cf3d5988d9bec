//! What is asked of an API server. Pure.

use std::collections::HashMap;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, Method};
use serde_json::Value as Json;

use super::selector::Selector;
use super::status::Refused;

/// What is done.
#[derive(Debug)]
pub(super) enum Verb {
    Get,
    List(Selector),
    /// From this resourceVersion on.
    Watch(Selector, u64),
    Create,
    Replace,
    /// Server-side, by this field manager.
    Apply(String),
    Merge,
    Delete,
}

/// A request for objects of a kind.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) verb: Verb,
    pub(super) group: String,
    pub(super) version: String,
    pub(super) plural: String,
    /// Empty: all, or the kind is in none.
    pub(super) namespace: String,
    /// Empty for requests for many objects, and where the body has it.
    pub(super) name: String,
    pub(super) is_of_status: bool,
    /// Whether only metadata is wanted.
    pub(super) is_partial: bool,
    /// Null if there is none.
    pub(super) body: Json,
}

/// Where objects are.
struct Place<'a> {
    group: &'a str,
    version: &'a str,
    namespace: &'a str,
    plural: &'a str,
    name: &'a str,
    subresource: &'a str,
}

impl<'a> Place<'a> {
    fn read(path: &'a str) -> Option<Self> {
        let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
        let (group, version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        // A Namespace is itself at `namespaces/NAME`, and has these two subresources.
        let (namespace, rest) = match rest {
            ["namespaces", _, "status" | "finalize"] | ["namespaces", _] => ("", rest),
            ["namespaces", namespace, rest @ ..] => (*namespace, rest),
            rest => ("", rest),
        };
        let (plural, name, subresource) = match rest {
            [plural] => (*plural, "", ""),
            [plural, name] => (*plural, *name, ""),
            [plural, name, subresource] => (*plural, *name, *subresource),
            _ => return None,
        };
        Some(Self { group, version, namespace, plural, name, subresource })
    }
}

impl Request {
    pub(super) fn read(parts: &Parts, body: &[u8]) -> Result<Self, Refused> {
        let what = || format!("{} {}", parts.method, parts.uri);
        let place = Place::read(parts.uri.path()).ok_or_else(|| Refused::unknown(&what()))?;
        if !["", "status"].contains(&place.subresource) {
            return Err(Refused::unknown(&what()));
        }
        let query = parts.uri.query().unwrap_or_default();
        let query: HashMap<_, _> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        if query.contains_key("dryRun") || query.contains_key("sendInitialEvents") {
            return Err(Refused::unknown(&what()));
        }
        let body = match body {
            [] => Json::Null,
            body => serde_json::from_slice(body).map_err(|error| Refused::bad(error.to_string()))?,
        };
        let verb = verb(parts, place.name, &query)?.ok_or_else(|| Refused::unknown(&what()))?;
        Ok(Self {
            verb,
            group: place.group.to_owned(),
            version: place.version.to_owned(),
            plural: place.plural.to_owned(),
            namespace: place.namespace.to_owned(),
            name: place.name.to_owned(),
            is_of_status: place.subresource == "status",
            is_partial: header(&parts.headers, &ACCEPT).contains("PartialObjectMetadata"),
            body,
        })
    }

    /// Returns `deployments.apps`, as messages name kinds.
    pub(super) fn resource(&self) -> String {
        resource(&self.group, &self.plural)
    }
}

pub(super) fn resource(group: &str, plural: &str) -> String {
    if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") }
}

fn header<'a>(headers: &'a HeaderMap, name: &http::HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Returns what is to be done; nothing if that cannot be done here.
fn verb(parts: &Parts, name: &str, query: &HashMap<String, String>) -> Result<Option<Verb>, Refused> {
    let of = |key: &str| query.get(key).map(String::as_str);
    let is_one = !name.is_empty();
    let verb = match (&parts.method, is_one) {
        (&Method::GET, true) => Verb::Get,
        (&Method::GET, false) => {
            let selector = Selector::read(of("labelSelector"), of("fieldSelector"));
            let selector = selector.ok_or_else(|| Refused::bad(format!("unable to parse the selector: {query:?}")))?;
            match of("watch") {
                Some("true" | "1") => {
                    let version = of("resourceVersion").unwrap_or("0").parse();
                    Verb::Watch(selector, version.map_err(|_| Refused::bad("invalid resource version"))?)
                }
                _ => Verb::List(selector),
            }
        }
        (&Method::POST, false) => Verb::Create,
        (&Method::PUT, true) => Verb::Replace,
        (&Method::DELETE, true) => Verb::Delete,
        (&Method::PATCH, true) => match header(&parts.headers, &CONTENT_TYPE) {
            "application/apply-patch+yaml" => match of("fieldManager") {
                Some(manager) if !manager.is_empty() => Verb::Apply(manager.to_owned()),
                _ => return Err(Refused::bad("fieldManager is required for apply patch")),
            },
            "application/merge-patch+json" => Verb::Merge,
            _ => return Ok(None),
        },
        _ => return Ok(None),
    };
    Ok(Some(verb))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(method: &str, uri: &str, kind_of_body: &str) -> Result<Request, Refused> {
        let request = http::Request::builder().method(method).uri(uri).header(CONTENT_TYPE, kind_of_body);
        Request::read(&request.body(()).unwrap().into_parts().0, b"{}")
    }

    #[test]
    fn requests_are_read() {
        for (method, uri, expected) in [
            ("GET", "/api/v1/namespaces/n/pods/p", "Get v1 n/pods p"),
            ("GET", "/api/v1/pods?", "List v1 /pods "),
            ("GET", "/api/v1/pods?&watch=true&resourceVersion=7", "Watch v1 /pods "),
            ("POST", "/apis/apps/v1/namespaces/n/deployments?", "Create apps/v1 n/deployments "),
            ("PUT", "/api/v1/namespaces/n", "Replace v1 /namespaces n"),
            ("PUT", "/api/v1/namespaces/n/status", "Replace v1 /namespaces n of status"),
            ("DELETE", "/api/v1/namespaces/n/pods/p", "Delete v1 n/pods p"),
        ] {
            let request = read(method, uri, "application/json").unwrap();
            let verb = format!("{:?}", request.verb);
            let verb = verb.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
            let group = if request.group.is_empty() { String::new() } else { format!("{}/", request.group) };
            let place = format!("{group}{} {}/{} {}", request.version, request.namespace, request.plural, request.name);
            let of = if request.is_of_status { " of status" } else { "" };
            assert_eq!(format!("{verb} {place}{of}"), expected);
        }
        let apply = "application/apply-patch+yaml";
        let applied = read("PATCH", "/api/v1/namespaces/n/pods/p?&fieldManager=xos%2Fa", apply).unwrap();
        assert!(matches!(applied.verb, Verb::Apply(manager) if manager == "xos/a"));
    }

    #[test]
    fn what_cannot_be_answered_is_refused_in_words() {
        for (method, uri, kind, expected) in [
            ("GET", "/version", "", "the API server of a test does not answer GET /version"),
            ("DELETE", "/api/v1/pods", "", "the API server of a test does not answer DELETE /api/v1/pods"),
            ("GET", "/api/v1/namespaces/n/pods/p/log", "", "the API server of a test does not answer GET /api/v1/"),
            ("GET", "/api/v1/pods?fieldSelector=spec.x%3D1", "", "unable to parse the selector"),
            ("PATCH", "/api/v1/nodes/p", "application/apply-patch+yaml", "fieldManager is required for apply patch"),
            ("PATCH", "/api/v1/nodes/p", "application/json-patch+json", "the API server of a test does not answer"),
        ] {
            let refused = read(method, uri, kind).unwrap_err();
            assert!(refused.message.starts_with(expected), "{refused}");
        }
    }
}
