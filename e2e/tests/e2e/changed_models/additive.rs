//! Additions to a model are applied while objects exist.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use xos_harness::{eventually, example::SOON};

use super::{assert_says, with_service};

const OLD: &str = "required string name = 1 [max_length = 4];";
const NEW: &str = "required string name = 1 [max_length = 8]; optional int32 age = 2 [default = 7];";

#[tokio::test]
async fn a_field_and_a_longer_limit_are_added_to_a_kind_in_use() {
    with_service("changed-additive", async |service| {
        service.install("old", OLD).await;
        let before = service.create("ada", &json!({"name": "Ada"})).await;

        let log = service.install("new", NEW).await;
        assert_says(&log, &["spec.age: added (integer)", "spec.name: maxLength 4 → 8"]);
        let after = service.person("ada").await;
        // Its status may say meanwhile that there is nothing to do for it.
        let written = |person: &Value| ["uid", "generation"].map(|key| person["metadata"][key].clone());
        assert_eq!(written(&after), written(&before), "nobody wrote what is wanted");

        // The API server serves the new schema a moment later.
        let patch = json!({"spec": {"name": "Lovelace", "age": 36}});
        eventually(SOON, "ada to take the new field", async || {
            let patched = service.people().patch("ada", &PatchParams::default(), &Patch::Merge(&patch)).await;
            let spec = patched.map(|person| person.data["spec"].clone()).map_err(|error| error.to_string())?;
            if spec == patch["spec"] { Ok(()) } else { Err(spec.to_string()) }
        })
        .await
        .unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_start_with_the_same_models_writes_nothing() {
    with_service("changed-same", async |service| {
        service.install("first", NEW).await;
        let version = service.version().await;
        service.install("second", NEW).await;
        assert_eq!(service.version().await, version);
    })
    .await;
}
