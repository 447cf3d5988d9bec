//! The example synchronizer with its directory, and the people that it keeps in step.

use std::{path::Path, time::Duration};

use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, ListParams},
    core::GroupVersionKind,
};
use serde_json::{Value, json};

use crate::{
    Cluster, Directory, Synchronizer, TestNamespace,
    control::ClientError,
    directory, kubectl, paths,
    synchronizer::{self, Access, AccessError, Launch},
    wait::{Timeout, eventually},
};

/// Until something that the controller is about to do is seen. It takes a fraction of a second on an idle machine.
pub const SOON: Duration = Duration::from_secs(60);
/// The example's program.
const PROGRAM: &str = "example-synchronizer";

/// The example does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its rights.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Its process.
    #[error(transparent)]
    Synchronizer(#[from] synchronizer::Error),
    /// Its backend.
    #[error(transparent)]
    Directory(#[from] directory::Error),
    /// Its client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The API server.
    #[error("the API server refused")]
    Api(#[from] kube::Error),
    /// kubectl.
    #[error(transparent)]
    Kubectl(#[from] kubectl::Error),
    /// Something did not come.
    #[error(transparent)]
    Timeout(#[from] Timeout),
}

/// Gives the example's ServiceAccount its rights in `namespace`, and says how the synchronizer is started there.
///
/// # Errors
/// When the manifest is refused, or the program is not built.
pub async fn launch(
    cluster: &Cluster,
    namespace: &str,
    directory: &Directory,
    folder: &Path,
    log: &Path,
) -> Result<Launch, Error> {
    launch_with(cluster, namespace, directory, folder, log, &Value::Null).await
}

/// The same, with more of a configuration.
///
/// # Errors
/// When the manifest is refused, or the program is not built.
pub async fn launch_with(
    cluster: &Cluster,
    namespace: &str,
    directory: &Directory,
    folder: &Path,
    log: &Path,
    more: &Value,
) -> Result<Launch, Error> {
    let example = paths::repository().join("config/example");
    let manifest = example.join("rbac.yaml");
    let access = Access::grant(cluster.kubectl(), &cluster.admin().await?, &manifest, namespace, folder).await?;
    let mut overlay = json!({"namespaces": [namespace], "settings": {"directory_url": directory.url()}});
    if let (Some(overlay), Some(more)) = (overlay.as_object_mut(), more.as_object()) {
        overlay.extend(more.clone());
    }
    Ok(Launch::new(PROGRAM, &example.join("config.yaml"), &overlay, folder, log, &access)?)
}

/// The people of one namespace, read as they are.
#[derive(Clone)]
pub struct People(Api<DynamicObject>);

impl People {
    /// With the rights of `client`.
    #[must_use]
    pub fn new(client: Client, namespace: &str) -> Self {
        let kind = GroupVersionKind::gvk("example.xos.opencord.org", "v1", "MyModel");
        Self(Api::namespaced_with(client, namespace, &ApiResource::from_gvk_with_plural(&kind, "mymodels")))
    }

    /// Waits until the API server serves the kind.
    ///
    /// # Errors
    /// When it does not, soon.
    pub async fn established(&self) -> Result<(), Timeout> {
        eventually(SOON, "the kind MyModel to be served", async || self.0.list(&ListParams::default()).await.map(drop))
            .await
    }

    /// One of them; nothing when there is none of that name.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn find(&self, name: &str) -> Result<Option<Value>, kube::Error> {
        let found = self.0.get_opt(name).await?;
        Ok(found.and_then(|object| serde_json::to_value(object).ok()))
    }

    /// How many there are, without reading them.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn count(&self) -> Result<usize, kube::Error> {
        let list = self.0.list(&ListParams::default().limit(1)).await?;
        let more = list.metadata.remaining_item_count.and_then(|more| usize::try_from(more).ok()).unwrap_or_default();
        Ok(list.items.len() + more)
    }

    /// All of them.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn all(&self) -> Result<Vec<Value>, kube::Error> {
        let list = self.0.list(&ListParams::default()).await?;
        Ok(list.items.into_iter().filter_map(|object| serde_json::to_value(object).ok()).collect())
    }

    /// Waits until `condition` holds of one of them.
    ///
    /// # Errors
    /// When it does not, soon; the error shows the object.
    pub async fn until(&self, name: &str, what: &str, condition: impl Fn(&Value) -> bool) -> Result<Value, Timeout> {
        eventually(SOON, format!("{name} to be {what}"), async || match self.find(name).await {
            Ok(Some(object)) if condition(&object) => Ok(object),
            Ok(Some(object)) => Err(format!("{:#}", json!({"spec": object["spec"], "status": object["status"]}))),
            Ok(None) => Err("no such object".to_owned()),
            Err(error) => Err(error.to_string()),
        })
        .await
    }

    /// Waits until one of them is in step.
    ///
    /// # Errors
    /// When it is not, soon.
    pub async fn ready(&self, name: &str) -> Result<Value, Timeout> {
        self.until(name, "Ready", is_ready).await
    }

    /// Waits until one of them is no more.
    ///
    /// # Errors
    /// When it still is.
    pub async fn gone(&self, name: &str) -> Result<(), Timeout> {
        eventually(SOON, format!("{name} to be gone"), async || match self.find(name).await {
            Ok(None) => Ok(()),
            Ok(Some(object)) => Err(format!("{object:#}")),
            Err(error) => Err(error.to_string()),
        })
        .await
    }
}

/// Is the newest spec in step with the directory?
#[must_use]
pub fn is_ready(object: &Value) -> bool {
    is_observed(object) && condition(object, "Ready")["status"] == "True"
}

/// Has the controller seen the newest spec?
#[must_use]
pub fn is_observed(object: &Value) -> bool {
    object["status"]["observedGeneration"] == object["metadata"]["generation"]
}

/// A condition of the status, or null.
#[must_use]
pub fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    let conditions = object["status"]["conditions"].as_array();
    conditions.into_iter().flatten().find(|condition| condition["type"] == kind).unwrap_or(&Value::Null)
}

/// A manifest of one person.
#[must_use]
pub fn person(name: &str, first: &str, last: &str) -> Value {
    json!({
        "apiVersion": "example.xos.opencord.org/v1",
        "kind": "MyModel",
        "metadata": {"name": name},
        "spec": {"firstName": first, "lastName": last},
    })
}

/// The example in a test's namespace: a directory of its own, and a controller that looks at nothing else.
pub struct Example<'a> {
    /// Where it is.
    pub namespace: &'a TestNamespace,
    /// Its backend.
    pub directory: Directory,
    /// Its people.
    pub people: People,
    /// How its controller is started again.
    pub launch: Launch,
    /// Its controller.
    pub synchronizer: Synchronizer,
}

impl<'a> Example<'a> {
    /// Starts it and waits until people can be applied.
    ///
    /// # Errors
    /// When one of its parts does not start.
    pub async fn start(namespace: &'a TestNamespace) -> Result<Self, Error> {
        Self::start_with(namespace, &Value::Null).await
    }

    /// The same, with more of a configuration.
    ///
    /// # Errors
    /// When one of its parts does not start.
    pub async fn start_with(namespace: &'a TestNamespace, more: &Value) -> Result<Self, Error> {
        let folder = namespace.folder();
        let directory = Directory::start(folder, &namespace.log("directory")).await?;
        let log = namespace.log("synchronizer");
        let launch = launch_with(namespace.cluster(), namespace.name(), &directory, folder, &log, more).await?;
        let synchronizer = launch.start()?;
        let people = People::new(namespace.client(), namespace.name());
        people.established().await?;
        Ok(Self { namespace, directory, people, launch, synchronizer })
    }

    /// `kubectl apply` of one person.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn apply(&self, name: &str, first: &str, last: &str) -> Result<(), Error> {
        self.namespace.apply(&person(name, first, last).to_string()).await?;
        Ok(())
    }

    /// `kubectl patch` of one person's spec.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn patch(&self, name: &str, spec: &Value) -> Result<(), Error> {
        let patch = json!({"spec": spec}).to_string();
        self.namespace.kubectl(&["patch", "mymodel", name, "--type=merge", "-p", &patch]).await?;
        Ok(())
    }

    /// `kubectl delete` of one person, without waiting for its end.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        self.namespace.kubectl(&["delete", "mymodel", name, "--wait=false"]).await?;
        Ok(())
    }

    /// The full names in the directory, sorted.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn full_names(&self) -> Result<Vec<String>, Error> {
        let people = self.directory.people().await?;
        let mut names: Vec<String> = people.into_values().map(|person| person.full_name).collect();
        names.sort();
        Ok(names)
    }

    /// How many writes of each kind the directory has done: (puts, deletes).
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn writes(&self) -> Result<(u64, u64), Error> {
        let stats = self.directory.stats().await?;
        Ok((stats.puts.values().sum(), stats.deletes.values().sum()))
    }

    /// Stops the controller, and returns how many writes of each kind the directory has done in all: (puts, deletes).
    ///
    /// # Errors
    /// When the controller cannot be stopped, or the directory does not answer.
    pub async fn final_writes(&mut self) -> Result<(u64, u64), Error> {
        self.synchronizer.stop().await?;
        self.writes().await
    }
}
