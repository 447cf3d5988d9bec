//! Scenarios in memory.

use std::time::Duration;

use kube::api::DynamicObject;
use serde_json::Value;
use xos_crds::{from_custom_resource, to_custom_resource};
use xos_harness::inprocess::Calls;
use xos_model::ObjectKey;
use xos_runtime::config::Config;
use xos_testing::World;
use xos_xproto::ModelSet;

use super::Setup;

/// How long a scenario waits at most, on the clock of the world.
pub(super) const SECONDS: u32 = 7200;
const NAMESPACE: &str = "default";

/// A world, and its models.
pub(super) struct Memory {
    world: World,
    models: ModelSet,
    is_running: bool,
}

impl Memory {
    pub(super) fn start(setup: &Setup, calls: &Calls) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.yaml");
        std::fs::write(&file, setup.config_for(NAMESPACE).to_string()).unwrap();
        let options = Config::load(&[file], []).unwrap().config.engine;
        let world = World::of(&[("scenario.xproto", setup.models)]).named(setup.name).options(options);
        let world = world.steps((setup.steps)(calls)).start().unwrap();
        Self { world, models: xos_harness::models::from_text(setup.models).unwrap(), is_running: true }
    }

    pub(super) fn kill(&mut self) {
        self.is_running = false;
    }

    pub(super) fn restart(&mut self) {
        self.world.restart().unwrap();
        self.is_running = true;
    }

    pub(super) async fn settle(&mut self) {
        if self.is_running {
            self.world.settle().await;
        }
    }

    pub(super) async fn pass(&mut self, time: Duration) {
        self.world.clock().advance(time);
        self.settle().await;
    }

    pub(super) fn create(&mut self, model: &str, object: Value) {
        let key = key(model, object["metadata"]["name"].as_str().unwrap());
        assert!(self.world.api().get(&key).is_none(), "{key} exists already");
        self.send(model, object);
    }

    pub(super) fn patch(&mut self, model: &str, name: &str, patch: &Value) {
        let mut object = self.get(model, name);
        assert!(!object.is_null(), "there is no {model} {name}");
        json_patch::merge(&mut object, patch);
        self.send(model, object);
    }

    pub(super) fn replace_status(&mut self, model: &str, name: &str, status: Value) {
        let mut object = self.get(model, name);
        object["status"] = status;
        let sent = from_custom_resource(self.models.get(model).unwrap(), &resource(model, object)).unwrap();
        self.world.api().replace_status(&key(model, name), &sent).unwrap();
    }

    pub(super) fn delete(&mut self, model: &str, name: &str) {
        assert!(self.world.api().remove(&key(model, name)), "there is no {model} {name}");
    }

    pub(super) fn delete_orphaning(&mut self, model: &str, name: &str) {
        let key = key(model, name);
        assert!(self.world.api().remove_orphaning(&key), "there is no {key}");
        // The garbage collector is quick.
        self.world.api().orphan(&key);
    }

    pub(super) fn get(&self, model: &str, name: &str) -> Value {
        let Some(object) = self.world.api().get(&key(model, name)) else { return Value::Null };
        let resource = to_custom_resource(self.models.get(model).unwrap(), &object).unwrap();
        serde_json::to_value(resource).unwrap()
    }

    fn send(&self, model: &str, object: Value) {
        let sent = from_custom_resource(self.models.get(model).unwrap(), &resource(model, object)).unwrap();
        self.world.api().replace(&sent).unwrap();
    }
}

fn key(model: &str, name: &str) -> ObjectKey {
    ObjectKey::new(model, NAMESPACE, name)
}

fn resource(model: &str, mut object: Value) -> DynamicObject {
    object["metadata"]["namespace"] = NAMESPACE.into();
    serde_json::from_value(object).unwrap_or_else(|error| panic!("not a {model}: {error}"))
}
