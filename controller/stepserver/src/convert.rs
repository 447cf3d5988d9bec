//! Objects and events as messages.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use xos_model::Object;
use xos_model::xproto::ModelSet;
use xos_steps::BusEvent;

use crate::v1;

/// A text of a message that should be JSON.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TextError {
    /// It is no JSON.
    #[error("`{key}` is no JSON: {source}")]
    Json {
        key: &'static str,
        #[source]
        source: serde_json::Error,
    },
    /// It is no JSON object.
    #[error("`{key}` is no JSON object")]
    NoObject { key: &'static str },
}

/// Returns a value; an empty text is null.
pub(crate) fn value(key: &'static str, text: &str) -> Result<Value, TextError> {
    if text.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(text).map_err(|source| TextError::Json { key, source })
}

/// Returns the values of fields; an empty text has none.
pub(crate) fn fields(key: &'static str, text: &str) -> Result<Map<String, Value>, TextError> {
    match value(key, text)? {
        Value::Object(fields) => Ok(fields),
        Value::Null => Ok(Map::new()),
        _ => Err(TextError::NoObject { key }),
    }
}

/// Sets fields of an object; null unsets one. Links are stored as an operator writes them: a server may give the name
/// of the peer alone, or say all of it.
pub(crate) fn set_all(object: &mut Object, fields: Map<String, Value>, models: &ModelSet) {
    let model = models.get(&object.model);
    for (field, value) in fields {
        let value = match model.and_then(|model| model.link(&field)) {
            Some(to) => link(value, models.is_base(&to.peer), &object.meta.namespace),
            None => value,
        };
        object.set(&field, value);
    }
}

fn link(value: Value, is_to_base: bool, namespace: &str) -> Value {
    match value {
        Value::String(name) => json!({"name": name}),
        Value::Array(items) => items.into_iter().map(|item| link(item, is_to_base, namespace)).collect(),
        Value::Object(mut members) => {
            if members.get("namespace").is_some_and(|other| other == namespace || other.is_null()) {
                members.remove("namespace");
            }
            if !is_to_base {
                members.remove("kind");
            }
            Value::Object(members)
        }
        value => value,
    }
}

pub(crate) fn object(object: &Object) -> Result<v1::Object, serde_json::Error> {
    let meta = &object.meta;
    Ok(v1::Object {
        model: object.model.to_string(),
        namespace: meta.namespace.clone(),
        name: meta.name.clone(),
        uid: meta.uid.clone(),
        resource_version: meta.resource_version.clone(),
        generation: meta.generation,
        created: meta.created.map(timestamp),
        deleting: meta.deleting.is_some(),
        fields: serde_json::to_string(&object.fields)?,
    })
}

pub(crate) fn event(event: &BusEvent) -> v1::Event {
    let header =
        |(name, value): &(String, Option<Vec<u8>>)| v1::event::Header { name: name.clone(), value: value.clone() };
    v1::Event {
        topic: event.topic.to_string(),
        partition: event.partition,
        offset: event.offset,
        timestamp: event.timestamp.map(timestamp),
        key: event.key.clone(),
        value: event.value.clone(),
        headers: event.headers.iter().map(header).collect(),
    }
}

/// Before 1970 both parts are negative here, and there only the seconds are.
fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    let (mut seconds, mut nanos) = (at.as_second(), at.subsec_nanosecond());
    if nanos < 0 {
        seconds -= 1;
        nanos += 1_000_000_000;
    }
    prost_types::Timestamp { seconds, nanos }
}

#[cfg(test)]
mod tests {
    use xos_model::xproto::{Sources, compile};

    use super::*;

    #[test]
    fn numbers_of_64_bits_stay_exact() {
        let mut ada = Object::named("Person", "default", "ada");
        for (field, number) in [("most", json!(i64::MAX)), ("least", json!(i64::MIN)), ("part", json!(0.1))] {
            ada.set(field, number);
        }
        let message = object(&ada).unwrap();
        assert_eq!((message.model.as_str(), message.name.as_str(), message.uid.as_str()), ("Person", "ada", ""));
        let mut read = Object::named("Person", "default", "ada");
        let models = ModelSet::default();
        set_all(&mut read, fields("fields", &message.fields).unwrap(), &models);
        assert_eq!(read.fields, ada.fields);
        set_all(&mut read, fields("changed", r#"{"most": null, "part": 2}"#).unwrap(), &models);
        assert_eq!((read.fields.get("most"), read.fields.get("part")), (None, Some(&json!(2))));
    }

    #[test]
    fn links_are_stored_as_an_operator_writes_them() {
        let mut sources = Sources::new();
        sources.add(
            "t.xproto",
            "option app_label = \"t\";
             message Site (XOSBase) { required string name = 1 [max_length = 9]; }
             message VoipService (Service) { optional string x = 1 [max_length = 9]; }
             message Person (XOSBase) { optional manytoone site->Site:people = 1:1001;
                 optional manytoone owner->Service:people = 2:1102; }",
        );
        let models = compile(&sources).models;
        let mut ada = Object::named("Person", "here", "ada");
        for (told, stored) in [
            (json!({"site": "rome"}), json!({"name": "rome"})),
            (json!({"site": {"name": "rome", "namespace": "here", "kind": "Site"}}), json!({"name": "rome"})),
            (
                json!({"site": {"name": "rome", "namespace": "there", "kind": "Site"}}),
                json!({"name": "rome", "namespace": "there"}),
            ),
        ] {
            let Value::Object(told) = told else { panic!("no fields") };
            set_all(&mut ada, told, &models);
            assert_eq!(ada.fields.get("site"), Some(&stored));
        }
        set_all(&mut ada, fields("", r#"{"owner": {"name": "x", "kind": "VoipService"}}"#).unwrap(), &models);
        assert_eq!(
            ada.fields.get("owner"),
            Some(&json!({"name": "x", "kind": "VoipService"})),
            "a base has many kinds"
        );
    }

    #[test]
    fn what_is_no_json_object_is_said_to_be_none() {
        assert_eq!(fields("changed", "").unwrap(), Map::new());
        assert_eq!(fields("changed", "[1]").unwrap_err().to_string(), "`changed` is no JSON object");
        let error = fields("changed", "{a").unwrap_err().to_string();
        assert!(error.starts_with("`changed` is no JSON: key must be a string"), "{error}");
    }

    #[test]
    fn a_moment_before_1970_has_positive_nanoseconds() {
        let at: Timestamp = "1969-12-31T23:59:58.75Z".parse().unwrap();
        assert_eq!(timestamp(at), prost_types::Timestamp { seconds: -2, nanos: 750_000_000 });
    }
}
