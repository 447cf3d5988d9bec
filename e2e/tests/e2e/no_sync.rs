//! `noSync` holds an object back.

use serde_json::json;

use crate::with_example;

#[tokio::test]
async fn an_object_with_no_sync_waits_until_it_is_let_go() {
    with_example("no-sync", async |example| {
        let held = json!({
            "apiVersion": "example.xos.opencord.org/v1",
            "kind": "MyModel",
            "metadata": {"name": "ada"},
            "spec": {"firstName": "Ada", "lastName": "Lovelace", "noSync": true},
        });
        example.namespace.apply(&held.to_string()).await.unwrap();
        // This one is applied later and is Ready, so the first one was seen and held back.
        example.apply("grace", "Grace", "Hopper").await.unwrap();
        example.people.ready("grace").await.unwrap();
        assert_eq!(example.full_names().await.unwrap(), ["Grace Hopper"]);

        example.patch("ada", &json!({"noSync": false})).await.unwrap();
        let synced = |object: &serde_json::Value| object["status"]["backendCode"] == 1;
        example.people.until("ada", "synchronized", synced).await.unwrap();
        assert_eq!(example.full_names().await.unwrap(), ["Ada Lovelace", "Grace Hopper"]);
        assert_eq!(example.final_writes().await.unwrap(), (2, 0));
    })
    .await;
}
