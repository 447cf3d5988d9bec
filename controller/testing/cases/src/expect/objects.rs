//! Objects as they are.

use serde_json::Value as Json;
use xos_model::ObjectKey;
use xos_xproto::Section;
use xos_yaml::{Node, Place, Value};

use super::Found;
use crate::compare::{Differences, Of, compare};
use crate::foreign::At;
use crate::objects::{NAMESPACE, check_section, expected_section, model, resource, told};
use crate::problem::CaseProblem;
use crate::run::list;

/// Compares objects.
pub(super) fn check(expect: &Node, found: &Found<'_>, differences: &mut Differences) {
    for node in list(expect, "objects") {
        let (Some(of), Some(name)) = (node.text("kind"), node.text("name")) else { continue };
        let namespace = node.text("namespace").map_or(NAMESPACE, |(namespace, _)| namespace);
        let version = node.text("apiVersion").map(|(version, _)| version);
        match found.kinds.find(found.models, of.0, version).or_else(|| found.kinds.named(found.models, of.0)) {
            Some(kind) => {
                let at = At { kind: kind.clone(), namespace: namespace.to_owned(), name: name.0.to_owned() };
                let object = at.get(found.cluster);
                if let Some(object) = existing(node, object, (at.told(), name.1), differences) {
                    parts(node, &object, differences);
                }
            }
            None => of_model(node, (of, name), namespace, found, differences),
        }
    }
}

/// Compares an object of a model.
fn of_model(
    node: &Node,
    (of, name): ((&str, &Place), (&str, &Place)),
    namespace: &str,
    found: &Found<'_>,
    differences: &mut Differences,
) {
    let Some(model) = model(found.models, found.kinds, of, differences) else { return };
    let key = ObjectKey::new(&model.name, namespace, name.0);
    let object = found.world.api().get(&key).map(|object| resource(model, &object));
    let Some(object) = existing(node, object, (told(&key), name.1), differences) else { return };
    for section in [Section::Spec, Section::Status] {
        check_section(model, expected_section(node, section), section, differences);
    }
    parts(node, &object, differences);
}

/// Returns the object if it is there and should be; if only one of the two is so, that is noted.
fn existing(
    node: &Node,
    object: Option<Json>,
    (told, place): (String, &Place),
    differences: &mut Differences,
) -> Option<Json> {
    let is_expected = !matches!(node.at("exists"), Some(Node { value: Value::Bool(false), .. }));
    if object.is_some() != is_expected {
        differences.push((CaseProblem::Existence { object: told, exists: object.is_some() }, place.clone()));
        return None;
    }
    object
}

/// Compares the parts of an object.
fn parts(node: &Node, found: &Json, differences: &mut Differences) {
    for part in ["spec", "status", "metadata", "data"] {
        if let Some(expected) = node.at(part) {
            compare(expected, &found[part], part, Of::Part, differences);
        }
    }
    if let Some(expected) = node.at("deleting") {
        let is_deleting = !found["metadata"]["deletionTimestamp"].is_null();
        compare(expected, &Json::Bool(is_deleting), "deleting", Of::Whole, differences);
    }
    conditions(node, found, differences);
}

/// Compares conditions, by their types.
fn conditions(node: &Node, found: &Json, differences: &mut Differences) {
    let Some(Node { value: Value::Map(entries), .. }) = node.at("conditions") else { return };
    let all = found["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    for entry in entries {
        let what = format!("conditions.{}", entry.key);
        let Some(condition) = all.iter().find(|one| one["type"] == *entry.key) else {
            let there = all.iter().filter_map(|one| one["type"].as_str());
            let suggestion = xos_xproto::nearest(&entry.key, there);
            let what = format!("`{what}`");
            differences.push((CaseProblem::NotThere { what, suggestion }, entry.place.clone()));
            continue;
        };
        let status = &condition["status"];
        let why = || {
            format!(
                "{}: {}",
                condition["reason"].as_str().unwrap_or_default(),
                condition["message"].as_str().unwrap_or_default()
            )
        };
        match &entry.node.value {
            Value::Bool(is_it) if status.as_str() != Some(if *is_it { "True" } else { "False" }) => {
                let found = format!("`{}` ({})", status.as_str().unwrap_or_default(), why());
                let expected = format!("`{is_it}`");
                let differs = CaseProblem::Differs { what: format!("`{what}`"), expected, found };
                differences.push((differs, entry.node.place.clone()));
            }
            Value::Bool(_) => {}
            Value::Text(_) => compare(&entry.node, status, &what, Of::Whole, differences),
            _ => compare(&entry.node, condition, &what, Of::Part, differences),
        }
    }
}
