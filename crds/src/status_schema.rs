//! The schema of status: the fields that the model's author declared, and as little as possible of what the framework
//! writes.
//!
//! The API server checks each member that has a schema on every write of an object, and that is the
//! larger part of the cost of a write: with a schema for the framework's part, an update took twice the memory and 1.7
//! times the processor time. Only controllers write status, so that part has no schema, only a description.

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use serde_json::{Value, json};
use xos_model::condition::INITIAL;
use xos_xproto::{Model, Section, ValueType};

use crate::links;
use crate::schema::{object, typed};

/// The field of status with the values that are computed.
pub(crate) const COMPUTED: &str = "properties";

/// What all models have beside their own fields.
const DESCRIPTION: &str = "What the synchronizers and the backend say; only controllers write it. Beside the listed \
    fields there are: XOS's bookkeeping of the model's base (backendStatus and backendCode: the outcome of the last \
    synchronization; policyStatus and policyCode: of the last policies; updated, enacted, policed, changedByStep, \
    changedByPolicy: when; backendRegister, backendHandle, backendNeedDelete, leafModelName); history: the last \
    attempts, newest first, with only the last of equal successes in a row, a line each (when, what, how it ended, how \
    long it took, which step, and what that said); synchronizers: the bookkeeping of each synchronizer that handles the \
    object (name, and a line for each pass: what was handled and attempted); id: its number in XOS's API, if that is \
    served.";

const CONDITIONS: &str = "The object's state, following the kstatus convention, as a list of metav1.Condition, Ready \
    first: Ready and Synced always, Reconciling or Stalled while true, PolicyApplied where there are policies, Accepted where the \
    object was once not accepted; qualified (other.xos.opencord.org/Synced) where it is another synchronizer's.";

/// Returns the schema of a model's status.
pub(crate) fn of(model: &Model) -> JSONSchemaProps {
    let fields = model.fields_in(Section::Status).filter(|f| !f.is_common());
    let mut properties: BTreeMap<_, _> = fields.map(|f| (f.camel_name(), typed(f))).collect();
    properties.extend(model.links_in(Section::Status).map(|l| (l.camel_name(), links::schema(l))));
    properties.insert("observedGeneration".to_owned(), observed_generation());
    properties.extend(computed(model).map(|computed| (COMPUTED.to_owned(), computed)));
    // A step may save a field before there is any condition.
    let conditions = JSONSchemaProps { default: Some(JSON(json!([initial()]))), ..open(CONDITIONS) };
    properties.insert("conditions".to_owned(), conditions);
    JSONSchemaProps {
        description: Some(DESCRIPTION.to_owned()),
        // Synchronizers write it with a resourceVersion as precondition: owners of each member have no use, and cost a
        // fifth of every write.
        x_kubernetes_map_type: Some("atomic".to_owned()),
        x_kubernetes_preserve_unknown_fields: Some(true),
        default: Some(JSON(json!({ "conditions": [initial()] }))),
        ..object(properties)
    }
}

/// Returns the condition that the API server shows while nothing was written to status: kstatus does not know it, as
/// it cannot be known here whether anybody handles the model.
fn initial() -> Value {
    json!({
        "type": INITIAL, "status": "True", "reason": "New", "lastTransitionTime": "1970-01-01T00:00:00Z",
        "message": "no synchronizer has handled the object yet",
    })
}

/// Returns the schema of the values that are computed of the objects of a model, if there are any.
fn computed(model: &Model) -> Option<JSONSchemaProps> {
    let all: BTreeMap<_, _> = model.properties.iter().map(|one| (one.camel_name(), value(&one.ty))).collect();
    let description =
        Some("Values that are computed from the object, and from those to which its links lead.".to_owned());
    // A property that is declared no longer, or not yet, must not make a write fail.
    let schema =
        || JSONSchemaProps { description, x_kubernetes_preserve_unknown_fields: Some(true), ..object(all.clone()) };
    (!all.is_empty()).then(schema)
}

/// Returns the schema of a computed value.
fn value(of: &ValueType) -> JSONSchemaProps {
    let plain = |type_: &str| JSONSchemaProps { type_: Some(type_.to_owned()), ..JSONSchemaProps::default() };
    match of {
        ValueType::Any => {
            JSONSchemaProps { x_kubernetes_preserve_unknown_fields: Some(true), ..JSONSchemaProps::default() }
        }
        ValueType::Bool => plain("boolean"),
        ValueType::Int => JSONSchemaProps { format: Some("int64".to_owned()), ..plain("integer") },
        ValueType::Double => plain("number"),
        ValueType::Text | ValueType::Duration => plain("string"),
        ValueType::Timestamp => JSONSchemaProps { format: Some("date-time".to_owned()), ..plain("string") },
        ValueType::Object(_) => {
            let parts = ["name", "namespace", "kind"].map(|part| (part.to_owned(), plain("string")));
            object(parts.into())
        }
        ValueType::List(items) => {
            JSONSchemaProps { items: Some(JSONSchemaPropsOrArray::Schema(Box::new(value(items)))), ..plain("array") }
        }
        ValueType::Map(values) => JSONSchemaProps {
            additional_properties: Some(JSONSchemaPropsOrBool::Schema(Box::new(value(values)))),
            ..plain("object")
        },
    }
}

fn observed_generation() -> JSONSchemaProps {
    JSONSchemaProps {
        type_: Some("integer".to_owned()),
        format: Some("int64".to_owned()),
        description: Some("The generation of the object that this status speaks of.".to_owned()),
        ..JSONSchemaProps::default()
    }
}

/// Returns a schema that accepts anything, with a description.
fn open(text: &str) -> JSONSchemaProps {
    JSONSchemaProps {
        description: Some(text.to_owned()),
        x_kubernetes_preserve_unknown_fields: Some(true),
        ..JSONSchemaProps::default()
    }
}
