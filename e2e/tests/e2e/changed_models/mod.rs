//! Changed models, one behaviour per file. Each test has its own models and API group.

mod additive;
mod both_at_once;
mod crowd;
mod diff;
mod missing_right;
mod older_program;
mod refused;
mod unaffected;

use std::{fs, path::PathBuf, process::ExitStatus, time::Duration};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api,
    api::{ApiResource, DeleteParams, DynamicObject, ListParams, PostParams},
    core::GroupVersionKind,
};
use serde_json::{Value, json};
use xos_harness::{TestNamespace, eventually, example::SOON, namespace, paths, process::Child};

/// How long a program may take to start.
const STARTED: Duration = Duration::from_secs(30);

/// The model `Person` in an API group of the test, and the program `xos` that installs its definition.
struct Service<'a> {
    namespace: &'a TestNamespace,
    group: String,
    label: String,
    kubeconfig: PathBuf,
}

/// Runs a test with its own models. Their definition is deleted at the end.
async fn with_service(title: &str, test: impl AsyncFnOnce(&mut Service<'_>)) {
    namespace::with(title, async |namespace| {
        let label = namespace.name().replace('-', "_");
        let group = format!("{}.xos.opencord.org", namespace.name());
        let kubeconfig = namespace.cluster().kubeconfig().to_owned();
        let mut service = Service { namespace, group, label, kubeconfig };
        test(&mut service).await;
        let listed = service.definitions().list(&ListParams::default()).await.unwrap();
        for definition in listed.items.into_iter().filter(|definition| definition.spec.group == service.group) {
            let name = definition.metadata.name.unwrap();
            service.definitions().delete(&name, &DeleteParams::default()).await.unwrap();
        }
    })
    .await
    .unwrap();
}

impl Service<'_> {
    /// Writes the model with these fields, and returns the folder of models.
    fn models(&self, fields: &str) -> PathBuf {
        self.models_with(&format!("message Person (XOSBase) {{ {fields} }}"))
    }

    fn models_with(&self, messages: &str) -> PathBuf {
        let folder = self.namespace.folder().join("models");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("person.xproto"), format!("option app_label = \"{}\";\n{messages}\n", self.label))
            .unwrap();
        folder
    }

    /// Starts `xos` with these arguments.
    fn xos(&self, log: &str, arguments: &[&str]) -> Child {
        let program = paths::program("xos").unwrap();
        let configure = |command: &mut std::process::Command| {
            command.args(arguments).env("KUBECONFIG", &self.kubeconfig);
        };
        Child::start("xos", &self.namespace.log(log), &program, configure).unwrap()
    }

    /// Starts `xos run` with models of these fields.
    fn run(&self, log: &str, fields: &str) -> Child {
        self.run_folder(log, &self.models(fields))
    }

    fn run_folder(&self, log: &str, models: &std::path::Path) -> Child {
        let config = self.namespace.folder().join(format!("{log}.yaml"));
        // Each has a name of its own, or one would wait for the end of the other.
        let name = format!("{}-{log}", self.namespace.name());
        fs::write(&config, json!({"name": name, "models_dir": models}).to_string()).unwrap();
        self.xos(log, &["run", "--config", config.to_str().unwrap()])
    }

    /// Starts `xos run`, waits until it is running, and stops it. Returns its log.
    async fn install(&self, log: &str, fields: &str) -> String {
        let mut child = self.run(log, fields);
        eventually(STARTED, "xos to run", async || {
            let text = fs::read_to_string(child.log()).unwrap_or_default();
            if text.contains("running namespaces") { Ok(()) } else { Err(text) }
        })
        .await
        .unwrap();
        assert!(child.stop(STARTED).await.unwrap().is_some_and(|status| status.success()));
        fs::read_to_string(child.log()).unwrap()
    }

    /// Starts `xos run` with a change that is refused. Returns its exit code and its output.
    async fn refused(&self, log: &str, fields: &str) -> (Option<i32>, String) {
        ended(self.run(log, fields)).await
    }

    /// Runs `xos crds --diff` with these fields. Returns its exit code and its output.
    async fn diff(&self, log: &str, fields: &str) -> (Option<i32>, String) {
        let models = self.models(fields);
        ended(self.xos(log, &["crds", "--diff", models.to_str().unwrap()])).await
    }

    fn definitions(&self) -> Api<CustomResourceDefinition> {
        Api::all(self.namespace.client())
    }

    async fn definition(&self) -> CustomResourceDefinition {
        self.definitions().get(&format!("people.{}", self.group)).await.unwrap()
    }

    /// Returns the definition's resourceVersion, which every write changes.
    async fn version(&self) -> Option<String> {
        self.definition().await.metadata.resource_version
    }

    fn people(&self) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk(&self.group, "v1", "Person");
        let resource = ApiResource::from_gvk_with_plural(&kind, "people");
        Api::namespaced_with(self.namespace.client(), self.namespace.name(), &resource)
    }

    /// Creates a person as soon as the API server knows all fields.
    async fn create(&self, name: &str, spec: &Value) -> Value {
        let manifest = json!({
            "apiVersion": format!("{}/v1", self.group), "kind": "Person", "metadata": {"name": name}, "spec": spec,
        });
        let person: DynamicObject = serde_json::from_value(manifest).unwrap();
        let parameters = PostParams { field_manager: Some("test".to_owned()), ..PostParams::default() };
        let create = async || self.people().create(&parameters, &person).await;
        let made = eventually(SOON, format!("{name} to be made"), create).await.unwrap();
        serde_json::to_value(made).unwrap()
    }

    async fn person(&self, name: &str) -> Value {
        serde_json::to_value(self.people().get(name).await.unwrap()).unwrap()
    }
}

async fn ended(mut child: Child) -> (Option<i32>, String) {
    let status: ExitStatus = tokio::time::timeout(STARTED, child.wait()).await.expect("xos still runs").unwrap();
    (status.code(), fs::read_to_string(child.log()).unwrap())
}

fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no `{part}` in:\n{text}");
    }
}
