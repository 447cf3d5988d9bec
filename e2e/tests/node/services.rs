//! Pods find Services by name, and this machine reaches them, too.

use serde_json::json;
use xos_harness::{TestNamespace, eventually};

use crate::{PROBE, SOON, on_the_node, pod, run};

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_reaches_services_by_their_names() {
    on_the_node("names", async |namespace| {
        serve(namespace).await;
        run(namespace, &pod("client", PROBE, &["wait"]), "Running").await;
        let full = format!("greeter.{}.svc.cluster.local", namespace.name());
        for name in ["greeter", &full] {
            let answer = get(namespace, &format!("http://{name}/")).await;
            assert_eq!(answer, "200 hello");
        }
        // What has no such name is told at once, and not after a time-out.
        let unknown = namespace.kubectl(&["exec", "client", "--", "/probe", "resolve", "xos.example"]).await;
        assert!(unknown.unwrap_err().to_string().contains("no such host"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_reaches_the_api_server_by_its_name() {
    on_the_node("api", async |namespace| {
        run(namespace, &pod("client", PROBE, &["wait"]), "Running").await;
        let answer = get(namespace, "https://kubernetes.default.svc/version").await;
        assert!(answer.contains("gitVersion") || answer.starts_with("401") || answer.starts_with("403"), "{answer}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_reaches_itself_by_its_service() {
    on_the_node("itself", async |namespace| {
        serve(namespace).await;
        let answer = eventually(SOON, "an answer", async || {
            namespace.kubectl(&["exec", "server", "--", "/probe", "get", "http://greeter/"]).await
        });
        assert_eq!(answer.await.unwrap().trim(), "200 hello");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn this_machine_reaches_services_and_pods() {
    on_the_node("host", async |namespace| {
        serve(namespace).await;
        let field = async |what: &str, path: &str| {
            namespace.kubectl(&["get", what, "-o", &format!("jsonpath={{{path}}}")]).await.unwrap()
        };
        let service = field("service/greeter", ".spec.clusterIP").await;
        let pod = field("pod/server", ".status.podIP").await;
        for address in [service, format!("{pod}:8080")] {
            let answer = eventually(SOON, format!("an answer of {address}"), async || {
                let http = reqwest::Client::builder().no_proxy().build()?;
                http.get(format!("http://{address}/")).send().await?.text().await
            });
            assert_eq!(answer.await.unwrap().trim(), "hello");
        }
    })
    .await;
}

/// Runs a pod that greets, and a Service before it.
async fn serve(namespace: &TestNamespace) {
    run(namespace, &pod("server", PROBE, &["serve", ":8080", "hello"]), "Running").await;
    let service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "greeter"},
        "spec": {"selector": {"app": "server"}, "ports": [{"port": 80, "targetPort": 8080}]},
    });
    namespace.apply(&service.to_string()).await.unwrap();
}

/// Asks from the pod `client`. A new Service takes a moment to be known everywhere.
async fn get(namespace: &TestNamespace, url: &str) -> String {
    let answer = eventually(SOON, format!("an answer of {url}"), async || {
        namespace.kubectl(&["exec", "client", "--", "/probe", "get", url]).await
    });
    answer.await.unwrap().trim().to_owned()
}
