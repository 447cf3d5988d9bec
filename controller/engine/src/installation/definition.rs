//! The definition of the kind `Synchronizer`.

use serde_json::{Value, json};
use xos_model::names::DOMAIN;

use super::{KIND, PLURAL, VERSION};

/// The definition's name.
pub const DEFINITION: &str = "synchronizers.xos.opencord.org";

/// Returns the CustomResourceDefinition. It has no subresource for status: one write says all.
pub fn definition() -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    let kind = json!({
        "type": "object",
        "required": ["group", "resource", "kind", "finalizers", "finalizersAtCreation"],
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
            "group": text("Its group."),
            "resource": text("Its plural."),
            "kind": text("Its name."),
            "finalizers": {
                "type": "array",
                "items": {"type": "string"},
                "description": "The finalizers that the synchronizer sets on objects of the kind.",
            },
            "finalizersAtCreation": {
                "type": "boolean",
                "description": "Whether the admission policy sets them at creation.",
            },
            "onlyLinks": {
                "type": "boolean",
                "description": "Whether the synchronizer has neither a step nor policies for the kind.",
            },
        },
    });
    let spec = json!({
        "type": "object",
        "required": ["synchronizer", "namespaces", "kinds"],
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
            "synchronizer": text("The synchronizer's name: on finalizers, field managers and status."),
            "namespaces": {
                "type": "array",
                "items": {"type": "string"},
                "description": "The namespaces that it looks after; none given: all.",
            },
            "kinds": {"type": "array", "items": kind, "description": "The kinds that it looks after."},
        },
    });
    let time = |description: &str| json!({"type": "string", "format": "date-time", "description": description});
    let status = json!({
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
            "startedAt": time("When it was last started."),
            "stoppedAt": time("When it was stopped; not set if it runs, or was killed."),
            "instance": text("The process that was started last."),
        },
    });
    let column = |name: &str, kind: &str, path: &str| json!({"name": name, "type": kind, "jsonPath": path});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": DEFINITION},
        "spec": {
            "group": DOMAIN,
            "scope": "Cluster",
            "names": {"kind": KIND, "plural": PLURAL, "singular": "synchronizer", "listKind": "SynchronizerList"},
            "versions": [{
                "name": VERSION,
                "served": true,
                "storage": true,
                "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "description": "A synchronizer that is installed in this cluster. Without it the admission policy \
                                    of the synchronizer sets no finalizers. Written by the synchronizer at its start \
                                    and its end; deleted by `xos uninstall`.",
                    "properties": {"spec": spec, "status": status},
                }},
                "additionalPrinterColumns": [
                    column("Namespaces", "string", ".spec.namespaces"),
                    column("Started", "date", ".status.startedAt"),
                    column("Stopped", "date", ".status.stoppedAt"),
                    column("Instance", "string", ".status.instance"),
                ],
            }],
        },
    })
}
