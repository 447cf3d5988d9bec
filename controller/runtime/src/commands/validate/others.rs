//! Rules about several objects: names, unique fields, links, owners, validators. Those of the framework
//! (`xos_model::accept`), among the objects of the files.

use std::collections::HashMap;
use std::sync::Arc;

use kube::api::DynamicObject;
use serde_json::{Value as Json, json};
use xos_crds::{api_resource, from_custom_resource};
use xos_model::accept::{self, Checks, Refusal};
use xos_model::graph::Standing;
use xos_model::index::Index;
use xos_model::{Object, ObjectKey, Reference};
use xos_xproto::{Model, ModelSet, Section};
use xos_yaml::{Node, Place};

use super::problem::ObjectProblem;
use super::read::{Given, Objects};

/// Finds what is wrong with objects among the others of the files.
pub(super) fn judge(models: &ModelSet, objects: &mut Objects<'_>) {
    let mut found = twice(objects);
    let Ok(mut index) = Index::new(Arc::new(models.clone()), &[]) else { return };
    let all: Vec<_> = objects.all.iter().enumerate().map(|(at, given)| (given, object(given, at))).collect();
    let checks: HashMap<_, _> =
        all.iter().map(|(given, _)| given.model).map(|m| (&m.name, Checks::of(models, m))).collect();
    for (given, object) in all.iter().filter_map(|(given, object)| Some((given, object.as_ref()?))) {
        if let Some(checks) = checks.get(&given.model.name) {
            checks.prepare(&mut index, given.model, object);
        }
        index.insert(object, Standing::Settled);
    }
    for (given, object) in all.iter().filter_map(|(given, object)| Some((given, object.as_ref()?))) {
        links(&index, given, object, &mut found);
        let Some(checks) = checks.get(&given.model.name).filter(|_| given.fits) else { continue };
        if let Some((refusal, other)) = checks.rivalry(&index, given.model, object, &|_| false).lost
            && other.key() != object.key()
        {
            let place = common(given, object, &other);
            found.push((ObjectProblem::NotUnique { message: refusal.message }, place));
        }
        let refusals = [checks.refusal(&index, given.model, object), accept::invalid(&index, given.model, object)];
        let [by_checks, by_validators] = refusals;
        let by_checks = by_checks.filter(|one| one.reason != "Invalid");
        found.extend([by_checks, by_validators].into_iter().flatten().map(|refusal| refused(given, refusal)));
    }
    objects.problems.extend(found);
}

/// Returns the object as the engine would see it; the order of the files is that of creation. Nothing if it has no
/// name.
fn object(given: &Given<'_>, at: usize) -> Option<Arc<Object>> {
    if given.name.is_empty() {
        return None;
    }
    let spec = given.node.at("spec").map_or_else(|| json!({}), |spec| spec.clone().into_json());
    let mut resource = DynamicObject::new(&given.name, &api_resource(given.model)).data(json!({ "spec": spec }));
    resource.metadata.namespace = Some(given.namespace.clone());
    resource.metadata.uid = Some(format!("{at:012}"));
    from_custom_resource(given.model, &resource).ok().map(Arc::new)
}

fn twice(objects: &Objects<'_>) -> Vec<(ObjectProblem, Place)> {
    let mut known: HashMap<_, &Place> = HashMap::new();
    let mut found = vec![];
    for given in objects.all.iter().filter(|given| !given.name.is_empty()) {
        let key = ObjectKey::new(&given.model.name, &given.namespace, &given.name);
        match known.get(&key) {
            None => drop(known.insert(key, &given.place)),
            Some(first) => {
                let object = format!("{} {}", given.model.name, given.name);
                found.push((ObjectProblem::Twice { object, first: told(objects, first) }, given.place.clone()));
            }
        }
    }
    found
}

/// Returns a place as `file:line`.
fn told(objects: &Objects<'_>, place: &Place) -> String {
    let Place::File { file, bytes } = place else { return String::new() };
    let file = objects.files.get(*file);
    file.map_or_else(String::new, |file| format!("{}:{}", file.path.display(), file.line_column(bytes.start).0))
}

/// Returns the place of the first key field that two objects have in common.
fn common(given: &Given<'_>, object: &Object, other: &Object) -> Place {
    let model = given.model;
    let fields = model.fields.iter().filter(|f| f.unique || f.tosca_key || !f.unique_with.is_empty()).map(|f| &f.name);
    let links = model.links.iter().filter(|l| l.unique || l.tosca_key || !l.unique_with.is_empty()).map(|l| &l.name);
    let mut keys = fields.chain(links);
    let found = keys.find(|name| object.fields.get(name).is_some_and(|value| other.fields.get(name) == Some(value)));
    found.map_or_else(|| given.place.clone(), |name| place_of(given, name))
}

fn place_of(given: &Given<'_>, member: &str) -> Place {
    let key = given.model.member(member).map(xos_xproto::Member::camel_name);
    let node = key.and_then(|key| given.node.at("spec")?.at(&key));
    node.map_or_else(|| given.place.clone(), |node| node.place.clone())
}

fn refused(given: &Given<'_>, refusal: Refusal) -> (ObjectProblem, Place) {
    let message = refusal.message;
    // `spec.team.kind: …`
    let path: String = message.chars().take_while(|c| c.is_alphanumeric() || *c == '.' || *c == '_').collect();
    let at = |path: &str| given.node.at(path).map(|node: &Node| node.place.clone());
    let parent = || at(path.rsplit_once('.').map(|(parent, _)| parent).filter(|parent| *parent != "spec")?);
    let place = Some(&path).filter(|path| path.starts_with("spec.")).and_then(|path| at(path).or_else(parent));
    let place = place.unwrap_or_else(|| given.place.clone());
    let problem = match refusal.reason {
        "NoOwner" => ObjectProblem::NoOwner { message },
        "AmbiguousOwner" | "WrongOwner" => ObjectProblem::WrongOwner { message },
        "Invalid" => ObjectProblem::Validator { message },
        _ => ObjectProblem::WrongLink { message },
    };
    (problem, place)
}

/// Notes links to objects that are not in the files.
fn links(index: &Index, given: &Given<'_>, object: &Object, found: &mut Vec<(ObjectProblem, Place)>) {
    for link in given.model.links_in(Section::Spec) {
        let value = object.fields.get(&link.name);
        let references: &[Json] = match value {
            Some(Json::Array(all)) => all,
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        let key = format!("spec.{}", link.camel_name());
        let node = given.node.at("spec").and_then(|spec| spec.at(&link.camel_name()));
        for (at, reference) in references.iter().enumerate() {
            let Ok(reference) = serde_json::from_value::<Reference>(reference.clone()) else { continue };
            let kind = reference.kind.as_deref().unwrap_or(&link.peer);
            let is_kind = |model: &Model| model.is_a(&link.peer) && model.has_objects();
            // Another kind is refused.
            let is_possible = reference.kind.is_none() || index.models().get(kind).is_some_and(is_kind);
            if is_possible && index.at(&link.peer, &given.namespace, &reference).is_empty() {
                let item = match node.map(|node| &node.value) {
                    Some(xos_yaml::Value::List(items)) => items.get(at),
                    _ => node,
                };
                let named = item.and_then(|node| node.at("name")).or(item);
                let place = named.map_or_else(|| given.place.clone(), |node| node.place.clone());
                let (key, kind, name) = (key.clone(), kind.to_owned(), reference.name);
                found.push((ObjectProblem::Elsewhere { key, kind, name }, place));
            }
        }
    }
}
