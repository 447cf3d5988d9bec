//! What the templates make of the values.

use serde_json::{Value, json};
use xos_harness::helm::{Helm, chart};

use crate::{find, rendered};

/// The spec of the pods that an object makes, if it makes any.
fn pod(object: &Value) -> Option<&Value> {
    match object["kind"].as_str()? {
        "Pod" => Some(&object["spec"]),
        "Deployment" | "Job" => Some(&object["spec"]["template"]["spec"]),
        _ => None,
    }
}

#[tokio::test]
async fn every_pod_is_restricted() {
    let all = rendered(&[]).await;
    let pods: Vec<_> = all.iter().filter_map(pod).collect();
    // The controller, the directory, the Job before an uninstallation, the test.
    assert_eq!(pods.len(), 4);
    for pod in pods {
        let security = &pod["securityContext"];
        assert_eq!((&security["runAsNonRoot"], &security["runAsUser"]), (&json!(true), &json!(65532)), "{pod:#}");
        assert_eq!(security["seccompProfile"], json!({"type": "RuntimeDefault"}), "{pod:#}");
        for key in ["hostNetwork", "hostPID", "hostIPC"] {
            assert!(pod[key].is_null(), "{pod:#}");
        }
        for container in pod["containers"].as_array().unwrap() {
            let expected = json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"]}});
            assert_eq!(container["securityContext"], expected, "{pod:#}");
            assert!(container["resources"]["limits"]["memory"].is_string(), "{pod:#}");
        }
        for volume in pod["volumes"].as_array().unwrap() {
            assert!(volume["hostPath"].is_null(), "{pod:#}");
        }
    }
    // The directory has nothing to do with the API server.
    let directory = find(&all, "Deployment", "-directory");
    assert_eq!(directory["spec"]["template"]["spec"]["automountServiceAccountToken"], false);
}

#[tokio::test]
async fn every_object_has_the_namespace_and_the_labels_of_the_release() {
    let switches = [
        "networkPolicy.enabled",
        "podDisruptionBudget.enabled",
        "monitoring.serviceMonitor.enabled",
        "monitoring.dashboard.enabled",
        "monitoring.alerts.enabled",
    ];
    let set: Vec<_> = switches.iter().flat_map(|one| ["--set".to_owned(), format!("{one}=true")]).collect();
    let set: Vec<_> = set.iter().map(String::as_str).collect();
    let all = rendered(&[&set[..], &["--set", "credentials.data.a=b"]].concat()).await;
    let wide = ["ClusterRole", "ClusterRoleBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"];
    let mut kinds: Vec<_> = all.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    for object in &all {
        let kind = object["kind"].as_str().unwrap();
        let namespace = object["metadata"]["namespace"].as_str();
        assert_eq!(namespace, (!wide.contains(&kind)).then_some("demo-ns"), "{object:#}");
        assert_eq!(object["metadata"]["labels"]["app.kubernetes.io/instance"], "demo", "{object:#}");
        assert_eq!(object["metadata"]["labels"]["app.kubernetes.io/version"], env!("CARGO_PKG_VERSION"));
    }
    kinds.sort_unstable();
    kinds.dedup();
    let expected = [
        "ClusterRole",
        "ClusterRoleBinding",
        "ConfigMap",
        "Deployment",
        "Job",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "NetworkPolicy",
        "Pod",
        "PodDisruptionBudget",
        "PrometheusRule",
        "Role",
        "RoleBinding",
        "Secret",
        "Service",
        "ServiceAccount",
        "ServiceMonitor",
    ];
    assert_eq!(kinds, expected);
}

#[tokio::test]
async fn what_is_optional_can_be_left_out() {
    let off = [
        "admissionPolicy.create",
        "uninstall.enabled",
        "monitoring.service",
        "directory.enabled",
        "rbac.create",
        "serviceAccount.create",
    ];
    let set: Vec<_> = off.iter().flat_map(|one| ["--set".to_owned(), format!("{one}=false")]).collect();
    let set: Vec<_> = set.iter().map(String::as_str).collect();
    let all =
        rendered(&[&set[..], &["--set", "serviceAccount.name=mine", "--set-json", "test.object=null"]].concat()).await;
    let kinds: Vec<_> = all.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["ConfigMap", "Deployment"]);
    assert_eq!(all[1]["spec"]["template"]["spec"]["serviceAccountName"], "mine");
}

#[tokio::test]
async fn a_changed_configuration_starts_new_pods() {
    let annotations = async |arguments: &[&str]| {
        let all = rendered(arguments).await;
        find(&all, "Deployment", "-xos-controller")["spec"]["template"]["metadata"]["annotations"].clone()
    };
    let plain = annotations(&[]).await;
    assert_eq!(plain, annotations(&["--set", "podDisruptionBudget.enabled=true"]).await);
    assert_ne!(plain, annotations(&["--set", "config.concurrency=3"]).await);
    assert_ne!(plain, annotations(&["--set", "credentials.data.a=b"]).await);
}

#[tokio::test]
async fn an_image_is_named_by_tag_or_digest() {
    let image = async |arguments: &[&str]| {
        let all = rendered(arguments).await;
        find(&all, "Deployment", "-xos-controller")["spec"]["template"]["spec"]["containers"][0]["image"].clone()
    };
    assert_eq!(image(&[]).await, format!("xos-example:{}", env!("CARGO_PKG_VERSION")));
    assert_eq!(image(&["--set-string", "image.repository=r/voip,image.tag=2"]).await, "r/voip:2");
    let digest = format!("sha256:{}", "a".repeat(64));
    assert_eq!(image(&["--set", &format!("image.digest={digest}")]).await, format!("xos-example@{digest}"));
}

/// What cannot be: the message says what to do.
#[tokio::test]
async fn what_does_not_go_together_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let helm = Helm::alone(home.path()).await.unwrap();
    let chart = chart();
    let table = [
        ("replicas=2,leaderElection.enabled=false", "more than 1 needs leaderElection.enabled"),
        ("credentials.existingSecret=a,credentials.data.b=c", "existingSecret or data, not both"),
        ("uninstall.definitions=true", "only with uninstall.policy: Delete"),
        ("uninstall.definitions=true,uninstall.policy=Delete,rbac.scope=Namespaced", "not with rbac.scope: Namespaced"),
        ("kafka.endpoint=k:9092,kafka.sasl.mechanism=PLAIN", "set credentials.existingSecret or credentials.data"),
        ("serviceAccount.create=false", "serviceAccount.name is needed"),
        ("api.enabled=true", "api.usersSecret is needed with api.enabled"),
    ];
    for (set, message) in table {
        let refused = helm.run(&["template", "demo", chart.to_str().unwrap(), "--set", set]).await.unwrap();
        assert!(!refused.status.success() && refused.stderr.contains(message), "{set}: {}", refused.all());
    }
}

#[tokio::test]
async fn the_chart_passes_helms_linter_and_has_the_version_of_the_workspace() {
    let home = tempfile::tempdir().unwrap();
    let helm = Helm::alone(home.path()).await.unwrap();
    let chart = chart();
    let linted = helm.run(&["lint", "--strict", chart.to_str().unwrap()]).await.unwrap();
    assert!(linted.status.success(), "{}", linted.all());
    let text = std::fs::read_to_string(chart.join("Chart.yaml")).unwrap();
    let metadata: Value = serde_saphyr::from_str(&text).unwrap();
    for key in ["version", "appVersion"] {
        assert_eq!(metadata[key], env!("CARGO_PKG_VERSION"), "{key}");
    }
}
