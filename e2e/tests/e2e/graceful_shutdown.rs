//! A controller ends without an error after SIGTERM.

use std::time::{Duration, Instant};

use crate::with_example;

/// No step is running, so the controller does not have to wait.
const QUICK: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_controller_that_is_asked_to_stop_does() {
    with_example("shutdown", async |example| {
        example.apply("ada", "Ada", "Lovelace").await.unwrap();
        example.people.ready("ada").await.unwrap();
        let asked = Instant::now();
        let status = example.synchronizer.stop().await.unwrap();
        assert!(status.is_some_and(|status| status.success()), "{status:?}");
        assert!(asked.elapsed() < QUICK, "{:?}", asked.elapsed());
    })
    .await;
}
