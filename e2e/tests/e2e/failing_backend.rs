//! A backend that fails: the status shows it, and the controller retries until the backend works again.

use xos_harness::{
    eventually,
    example::{SOON, condition},
};

use crate::with_example;

const CLOSED: &str = "the directory is closed for maintenance";

#[tokio::test]
async fn a_failing_backend_is_shown_and_tried_again() {
    with_example("failing", async |example| {
        example.directory.fail(503, CLOSED).await.unwrap();
        example.apply("ada", "Ada", "Lovelace").await.unwrap();
        let failed =
            example.people.until("ada", "failed", |object| object["status"]["backendCode"] == 2).await.unwrap();
        let text = failed["status"]["backendStatus"].as_str().unwrap();
        assert!(text.contains(CLOSED), "{text}");
        let ready = condition(&failed, "Ready");
        assert_eq!(ready["status"], "False", "{ready:#}");
        assert!(ready["message"].as_str().unwrap().contains(CLOSED), "{ready:#}");

        let refused = async || -> Result<u64, xos_harness::directory::Error> {
            Ok(example.directory.stats().await?.refused.values().sum())
        };
        eventually(SOON, "a third attempt", async || match refused().await {
            Ok(attempts) if attempts >= 3 => Ok(()),
            Ok(attempts) => Err(format!("{attempts} attempts")),
            Err(error) => Err(error.to_string()),
        })
        .await
        .unwrap();

        example.directory.recover().await.unwrap();
        example.people.ready("ada").await.unwrap();
        assert_eq!(example.full_names().await.unwrap(), ["Ada Lovelace"]);
        assert_eq!(example.final_writes().await.unwrap(), (1, 0));
    })
    .await;
}
