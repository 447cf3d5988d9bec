//! Objects as they are.

use serde_json::Value as Json;
use xos_model::ObjectKey;
use xos_testing::World;
use xos_xproto::{ModelSet, Section};
use xos_yaml::{Node, Value};

use crate::compare::{Differences, Of, compare};
use crate::objects::{NAMESPACE, check_section, expected_section, model, resource, told};
use crate::problem::CaseProblem;
use crate::run::list;

/// Compares objects.
pub(super) fn check(expect: &Node, world: &World, models: &ModelSet, differences: &mut Differences) {
    for node in list(expect, "objects") {
        object(node, world, models, differences);
    }
}

fn object(node: &Node, world: &World, models: &ModelSet, differences: &mut Differences) {
    let (Some((kind, kind_place)), Some((name, place))) = (node.text("kind"), node.text("name")) else { return };
    let Some(model) = model(models, kind, kind_place, differences) else { return };
    let namespace = node.text("namespace").map_or(NAMESPACE, |(namespace, _)| namespace);
    let key = ObjectKey::new(&model.name, namespace, name);
    let is_expected = !matches!(node.at("exists"), Some(Node { value: Value::Bool(false), .. }));
    let found = match (world.api().get(&key), is_expected) {
        (Some(found), true) => resource(model, &found),
        (None, false) => return,
        (found, _) => {
            let problem = CaseProblem::Existence { object: told(&key), exists: found.is_some() };
            differences.push((problem, place.clone()));
            return;
        }
    };
    for section in [Section::Spec, Section::Status] {
        check_section(model, expected_section(node, section), section, differences);
        if let Some(expected) = node.at(section.as_str()) {
            compare(expected, &found[section.as_str()], section.as_str(), Of::Part, differences);
        }
    }
    if let Some(expected) = node.at("deleting") {
        let is_deleting = !found["metadata"]["deletionTimestamp"].is_null();
        compare(expected, &Json::Bool(is_deleting), "deleting", Of::Whole, differences);
    }
    conditions(node, &found, differences);
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
