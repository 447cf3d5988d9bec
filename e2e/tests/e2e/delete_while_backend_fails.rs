//! A deletion that the backend refuses is shown in the status, and is done later.

use xos_harness::example::condition;

use crate::with_example;

const CLOSED: &str = "the directory is closed for maintenance";

#[tokio::test]
async fn a_refused_deletion_is_shown_and_done_later() {
    with_example("held", async |example| {
        example.apply("ada", "Ada", "Lovelace").await.unwrap();
        example.people.ready("ada").await.unwrap();
        example.directory.fail(503, CLOSED).await.unwrap();
        example.delete("ada").await.unwrap();

        let refused = |object: &serde_json::Value| {
            object["metadata"]["deletionTimestamp"].is_string() && object["status"]["backendCode"] == 2
        };
        let held = example.people.until("ada", "held", refused).await.unwrap();
        let ready = condition(&held, "Ready");
        assert!(ready["message"].as_str().unwrap().contains(CLOSED), "{ready:#}");
        assert_eq!(example.full_names().await.unwrap(), ["Ada Lovelace"]);

        example.directory.recover().await.unwrap();
        example.people.gone("ada").await.unwrap();
        assert!(example.full_names().await.unwrap().is_empty());
        assert_eq!(example.final_writes().await.unwrap(), (1, 1));
    })
    .await;
}
