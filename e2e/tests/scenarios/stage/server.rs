//! Scenarios on a real control plane.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use xos_harness::inprocess::{Calls, Controller, Objects};
use xos_harness::{TestNamespace, models};
use xos_runtime::Synchronizer;

use super::Setup;

/// A controller in the test's process, and the objects of its namespace.
pub(super) struct Server<'a> {
    namespace: &'a TestNamespace,
    controller: Option<Controller>,
    objects: Objects,
    models: &'static str,
}

impl<'a> Server<'a> {
    pub(super) async fn start(namespace: &'a TestNamespace, setup: &Setup, calls: &Calls) -> Self {
        let objects = Objects::new(namespace, setup.models).unwrap();
        let controller = Some(run(namespace, setup, calls));
        for model in models::from_text(setup.models).unwrap().concrete() {
            // Those of the core that the scenario's models lead to are served by then, too.
            if setup.models.contains(&format!("message {} ", model.name)) {
                objects.served(&model.name).await.unwrap();
            }
        }
        Self { namespace, controller, objects, models: setup.models }
    }

    pub(super) async fn kill(&mut self) {
        if let Some(controller) = self.controller.take() {
            controller.kill().await;
        }
    }

    pub(super) fn run(&mut self, setup: &Setup, calls: &Calls) {
        self.controller = Some(run(self.namespace, setup, calls));
    }

    pub(super) async fn stop(mut self) {
        if let Some(controller) = self.controller.take() {
            controller.stop().await.unwrap();
        }
    }

    pub(super) async fn create(&self, model: &str, object: Value) {
        self.objects.create_whole(model, object).await.unwrap();
    }

    pub(super) async fn patch(&self, model: &str, name: &str, patch: Value) {
        self.objects.patch(model, name, patch).await.unwrap();
    }

    pub(super) async fn replace_status(&self, model: &str, name: &str, status: Value) {
        let api = self.objects.api(model).unwrap();
        let patch = Patch::Merge(json!({ "status": status }));
        api.patch_status(name, &PatchParams::default(), &patch).await.unwrap();
    }

    pub(super) async fn delete(&self, model: &str, name: &str) {
        self.objects.delete(model, name).await.unwrap();
    }

    pub(super) async fn delete_orphaning(&self, model: &str, name: &str) {
        let kind = models::from_text(self.models).unwrap().get(model).map(xos_crds::api_resource).unwrap();
        let object = format!("{}.{}/{name}", kind.plural, kind.group);
        self.namespace.kubectl(&["delete", &object, "--cascade=orphan", "--wait=false"]).await.unwrap();
    }

    pub(super) async fn get(&self, model: &str, name: &str) -> Value {
        self.objects.get(model, name).await.unwrap()
    }
}

fn run(namespace: &TestNamespace, setup: &Setup, calls: &Calls) -> Controller {
    let synchronizer = Synchronizer::new(setup.name).models(&[("scenario.xproto", setup.models)]);
    let synchronizer = synchronizer.steps((setup.steps)(calls));
    Controller::start(namespace, setup.name, synchronizer, &setup.config_for(namespace.name())).unwrap()
}
