//! The schema of a model's custom resources, as `xos_yaml::fit` takes it.

use serde_json::{Map, Value, json};
use xos_crds::definition;
use xos_xproto::pattern::Pattern;
use xos_xproto::{ContentType, Model, ModelSet, Section};

use super::super::content;

/// What a `format` begins with that stands for a pattern: `fit` asks whether a text has a format.
const PATTERN: &str = "pattern:";
/// Formats that stand for contents.
const CONTENTS: [(&str, ContentType); 3] =
    [("content:stripped", ContentType::Stripped), ("content:url", ContentType::Url), ("content:ip", ContentType::Ip)];
/// What metadata can have beside the names, labels and annotations.
const METADATA: [&str; 10] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generation",
    "managedFields",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];
/// The longest name.
const NAME: u64 = 253;

/// Returns the schema of the objects of a model: strict, and with what to say of each limit. What is required in `spec`
/// is told where it is read.
pub(super) fn of(models: &ModelSet, model: &Model) -> Value {
    let definition = serde_json::to_value(definition(models, model)).unwrap_or_default();
    let mut spec = definition
        .pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec")
        .cloned()
        .unwrap_or_else(|| json!({"type": "object"}));
    complete(&mut spec);
    for field in model.fields_in(Section::Spec) {
        let Some(content) = field.content_type else { continue };
        let Some((format, _)) = CONTENTS.iter().find(|(_, one)| *one == content) else { continue };
        let also = json!({"format": format, "patternErrorMessage": content::expected(content)});
        add(&mut spec["properties"][field.camel_name()], also);
    }
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["apiVersion", "kind", "metadata"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": metadata(),
            "spec": spec,
            "status": {},
        },
    })
}

/// Makes a schema strict, and says of patterns and numbers what `fit` has to know.
fn complete(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else { return };
    if let Some(pattern) = members.remove("pattern") {
        let pattern = pattern.as_str().unwrap_or_default().to_owned();
        let said = format!("a text that matches `{pattern}`");
        add(schema, json!({"format": format!("{PATTERN}{pattern}"), "patternErrorMessage": said}));
        return complete(schema);
    }
    if members.get("format") == Some(&json!("int32")) {
        members.entry("minimum").or_insert(json!(i32::MIN));
        members.entry("maximum").or_insert(json!(i32::MAX));
    }
    let said = match members.get("format").and_then(Value::as_str) {
        Some("byte") => Some("base64, such as `eG9z`"),
        Some("date-time") => Some(content::expected(ContentType::Date)),
        _ => None,
    };
    members.extend(said.map(|said| ("patternErrorMessage".to_owned(), json!(said))));
    if let Some(properties) = members.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(complete);
        members.insert("additionalProperties".to_owned(), json!(false));
    }
    if let Some(items) = members.get_mut("items") {
        complete(items);
    }
}

/// Adds a condition to a schema.
fn add(schema: &mut Value, also: Value) {
    let Some(members) = schema.as_object_mut() else { return };
    if let Some(all) = members.entry("allOf").or_insert_with(|| json!([])).as_array_mut() {
        all.push(also);
    }
}

fn metadata() -> Value {
    let name = |pattern: &str, longest: u64, said: &str| {
        let also = json!({"format": format!("{PATTERN}{pattern}"), "patternErrorMessage": said});
        json!({"type": "string", "minLength": 1, "maxLength": longest, "allOf": [also]})
    };
    let subdomain = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
    let said = "small letters, digits, `-` and `.`, with a letter or a digit at both ends";
    let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let mut properties: Map<_, _> = METADATA.iter().map(|key| ((*key).to_owned(), json!({}))).collect();
    properties.extend([
        ("name".to_owned(), name(subdomain, NAME, said)),
        ("generateName".to_owned(), json!({"type": "string"})),
        ("namespace".to_owned(), name("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", 63, said)),
        ("labels".to_owned(), texts.clone()),
        ("annotations".to_owned(), texts),
    ]);
    json!({"type": "object", "additionalProperties": false, "properties": properties})
}

/// Returns whether a text has a format of the schema.
pub(super) fn has_format(text: &str, format: &str) -> bool {
    if let Some(pattern) = format.strip_prefix(PATTERN) {
        return Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(text));
    }
    match CONTENTS.iter().find(|(name, _)| *name == format) {
        Some((_, content)) => content::complies(*content, text),
        None if ["date-time", "byte"].contains(&format) => xos_crds::has_format(format, text),
        None => true,
    }
}
