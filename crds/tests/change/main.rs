//! Changes of definitions: what is told of them, and that it is true.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod definitions;
mod objects;
mod property;
mod schemas;
mod validator;
mod words;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Value, json};
use xos_crds::change::{Difference, compare};
use xos_xproto::{Sources, compile};

/// Makes a definition whose objects have this schema.
fn with_schema(schema: &Value) -> CustomResourceDefinition {
    serde_json::from_value(json!({
        "metadata": {"name": "ms.a.xos.opencord.org"},
        "spec": {
            "group": "a.xos.opencord.org",
            "names": {"kind": "M", "plural": "ms"},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
        },
    }))
    .unwrap()
}

/// Returns the differences of two schemas.
fn differences(old: &Value, new: &Value) -> Vec<Difference> {
    compare(&with_schema(old), &with_schema(new)).unwrap()
}

/// Makes the definition of the model `M` with this body.
fn of_model(body: &str) -> CustomResourceDefinition {
    let mut sources = Sources::new();
    sources.add("m.xproto", format!("option app_label = \"a\";\nmessage M (XOSBase) {{ {body} }}"));
    let compiled = compile(&sources);
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    xos_crds::definitions(&compiled.models).remove(0)
}

/// Returns a text for each difference, such as `breaking spec.f: maxLength 9 → 3`.
fn told(found: &[Difference]) -> Vec<String> {
    found.iter().map(|difference| format!("{} {difference}", difference.effect.word())).collect()
}
