//! Requests for objects of Kubernetes.

use std::error::Error;

use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::{Api, Client};
use serde_json::Value as Json;
use xos_steps::ForeignKind;

/// Why something could not be done with an object of Kubernetes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KubernetesError {
    /// The API server does not serve the kind.
    #[error(
        "{what}: the API server does not serve {kind} as `{plural}`: its definition is not there, or its plural is \
         another one (`plural: …`)"
    )]
    Unserved { what: String, kind: String, plural: String },
    /// A right is missing.
    #[error("{what}: {said} (`xos rbac` prints the rights that the documents need)")]
    Forbidden { what: String, said: String },
    /// The API server says no, or cannot be reached.
    #[error("{what}: {said}")]
    Api { what: String, said: String },
    /// Somebody else's object has the name.
    #[error(
        "{what} is there already, and belongs to {owner}: give this one another name, or say `adopt: true` to take it over"
    )]
    Taken { what: String, owner: String },
    /// Two objects of one document have the same name.
    #[error("`{first}` and `{second}` are both {what}: give one of them another name")]
    Twice { what: String, first: String, second: String },
    /// An object will not become ready by itself.
    #[error("{what} has failed: {why}")]
    Failed { what: String, why: String },
    /// The API server's answer is none.
    #[error("{what}: the API server's answer cannot be read: {source}")]
    Answer {
        what: String,
        #[source]
        source: serde_json::Error,
    },
}

/// Returns an error with all its causes, each once.
pub(crate) fn explain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    for cause in std::iter::successors(error.source(), |&cause| cause.source()) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// Returns the error of a request about `what`.
pub(crate) fn failed(kind: &ForeignKind, what: String, error: &kube::Error) -> KubernetesError {
    match error {
        kube::Error::Api(status) if status.code == 404 && status.reason != "NotFound" => KubernetesError::Unserved {
            what,
            kind: format!("{} {}", kind.api_version(), kind.kind),
            plural: kind.plural.clone(),
        },
        kube::Error::Api(status) if status.code == 403 => {
            KubernetesError::Forbidden { what, said: status.message.clone() }
        }
        kube::Error::Api(status) if !status.message.is_empty() => {
            KubernetesError::Api { what, said: status.message.clone() }
        }
        error => KubernetesError::Api { what, said: explain(error) },
    }
}

pub(crate) fn api_resource(kind: &ForeignKind) -> ApiResource {
    ApiResource {
        group: kind.group.clone(),
        version: kind.version.clone(),
        api_version: kind.api_version(),
        kind: kind.kind.clone(),
        plural: kind.plural.clone(),
    }
}

/// Returns the requests for objects of a kind, in a namespace if it has any; no namespace: in all.
pub(crate) fn api(client: &Client, kind: &ForeignKind, namespace: Option<&str>) -> Api<DynamicObject> {
    let resource = api_resource(kind);
    match namespace.filter(|_| kind.is_namespaced) {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

/// Returns what an object is called in messages.
pub(crate) fn called(kind: &ForeignKind, namespace: &str, name: &str) -> String {
    match kind.is_namespaced {
        true => format!("{} {namespace}/{name}", kind.kind),
        false => format!("{} {name}", kind.kind),
    }
}

/// Reads an object; none if it is not there.
pub(crate) async fn get(
    client: &Client,
    kind: &ForeignKind,
    (namespace, name): (&str, &str),
) -> Result<Option<Json>, KubernetesError> {
    match api(client, kind, Some(namespace)).get(name).await {
        Ok(object) => json(&object, || called(kind, namespace, name)).map(Some),
        Err(kube::Error::Api(status)) if status.code == 404 && status.reason == "NotFound" => Ok(None),
        Err(error) => Err(failed(kind, called(kind, namespace, name), &error)),
    }
}

/// Reads all objects that a label selector selects.
pub(crate) async fn list(
    client: &Client,
    kind: &ForeignKind,
    namespace: Option<&str>,
    selector: Option<&str>,
) -> Result<Vec<Json>, KubernetesError> {
    const PAGE: u32 = 500;
    let api = api(client, kind, namespace);
    let mut parameters =
        ListParams { label_selector: selector.map(str::to_owned), ..ListParams::default() }.limit(PAGE);
    let mut all = vec![];
    loop {
        let page = api.list(&parameters).await.map_err(|error| failed(kind, kind.plural.clone(), &error))?;
        for mut object in page.items {
            // Items of a list need not say what they are.
            object.types.get_or_insert_with(|| kube::api::TypeMeta {
                api_version: kind.api_version(),
                kind: kind.kind.clone(),
            });
            all.push(json(&object, || kind.kind.clone())?);
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => parameters = parameters.continue_token(&token),
            None => return Ok(all),
        }
    }
}

/// Returns an object as JSON, without what says who has set which field.
pub(crate) fn json(object: &DynamicObject, what: impl FnOnce() -> String) -> Result<Json, KubernetesError> {
    let mut json = serde_json::to_value(object).map_err(|source| KubernetesError::Answer { what: what(), source })?;
    if let Some(metadata) = json.get_mut("metadata").and_then(Json::as_object_mut) {
        metadata.remove("managedFields");
    }
    Ok(json)
}

/// Returns the version of an object.
pub(crate) fn version_of(object: &Json) -> Option<String> {
    object["metadata"]["resourceVersion"].as_str().map(str::to_owned)
}
