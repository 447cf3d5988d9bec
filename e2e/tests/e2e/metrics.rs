//! Sync steps, policies and the work queue have metrics, named as controller-runtime names them.

use serde_json::json;
use xos_harness::{eventually, example::SOON};

use crate::monitoring::Monitoring;
use crate::with_configured_example;

#[tokio::test]
async fn calls_of_steps_and_policies_are_counted() {
    let monitoring = Monitoring::new();
    with_configured_example("metrics", &json!({ "monitoring_address": monitoring.address }), async |example| {
        // What is there when the controller lists its objects has no time to Ready.
        monitoring.ready().await;
        example.apply("ada", "Ada", "Lovelace").await.unwrap();
        example.people.ready("ada").await.unwrap();
        let wanted = [
            "xos_dependency_waits{model=\"MyModel\"} 0",
            "xos_time_to_ready_seconds_count{model=\"MyModel\"} 1",
            "controller_runtime_reconcile_total{controller=\"SyncMyModel\",result=\"success\"} 1",
            "controller_runtime_reconcile_errors_total{controller=\"SyncMyModel\"} 0",
            "controller_runtime_reconcile_time_seconds_count{controller=\"SyncMyModel\"} 1",
            "controller_runtime_active_workers{controller=\"example\"} 0",
            "controller_runtime_max_concurrent_reconciles{controller=\"example\"} 16",
            "workqueue_depth{name=\"example\",controller=\"example\",priority=\"change\"} 0",
            "workqueue_longest_running_processor_seconds{name=\"example\",controller=\"example\"} 0.0",
        ];
        // A worker ends a moment after its object is Ready.
        eventually(SOON, "all metrics", async || {
            let (_, text) = monitoring.get("/metrics").await?;
            for begin in ["xos_build_info{version=\"", "xos_watch_age_seconds{model=\"MyModel\",namespace=\""] {
                if !text.lines().any(|line| line.starts_with(begin)) {
                    return Err(format!("no {begin} in:\n{text}"));
                }
            }
            let missing = wanted.iter().find(|wanted| !text.lines().any(|line| line == **wanted));
            missing.map_or(Ok(()), |missing| Err(format!("no {missing} in:\n{text}")))
        })
        .await
        .unwrap();
    })
    .await;
}
