//! What is granted is what is used: the API server's audit log of a release that does everything a synchronizer does,
//! next to the roles of the chart. A right that is missing, or that nobody uses, fails the test.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use xos_harness::{Cluster, Directory, TestNamespace, control::ServeOptions, eventually, namespace};

use crate::{
    released::{LONG, Release},
    rights::rights,
};

/// A request: where, group, resource with its subresource, name, verb.
type Request = (String, String, String, String, String);

/// What a synchronizer may use, and this test does not have happen.
const NOT_TRIED: [(&str, &str, &str); 4] = [
    // No code of the example deletes a team; that of another service may.
    ("example.xos.opencord.org", "teams", "delete"),
    // After a conflict: see to it that it happens would take a writer as fast as the controller.
    ("example.xos.opencord.org", "teams", "get"),
    // A definition is waited for that is not established when it is first looked at: not each is, not each time.
    ("apiextensions.k8s.io", "customresourcedefinitions", "watch"),
    // The same Event is told again after 20 minutes at the earliest.
    ("events.k8s.io", "events", "patch"),
];

/// The requests of a ServiceAccount in the audit log, and those of them that were refused.
struct Audit {
    log: PathBuf,
    user: String,
}

impl Audit {
    fn read(&self) -> (BTreeSet<Request>, Vec<String>) {
        let mut used = BTreeSet::new();
        let mut refused = vec![];
        for line in fs::read_to_string(&self.log).unwrap_or_default().lines() {
            let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
            if event["user"]["username"] != self.user.as_str() || event["objectRef"].is_null() {
                continue;
            }
            let object = &event["objectRef"];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let verb = text(&event["verb"]);
            let code = event["responseStatus"]["code"].as_i64().unwrap_or_default();
            if code == 403 {
                refused.push(format!("{verb} {object}"));
            }
            let mut resource = text(&object["resource"]);
            if let Some(subresource) = object["subresource"].as_str() {
                resource = format!("{resource}/{subresource}");
            }
            let of = |verb: &str| {
                (
                    text(&object["namespace"]),
                    text(&object["apiGroup"]),
                    resource.clone(),
                    text(&object["name"]),
                    verb.to_owned(),
                )
            };
            used.insert(of(&verb));
            // What an apply makes needs the right to create it.
            if verb == "patch" && code == 201 {
                used.insert(of("create"));
            }
        }
        (used, refused)
    }
}

/// Returns the rights of roles that no request used.
fn unused(roles: &[Value], used: &BTreeSet<Request>) -> Vec<String> {
    let is_used = |(place, group, resource, name, verb): &Request| {
        used.iter().any(|(where_, g, r, n, v)| {
            (g, r, v) == (group, resource, verb) && (place == "*" || place == where_) && (name.is_empty() || name == n)
        })
    };
    let all = rights(roles, "nothing");
    let left = all.iter().filter(|right| !is_used(right));
    left.map(|(place, group, resource, name, verb)| format!("{verb} {resource}.{group} {name} in {place}")).collect()
}

/// Returns the roles that a ServiceAccount of the namespace is bound to.
async fn roles_of(namespace: &TestNamespace, account: &str) -> Vec<Value> {
    let kinds = "roles,clusterroles,rolebindings,clusterrolebindings";
    let text = namespace.kubectl(&["get", kinds, "--all-namespaces", "-o", "json"]).await.unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let all = all["items"].as_array().unwrap();
    let is_bound = |binding: &&Value| {
        let subjects = binding["subjects"].as_array().into_iter().flatten();
        let mut subjects = subjects.filter(|one| one["kind"] == "ServiceAccount");
        subjects.any(|one| one["name"] == account && one["namespace"] == namespace.name())
    };
    let place = |one: &Value| one["metadata"]["namespace"].clone();
    let bound = all.iter().filter(is_bound);
    let role = |binding: &Value| {
        let reference = &binding["roleRef"];
        let mut roles = all.iter().filter(|one| one["kind"] == reference["kind"]);
        let is_it = |one: &&Value| {
            one["metadata"]["name"] == reference["name"]
                && (one["kind"] == "ClusterRole" || place(one) == place(binding))
        };
        roles.find(is_it).unwrap().clone()
    };
    bound.map(role).collect()
}

#[tokio::test]
async fn every_right_is_used_and_none_is_missing() {
    let cluster = Cluster::start(ServeOptions::audited()).await.unwrap();
    let log = cluster.kubeconfig().with_file_name("audit.log");
    namespace::with_in(cluster, "used", async |namespace| {
        let directory = Directory::start(namespace.folder(), &namespace.log("directory")).await.unwrap();
        let url = format!("directory.enabled=false,settings.directory_url={}", directory.url());
        let set = [url.as_str(), "config.deferred_every=1s"];
        let release = Release::install(namespace, &set).await;
        let account = "demo-xos-controller";
        let audit = Audit { log: log.clone(), user: format!("system:serviceaccount:{}:{account}", namespace.name()) };
        work(&release, &directory, &audit).await;
        // It goes on in other namespaces: it takes the place of what it said of itself before.
        let wider = format!("namespaces={{{},elsewhere-used}}", namespace.name());
        namespace.kubectl(&["create", "namespace", "elsewhere-used"]).await.unwrap();
        release.helm(&["upgrade"], &[set[0], set[1], &wider]).await.unwrap();
        release.all_ready(release.people.count().await.unwrap()).await;
        // A process that ends says so.
        namespace.kubectl(&["delete", "pod", "-l", "app.kubernetes.io/component=controller"]).await.unwrap();

        let mut roles = roles_of(namespace, account).await;
        // The second namespace is empty.
        roles.retain(|role| role["metadata"]["namespace"] != "elsewhere-used");
        assert!(roles.len() >= 2, "{roles:#?}");
        let tried = |line: &String| {
            !NOT_TRIED.iter().any(|(group, resource, verb)| line.starts_with(&format!("{verb} {resource}.{group} ")))
        };
        eventually(LONG, "the use of every right", async || {
            let (used, refused) = audit.read();
            let unused: Vec<_> = unused(&roles, &used).into_iter().filter(tried).collect();
            if refused.is_empty() && unused.is_empty() {
                Ok(())
            } else {
                Err(format!("refused: {refused:#?}\nunused: {unused:#?}"))
            }
        })
        .await
        .unwrap();

        uninstalls(&release, &log).await;
        directory.stop().await.unwrap();
    })
    .await
    .unwrap();
}

/// Has the synchronizer do everything that it can.
async fn work(release: &Release<'_>, directory: &Directory, audit: &Audit) {
    let namespace = release.namespace;
    // A policy makes a team, and puts somebody into it.
    release.make(3).await;
    release.all_ready(3).await;
    // A pull step makes an object, and deletes it.
    directory.sign_in("desk.1", &json!({"first_name": "D", "last_name": "Esk", "full_name": "D Esk"})).await.unwrap();
    release_has(release, 4).await;
    directory.sign_out("desk.1").await.unwrap();
    release_has(release, 3).await;
    // Events: of a failure.
    directory.fail(503, "closed").await.unwrap();
    let patch = r#"{"spec": {"lastName": "Y"}}"#;
    namespace.kubectl(&["patch", "mymodel", "p0000", "--type=merge", "-p", patch]).await.unwrap();
    release.people.until("p0000", "failed", |o| o["status"]["backendCode"] == 2).await.unwrap();
    directory.recover().await.unwrap();
    release.people.ready("p0000").await.unwrap();
    // A deletion, which takes along what leads to it.
    namespace.kubectl(&["delete", "team", "--all", "--wait=false"]).await.unwrap();
    release_has(release, 0).await;
    release.make(1).await;
    release.all_ready(1).await;
    // A write in between: the status that is written then is that of an older object.
    let mut number = 0;
    eventually(LONG, "a conflict", async || {
        number += 1;
        let patches = (0..20).map(|part| {
            let api = crate::released::mymodels(namespace);
            let patch = json!({"metadata": {"labels": {"n": format!("{number}-{part}")}}, "spec": {"lastName": format!("L{number}-{part}")}});
            async move { api.patch("p0000", &kube::api::PatchParams::default(), &kube::api::Patch::Merge(patch)).await.map(drop) }
        });
        futures::future::join_all(patches).await;
        let (used, _) = audit.read();
        let is_read = |one: &Request| one.2 == "mymodels" && one.4 == "get";
        if used.iter().any(is_read) { Ok(()) } else { Err("no conflict yet") }
    })
    .await
    .unwrap();
    release.people.ready("p0000").await.unwrap();
}

async fn release_has(release: &Release<'_>, count: usize) {
    eventually(LONG, format!("{count} people"), async || match release.people.count().await {
        Ok(there) if there == count => Ok(()),
        other => Err(format!("{other:?}\n{}", release.logs())),
    })
    .await
    .unwrap();
}

/// The same for the Job before an uninstallation. Its roles go with it, so they are those of the templates.
async fn uninstalls(release: &Release<'_>, log: &Path) {
    let namespace = release.namespace;
    let manifests = release.helm.ok(&["get", "hooks", "demo", "-n", namespace.name()]).await.unwrap();
    let all: Vec<Value> = serde_saphyr::from_multiple(&manifests).unwrap();
    let roles: Vec<_> = all.into_iter().filter(|one| one["metadata"]["namespace"] != "elsewhere-used").collect();
    release.uninstall().await;
    let user = format!("system:serviceaccount:{}:demo-xos-controller-uninstall", namespace.name());
    let (used, refused) = Audit { log: log.to_owned(), user }.read();
    assert!(refused.is_empty(), "{refused:#?}");
    assert_eq!(unused(&roles, &used), Vec::<String>::new());
}
