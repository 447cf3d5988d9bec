//! Objects for unit tests.

use jiff::Timestamp;
use serde_json::json;
use xos_model::{Intent, Meta, Object, SpecHash, Status};

/// Returns an object as the API server might give it, of model `MyModel`.
pub(crate) fn object(name: &str) -> Object {
    Object {
        model: "MyModel".into(),
        meta: Meta {
            namespace: "default".to_owned(),
            name: name.to_owned(),
            uid: format!("uid-of-{name}"),
            resource_version: "1".to_owned(),
            generation: 1,
            created: Some(Timestamp::UNIX_EPOCH),
            ..Meta::default()
        },
        fields: [("first_name", json!(name))].into(),
        intent: Intent { spec: SpecHash::of(&json!(name)), touch: None, secrets: None },
        unswitched: vec![],
        quiet_saves: vec![],
        status: Status::default(),
    }
}
