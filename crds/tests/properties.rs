//! What the definition of a model has of its properties, and how a custom resource keeps them.

#![allow(clippy::unwrap_used, missing_docs)]

use serde_json::{Value, json};
use xos_crds::{definition, from_custom_resource, to_custom_resource};
use xos_model::Object;
use xos_properties::Convenience;
use xos_xproto::{ModelSet, Sources, compile};

const MODELS: &str = "option app_label = \"t\";
    message Thing (XOSBase) { option columns = \"full_name, size, site\"; required string name = 1 [max_length = 9];
        optional int32 port = 2; optional manytoone at->Thing:things = 3:1001; }";

fn models() -> ModelSet {
    let mut sources = Sources::new();
    sources.add("t.xproto", MODELS.replace("size, site", "level, where_it_is, at"));
    let mut convenience = Convenience::default();
    convenience.add(
        "convenience/t.yaml",
        "Thing: {full_name: self.name, level: self.port + 1, ratio: double(self.port) / 2.0, where_it_is: self.at, \
         names: \"self.things.map(t, t.name)\", table: \"{'a': self.port}\", any: \"from_json('1')\", \
         at_time: \"timestamp('2026-01-01T00:00:00Z')\"}",
    );
    convenience.announce(&mut sources);
    let compiled = compile(&sources);
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    convenience.compile(&compiled.models).unwrap().0
}

#[test]
fn the_definition_has_their_types_and_columns() {
    let models = models();
    let definition = serde_json::to_value(definition(&models, models.get("Thing").unwrap())).unwrap();
    let version = &definition["spec"]["versions"][0];
    let properties = &version["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]["properties"];
    let preserved = json!({"x-kubernetes-preserve-unknown-fields": true});
    let text = json!({"type": "string"});
    let expected = json!({
        "fullName": text, "level": {"type": "integer", "format": "int64"}, "ratio": {"type": "number"},
        "whereItIs": {"type": "object", "properties": {"name": text, "namespace": text, "kind": text}},
        "names": {"type": "array", "items": text},
        "table": {"type": "object", "additionalProperties": {"type": "integer", "format": "int64"}},
        "any": preserved, "atTime": {"type": "string", "format": "date-time"},
    });
    assert_eq!(properties["properties"], expected);
    let columns = version["additionalPrinterColumns"].as_array().unwrap();
    let wide: Vec<_> = columns.iter().filter(|column| column["priority"] == 1).skip(2).collect();
    let shown: Vec<_> = wide.iter().map(|one| (&one["name"], &one["type"], &one["jsonPath"])).collect();
    let texts = [
        ("Full Name", "string", ".status.properties.fullName"),
        ("Level", "integer", ".status.properties.level"),
        ("Where It Is", "string", ".status.properties.whereItIs.name"),
        ("At", "string", ".spec.at.name"),
    ];
    let expected = texts.map(|(name, ty, path)| (json!(name), json!(ty), json!(path)));
    assert_eq!(shown, expected.iter().map(|(name, ty, path)| (name, ty, path)).collect::<Vec<_>>());
}

#[test]
fn a_custom_resource_keeps_them() {
    let models = models();
    let model = models.get("Thing").unwrap();
    let mut thing = Object::named("Thing", "n", "a");
    thing.status.properties = serde_json::from_value(json!({"fullName": "x", "old": 1})).unwrap();
    thing.status.properties_of = Some("people".to_owned());
    let resource = to_custom_resource(model, &thing).unwrap();
    let none = Value::Null;
    let status = resource.data.get("status").unwrap_or(&none);
    assert_eq!((&status["properties"]["fullName"], &status["propertiesOf"]), (&json!("x"), &json!("people")));
    let back = from_custom_resource(model, &resource).unwrap();
    assert_eq!(back.status, thing.status);
    assert!(back.status.other.is_empty());
}
