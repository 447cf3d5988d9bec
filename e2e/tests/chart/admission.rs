//! The admission policy of the chart is what `admission` prints, so that the controller finds it as it wants it.

use std::process::Command;

use serde_json::Value;
use xos_harness::paths;

use crate::{find, rendered};

#[tokio::test]
async fn the_policy_is_what_admission_prints() {
    for arguments in [&[][..], &["--set", "namespaces={a,b}"], &["--set", "name=My.Service"]] {
        let all = rendered(arguments).await;
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.yaml");
        let text = find(&all, "ConfigMap", "demo-xos-controller")["data"]["config.yaml"].as_str().unwrap();
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new(paths::program("example-synchronizer").unwrap());
        let run = command.args(["admission", "--config"]).arg(config).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let printed: Vec<Value> = serde_saphyr::from_multiple(&String::from_utf8(run.stdout).unwrap()).unwrap();
        for kind in ["MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"] {
            let (chart, printed) = (find(&all, kind, ""), find(&printed, kind, ""));
            assert_eq!(chart["metadata"]["name"], printed["metadata"]["name"], "{arguments:?}");
            assert_eq!(chart["spec"], printed["spec"], "{arguments:?}");
            let label = "xos.opencord.org/synchronizer";
            assert_eq!(chart["metadata"]["labels"][label], printed["metadata"]["labels"][label]);
        }
    }
}

/// Where the API server has no such policies the controller is told.
#[tokio::test]
async fn without_policies_finalizers_are_the_controllers() {
    let all = rendered(&["--set", "admissionPolicy.create=false"]).await;
    assert!(all.iter().all(|one| !one["kind"].as_str().unwrap().starts_with("Mutating")));
    let text = find(&all, "ConfigMap", "demo-xos-controller")["data"]["config.yaml"].as_str().unwrap();
    let config: Value = serde_saphyr::from_str(text).unwrap();
    assert_eq!(config["finalizers_at_creation"], false);
}
