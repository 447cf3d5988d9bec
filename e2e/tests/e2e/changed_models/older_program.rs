//! An older program that starts after a newer one does not remove fields that are in use, and reports it.

use serde_json::json;

use super::{assert_says, with_service};

const OLDER: &str = "required string name = 1 [max_length = 32];";
const NEWER: &str = "required string name = 1 [max_length = 32]; optional string nick = 2 [max_length = 9]; \
                     optional string mode = 3 [max_length = 9, default = \"auto\"];";

#[tokio::test]
async fn an_older_program_leaves_what_a_newer_one_brought() {
    with_service("changed-older", async |service| {
        service.install("newer", NEWER).await;
        service.create("ada", &json!({"name": "Ada", "nick": "A"})).await;
        service.create("grace", &json!({"name": "Grace"})).await;
        let version = service.version().await;
        let (code, said) = service.refused("older", OLDER).await;
        assert_eq!(code, Some(1), "{said}");
        let object = format!("1 object has it: {}/ada\n", service.namespace.name());
        assert_says(
            &said,
            &["spec.nick: removed", &object, "if a newer version of the program has added it, run that one"],
        );
        // A default that the API server has set does not count as use.
        assert!(!said.contains("spec.mode"), "{said}");
        assert_eq!(service.version().await, version);
        assert_eq!(service.person("ada").await["spec"]["nick"], "A");
    })
    .await;
}
