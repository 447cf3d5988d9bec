//! The chart on a node: `helm install` alone, an object, the chart's test, an update, and `helm uninstall`.

use std::time::{Duration, Instant};

use xos_harness::{
    TestNamespace, eventually,
    example::{People, is_ready},
    helm::{Helm, chart},
};

use crate::{SOON, images::imported, on_the_node};

/// How long all of `helm uninstall` may take.
const LIMIT: &str = "120s";

#[tokio::test(flavor = "multi_thread")]
async fn a_release_works_from_its_installation_to_its_uninstallation() {
    let image = imported("xos-example").await;
    on_the_node("chart", async |namespace| {
        let helm = Helm::of(namespace.cluster(), namespace.folder()).await.unwrap();
        let (repository, tag) = image.rsplit_once(':').unwrap();
        let image = format!("image.repository={repository},image.tag={tag}");
        let here = namespace.name();
        let chart = chart();
        let start = Instant::now();
        let install = ["install", "demo", chart.to_str().unwrap(), "-n", here, "--set-string", &image, "--wait"];
        if let Err(error) = helm.ok(&install).await {
            panic!("{error}\n{}", pods(namespace).await);
        }
        let person = xos_harness::example::person("ada", "Ada", "Lovelace");
        namespace.apply(&person.to_string()).await.unwrap();
        let people = People::new(namespace.client(), here);
        people.ready("ada").await.unwrap();
        let took = start.elapsed();
        eprintln!("helm install to the first Ready object: {took:.1?}");
        assert!(took < Duration::from_secs(60), "{took:?}");

        // The chart's test, with its log.
        let tested = helm.ok(&["test", "demo", "-n", here, "--logs"]).await;
        let tested = tested.unwrap_or_else(|error| panic!("{error}"));
        assert!(tested.contains("is Ready after") && tested.contains("is gone after"), "{tested}");

        // An update: new pods, nothing is synchronized again.
        let before = people.find("ada").await.unwrap().unwrap();
        let more = ["--set-string", &image, "--set", "config.concurrency=4", "--wait"];
        let upgrade = ["upgrade", "demo", chart.to_str().unwrap(), "-n", here];
        helm.ok(&[&upgrade[..], &more].concat()).await.unwrap_or_else(|error| panic!("{error}"));
        let after = people.until("ada", "Ready", is_ready).await.unwrap();
        assert_eq!(after["status"]["backendRegister"], before["status"]["backendRegister"]);

        let start = Instant::now();
        helm.ok(&["uninstall", "demo", "-n", here, "--timeout", LIMIT]).await.unwrap_or_else(|error| panic!("{error}"));
        eprintln!("helm uninstall took {:.1?}", start.elapsed());
        let ada = people.find("ada").await.unwrap().unwrap();
        assert!(ada["metadata"]["finalizers"].is_null(), "{ada:#}");
        eventually(SOON, "no pods", async || {
            let left = namespace.kubectl(&["get", "pods", "-o", "name"]).await.map_err(|error| error.to_string())?;
            // Helm leaves the pod of its test.
            let left: Vec<_> = left.lines().filter(|pod| !pod.ends_with("-test")).collect();
            if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
        })
        .await
        .unwrap();
        namespace.kubectl(&["delete", "mymodel", "ada"]).await.unwrap();
        people.gone("ada").await.unwrap();
    })
    .await;
}

/// What the pods say of themselves.
async fn pods(namespace: &TestNamespace) -> String {
    let described = namespace.kubectl(&["describe", "pods"]).await.unwrap_or_default();
    let logs = ["logs", "-l", "app.kubernetes.io/instance=demo", "--tail=20"];
    format!("{described}\n{}", namespace.kubectl(&logs).await.unwrap_or_default())
}
