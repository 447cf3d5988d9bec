//! The schema of links: the name of another object, which may be created later.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{JSONSchemaProps, JSONSchemaPropsOrArray};
use xos_xproto::Link;

use crate::schema::object;

/// The longest name that Kubernetes gives an object, and the longest of a namespace or kind.
const NAME: i64 = 253;
const LABEL: i64 = 63;
/// A bound that keeps the cost of rules over the list within the API server's budget.
const PEERS: i64 = 1024;

/// Returns the schema of a link: a reference, or a list of them.
pub(crate) fn schema(link: &Link) -> JSONSchemaProps {
    let text = link.help_text.clone().unwrap_or_else(|| default_text(link));
    if !link.is_to_many() {
        return JSONSchemaProps { description: Some(text), ..reference(link) };
    }
    JSONSchemaProps {
        type_: Some("array".to_owned()),
        description: Some(text),
        items: Some(JSONSchemaPropsOrArray::Schema(Box::new(reference(link)))),
        max_items: Some(PEERS),
        x_kubernetes_list_type: Some("atomic".to_owned()),
        ..JSONSchemaProps::default()
    }
}

fn default_text(link: &Link) -> String {
    let peers = if link.is_to_many() { "Objects of the model" } else { "An object of the model" };
    format!("{peers} {}.", link.peer)
}

fn reference(link: &Link) -> JSONSchemaProps {
    let kind =
        format!("The peer's kind: {} or one derived from it; only needed where the name is not unique.", link.peer);
    let properties = [
        ("name", text(&format!("The name of the {}; it may come later.", link.peer), NAME)),
        ("namespace", text("Its namespace, if it is another one.", LABEL)),
        ("kind", text(&kind, LABEL)),
    ];
    JSONSchemaProps {
        required: Some(vec!["name".to_owned()]),
        x_kubernetes_map_type: Some("atomic".to_owned()),
        ..object(properties.map(|(name, schema)| (name.to_owned(), schema)).into())
    }
}

fn text(description: &str, longest: i64) -> JSONSchemaProps {
    JSONSchemaProps {
        type_: Some("string".to_owned()),
        description: Some(description.to_owned()),
        min_length: Some(1),
        max_length: Some(longest),
        ..JSONSchemaProps::default()
    }
}
