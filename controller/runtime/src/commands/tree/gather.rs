//! Reads all objects of models, with their links.

use kube::api::DynamicObject;
use kube::{Client, ResourceExt as _};
use serde_json::Value;
use xos_model::condition::READY;

use super::TreeArgs;
use super::graph::{Graph, Node, Reference, Told};
use crate::commands::objects::{self, ObjectsError};
use crate::kinds::{self, Kind};

/// Reads the graph of all objects, and finds the one that the command is about.
pub(super) async fn graph(args: &TreeArgs) -> Result<(Graph, usize), ObjectsError> {
    let (kind, name) = objects::one(&args.object)?;
    let client = args.target.client(xos_engine::API_TIMEOUT).await?;
    let all = kinds::of_models(&client).await?;
    let namespace = args.namespace.clone().unwrap_or_else(|| client.default_namespace().to_owned());
    let (kind, object) = objects::find(&client, &all, (&kind, &name), &namespace).await?;
    let root = node(kind, &object);
    let mut nodes = vec![];
    for kind in &all {
        nodes.extend(nodes_of(&client, kind, &namespace).await?);
    }
    let inherits = |heir: &str, base: &str| {
        let fields = |name: &str| all.iter().filter(|kind| kind.resource.kind == name).map(|kind| &kind.fields).next();
        // A model has all fields of its bases. One without objects has no definition.
        fields(base).is_none_or(|base| fields(heir).is_some_and(|heir| base.is_subset(heir)))
    };
    Ok(Graph::of(nodes, root, &inherits))
}

/// Returns the objects of a kind: of all namespaces, as far as they may be read.
async fn nodes_of(client: &Client, kind: &Kind, namespace: &str) -> Result<Vec<Node>, ObjectsError> {
    let mut nodes = vec![];
    let everywhere = kinds::for_each(&kind.api(client, None), |object| nodes.push(node(kind, object))).await;
    let listed = match everywhere {
        Err(kube::Error::Api(status)) if status.is_forbidden() => {
            nodes.clear();
            kinds::for_each(&kind.api(client, Some(namespace)), |object| nodes.push(node(kind, object))).await
        }
        listed => listed,
    };
    listed.map_err(|source| ObjectsError::Read { what: kind.full_name(), source: Box::new(source) })?;
    Ok(nodes)
}

fn node(kind: &Kind, object: &DynamicObject) -> Node {
    let namespace = object.namespace().unwrap_or_default();
    let mut references = vec![];
    for link in &kind.links {
        let value = &object.data["spec"][&link.name];
        let one = || std::slice::from_ref(value);
        let all = if link.to_many { value.as_array().map_or(&[][..], Vec::as_slice) } else { one() };
        let text = |reference: &Value, key: &str| reference[key].as_str().map(str::to_owned);
        references.extend(all.iter().filter_map(|reference| {
            Some(Reference {
                field: link.name.clone(),
                is_to_many: link.to_many,
                peer: text(reference, "kind").unwrap_or_else(|| link.peer.clone()),
                is_exact: reference["kind"].is_string(),
                namespace: text(reference, "namespace").unwrap_or_else(|| namespace.clone()),
                name: text(reference, "name")?,
            })
        }));
    }
    Node {
        kind: kind.resource.kind.clone(),
        name: object.name_any(),
        namespace,
        exists: true,
        is_deleting: object.metadata.deletion_timestamp.is_some(),
        told: told(&object.data["status"]["conditions"]),
        references,
    }
}

fn told(conditions: &Value) -> Told {
    let ready = conditions.as_array().into_iter().flatten().find(|one| one["type"] == READY);
    let text = |key: &str| ready.and_then(|ready| ready[key].as_str()).unwrap_or_default().to_owned();
    Told { ready: text("status"), reason: text("reason"), message: text("message") }
}
