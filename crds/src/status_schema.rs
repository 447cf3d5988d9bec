//! The schema of the framework's part of status: `xos_model::Status`.

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSON, JSONSchemaProps, JSONSchemaPropsOrArray,
};
use serde_json::json;

use crate::schema::object;

/// The properties that every model's status has beside the model's own fields.
pub(crate) fn properties() -> BTreeMap<String, JSONSchemaProps> {
    named([
        ("observedGeneration", integer("The generation of the object that this status speaks of.")),
        ("conditions", conditions()),
        ("history", history()),
        ("synchronizers", synchronizers()),
    ])
}

fn conditions() -> JSONSchemaProps {
    let status = JSONSchemaProps {
        enum_: Some(["True", "False", "Unknown"].map(|s| JSON(json!(s))).into()),
        ..string("True, False or Unknown.")
    };
    let item = with_required(
        named([
            (
                "type",
                string(
                    "Ready, Synced, PolicyApplied, Reconciling or Stalled; qualified, if another synchronizer says it.",
                ),
            ),
            ("status", status),
            ("reason", string("Why, in one CamelCase word for programs.")),
            ("message", string("Why, for people.")),
            ("lastTransitionTime", date("When the status last changed.")),
            ("observedGeneration", integer("The generation that the condition speaks of.")),
        ]),
        &["type", "status", "reason", "message", "lastTransitionTime"],
    );
    let text =
        "The object's state after the kstatus convention: Ready and Synced always, Reconciling or Stalled while true.";
    list_map(text, item, "type")
}

fn history() -> JSONSchemaProps {
    let item = with_required(
        named([
            ("step", string("The step.")),
            ("operation", string("Sync, Delete, PolicyCreate, PolicyUpdate or PolicyDelete.")),
            ("outcome", string("Succeeded, Failed, Deferred or Innocuous.")),
            ("message", string("What the step said, unless it succeeded.")),
            ("at", date("When it ended.")),
            ("duration", string("How long it took.")),
        ]),
        &["step", "operation", "outcome", "at", "duration"],
    );
    JSONSchemaProps {
        x_kubernetes_list_type: Some("atomic".to_owned()),
        ..list("The last attempts, newest first.", item)
    }
}

fn synchronizers() -> JSONSchemaProps {
    let item = with_required(
        named([
            ("name", string("The synchronizer's name.")),
            ("sync", pass("Its sync pass, once it was tried.")),
            ("policy", pass("Its policy pass, once it was tried.")),
            ("delete", pass("Its delete step, once it was tried.")),
            ("deletePolicy", pass("Its policies' delete handlers, once they were tried.")),
        ]),
        &["name"],
    );
    list_map("The bookkeeping of each synchronizer that looks at the object.", item, "name")
}

fn pass(text: &str) -> JSONSchemaProps {
    let next = "After a failure: not tried again before this time, unless the object changes.";
    JSONSchemaProps {
        description: Some(text.to_owned()),
        ..object(named([
            ("handled", intent("What was last handled with success.")),
            ("attempted", intent("What was last tried.")),
            ("generation", integer("The generation that was last tried, or found to have nothing new.")),
            ("failures", integer("Failures of what was last tried, in a row.")),
            ("nextAttempt", date(next)),
            ("seen", date("The last change by the other pass that was there when this one was tried.")),
            ("ever", boolean("Whether it ever succeeded.")),
            (
                "owner",
                boolean("Whether this synchronizer writes the pass's fields and conditions at the top of status."),
            ),
        ]))
    }
}

fn intent(text: &str) -> JSONSchemaProps {
    JSONSchemaProps {
        description: Some(text.to_owned()),
        ..object(named([
            ("spec", string("A hash of the spec.")),
            ("touch", string("The value of the annotation xos.opencord.org/touch.")),
        ]))
    }
}

fn named<const N: usize>(properties: [(&str, JSONSchemaProps); N]) -> BTreeMap<String, JSONSchemaProps> {
    properties.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn with_required(properties: BTreeMap<String, JSONSchemaProps>, required: &[&str]) -> JSONSchemaProps {
    JSONSchemaProps { required: Some(required.iter().map(|&name| name.to_owned()).collect()), ..object(properties) }
}

fn list(text: &str, item: JSONSchemaProps) -> JSONSchemaProps {
    JSONSchemaProps {
        type_: Some("array".to_owned()),
        description: Some(text.to_owned()),
        items: Some(JSONSchemaPropsOrArray::Schema(Box::new(item))),
        ..JSONSchemaProps::default()
    }
}

fn list_map(text: &str, item: JSONSchemaProps, key: &str) -> JSONSchemaProps {
    JSONSchemaProps {
        x_kubernetes_list_type: Some("map".to_owned()),
        x_kubernetes_list_map_keys: Some(vec![key.to_owned()]),
        ..list(text, item)
    }
}

fn scalar(type_: &str, format: Option<&str>, text: &str) -> JSONSchemaProps {
    JSONSchemaProps {
        type_: Some(type_.to_owned()),
        format: format.map(str::to_owned),
        description: Some(text.to_owned()),
        ..JSONSchemaProps::default()
    }
}

fn boolean(text: &str) -> JSONSchemaProps {
    scalar("boolean", None, text)
}

fn string(text: &str) -> JSONSchemaProps {
    scalar("string", None, text)
}

fn date(text: &str) -> JSONSchemaProps {
    scalar("string", Some("date-time"), text)
}

fn integer(text: &str) -> JSONSchemaProps {
    scalar("integer", Some("int64"), text)
}
