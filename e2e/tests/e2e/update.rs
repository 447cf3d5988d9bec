//! A change of spec reaches the backend.

use serde_json::json;

use crate::with_example;

#[tokio::test]
async fn a_changed_object_is_synchronized_again() {
    with_example("update", async |example| {
        example.apply("ada", "Ada", "Byron").await.unwrap();
        let before = example.people.ready("ada").await.unwrap();
        example.patch("ada", &json!({"lastName": "Lovelace"})).await.unwrap();
        let changed = |object: &serde_json::Value| object["metadata"]["generation"] != before["metadata"]["generation"];
        example.people.until("ada", "changed", changed).await.unwrap();
        let after = example.people.ready("ada").await.unwrap();
        // The same entry was written again.
        assert_eq!(example.full_names().await.unwrap(), ["Ada Lovelace"]);
        assert_eq!(example.final_writes().await.unwrap(), (2, 0));
        assert_eq!(after["status"]["backendStatus"], "OK");
    })
    .await;
}
