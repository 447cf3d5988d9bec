//! Sync steps, policies and the work queue have metrics, named as controller-runtime names them.

use serde_json::json;
use xos_harness::{eventually, example::SOON};

use crate::with_configured_example;

#[tokio::test]
async fn calls_of_steps_and_policies_are_counted() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    with_configured_example("metrics", &json!({ "monitoring_address": address }), async |example| {
        // What is there when the controller lists its objects has no time to Ready.
        ready(&address).await;
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
            let answer = reqwest::get(format!("http://{address}/metrics")).await.map_err(|error| error.to_string())?;
            let text = answer.text().await.map_err(|error| error.to_string())?;
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

/// Waits until the controller at an address knows all objects.
pub(crate) async fn ready(address: &str) {
    eventually(SOON, "the controller to be ready", async || {
        let answer = reqwest::get(format!("http://{address}/readyz")).await.map_err(|error| error.to_string())?;
        if answer.status().is_success() { Ok(()) } else { Err(answer.status().to_string()) }
    })
    .await
    .unwrap();
}
