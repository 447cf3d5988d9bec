//! Services that are objects in the cluster: models as a `ModelSet`, steps as `SyncStep`.

use kube::api::ApiResource;
use serde_json::{Value, json};
use xos_harness::synchronizer::Launch;
use xos_harness::{Directory, TestNamespace, documents, eventually, example::SOON, namespace};

/// A service of one model and one step. The kinds are the cluster's, so each test has a group of its own.
struct Service {
    label: &'static str,
    kind: String,
}

impl Service {
    fn new(label: &'static str) -> Self {
        Self { label, kind: format!("{}{}", label[..1].to_uppercase(), &label[1..]) }
    }

    fn group(&self) -> String {
        format!("{}.xos.opencord.org", self.label)
    }

    fn text(&self, options: &str) -> String {
        let Self { label, kind } = self;
        format!(
            "option app_label = \"{label}\";\noption name = \"{label}\";\nmessage {kind} (XOSBase) {{\n    \
             required string title = 1 [{options}];\n}}\n"
        )
    }

    fn set(&self, options: &str) -> Value {
        json!({
            "apiVersion": "xos.opencord.org/v1", "kind": "ModelSet", "metadata": {"name": "set"},
            "spec": {"version": "1.0", "xprotos": {"m.xproto": self.text(options)}},
        })
    }

    fn step(&self, field: &str) -> Value {
        json!({
            "apiVersion": "xos.opencord.org/v1", "kind": "SyncStep", "metadata": {"name": "put"},
            "spec": {"model": self.kind, "http": {
                "url": "${settings.directory_url}/people/${self.metadata.name}",
                "body": {"first_name": format!("${{self.{field}}}"), "last_name": "X", "full_name": "X"},
            }},
        })
    }

    fn object(&self, name: &str) -> Value {
        json!({
            "apiVersion": format!("{}/v1", self.group()), "kind": self.kind, "metadata": {"name": name},
            "spec": {"title": name},
        })
    }

    /// Returns how its synchronizer is started: it has neither models nor steps of its own.
    async fn launch(&self, namespace: &TestNamespace, directory: &Directory, groups: &[&str]) -> Launch {
        let folder = namespace.folder();
        let config = folder.join("config.yaml");
        let cluster_documents = json!({"namespace": namespace.name()});
        let text = json!({"name": self.label, "cluster_documents": cluster_documents}).to_string();
        std::fs::write(&config, text).unwrap();
        let overlay = json!({"settings": {"directory_url": directory.url()}});
        let files = (folder, &*namespace.log("synchronizer"));
        let launch = documents::with_groups(namespace.cluster(), namespace.name(), &config, overlay, groups, files);
        launch.await.unwrap()
    }
}

fn follow(namespace: &TestNamespace) {
    for (kind, plural) in [("ModelSet", "modelsets"), ("SyncStep", "syncsteps")] {
        let group = "xos.opencord.org".to_owned();
        let (version, api_version) = ("v1".to_owned(), "xos.opencord.org/v1".to_owned());
        let resource = ApiResource { group, version, api_version, kind: kind.to_owned(), plural: plural.to_owned() };
        namespace.follow(&resource);
    }
}

async fn get(namespace: &TestNamespace, what: &str) -> Value {
    serde_json::from_str(&namespace.kubectl(&["get", what, "-o", "json"]).await.unwrap()).unwrap()
}

/// Waits until a condition of an object has a reason. Returns its message.
async fn reason(namespace: &TestNamespace, what: &str, condition: &str, reason: &str) -> String {
    let look = async || {
        let object = get(namespace, what).await;
        let is_current = object["status"]["observedGeneration"] == object["metadata"]["generation"];
        let all = object["status"]["conditions"].as_array().into_iter().flatten();
        let found = all.clone().find(|one| one["type"] == condition && one["reason"] == reason);
        let message = found.filter(|_| is_current).and_then(|one| one["message"].as_str()).map(str::to_owned);
        message.ok_or_else(|| object["status"]["conditions"].to_string())
    };
    eventually(SOON, format!("{condition} of {what}: {reason}"), look).await.unwrap()
}

async fn ready(namespace: &TestNamespace, what: &str) {
    namespace.kubectl(&["wait", "--for=condition=Ready", what, "--timeout=60s"]).await.unwrap();
}

#[tokio::test]
async fn a_service_is_applied_edited_restarted_and_deleted() {
    let service = Service::new("crate");
    namespace::with("model-sets", async |namespace| {
        let directory = Directory::start(namespace.folder(), &namespace.log("directory")).await.unwrap();
        let launch = service.launch(namespace, &directory, &[&service.group()]).await;
        let mut running = launch.start().unwrap();
        let length = "max_length = 32";
        let both = format!("{}\n---\n{}", service.set(length), service.step("title"));
        eventually(SOON, "the framework's kinds", async || namespace.apply(&both).await.map(drop)).await.unwrap();
        follow(namespace);
        ready(namespace, "modelset/set").await;
        ready(namespace, "syncstep/put").await;
        let apply = async |name: &str| namespace.apply(&service.object(name).to_string()).await.map(drop);
        eventually(SOON, "its kind", async || apply("one").await).await.unwrap();
        ready(namespace, "crate/one").await;
        let first_name = async |name: &str| directory.people_json().await.unwrap()[name]["first_name"].clone();
        assert_eq!(first_name("one").await, "one");

        // Wrong edits are told with their place, and what was there goes on; also in another process.
        let wrong = service.text(length).replace("required string", "required strin");
        let patch = json!({"spec": {"xprotos": {"m.xproto": wrong}}}).to_string();
        namespace.kubectl(&["patch", "modelset", "set", "--type=merge", "-p", &patch]).await.unwrap();
        let message = reason(namespace, "modelset/set", "Accepted", "ModelsInvalid").await;
        assert!(message.starts_with("m.xproto:4:14: X") && message.ends_with("; generation 1 goes on"), "{message}");
        let diagnostic = get(namespace, "modelset/set").await["status"]["diagnostics"][0].clone();
        assert_eq!((&diagnostic["line"], &diagnostic["column"]), (&json!(4), &json!(14)), "{diagnostic}");
        namespace.apply(&service.step("titel").to_string()).await.unwrap();
        let message = reason(namespace, "syncstep/put", "Accepted", "DocumentInvalid").await;
        assert!(message.starts_with("spec.http.body.first_name:1:8: D009 "), "{message}");
        apply("two").await.unwrap();
        ready(namespace, "crate/two").await;
        assert!(running.stop().await.unwrap().is_some_and(|status| status.success()));
        let mut running = launch.start().unwrap();
        apply("three").await.unwrap();
        ready(namespace, "crate/three").await;
        assert_eq!(first_name("three").await, "three");
        reason(namespace, "syncstep/put", "Accepted", "DocumentInvalid").await;

        // A change that would break what is stored.
        namespace.apply(&service.step("title").to_string()).await.unwrap();
        namespace.apply(&service.set("max_length = 2").to_string()).await.unwrap();
        let message = reason(namespace, "modelset/set", "Accepted", "DefinitionsRefused").await;
        assert!(message.contains("spec.title: maxLength 32 → 2"), "{message}");
        let change = get(namespace, "modelset/set").await["status"]["changes"][0].clone();
        assert_eq!(change["definition"], "crates.crate.xos.opencord.org");
        let breaking = change["differences"].as_array().unwrap().iter().find(|one| one["effect"] == "breaking");
        assert_eq!(breaking.unwrap()["difference"], "spec.title: maxLength 32 → 2", "{change}");
        reason(namespace, "syncstep/put", "Accepted", "Accepted").await;
        // One that does not is applied, and may be used.
        namespace.apply(&service.set("max_length = 64").to_string()).await.unwrap();
        ready(namespace, "modelset/set").await;
        reason(namespace, "modelset/set", "Accepted", "Accepted").await;
        let long = "l".repeat(40);
        apply(&long).await.unwrap();
        ready(namespace, &format!("crate/{long}")).await;

        // Unloading.
        namespace.kubectl(&["delete", "modelset", "set", "--wait=false"]).await.unwrap();
        let message = reason(namespace, "modelset/set", "Ready", "ObjectsExist").await;
        assert!(message.contains("there are objects (4 Crate)"), "{message}");
        let patch = json!({"spec": {"cleanup": "AUTOMATICALLY_CLEAN"}}).to_string();
        namespace.kubectl(&["patch", "modelset", "set", "--type=merge", "-p", &patch]).await.unwrap();
        namespace.kubectl(&["wait", "--for=delete", "modelset/set", "--timeout=60s"]).await.unwrap();
        assert_eq!(directory.people_json().await.unwrap(), json!({}), "the step has removed them");
        let definition = ["get", "crd", "crates.crate.xos.opencord.org", "--ignore-not-found", "-o", "name"];
        let gone = async || {
            let found = namespace.kubectl(&definition).await.map_err(|error| error.to_string())?;
            if found.is_empty() { Ok(()) } else { Err(found) }
        };
        eventually(SOON, "the definition to be gone", gone).await.unwrap();
        reason(namespace, "syncstep/put", "Accepted", "DocumentInvalid").await;
        assert!(running.stop().await.unwrap().is_some_and(|status| status.success()));
    })
    .await
    .unwrap();
}

/// A group that the rights do not cover: the condition says which rule is missing.
#[tokio::test]
async fn a_set_of_a_group_without_rights_says_which_are_missing() {
    let (covered, other) = (Service::new("cupboard"), Service::new("drawer"));
    namespace::with("no-rights", async |namespace| {
        let directory = Directory::start(namespace.folder(), &namespace.log("directory")).await.unwrap();
        let resources = format!("{}=cupboards", covered.group());
        let mut running = covered.launch(namespace, &directory, &[&resources]).await.start().unwrap();
        let set = covered.set("max_length = 9").to_string();
        eventually(SOON, "the framework's kinds", async || namespace.apply(&set).await.map(drop)).await.unwrap();
        follow(namespace);
        let mut without = other.set("max_length = 9");
        without["metadata"]["name"] = json!("other");
        namespace.apply(&without.to_string()).await.unwrap();
        ready(namespace, "modelset/set").await;
        let message = reason(namespace, "modelset/other", "Accepted", "MissingRights").await;
        let rule = "{apiGroups: [drawer.xos.opencord.org], resources: [drawers], \
                    verbs: [get, list, watch, create, patch, delete]}";
        assert!(message.contains(rule), "{message}");
        let definitions = "resourceNames: [drawers.drawer.xos.opencord.org]";
        assert!(message.contains(definitions), "{message}");
        // Nothing of it is in the cluster.
        namespace.kubectl(&["delete", "modelset", "set", "other", "--timeout=60s"]).await.unwrap();
        assert!(running.stop().await.unwrap().is_some_and(|status| status.success()));
    })
    .await
    .unwrap();
}
