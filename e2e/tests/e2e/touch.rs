//! A touch runs the step again, although nothing has changed.

use xos_harness::{eventually, example::SOON};

use crate::with_example;

#[tokio::test]
async fn a_touched_object_is_synchronized_again() {
    with_example("touch", async |example| {
        example.apply("ada", "Ada", "Lovelace").await.unwrap();
        let before = example.people.ready("ada").await.unwrap();
        example.namespace.kubectl(&["annotate", "mymodel", "ada", "xos.opencord.org/touch=1"]).await.unwrap();
        eventually(SOON, "a second write", async || match example.writes().await {
            Ok((2, 0)) => Ok(()),
            Ok(writes) => Err(format!("{writes:?}")),
            Err(error) => Err(error.to_string()),
        })
        .await
        .unwrap();
        let after = example.people.ready("ada").await.unwrap();
        assert_eq!(before["metadata"]["generation"], after["metadata"]["generation"]);

        // The same touch does not run the step again.
        example.apply("grace", "Grace", "Hopper").await.unwrap();
        example.people.ready("grace").await.unwrap();
        assert_eq!(example.final_writes().await.unwrap(), (3, 0));
    })
    .await;
}
