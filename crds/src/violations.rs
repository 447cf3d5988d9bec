//! What the API server says of an object that does not fit its definition: for what stands in its place, as in tests.

use serde_json::{Map, Value};
use xos_model::Fields;
use xos_model::secret::HIDDEN;
use xos_xproto::{Model, ModelSet, Section};

use crate::change::complies;
use crate::{convert, schema};

/// The keywords that are checked, as far as the schemas of models have them.
const CHECKED: [&str; 9] =
    ["type", "format", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "maxItems"];

/// The schema of the spec of a model's objects.
#[derive(Clone, Debug)]
pub struct SpecSchema(Map<String, Value>);

impl SpecSchema {
    /// Makes the schema of a model of a set.
    #[must_use]
    pub fn of(models: &ModelSet, model: &Model) -> Self {
        match serde_json::to_value(schema::spec(models, model)) {
            Ok(Value::Object(schema)) => Self(schema),
            // A schema is always an object.
            _ => Self(Map::new()),
        }
    }

    /// Returns what is wrong with the fields of a spec: those that are missing, and values that the schema does not
    /// allow. The rules in CEL are not looked at: they need an API server.
    #[must_use]
    pub fn violations(&self, model: &Model, fields: &Fields) -> Vec<String> {
        let mut found = vec![];
        check("spec", &self.0, &Value::Object(convert::section_json(model, fields, Section::Spec)), &mut found);
        found
    }

    /// Returns what is wrong with those fields that are there.
    #[must_use]
    pub fn wrong_values(&self, model: &Model, fields: &Fields) -> Vec<String> {
        let mut found = self.violations(model, fields);
        found.retain(|one| !one.ends_with(MISSING));
        found
    }
}

const MISSING: &str = ": Required value";

fn check(place: &str, schema: &Map<String, Value>, value: &Value, found: &mut Vec<String>) {
    for keyword in CHECKED {
        if !complies(keyword, schema, value) {
            let is_secret = schema.get("format").is_some_and(|format| format == "password");
            let shown = if is_secret { HIDDEN.to_owned() } else { value.to_string() };
            found.push(format!("{place}: Invalid value: {shown}: {}", should(keyword, &schema[keyword])));
            // What else is said of another type means nothing.
            if keyword == "type" {
                return;
            }
        }
    }
    let names = schema.get("required").and_then(Value::as_array);
    let missing = names.into_iter().flatten().filter_map(Value::as_str).filter(|name| value.get(name).is_none());
    found.extend(missing.map(|name| format!("{place}.{name}{MISSING}")));
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        if let (Some(value), Some(property)) = (value.get(name), property.as_object()) {
            check(&format!("{place}.{name}"), property, value, found);
        }
    }
    if let (Some(items), Some(all)) = (schema.get("items").and_then(Value::as_object), value.as_array()) {
        all.iter().enumerate().for_each(|(at, one)| check(&format!("{place}[{at}]"), items, one, found));
    }
}

fn should(keyword: &str, asked: &Value) -> String {
    let asked = asked.as_str().map_or_else(|| asked.to_string(), str::to_owned);
    match keyword {
        "type" => format!("must be of type {asked}"),
        "format" => format!("must be of the format {asked}"),
        "enum" => format!("must be one of {asked}"),
        "pattern" => format!("should match '{asked}'"),
        "minLength" => format!("should be at least {asked} chars long"),
        "maxLength" => format!("may not be longer than {asked}"),
        "minimum" => format!("should be greater than or equal to {asked}"),
        "maximum" => format!("should be less than or equal to {asked}"),
        _ => format!("must have at most {asked} items"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use xos_xproto::{Sources, compile};

    #[test]
    fn what_the_schema_does_not_allow_is_said() {
        let mut sources = Sources::new();
        let text = "option app_label = \"m\"; message M (XOSBase) {
            required string vlan = 1 [max_length = 3, min_length = 3, pattern = \"^[0-9]+$\"];
            optional int32 size = 2 [min_value = 1, max_value = 9];
            optional string kind = 3 [max_length = 9, choices = \"(('a', 'A'), ('b', 'B'))\"];
            optional manytoone up->M:down = 4; required bool big = 5 [default = True];
            optional string key = 6 [max_length = 9, secret = True]; }";
        sources.add("m.xproto", text);
        let models = compile(&sources).models;
        let model = models.get("M").unwrap();
        let schema = SpecSchema::of(&models, model);
        let said = |fields: Value| schema.violations(model, &serde_json::from_value(fields).unwrap());
        assert!(said(json!({"vlan": "123", "size": 9, "kind": "a", "up": {"name": "x"}})).is_empty());
        for (fields, expected) in [
            (json!({}), "spec.vlan: Required value"),
            (json!({"vlan": "1234"}), "spec.vlan: Invalid value: \"1234\": may not be longer than 3"),
            (json!({"vlan": "12"}), "spec.vlan: Invalid value: \"12\": should be at least 3 chars long"),
            (json!({"vlan": "12a"}), "spec.vlan: Invalid value: \"12a\": should match '^[0-9]+$'"),
            (json!({"vlan": 123}), "spec.vlan: Invalid value: 123: must be of type string"),
            (json!({"vlan": "123", "size": 0}), "spec.size: Invalid value: 0: should be greater than or equal to 1.0"),
            (json!({"vlan": "123", "kind": "c"}), "spec.kind: Invalid value: \"c\": must be one of [\"a\",\"b\"]"),
            (json!({"vlan": "123", "key": "0123456789"}), "spec.key: Invalid value: ***: may not be longer than 9"),
            (json!({"vlan": "123", "up": {}}), "spec.up.name: Required value"),
        ] {
            assert_eq!(said(fields.clone()), [expected], "{fields}");
        }
        let fields = serde_json::from_value(json!({"size": 10})).unwrap();
        assert_eq!(schema.wrong_values(model, &fields).len(), 1);
    }
}
