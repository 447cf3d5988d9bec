//! From `kubectl apply` to Ready.

use xos_harness::example::{condition, is_observed};

use crate::with_example;

#[tokio::test]
async fn an_applied_object_is_synchronized_once() {
    with_example("first", async |example| {
        example.apply("ada", "Ada", "Lovelace").await.unwrap();
        let object = example.people.ready("ada").await.unwrap();

        assert_eq!(example.full_names().await.unwrap(), ["Ada Lovelace"]);
        assert_eq!(example.final_writes().await.unwrap(), (1, 0));

        let status = &object["status"];
        assert_eq!(status["backendCode"], 1, "{status:#}");
        assert_eq!(status["backendStatus"], "OK", "{status:#}");
        assert!(is_observed(&object), "{status:#}");
        assert!(status["enacted"].is_string(), "{status:#}");
        assert!(!status["history"].as_array().unwrap().is_empty(), "{status:#}");
        for (kind, value) in [("Ready", "True"), ("Synced", "True"), ("Reconciling", "False"), ("Stalled", "False")] {
            // By kstatus's rules, the two abnormal conditions may be missing when they are false.
            let found = &condition(&object, kind)["status"];
            assert!(found == value || (value == "False" && found.is_null()), "{kind}: {status:#}");
        }
    })
    .await;
}
