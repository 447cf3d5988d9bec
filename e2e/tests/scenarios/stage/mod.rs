//! Where scenarios play: in memory, or on a real control plane. Both show objects as custom resources, in JSON.

mod memory;
mod server;

use std::time::Duration;

use serde_json::{Value, json};
use xos_harness::example::is_ready;
use xos_harness::inprocess::Calls;
use xos_harness::kstatus::Findings;
use xos_harness::namespace;
use xos_steps::Steps;

use memory::Memory;
use server::Server;

/// What runs in a scenario.
pub(crate) struct Setup {
    /// The synchronizer's name. Scenarios share the server, so each has its own name, and its own `app_label`.
    name: &'static str,
    models: &'static str,
    /// Called at each start of the controller.
    steps: Box<dyn Fn(&Calls) -> Steps>,
    /// More configuration, as in the configuration file.
    config: Value,
}

impl Setup {
    /// Returns a synchronizer of this name, with these models and steps.
    pub(crate) fn new(name: &'static str, models: &'static str, steps: impl Fn(&Calls) -> Steps + 'static) -> Self {
        Self { name, models, steps: Box::new(steps), config: json!({}) }
    }

    /// Adds to the configuration. What is about the engine holds in memory, too.
    pub(crate) fn config(self, config: Value) -> Self {
        Self { config, ..self }
    }

    /// Returns the configuration for a namespace.
    fn config_for(&self, namespace: &str) -> Value {
        let mut config = json!({
            "name": self.name,
            "namespaces": [namespace],
            "backoff": {"initial": "200ms", "max": "2s", "jitter": 0},
            "resync": "off",
        });
        if let (Some(config), Some(more)) = (config.as_object_mut(), self.config.as_object()) {
            config.extend(more.clone());
        }
        config
    }
}

/// The place where a scenario plays.
enum Place<'a> {
    Memory(Box<Memory>),
    Server(Box<Server<'a>>),
}

/// A running controller, and the operator's view of its objects.
pub(crate) struct Stage<'a> {
    setup: Setup,
    calls: Calls,
    place: Place<'a>,
    /// What breaks a rule of kstatus in memory; a server's namespace has its own. Nothing is looked at once the scenario
    /// has written a status itself.
    findings: Option<Findings>,
}

/// Plays a scenario in memory.
pub(crate) async fn in_memory(setup: Setup, story: impl AsyncFnOnce(&mut Stage<'_>)) {
    let calls = Calls::default();
    let place = Place::Memory(Box::new(Memory::start(&setup, &calls)));
    let mut stage = Stage { setup, calls, place, findings: Some(Findings::default()) };
    story(&mut stage).await;
    if let Some(report) = stage.findings.and_then(|findings| findings.report()) {
        panic!("{report}");
    }
}

/// Plays a scenario on a real control plane, in a namespace of its own.
pub(crate) async fn on_server(title: &str, setup: Setup, story: impl AsyncFnOnce(&mut Stage<'_>)) {
    let title = title.replace('_', "-");
    let whole = namespace::with(&title, async |namespace| {
        let calls = Calls::default();
        let place = Place::Server(Box::new(Server::start(namespace, &setup, &calls).await));
        let mut stage = Stage { setup, calls, place, findings: None };
        story(&mut stage).await;
        if let Place::Server(server) = stage.place {
            server.stop().await;
        }
    });
    whole.await.unwrap();
}

impl Stage<'_> {
    /// Returns the calls of steps and policies so far.
    pub(crate) fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Returns how many calls there are of this text, such as `step sync a`.
    pub(crate) fn count(&self, call: &str) -> usize {
        self.calls.all().iter().filter(|one| *one == call).count()
    }

    /// Creates an object of a spec.
    pub(crate) async fn create(&mut self, model: &str, name: &str, spec: Value) {
        self.create_whole(model, json!({"metadata": {"name": name}, "spec": spec})).await;
    }

    /// Creates an object from what `kubectl get -o json` has shown of it, or a part of that, as `kubectl create` does:
    /// status, uid and resourceVersion have no effect.
    pub(crate) async fn create_whole(&mut self, model: &str, mut object: Value) {
        if let Some(metadata) = object["metadata"].as_object_mut() {
            for name in ["uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "namespace"] {
                metadata.remove(name);
            }
        }
        match &mut self.place {
            Place::Memory(memory) => memory.create(model, object),
            Place::Server(server) => server.create(model, object).await,
        }
    }

    /// Changes an object by a merge patch, as an operator does.
    pub(crate) async fn patch(&mut self, model: &str, name: &str, patch: Value) {
        match &mut self.place {
            Place::Memory(memory) => memory.patch(model, name, &patch),
            Place::Server(server) => server.patch(model, name, patch).await,
        }
    }

    /// Changes spec by a merge patch.
    pub(crate) async fn edit(&mut self, model: &str, name: &str, spec: Value) {
        self.patch(model, name, json!({ "spec": spec })).await;
    }

    /// Replaces the status of an object, as a backup tool does with what it has saved.
    pub(crate) async fn replace_status(&mut self, model: &str, name: &str, status: Value) {
        self.findings = None;
        match &mut self.place {
            Place::Memory(memory) => memory.replace_status(model, name, status),
            Place::Server(server) => server.replace_status(model, name, status).await,
        }
    }

    /// Asks for the deletion of an object, and does not wait for its end.
    pub(crate) async fn delete(&mut self, model: &str, name: &str) {
        match &mut self.place {
            Place::Memory(memory) => memory.delete(model, name),
            Place::Server(server) => server.delete(model, name).await,
        }
    }

    /// Deletes an object with `kubectl delete --cascade=orphan`, and does not wait for its end.
    pub(crate) async fn delete_orphaning(&mut self, model: &str, name: &str) {
        match &mut self.place {
            Place::Memory(memory) => memory.delete_orphaning(model, name),
            Place::Server(server) => server.delete_orphaning(model, name).await,
        }
    }

    /// Returns an object; null if there is none.
    pub(crate) async fn get(&self, model: &str, name: &str) -> Value {
        let object = match &self.place {
            Place::Memory(memory) => memory.get(model, name),
            Place::Server(server) => server.get(model, name).await,
        };
        if let Some(findings) = &self.findings {
            findings.look(&object);
        }
        object
    }

    /// Waits until `condition` is true for an object (null if there is none), and returns the object.
    pub(crate) async fn until(
        &mut self,
        model: &str,
        name: &str,
        what: &str,
        condition: impl Fn(&Value) -> bool,
    ) -> Value {
        let found = async |stage: &Self| {
            let object = stage.get(model, name).await;
            if condition(&object) { Ok(object) } else { Err(format!("{object:#}")) }
        };
        self.wait(&format!("{model} {name} to be {what}"), found).await
    }

    /// Waits until `condition` is true for the calls so far.
    pub(crate) async fn until_calls(&mut self, what: &str, condition: impl Fn(&[String]) -> bool) {
        let found = async |stage: &Self| {
            let all = stage.calls.all();
            if condition(&all) { Ok(()) } else { Err(format!("{all:?}")) }
        };
        self.wait(&format!("the calls: {what}"), found).await;
    }

    /// Waits until an object is Ready at its newest generation, as `kubectl wait --for=condition=Ready` does.
    pub(crate) async fn ready(&mut self, model: &str, name: &str) -> Value {
        self.until(model, name, "Ready", is_ready).await
    }

    /// Waits until an object is gone.
    pub(crate) async fn gone(&mut self, model: &str, name: &str) {
        self.until(model, name, "gone", Value::is_null).await;
    }

    /// Lets time pass, on the clock of the place. Use it only to show that something does *not* happen.
    pub(crate) async fn pass(&mut self, time: Duration) {
        match &mut self.place {
            Place::Memory(memory) => memory.pass(time).await,
            Place::Server(_) => tokio::time::sleep(time).await,
        }
    }

    /// Ends the controller at once, as if its process were killed, and starts it again.
    pub(crate) async fn restart(&mut self) {
        self.kill().await;
        self.start();
    }

    /// Ends the controller at once, as if its process were killed.
    pub(crate) async fn kill(&mut self) {
        match &mut self.place {
            Place::Memory(memory) => memory.kill(),
            Place::Server(server) => server.kill().await,
        }
    }

    /// Starts the controller that was killed.
    pub(crate) fn start(&mut self) {
        match &mut self.place {
            Place::Memory(memory) => memory.restart(),
            Place::Server(server) => server.run(&self.setup, &self.calls),
        }
    }

    async fn wait<T>(&mut self, what: &str, found: impl AsyncFn(&Self) -> Result<T, String>) -> T {
        if let Place::Server(_) = self.place {
            let look = async || found(self).await;
            return xos_harness::eventually(xos_harness::example::SOON, what, look).await.unwrap();
        }
        let mut seen = String::new();
        for _ in 0..memory::SECONDS {
            if let Place::Memory(memory) = &mut self.place {
                memory.settle().await;
            }
            match found(self).await {
                Ok(found) => return found,
                Err(other) => seen = other,
            }
            if let Place::Memory(memory) = &mut self.place {
                memory.pass(Duration::from_secs(1)).await;
            }
        }
        panic!("waited for {what}; last seen: {seen}");
    }
}
