//! Two controllers that are restricted to their namespaces do not handle each other's objects.

use serde_json::json;

use crate::with_example;

#[tokio::test]
async fn controllers_of_two_namespaces_are_independent() {
    with_example("pair-a", async |one| {
        with_example("pair-b", async |other| {
            one.apply("same", "Ada", "Lovelace").await.unwrap();
            other.apply("same", "Grace", "Hopper").await.unwrap();
            one.people.ready("same").await.unwrap();
            other.people.ready("same").await.unwrap();
            assert_eq!(one.full_names().await.unwrap(), ["Ada Lovelace"]);
            assert_eq!(other.full_names().await.unwrap(), ["Grace Hopper"]);

            one.directory.fail(503, "closed").await.unwrap();
            one.patch("same", &json!({"lastName": "Byron"})).await.unwrap();
            one.people.until("same", "failed", |object| object["status"]["backendCode"] == 2).await.unwrap();
            other.delete("same").await.unwrap();
            other.people.gone("same").await.unwrap();
            assert!(other.full_names().await.unwrap().is_empty());
            assert_eq!(one.full_names().await.unwrap(), ["Ada Lovelace"]);
        })
        .await;
    })
    .await;
}
