//! A service of documents for the tests of plans.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, dead_code, unreachable_pub)]

use std::sync::Arc;

use serde_json::{Value, json};
use xos_documents::Documents;
use xos_model::Object;
use xos_plan::Service;
use xos_steps::Steps;
use xos_xproto::{ModelSet, Sources, compile};

pub const MODELS: &str = r#"
option app_label = "t";
message Site (XOSBase) {
    required string name = 1 [max_length = 32];
    optional string region = 2 [max_length = 32];
}
message Slice (XOSBase) {
    required string name = 1 [max_length = 32];
    required manytoone site->Site:slices = 2:1001;
    optional bool wants_network = 3;
    optional string backend_id = 4 [max_length = 32, feedback_state = True];
    optional string label = 5 [max_length = 64];
}
message Network (XOSBase) {
    required string name = 1 [max_length = 32];
    optional manytoone slice->Slice:networks = 2:1002;
}
message Port (XOSBase) {
    required string name = 1 [max_length = 32];
    required manytoone slice->Slice:ports = 2:1003;
    optional manytomany networks->Network:ports = 3:1004;
    optional string state = 4 [max_length = 9];
}
message Note (XOSBase) {
    required string text = 1 [max_length = 32];
}"#;

const POLICIES: &str = r#"
apiVersion: xos.opencord.org/v1
kind: ModelPolicy
metadata: {name: label}
spec:
  model: Slice
  set: {label: "${self.name} at ${self.site == null ? 'nowhere' : self.site.name}"}
---
apiVersion: xos.opencord.org/v1
kind: ModelPolicy
metadata: {name: network}
spec:
  model: Slice
  do:
  - when: ${self.wants_network == true}
    apply:
      model: Network
      name: ${self.metadata.name}-net
      fields: {name: "${self.name}-net", slice: "${self}"}
  - when: ${self.wants_network != true}
    delete: ${self.networks}
  onDelete:
  - touch: ${self.site}
---
apiVersion: xos.opencord.org/v1
kind: ModelPolicy
metadata: {name: slices-of-site}
spec:
  model: Site
  do:
  - touch: ${self.slices}
---
apiVersion: xos.opencord.org/v1
kind: ModelPolicy
metadata: {name: closed-ports}
spec:
  model: Port
  do:
  - when: ${self.state == 'closed'}
    delete: ${[self]}
"#;

/// Returns a sync step of a model: `<settings.url>/<step>/<name>`.
fn step(name: &str, model: &str, fields: &str) -> String {
    format!(
        "apiVersion: xos.opencord.org/v1\nkind: SyncStep\nmetadata: {{name: {name}}}\nspec:\n  model: {model}\n  http:
    url: ${{settings.url}}/{name}/${{self.metadata.name}}\n    body: {{name: \"${{self.metadata.name}}\"}}\n{fields}"
    )
}

pub fn models() -> ModelSet {
    let mut sources = Sources::new();
    sources.add("t.xproto", MODELS);
    let compiled = compile(&sources);
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    compiled.models
}

pub fn service() -> Service {
    let models = models();
    let id = "    fields: {backend_id: \"${response.body.id}\"}\n";
    let texts = [
        step("site", "Site", ""),
        step("slice", "Slice", id),
        step("network", "Network", ""),
        step("port", "Port", ""),
        POLICIES.to_owned(),
    ];
    let texts: Vec<_> = texts.iter().map(|text| ("steps.yaml", text.as_str())).collect();
    let declared = Documents::of(&texts).compile(&models).unwrap_or_else(|found| {
        panic!("{}", found.iter().map(|one| one.render(false)).collect::<Vec<_>>().join("\n"));
    });
    let mut options = xos_engine::Options { resync: None, ..xos_engine::Options::default() };
    options.backoff.jitter = 0.0;
    options.brakes.cascade = 6;
    Service {
        name: "t".to_owned(),
        models: Arc::new(models),
        properties: xos_steps::Properties::none(),
        declared,
        compiled: Steps::new(),
        settings: serde_json::from_value(json!({"url": "http://backend"})).unwrap(),
        options,
    }
}

/// Returns an object with these fields.
pub fn object(model: &str, name: &str, fields: &Value) -> Object {
    Object { fields: serde_json::from_value(fields.clone()).unwrap(), ..Object::named(model, "default", name) }
}
