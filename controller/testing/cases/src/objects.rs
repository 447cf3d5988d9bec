//! The objects that a case names and gives.

use std::collections::BTreeMap;

use kube::api::DynamicObject;
use serde::Deserialize;
use serde_json::Value as Json;
use xos_crds::names::Names;
use xos_model::{Object, ObjectKey};
use xos_steps::ForeignKind;
use xos_testing::{Cluster, World};
use xos_xproto::{Member, Model, ModelSet, Section, camel_case, nearest};
use xos_yaml::{Entry, Node, Place, Value};

use crate::foreign::{At, Kinds, secret_kind};
use crate::problem::CaseProblem;

/// The namespace of objects that are named without one.
pub(crate) const NAMESPACE: &str = "default";
/// What an object may have at its top, and in `metadata`.
const TOP: [&str; 4] = ["apiVersion", "kind", "metadata", "spec"];

type Problems = Vec<(CaseProblem, Place)>;

/// Something that an operator applies.
pub(crate) enum Given {
    /// An object, and the fields that are unset by null.
    Object(Box<Object>, Vec<String>),
    /// A Secret, which objects may name, and steps read.
    Secret(Secret, Foreign),
    /// Another object of Kubernetes.
    Foreign(Foreign),
}

/// An object of Kubernetes that is not one of a model.
pub(crate) struct Foreign {
    kind: ForeignKind,
    object: Json,
}

/// A Secret.
#[derive(Debug, Deserialize)]
pub(crate) struct Secret {
    metadata: Meta,
    #[serde(default, rename = "stringData")]
    data: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct Meta {
    name: String,
    #[serde(default)]
    namespace: Option<String>,
}

fn entries(node: Option<&Node>) -> &[Entry] {
    match node.map(|node| &node.value) {
        Some(Value::Map(entries)) => entries,
        _ => &[],
    }
}

/// Reads what is applied.
pub(crate) fn read(models: &ModelSet, kinds: &Kinds, node: &Node, problems: &mut Problems) -> Option<Given> {
    let Some((kind, place)) = node.text("kind") else {
        problems.push((CaseProblem::Missing { key: "kind".to_owned() }, node.place.clone()));
        return None;
    };
    let name = node.text("metadata.name").map(|(name, _)| name).filter(|name| !name.is_empty());
    if name.is_none() {
        problems.push((CaseProblem::Missing { key: "metadata.name".to_owned() }, place.clone()));
        return None;
    }
    let version = node.text("apiVersion").map(|(version, _)| version);
    if let Some(kind) = kinds.find(models, kind, version) {
        let of_secret = if *kind == secret_kind() { Some(secret(node, problems)?) } else { None };
        let foreign = Foreign { kind: kind.clone(), object: node.clone().into_json() };
        return Some(match of_secret {
            Some(secret) => Given::Secret(secret, foreign),
            None => Given::Foreign(foreign),
        });
    }
    let model = model(models, kinds, (kind, place), problems)?;
    let expected = Names::of(model).api_version();
    if let Some((version, place)) = node.text("apiVersion").filter(|(version, _)| *version != expected) {
        let key = "apiVersion".to_owned();
        let wrong = CaseProblem::InvalidValue { key, value: version.to_owned(), expected, suggestion: None };
        problems.push((wrong, place.clone()));
        return None;
    }
    let before = problems.len();
    check_keys(model, node, problems);
    if problems.len() > before {
        return None;
    }
    let resource: DynamicObject = serde_json::from_value(node.clone().into_json()).ok()?;
    let mut object = xos_crds::from_custom_resource(model, &resource).ok()?;
    if object.meta.namespace.is_empty() {
        NAMESPACE.clone_into(&mut object.meta.namespace);
    }
    let nulls = entries(node.at("spec")).iter().filter(|entry| entry.node.value == Value::Null);
    let unset = nulls.filter_map(|entry| Some(member(model, &entry.key, Section::Spec)?.name().to_owned())).collect();
    Some(Given::Object(Box::new(object), unset))
}

fn secret(node: &Node, problems: &mut Problems) -> Option<Secret> {
    for entry in entries(Some(node)) {
        if !["apiVersion", "kind", "metadata", "stringData", "type"].contains(&entry.key.as_str()) {
            let suggestion = (entry.key == "data").then(|| "stringData".to_owned());
            problems.push((CaseProblem::UnknownKey { key: entry.key.clone(), suggestion }, entry.place.clone()));
            return None;
        }
    }
    let read = serde_json::from_value(node.clone().into_json());
    read.map_err(|error| problems.push((CaseProblem::Refused { why: error.to_string() }, node.place.clone()))).ok()
}

/// Returns a model that has objects.
pub(crate) fn model<'a>(
    models: &'a ModelSet,
    kinds: &Kinds,
    (name, place): (&str, &Place),
    problems: &mut Problems,
) -> Option<&'a Model> {
    let found = models.get(name).filter(|model| !model.is_abstract);
    if found.is_none() {
        let models = models.concrete().map(|model| model.name.as_str());
        let suggestion = nearest(name, models.chain(kinds.0.iter().map(|kind| kind.kind.as_str())));
        problems.push((CaseProblem::UnknownModel { model: name.to_owned(), suggestion }, place.clone()));
    }
    found
}

fn member<'a>(model: &'a Model, key: &str, section: Section) -> Option<&'a Member> {
    model.members_in(section).find(|member| member.camel_name() == key)
}

/// Notes keys of an object that it cannot have.
fn check_keys(model: &Model, node: &Node, problems: &mut Problems) {
    for entry in entries(Some(node)).iter().filter(|entry| !TOP.contains(&entry.key.as_str())) {
        problems.push((unknown(model, &entry.key, &TOP.map(str::to_owned)), entry.place.clone()));
    }
    check_section(model, entries(node.at("spec")), Section::Spec, problems);
}

/// Notes keys of a section that a model does not have.
pub(crate) fn check_section(model: &Model, entries: &[Entry], section: Section, problems: &mut Problems) {
    let mut known: Vec<_> = model.members_in(section).map(Member::camel_name).collect();
    match section {
        Section::Spec => known.extend(model.secret_sources().map(|(_, source)| camel_case(&source))),
        Section::Status => known
            .extend(["observedGeneration", "conditions", "history", "synchronizers", "properties"].map(str::to_owned)),
    }
    for entry in entries.iter().filter(|entry| !known.contains(&entry.key)) {
        let field = format!("{}.{}", section.as_str(), entry.key);
        let known: Vec<_> = known.iter().map(|name| format!("{}.{name}", section.as_str())).collect();
        problems.push((unknown(model, &field, &known), entry.place.clone()));
    }
}

fn unknown(model: &Model, field: &str, known: &[String]) -> CaseProblem {
    let suggestion = nearest(field, known);
    CaseProblem::UnknownField { field: field.to_owned(), model: model.name.clone(), suggestion }
}

/// Returns the entries of a section that is expected.
pub(crate) fn expected_section(node: &Node, section: Section) -> &[Entry] {
    entries(node.at(section.as_str()))
}

/// Something that a case names.
pub(crate) enum Named {
    Object(ObjectKey),
    Foreign(At),
}

/// Returns the object that a text names: `Person/ada`, `Person/namespace/ada`, `Deployment.apps/web`.
pub(crate) fn named(
    models: &ModelSet,
    kinds: &Kinds,
    (text, place): (&str, &Place),
    problems: &mut Problems,
) -> Option<Named> {
    let parts: Vec<_> = text.split('/').collect();
    let (kind, namespace, name) = match parts.as_slice() {
        [kind, name] => (*kind, NAMESPACE, *name),
        [kind, namespace, name] => (*kind, *namespace, *name),
        _ => {
            let expected = "KIND/NAME, as in `Person/ada`".to_owned();
            let (key, value) = ("an object".to_owned(), text.to_owned());
            problems.push((CaseProblem::InvalidValue { key, value, expected, suggestion: None }, place.clone()));
            return None;
        }
    };
    if let Some(kind) = kinds.named(models, kind) {
        return Some(Named::Foreign(At { kind: kind.clone(), namespace: namespace.to_owned(), name: name.to_owned() }));
    }
    let model = model(models, kinds, (kind, place), problems)?;
    Some(Named::Object(ObjectKey::new(&model.name, namespace, name)))
}

/// Returns the object of a model that a text names.
pub(crate) fn key(
    models: &ModelSet,
    kinds: &Kinds,
    (text, place): (&str, &Place),
    problems: &mut Problems,
) -> Option<ObjectKey> {
    match named(models, kinds, (text, place), problems)? {
        Named::Object(key) => Some(key),
        Named::Foreign(_) => {
            let (key, value) = ("an object".to_owned(), text.to_owned());
            let expected = "that of a model: what steps make of others is in `objects`".to_owned();
            problems.push((CaseProblem::InvalidValue { key, value, expected, suggestion: None }, place.clone()));
            None
        }
    }
}

/// Returns an object's name for messages.
pub(crate) fn told(key: &ObjectKey) -> String {
    match &*key.namespace {
        NAMESPACE => format!("{} {}", key.model, key.name),
        namespace => format!("{} {namespace}/{}", key.model, key.name),
    }
}

impl Given {
    /// Applies it, as an operator does.
    ///
    /// # Errors
    /// Why the API server would refuse it.
    pub(crate) fn apply(&self, world: &World, cluster: &Cluster) -> Result<(), String> {
        match self {
            Self::Secret(Secret { metadata, data }, foreign) => {
                let namespace = metadata.namespace.as_deref().unwrap_or(NAMESPACE);
                for (key, value) in data {
                    world.api().put_secret(namespace, &metadata.name, key, value);
                }
                foreign.apply(cluster)
            }
            Self::Foreign(foreign) => foreign.apply(cluster),
            Self::Object(object, unset) => world.apply_as(object, unset).map_err(|error| error.to_string()),
        }
    }
}

impl Foreign {
    fn apply(&self, cluster: &Cluster) -> Result<(), String> {
        cluster.set(&self.kind, &self.object).map_err(|refused| refused.to_string())
    }
}

/// Returns an object as a custom resource.
pub(crate) fn resource(model: &Model, object: &Object) -> Json {
    let resource = xos_crds::to_custom_resource(model, object).ok();
    resource.and_then(|resource| serde_json::to_value(resource).ok()).unwrap_or_default()
}
