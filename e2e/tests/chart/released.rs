//! A release of the chart in the namespace of a test, whose pods run as processes.

use std::{fmt::Write as _, time::Duration};

use futures::StreamExt as _;
use kube::{
    Api,
    api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams},
    core::GroupVersionKind,
};
use serde_json::{Value, json};
use xos_harness::{
    TestNamespace, eventually,
    example::People,
    helm::{Helm, chart},
    pods::Pods,
};

/// How long a hundred objects may take on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(180);

/// A release.
pub(crate) struct Release<'a> {
    pub(crate) namespace: &'a TestNamespace,
    pub(crate) helm: Helm,
    pub(crate) pods: Pods,
    pub(crate) people: People,
    /// The synchronizer's name.
    pub(crate) name: String,
    /// Whether it looks after all namespaces: in a cluster of the test's own.
    pub(crate) everywhere: bool,
}

impl<'a> Release<'a> {
    /// Installs the chart as `demo`, for the objects of its namespace alone, and waits until it is ready.
    pub(crate) async fn install(namespace: &'a TestNamespace, set: &[&str]) -> Self {
        let release = Self::prepare(namespace).await;
        release.helm(&["install"], set).await.unwrap();
        release
    }

    /// Makes everything ready for a release, and installs nothing.
    pub(crate) async fn prepare(namespace: &'a TestNamespace) -> Self {
        // Other tests have synchronizers of their own in the same cluster.
        let name = namespace.name().to_owned();
        let helm = Helm::of(namespace.cluster(), namespace.folder()).await.unwrap();
        let people = People::new(namespace.client(), namespace.name());
        Self { namespace, helm, pods: Pods::run(namespace), people, name, everywhere: false }
    }

    /// Runs `helm <command> demo <chart>` with the values of this test.
    pub(crate) async fn helm(&self, command: &[&str], set: &[&str]) -> Result<String, String> {
        self.helm_of(chart().to_str().unwrap(), command, set).await
    }

    /// Does the same with another chart.
    pub(crate) async fn helm_of(&self, chart: &str, command: &[&str], set: &[&str]) -> Result<String, String> {
        // What was there at a start is looked after again within ten hours: one of a thousand in the middle of a test.
        let own = format!("name={},config.resync=off", self.name);
        let own = match self.everywhere {
            true => own,
            false => format!("{own},namespaces={{{}}}", self.namespace.name()),
        };
        let mut arguments = command.to_vec();
        arguments.extend(["demo", chart, "-n", self.namespace.name(), "--set", &own]);
        if !command.contains(&"--timeout") {
            arguments.extend(["--wait", "--timeout", "120s"]);
        }
        for one in set {
            arguments.extend(["--set", one]);
        }
        self.helm.ok(&arguments).await.map_err(|error| format!("{error}\n{}", self.logs()))
    }

    /// Runs `helm uninstall demo`. Returns how long it took.
    pub(crate) async fn uninstall(&self) -> Duration {
        let start = std::time::Instant::now();
        let ended = self.helm.ok(&["uninstall", "demo", "-n", self.namespace.name(), "--timeout", "280s"]).await;
        ended.unwrap_or_else(|error| panic!("{error}\n{}", self.logs()));
        let took = start.elapsed();
        eprintln!("helm uninstall took {took:.1?}");
        took
    }

    /// Returns the logs of all pods.
    pub(crate) fn logs(&self) -> String {
        let mut text = String::new();
        for entry in std::fs::read_dir(self.pods.folder()).into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|end| end == "log") {
                let end = xos_harness::process::tail(&entry.path(), 60);
                let _written = writeln!(text, "--- {} ---\n{end}", entry.path().display());
            }
        }
        text
    }

    /// Makes people, without waiting for anything.
    pub(crate) async fn make(&self, count: usize) {
        let api = mymodels(self.namespace);
        let each = futures::stream::iter(0..count).map(|number| {
            let object: DynamicObject = serde_json::from_value(json!({
                "apiVersion": "example.xos.opencord.org/v1", "kind": "MyModel",
                "metadata": {"name": format!("p{number:04}")},
                "spec": {"firstName": format!("P{number}"), "lastName": "X", "department": format!("d{}", number % 10)},
            }))
            .unwrap();
            let api = api.clone();
            async move { api.create(&PostParams::default(), &object).await.map(drop) }
        });
        let outcomes: Vec<_> = each.buffer_unordered(8).collect().await;
        for outcome in outcomes {
            outcome.unwrap();
        }
    }

    /// Waits until all people are Ready.
    pub(crate) async fn all_ready(&self, count: usize) {
        eventually(LONG, format!("{count} people to be Ready"), async || {
            let all = self.people.all().await.map_err(|error| error.to_string())?;
            let ready = all.iter().filter(|one| xos_harness::example::is_ready(one)).count();
            if ready == count { Ok(()) } else { Err(format!("{ready} of {}\n{}", all.len(), self.logs())) }
        })
        .await
        .unwrap();
    }

    /// Proves that an object made now can be deleted, though no synchronizer runs.
    pub(crate) async fn objects_can_be_deleted(&self) {
        let api = mymodels(self.namespace);
        let object: DynamicObject = serde_json::from_value(json!({
            "apiVersion": "example.xos.opencord.org/v1", "kind": "MyModel", "metadata": {"name": "later"},
            "spec": {"firstName": "L", "lastName": "ater"},
        }))
        .unwrap();
        let made = api.create(&PostParams::default(), &object).await.unwrap();
        assert_eq!(made.metadata.finalizers, None);
        api.delete("later", &kube::api::DeleteParams::default()).await.unwrap();
        self.people.gone("later").await.unwrap();
    }

    /// Proves that nothing of the release is left in the cluster.
    pub(crate) async fn nothing_is_left(&self) {
        let kinds = "deployments,jobs,configmaps,secrets,services,serviceaccounts,roles,rolebindings,pods";
        let label = "app.kubernetes.io/instance=demo";
        eventually(LONG, "nothing of the release", async || {
            let here = self.namespace.kubectl(&["get", kinds, "-l", label, "-o", "name"]).await;
            let here = here.map_err(|error| error.to_string())?;
            if here.is_empty() { Ok(()) } else { Err(here) }
        })
        .await
        .unwrap();
        let wide = "clusterroles,clusterrolebindings,mutatingadmissionpolicies,mutatingadmissionpolicybindings";
        let names = self.namespace.kubectl(&["get", wide, "-o", "name"]).await.unwrap();
        for own in [format!("xos:{}:", self.namespace.name()), format!("xos-{}", self.name)] {
            assert!(!names.contains(&own), "{own} in {names}");
        }
        let synchronizers = self.namespace.kubectl(&["get", "synchronizers", "-o", "name"]).await.unwrap();
        assert!(!synchronizers.contains(&format!("/{}", self.name)), "{synchronizers}");
    }
}

/// The API of people in a namespace.
pub(crate) fn mymodels(namespace: &TestNamespace) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("example.xos.opencord.org", "v1", "MyModel");
    let resource = ApiResource::from_gvk_with_plural(&kind, "mymodels");
    Api::namespaced_with(namespace.client(), namespace.name(), &resource)
}

/// Lets the API server refuse pods that are not restricted.
pub(crate) async fn restrict(namespace: &TestNamespace) {
    let api: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(namespace.client());
    let labels = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
    api.patch(namespace.name(), &PatchParams::default(), &Patch::Merge(labels)).await.unwrap();
}

/// The finalizers of an object.
pub(crate) fn finalizers(object: &Value) -> Vec<&str> {
    object["metadata"]["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}
