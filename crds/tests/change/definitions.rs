//! What definitions say beside their schemas.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResource;
use serde_json::{Value, json};
use xos_crds::change::{Difference, Effect, compare, taken_names};

use crate::{of_model, told};

const BODY: &str = "required string name = 1 [max_length = 9];";

/// Returns the differences when the definition of a model gets `value` at `pointer`.
fn when(pointer: &str, value: Value) -> Vec<Difference> {
    let old = of_model(BODY);
    let mut new = serde_json::to_value(&old).unwrap();
    *new.pointer_mut(pointer).unwrap() = value;
    compare(&old, &serde_json::from_value(new).unwrap()).unwrap()
}

#[test]
fn names_columns_and_labels_are_harmless() {
    let table = [
        ("/spec/names/categories", json!(["xos"]), "harmless definition: categories [\"xos\",\"a\"] → [\"xos\"]"),
        ("/spec/names/singular", json!("em"), "harmless definition: singular m → em"),
        (
            "/spec/versions/0/additionalPrinterColumns",
            json!([]),
            "harmless definition: additionalPrinterColumns changed",
        ),
        (
            "/spec/versions/0/selectableFields",
            json!([]),
            "harmless definition: selectableFields [{\"jsonPath\":\".spec.name\"}] → []",
        ),
        ("/metadata/labels", json!({"l": "v"}), "harmless definition: label l none → v"),
    ];
    for (pointer, value, expected) in table {
        assert_eq!(told(&when(pointer, value)), [expected], "{pointer}");
    }
}

#[test]
fn what_is_not_ours_is_no_difference() {
    let ours = of_model(BODY);
    let mut stored = serde_json::to_value(&ours).unwrap();
    stored["metadata"]["labels"]["somebody"] = json!("else");
    stored["metadata"]["annotations"] = json!({"a": "b"});
    stored["spec"]["conversion"] = json!({"strategy": "None"});
    stored["status"] =
        json!({"storedVersions": ["v1"], "acceptedNames": {"kind": "M", "plural": "ms"}, "conditions": []});
    let stored = serde_json::from_value(stored).unwrap();
    assert_eq!(compare(&stored, &ours).unwrap(), []);
}

#[test]
fn scope_kind_and_foreign_versions_are_conflicts() {
    let conflicts = [
        (when("/spec/scope", json!("Cluster")), "conflict definition: scope Namespaced → Cluster"),
        (when("/spec/names/kind", json!("N")), "conflict definition: kind M → N"),
        (when("/spec/versions/0/name", json!("v2")), "conflict definition: version v1 → none"),
    ];
    for (found, expected) in conflicts {
        assert_eq!(told(&found)[0], expected);
        assert!(matches!(&found[0].effect, Effect::Conflict(remedy) if !remedy.is_empty()));
    }
}

#[test]
fn names_that_are_taken_are_conflicts() {
    let resource = |name: &str, singular: &str, kind: &str| APIResource {
        name: name.to_owned(),
        singular_name: singular.to_owned(),
        kind: kind.to_owned(),
        ..APIResource::default()
    };
    let ours = of_model(BODY);
    let free = [
        resource("ms", "m", "M"),
        resource("ms/status", "", "M"),
        resource("ns", "n", "N"),
        resource("ns/scale", "", "M"),
    ];
    assert_eq!(taken_names(&ours, &free), []);
    let found = taken_names(&ours, &[resource("emms", "m", "M")]);
    let expected = [
        "conflict definition: kind of emms.a.xos.opencord.org → M",
        "conflict definition: name of emms.a.xos.opencord.org → m",
    ];
    assert_eq!(told(&found), expected);
}

#[test]
fn values_that_are_computed_are_computed_again() {
    let with = |schema: Option<Value>| {
        let mut new = serde_json::to_value(of_model(BODY)).unwrap();
        if let Some(schema) = schema {
            new.pointer_mut("/spec/versions/0/schema/openAPIV3Schema/properties/status/properties").unwrap()["properties"] =
                json!({"type": "object", "properties": {"x": schema}});
        }
        serde_json::from_value(new).unwrap()
    };
    let schemas = [None, Some(json!({"type": "string"})), Some(json!({"type": "integer"}))];
    for (old, new) in schemas.iter().flat_map(|old| schemas.iter().map(move |new| (old, new))) {
        let found = compare(&with(old.clone()), &with(new.clone())).unwrap();
        assert_eq!(found.is_empty(), old == new, "{old:?} {new:?}");
        assert!(found.iter().all(|one| one.effect == Effect::Harmless), "{:?}", told(&found));
    }
}
