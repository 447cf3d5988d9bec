//! A breaking change is applied if it breaks no stored object.

use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::{assert_says, with_service};

const OLD: &str = "required string name = 1 [max_length = 32]; optional string nick = 2 [max_length = 9];";
const NEW: &str = "required string name = 1 [max_length = 4];";

#[tokio::test]
async fn a_breaking_change_is_applied_when_no_object_minds() {
    with_service("changed-unaffected", async |service| {
        service.install("old", OLD).await;
        service.create("ada", &json!({"name": "Ada", "nick": "A"})).await;
        let (code, said) = service.refused("refused", NEW).await;
        assert_eq!(code, Some(1), "{said}");

        // As the message of the refusal says: remove the field from these objects first.
        let patch = Patch::Merge(json!({"spec": {"nick": null}}));
        service.people().patch("ada", &PatchParams::default(), &patch).await.unwrap();
        let log = service.install("new", NEW).await;
        let none = "(no stored object is affected)";
        assert_says(&log, &[&format!("maxLength 32 → 4 {none}"), &format!("spec.nick: removed (was string) {none}")]);
        assert_eq!(service.person("ada").await["spec"], json!({"name": "Ada"}));
    })
    .await;
}
