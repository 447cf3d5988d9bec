//! Two definitions of the same name.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResource;
use serde_json::{Value, json};

use super::difference::{Difference, Effect};
use super::field_path::FieldPath;
use super::schema;
use super::values::same;
use crate::names::VERSION;

/// Why two definitions could not be compared.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the definition as JSON: {0}")]
pub struct CompareError(#[from] serde_json::Error);

/// The parts of two definitions that are compared as a whole.
const NAMES: [&str; 4] = ["listKind", "singular", "shortNames", "categories"];
/// The same for their versions.
const VERSION_PARTS: [&str; 7] = [
    "served",
    "storage",
    "deprecated",
    "deprecationWarning",
    "subresources",
    "additionalPrinterColumns",
    "selectableFields",
];

/// Returns all differences between the definitions, in the parts that a model determines.
///
/// # Errors
/// When one has no JSON form.
pub fn compare(
    stored: &CustomResourceDefinition,
    wanted: &CustomResourceDefinition,
) -> Result<Vec<Difference>, CompareError> {
    let old = serde_json::to_value(stored)?;
    let new = serde_json::to_value(wanted)?;
    let mut found = fixed(&old["spec"], &new["spec"]);
    for name in NAMES {
        found.extend(harmless(name, &old["spec"]["names"][name], &new["spec"]["names"][name]));
    }
    for (name, label) in new["metadata"]["labels"].as_object().into_iter().flatten() {
        found.extend(harmless(&format!("label {name}"), &old["metadata"]["labels"][name], label));
    }
    found.extend(versions(&old["spec"]["versions"], &new["spec"]["versions"]));
    Ok(found)
}

/// Returns the differences in what the API server never changes in a definition.
fn fixed(old: &Value, new: &Value) -> Vec<Difference> {
    let parts = [("scope", &old["scope"], &new["scope"]), ("kind", &old["names"]["kind"], &new["names"]["kind"])];
    let differing = parts.into_iter().filter(|(_, before, after)| before != after);
    let remedy = "no definition's scope or kind can be changed: give the model another name or plural, or delete the \
                  definition together with all its objects";
    differing.map(|(name, before, after)| whole(name, before, after, Effect::Conflict(remedy.to_owned()))).collect()
}

fn versions(old: &Value, new: &Value) -> Vec<Difference> {
    let of = |list: &Value, name: &str| {
        let found = list.as_array().into_iter().flatten().find(|version| version["name"] == name);
        found.cloned().unwrap_or(Value::Null)
    };
    let mut found: Vec<_> = old.as_array().into_iter().flatten().filter_map(|version| foreign(version, new)).collect();
    let before = of(old, VERSION);
    let after = of(new, VERSION);
    if before.is_null() {
        return found;
    }
    for part in VERSION_PARTS {
        found.extend(harmless(part, &before[part], &after[part]));
    }
    let root =
        |version: &Value| version["schema"]["openAPIV3Schema"].as_object().cloned().unwrap_or_else(schema::empty);
    let differences = schema::compare(&FieldPath::object(), &root(&before), &root(&after)).into_iter();
    found.extend(differences.map(|difference| match &difference.place {
        // Nothing is lost, and nobody edits it: it is computed again at once.
        Some(place) if place.is_computed() => Difference { effect: Effect::Harmless, ..difference },
        _ => difference,
    }));
    found
}

/// Returns the difference that a version was defined by someone else.
fn foreign(version: &Value, new: &Value) -> Option<Difference> {
    let is_ours = new.as_array().into_iter().flatten().any(|ours| ours["name"] == version["name"]);
    let remedy = "the definition is not made from a model: give the model another plural, or delete the definition";
    (!is_ours).then(|| whole("version", &version["name"], &Value::Null, Effect::Conflict(remedy.to_owned())))
}

/// Returns the names of the definition that other resources of the group have. `others` are those that the API server
/// serves.
pub fn taken_names(wanted: &CustomResourceDefinition, others: &[APIResource]) -> Vec<Difference> {
    let names = &wanted.spec.names;
    let ours: Vec<_> = [Some(&names.plural), names.singular.as_ref()]
        .into_iter()
        .flatten()
        .chain(names.short_names.iter().flatten())
        .collect();
    let is_other = |other: &&APIResource| other.name != names.plural && !other.name.contains('/');
    let mut found = vec![];
    for other in others.iter().filter(is_other) {
        let holder = format!("{}.{}", other.name, wanted.spec.group);
        if other.kind == names.kind {
            found.push(taken("kind", &names.kind, &holder));
        }
        let theirs = [&other.name, &other.singular_name].into_iter().chain(other.short_names.iter().flatten());
        found.extend(theirs.filter(|name| ours.contains(name)).map(|name| taken("name", name, &holder)));
    }
    found
}

fn taken(aspect: &str, name: &str, holder: &str) -> Difference {
    let remedy = format!(
        "it is taken by the definition {holder}: if the model's plural was changed, move its objects to the new \
         definition and delete that one; else give the model another name"
    );
    whole(aspect, &json!(format!("of {holder}")), &json!(name), Effect::Conflict(remedy))
}

fn harmless(aspect: &str, before: &Value, after: &Value) -> Option<Difference> {
    let is_nothing = |value: &Value| matches!(value, Value::Null | Value::Bool(false));
    let is_same = same(before, after) || (is_nothing(before) && is_nothing(after));
    (!is_same).then(|| whole(aspect, before, after, Effect::Harmless))
}

fn whole(aspect: &str, before: &Value, after: &Value, effect: Effect) -> Difference {
    let told = |value: &Value| Some(value).filter(|value| !value.is_null()).cloned();
    Difference { place: None, aspect: aspect.to_owned(), before: told(before), after: told(after), effect }
}
