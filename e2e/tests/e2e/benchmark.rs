//! The benchmark works, and the engine does not write more than it should. Times are not checked.

use std::process::Command;

use serde_json::Value;
use xos_harness::{Cluster, paths};

#[tokio::test]
async fn writes_for_each_object_are_as_few_as_promised() {
    let cluster = Cluster::shared().await.unwrap();
    let folder = cluster.folder("xos-bench-report-").unwrap();
    let output = Command::new(paths::program("xos-bench").unwrap())
        .args(["--quick", "--only", "writes,chain,restart,documents", "--output"])
        .arg(folder.path())
        .env("XOS_E2E_KUBECONFIG", cluster.kubeconfig())
        .output()
        .unwrap();
    let text = [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat();
    assert!(output.status.success(), "{text}");
    let report = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    let goals = report["goals"].as_array().unwrap();
    let of_writes: Vec<_> = goals.iter().filter(|goal| goal[1]["what"].as_str().unwrap().contains("writes")).collect();
    assert!(of_writes.len() >= 4, "{text}");
    // A goal that was not measured is not met either.
    assert!(of_writes.iter().all(|goal| goal[1]["met"] == Value::Bool(true)), "{text}");
}
