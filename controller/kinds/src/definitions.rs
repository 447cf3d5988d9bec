//! The definitions of the five kinds.

use kube::CustomResourceExt as _;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use xos_documents::kinds::Kind;
use xos_model::names::DOMAIN;

use crate::id::ObjectKind;
use crate::model_set::{ModelSet, ModelSetStatus};
use crate::structural::structural;

/// To be raised with each change of one of the definitions: an older program does not replace a newer one.
pub const REVISION: u64 = 1;

/// The definition of a kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Framework {
    /// Its name.
    pub name: String,
    /// The CustomResourceDefinition.
    pub definition: Value,
}

/// Returns the definitions of all kinds.
pub fn definitions() -> Vec<Framework> {
    let all = ObjectKind::ALL.into_iter();
    all.map(|kind| Framework { name: kind.definition(), definition: definition(kind) }).collect()
}

fn definition(kind: ObjectKind) -> Value {
    match kind {
        ObjectKind::ModelSet => {
            let mut made = serde_json::to_value(ModelSet::crd()).unwrap_or_default();
            // As for all others, so that all say the same of the same.
            made["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"] = status(&[]);
            made["spec"]["versions"][0]["additionalPrinterColumns"] = json!([
                column("Version", "string", ".spec.version"),
                of_condition("Accepted", "Accepted", "status"),
                of_condition("Established", "Established", "status"),
                of_condition("In use", "InUse", "status"),
                of_condition("Reason", "Ready", "reason"),
                wide(of_condition("Message", "Ready", "message")),
                column("Age", "date", ".metadata.creationTimestamp"),
            ]);
            made
        }
        ObjectKind::Document(of) => of_document(kind, of),
    }
}

/// Returns the schema of status without some of its members.
fn status(without: &[&str]) -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let mut made = settings.into_generator().into_root_schema_for::<ModelSetStatus>().to_value();
    if let Some(properties) = made["properties"].as_object_mut() {
        properties.retain(|name, _| !without.contains(&name.as_str()));
    }
    structural(&made)
}

fn column(name: &str, kind: &str, path: &str) -> Value {
    json!({"name": name, "type": kind, "jsonPath": path})
}

/// Returns the column of a part of a condition.
fn of_condition(name: &str, condition: &str, part: &str) -> Value {
    column(name, "string", &format!(".status.conditions[?(@.type==\"{condition}\")].{part}"))
}

/// Returns a column that is shown with `-o wide` only.
fn wide(mut column: Value) -> Value {
    column["priority"] = json!(1);
    column
}

fn of_document(kind: ObjectKind, of: Kind) -> Value {
    let spec = structural(&of.schema()["properties"]["spec"]);
    let lower = kind.name().to_lowercase();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": kind.definition()},
        "spec": {
            "group": DOMAIN,
            "scope": "Namespaced",
            "names": {
                "kind": kind.name(), "plural": kind.plural(), "singular": lower,
                "listKind": format!("{}List", kind.name()), "categories": ["xos"],
            },
            "versions": [{
                "name": "v1",
                "served": true,
                "storage": true,
                "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "description": spec["description"],
                    "required": ["spec"],
                    "properties": {"spec": spec, "status": status(&["changes"])},
                }},
                "subresources": {"status": {}},
                "additionalPrinterColumns": [
                    column("Model", "string", ".spec.model"),
                    of_condition("Accepted", "Accepted", "status"),
                    of_condition("Reason", "Accepted", "reason"),
                    wide(of_condition("Message", "Accepted", "message")),
                    column("Age", "date", ".metadata.creationTimestamp"),
                ],
            }],
        },
    })
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

    use super::*;

    /// Fails where a schema is none that the API server takes.
    fn check(schema: &Value, at: &str) {
        let members = schema.as_object().unwrap_or_else(|| panic!("{at}: {schema}"));
        let is_open = members.get("x-kubernetes-preserve-unknown-fields").is_some_and(|open| *open == true);
        assert!(members.get("type").is_some_and(Value::is_string) || is_open, "{at} has no type: {schema}");
        for word in ["anyOf", "oneOf", "allOf", "not", "$ref", "const", "$schema"] {
            assert!(!members.contains_key(word), "{at} has {word}");
        }
        let properties = members.get("properties").and_then(Value::as_object);
        properties.into_iter().flatten().for_each(|(key, of)| check(of, &format!("{at}.{key}")));
        members.get("items").into_iter().for_each(|of| check(of, &format!("{at}[]")));
        members.get("additionalProperties").into_iter().for_each(|of| check(of, &format!("{at}{{}}")));
    }

    #[test]
    fn all_schemas_are_structural() {
        for Framework { name, definition } in definitions() {
            let read: CustomResourceDefinition = serde_json::from_value(definition.clone()).unwrap();
            assert_eq!(read.metadata.name.as_deref(), Some(name.as_str()));
            let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
            check(schema, &name);
            assert_eq!(schema["properties"]["status"]["properties"]["conditions"]["x-kubernetes-list-type"], "map");
        }
    }

    #[test]
    fn texts_with_expressions_may_stand_for_any_value() {
        let all = definitions();
        let step = all.iter().find(|one| one.name == "syncsteps.xos.opencord.org").unwrap();
        let spec = &step.definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
        let http = &spec["properties"]["http"]["properties"];
        for open in ["body", "fields", "delete"] {
            assert_eq!(http[open]["x-kubernetes-preserve-unknown-fields"], true, "{open}: {http:#}");
        }
        assert_eq!((&http["url"]["type"], &spec["required"]), (&json!("string"), &json!(["model"])));
        assert_eq!(http["method"]["enum"], json!(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]));
    }
}
