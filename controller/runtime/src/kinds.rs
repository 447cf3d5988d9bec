//! The kinds of models that the cluster has, from their definitions alone: whoever made them.

use std::collections::BTreeSet;

use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::{Client, ResourceExt as _};
use serde_json::Value;
use xos_engine::api_error::explain;
use xos_model::names::APP_LABEL;

/// How many objects are read at once.
const PAGE: u32 = 500;

/// Why a kind is not found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KindsError {
    #[error("cannot list the kinds of models: {}", explain(.0))]
    List(#[source] Box<kube::Error>),
    #[error("no kind of a model is called `{name}`; there are {known}")]
    Unknown { name: String, known: String },
}

impl KindsError {
    /// Whether the right is missing.
    pub(crate) fn is_forbidden(&self) -> bool {
        matches!(self, Self::List(error) if matches!(&**error, kube::Error::Api(status) if status.is_forbidden()))
    }
}

/// A kind of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) resource: ApiResource,
    /// The names by which kubectl knows it, in lower case.
    names: Vec<String>,
    pub(crate) links: Vec<LinkField>,
    /// The names of all fields of spec.
    pub(crate) fields: BTreeSet<String>,
}

/// A field of spec that is a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LinkField {
    pub(crate) name: String,
    /// The model that it leads to; the object may be of one derived from it.
    pub(crate) peer: String,
    pub(crate) to_many: bool,
}

impl Kind {
    /// Reads a definition.
    pub(crate) fn read(definition: &Value) -> Option<Self> {
        let spec = definition.get("spec")?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let names = spec.get("names")?;
        let version = spec["versions"].as_array()?.iter().find(|version| version["served"] == true)?;
        let (group, kind, plural) = (text(&spec["group"])?, text(&names["kind"])?, text(&names["plural"])?);
        let name = text(&version["name"])?;
        let short = names["shortNames"].as_array().into_iter().flatten().filter_map(text);
        let known = [Some(kind.to_lowercase()), Some(plural.clone()), text(&names["singular"])];
        let names = known.into_iter().flatten().chain(short).collect();
        let api_version = format!("{group}/{name}");
        let fields = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"].as_object();
        let fields = || fields.into_iter().flatten();
        let links = fields().filter_map(|(name, schema)| LinkField::read(name, schema)).collect();
        let fields = fields().map(|(name, _)| name.clone()).collect();
        Some(Self { resource: ApiResource { group, version: name, api_version, kind, plural }, names, links, fields })
    }

    /// Whether a person who writes this means the kind: `Slice`, `slices`, `slices.net.xos.opencord.org` …
    pub(crate) fn is_called(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.names.iter().any(|name| {
            let rest = text.strip_prefix(name.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('.') == Some(self.resource.group.as_str()))
        })
    }

    /// Returns `slices.net.xos.opencord.org`.
    pub(crate) fn full_name(&self) -> String {
        format!("{}.{}", self.resource.plural, self.resource.group)
    }

    pub(crate) fn api(&self, client: &Client, namespace: Option<&str>) -> Api<DynamicObject> {
        match namespace {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &self.resource),
            None => Api::all_with(client.clone(), &self.resource),
        }
    }
}

impl LinkField {
    /// Links are written as they are by `xos_crds::links`: `{name, namespace, kind}`, or a list of these.
    fn read(name: &str, schema: &Value) -> Option<Self> {
        let to_many = schema["type"] == "array";
        let reference = if to_many { &schema["items"] } else { schema };
        let properties = reference["properties"].as_object()?;
        let is_link =
            properties.len() == 3 && ["name", "namespace", "kind"].iter().all(|key| properties.contains_key(*key));
        let text = properties.get("kind")?["description"].as_str()?;
        let peer = text.strip_prefix("The peer's kind: ")?.split(' ').next()?;
        is_link.then(|| Self { name: name.to_owned(), peer: peer.to_owned(), to_many })
    }
}

/// Returns the kinds that a person who writes this may mean.
pub(crate) fn called<'a>(all: &'a [Kind], name: &str) -> Result<Vec<&'a Kind>, KindsError> {
    let called: Vec<_> = all.iter().filter(|kind| kind.is_called(name)).collect();
    if called.is_empty() {
        return Err(KindsError::Unknown { name: name.to_owned(), known: full_names(all) });
    }
    Ok(called)
}

/// Returns the full names of kinds, for a message.
pub(crate) fn full_names<'a>(kinds: impl IntoIterator<Item = &'a Kind>) -> String {
    kinds.into_iter().map(Kind::full_name).collect::<Vec<_>>().join(", ")
}

/// Returns the kinds of models.
pub(crate) async fn of_models(client: &Client) -> Result<Vec<Kind>, KindsError> {
    let resource = ApiResource {
        group: "apiextensions.k8s.io".to_owned(),
        version: "v1".to_owned(),
        api_version: "apiextensions.k8s.io/v1".to_owned(),
        kind: "CustomResourceDefinition".to_owned(),
        plural: "customresourcedefinitions".to_owned(),
    };
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    let listed = api.list(&ListParams::default().labels(APP_LABEL)).await;
    let listed = listed.map_err(|error| KindsError::List(Box::new(error)))?;
    let mut kinds: Vec<_> = listed.items.iter().filter_map(|definition| Kind::read(&definition.data)).collect();
    kinds.sort_by_key(Kind::full_name);
    Ok(kinds)
}

/// Hands all objects of an API to `each`, a page at a time; none if the kind is not served any more.
pub(crate) async fn for_each(
    api: &Api<DynamicObject>,
    mut each: impl FnMut(&DynamicObject),
) -> Result<(), kube::Error> {
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let listed = match api.list(&page).await {
            Ok(listed) => listed,
            // The place in the list is too old: from the start, what was seen is seen twice.
            Err(kube::Error::Api(status)) if status.code == 410 && page.continue_token.is_some() => {
                page.continue_token = None;
                continue;
            }
            Err(kube::Error::Api(status)) if status.is_not_found() => return Ok(()),
            Err(error) => return Err(error),
        };
        listed.items.iter().for_each(&mut each);
        match listed.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page.continue_token = Some(token),
            None => return Ok(()),
        }
    }
}

/// Returns `Slice default/a`.
pub(crate) fn named(kind: &Kind, object: &DynamicObject) -> String {
    format!("{} {}/{}", kind.resource.kind, object.namespace().unwrap_or_default(), object.name_any())
}

#[cfg(test)]
mod tests {
    use super::*;
    use xos_xproto::{Sources, compile};

    #[test]
    fn kinds_and_links_are_read_from_definitions() {
        let mut sources = Sources::new();
        let text = "option app_label = \"net\"; message Site (XOSBase) { required string name = 1 [max_length = 9]; }
            message Node (XOSBase) { required manytoone site->Site:nodes = 1:1001; optional string a = 2 [max_length = 9];
                optional manytomany others->Node:back = 3:1002; }";
        sources.add("net.xproto", text);
        let definitions = xos_crds::definitions(&compile(&sources).models);
        let kinds: Vec<_> =
            definitions.iter().filter_map(|one| Kind::read(&serde_json::to_value(one).unwrap())).collect();
        let node = kinds.iter().find(|kind| kind.resource.kind == "Node").unwrap();
        for name in ["Node", "nodes", "node", "xosnode", "nodes.net.xos.opencord.org", "Node.net.xos.opencord.org"] {
            assert!(node.is_called(name), "{name}");
        }
        for name in ["nod", "nodes.net", "site", "nodesx"] {
            assert!(!node.is_called(name), "{name}");
        }
        let link =
            |name: &str, peer: &str, to_many| LinkField { name: name.to_owned(), peer: peer.to_owned(), to_many };
        assert_eq!(node.links, [link("others", "Node", true), link("site", "Site", false)]);
    }
}
