//! The chart's roles are what `rbac` prints for the same models and configuration, and no wildcard is in any of them.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;
use xos_harness::paths;

use crate::{find, rendered};

/// A right: where (a namespace, or the cluster), group, resource, name, verb.
type Right = (String, String, String, String, String);

/// Returns all rights of the roles whose name does not contain `without`.
pub(crate) fn rights(all: &[Value], without: &str) -> BTreeSet<Right> {
    let mut rights = BTreeSet::new();
    for role in all {
        let is_role = matches!(role["kind"].as_str(), Some("Role" | "ClusterRole"));
        if !is_role || role["metadata"]["name"].as_str().unwrap().contains(without) {
            continue;
        }
        let place = role["metadata"]["namespace"].as_str().unwrap_or("*").to_owned();
        for rule in role["rules"].as_array().unwrap() {
            let texts = |key: &str| -> Vec<String> {
                let all = rule[key].as_array().into_iter().flatten();
                all.map(|one| one.as_str().unwrap().to_owned()).collect()
            };
            let names = if rule["resourceNames"].is_null() { vec![String::new()] } else { texts("resourceNames") };
            for group in texts("apiGroups") {
                for resource in texts("resources") {
                    for name in &names {
                        for verb in texts("verbs") {
                            rights.insert((place.clone(), group.clone(), resource.clone(), name.clone(), verb));
                        }
                    }
                }
            }
        }
    }
    rights
}

/// Returns the rights that `example-synchronizer rbac` prints for the configuration of the chart.
fn printed(all: &[Value], arguments: &[&str]) -> BTreeSet<Right> {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.yaml");
    let text = find(all, "ConfigMap", "demo-xos-controller")["data"]["config.yaml"].as_str().unwrap();
    std::fs::write(&config, text).unwrap();
    let program = paths::program("example-synchronizer").unwrap();
    let mut command = Command::new(program);
    command.args(["rbac", "--service-account", "demo-ns/demo-xos-controller"]).args(arguments);
    let run = command.arg("--config").arg(config).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let all: Vec<Value> = serde_saphyr::from_multiple(&String::from_utf8(run.stdout).unwrap()).unwrap();
    rights(&all, "nothing")
}

#[tokio::test]
async fn the_roles_are_what_rbac_prints() {
    // What `--group` says is no part of the configuration.
    let of_groups = "clusterDocuments.groups[0].group=a.xos.opencord.org,clusterDocuments.groups[0].resources={as,bs},\
                     clusterDocuments.groups[1].group=b.xos.opencord.org";
    let groups = ["--group", "a.xos.opencord.org=as,bs", "--group", "b.xos.opencord.org"];
    let table: [(&[&str], &[&str]); 12] = [
        (&[], &[]),
        (&["--set", "namespaces={a,demo-ns}"], &[]),
        (&["--set", "namespaces={a,b}"], &[]),
        (&["--set", "rbac.scope=Namespaced"], &[]),
        (&["--set", "rbac.scope=Namespaced,namespaces={a,b}"], &[]),
        (&["--set", "admissionPolicy.create=false"], &[]),
        (&["--set", "api.enabled=true,api.usersSecret=users"], &[]),
        (&["--set", "api.enabled=true,api.usersSecret=users,clusterDocuments.enabled=true"], &[]),
        (&["--set", "name=My.Service,leaderElection.enabled=false"], &[]),
        (&["--set", "clusterDocuments.enabled=true"], &[]),
        (&["--set", "clusterDocuments.enabled=true", "--set", of_groups], &groups),
        (
            &["--set", "clusterDocuments.enabled=true,clusterDocuments.namespace=s,namespaces={a}", "--set", of_groups],
            &groups,
        ),
    ];
    for (arguments, of_rbac) in table {
        let all = rendered(arguments).await;
        let chart = rights(&all, ":uninstall");
        let printed = printed(&all, of_rbac);
        let more: Vec<_> = chart.difference(&printed).collect();
        let less: Vec<_> = printed.difference(&chart).collect();
        assert!(
            more.is_empty() && less.is_empty(),
            "{arguments:?}: only in the chart {more:#?}, only printed {less:#?}"
        );
    }
}

#[tokio::test]
async fn no_right_is_a_wildcard_and_namespaced_ones_are_in_namespaces() {
    for scope in ["Cluster", "Namespaced"] {
        let all = rendered(&["--set", &format!("rbac.scope={scope}")]).await;
        let rights = rights(&all, "nothing");
        for (place, group, resource, name, verb) in &rights {
            for word in [group, resource, name, verb] {
                assert!(!word.contains('*'), "{place} {group} {resource} {name} {verb}");
            }
            assert!(scope == "Cluster" || place == "demo-ns", "{place}");
        }
    }
}

/// The kinds of the chart are those of the example's models.
#[tokio::test]
async fn the_kinds_are_what_rbac_prints_as_values() {
    let program = paths::program("example-synchronizer").unwrap();
    let run = Command::new(program).args(["rbac", "--values"]).output().unwrap();
    let printed: Value = serde_saphyr::from_str(&String::from_utf8(run.stdout).unwrap()).unwrap();
    let text = std::fs::read_to_string(xos_harness::helm::chart().join("values.yaml")).unwrap();
    let values: Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(values["kinds"], printed["kinds"]);
}

#[tokio::test]
async fn what_documents_use_becomes_rules() {
    let uses = r#"uses=[{"access":"apply","group":"apps","resources":["deployments"]},
        {"access":"read","group":"","resources":["secrets"],"names":["backend"],"at":"home"},
        {"access":"read","group":"","resources":["nodes"],"at":"cluster"},
        {"access":"read","group":"","resources":["configmaps"],"namespace":"kube-system"}]"#;
    let table: [(&[&str], &str); 2] = [(&[], "*"), (&["--set", "namespaces={a}"], "a")];
    for (arguments, objects) in table {
        let without = rights(&rendered(arguments).await, ":uninstall");
        let with = rights(&rendered(&[arguments, &["--set-json", uses]].concat()).await, ":uninstall");
        let more: BTreeSet<_> = with.difference(&without).cloned().collect();
        let mut expected = BTreeSet::new();
        let mut expect = |place: &str, group: &str, resource: &str, name: &str, verbs: &[&str]| {
            for verb in verbs {
                let [place, group, resource, name, verb] = [place, group, resource, name, verb].map(str::to_owned);
                expected.insert((place, group, resource, name, verb));
            }
        };
        let read = ["get", "list", "watch"];
        expect(objects, "apps", "deployments", "", &["get", "list", "watch", "create", "patch", "delete"]);
        expect("demo-ns", "", "secrets", "backend", &read);
        expect("*", "", "nodes", "", &read);
        expect("kube-system", "", "configmaps", "", &read);
        assert_eq!(more, expected, "{arguments:?}");
        assert!(without.is_subset(&with));
    }
}
