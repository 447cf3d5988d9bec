//! At rest nothing is written.

use crate::with_example;

#[tokio::test]
async fn an_object_in_step_is_left_alone() {
    with_example("rest", async |example| {
        example.apply("ada", "Ada", "Lovelace").await.unwrap();
        let settled = example.people.ready("ada").await.unwrap();
        example.apply("grace", "Grace", "Hopper").await.unwrap();
        example.people.ready("grace").await.unwrap();
        let later = example.people.find("ada").await.unwrap().unwrap();
        assert_eq!(settled["metadata"]["resourceVersion"], later["metadata"]["resourceVersion"], "{later:#}");
        assert_eq!(example.final_writes().await.unwrap(), (2, 0));
    })
    .await;
}

#[tokio::test]
async fn a_restart_writes_nothing_and_runs_nothing() {
    with_example("restart", async |example| {
        example.apply("ada", "Ada", "Lovelace").await.unwrap();
        let settled = example.people.ready("ada").await.unwrap();
        example.synchronizer.stop().await.unwrap();
        example.synchronizer = example.launch.start().unwrap();
        // When the new controller has handled this person, it has seen the other one, too.
        example.apply("grace", "Grace", "Hopper").await.unwrap();
        example.people.ready("grace").await.unwrap();
        let later = example.people.find("ada").await.unwrap().unwrap();
        assert_eq!(settled["metadata"]["resourceVersion"], later["metadata"]["resourceVersion"], "{later:#}");
        assert_eq!(example.final_writes().await.unwrap(), (2, 0));
    })
    .await;
}
