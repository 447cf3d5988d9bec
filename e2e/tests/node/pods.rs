//! Pods run, and kubectl reaches into them.

use crate::{PROBE, on_the_node, pod, run};

#[tokio::test(flavor = "multi_thread")]
async fn logs_and_commands_of_a_pod_are_passed_on() {
    on_the_node("reach", async |namespace| {
        run(namespace, &pod("server", PROBE, &["serve", ":8080", "hello"]), "Running").await;
        let logs = namespace.kubectl(&["logs", "server"]).await.unwrap();
        assert_eq!(logs.trim(), "serving on :8080");
        let user = namespace.kubectl(&["exec", "server", "--", "/probe", "id"]).await.unwrap();
        assert!(user.starts_with("65535:"), "{user}");
        let refused = namespace.kubectl(&["exec", "server", "--", "/probe", "write", "/file"]).await.unwrap_err();
        assert!(refused.to_string().contains("read-only file system"), "{refused}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_with_privileges_is_refused() {
    on_the_node("refused", async |namespace| {
        let mut greedy = pod("greedy", PROBE, &["wait"]);
        greedy["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = true.into();
        let refused = namespace.apply(&greedy.to_string()).await.unwrap_err().to_string();
        assert!(refused.contains("violates PodSecurity"), "{refused}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_is_deleted_is_gone() {
    on_the_node("gone", async |namespace| {
        run(namespace, &pod("short", PROBE, &["wait"]), "Running").await;
        namespace.kubectl(&["delete", "pod", "short", "--timeout=30s"]).await.unwrap();
        let left = namespace.kubectl(&["get", "pods", "-o", "name"]).await.unwrap();
        assert_eq!(left, "");
    })
    .await;
}
