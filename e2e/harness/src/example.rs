//! The example's synchronizer, its directory, and its people.

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

/// How long to wait for something that the controller is about to do. It takes a fraction of a second on an idle
/// machine.
pub const SOON: Duration = Duration::from_secs(60);
/// The example's program.
const PROGRAM: &str = "example-synchronizer";

/// The example failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its rights could not be granted.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Its process failed.
    #[error(transparent)]
    Synchronizer(#[from] synchronizer::Error),
    /// Its backend failed.
    #[error(transparent)]
    Directory(#[from] directory::Error),
    /// There is no client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The API server refused.
    #[error("the API server refused")]
    Api(#[from] kube::Error),
    /// kubectl failed.
    #[error(transparent)]
    Kubectl(#[from] kubectl::Error),
    /// Something did not happen in time.
    #[error(transparent)]
    Timeout(#[from] Timeout),
}

/// Grants the example's ServiceAccount its rights in `namespace`, and returns how the synchronizer is started there.
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

/// Does the same, with additional configuration.
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

/// The people of one namespace.
#[derive(Clone)]
pub struct People(Api<DynamicObject>);

impl People {
    /// Returns the people of a namespace, read with the rights of `client`.
    #[must_use]
    pub fn new(client: Client, namespace: &str) -> Self {
        let kind = GroupVersionKind::gvk("example.xos.opencord.org", "v1", "MyModel");
        Self(Api::namespaced_with(client, namespace, &ApiResource::from_gvk_with_plural(&kind, "mymodels")))
    }

    /// Waits until the API server serves the kind.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn established(&self) -> Result<(), Timeout> {
        eventually(SOON, "the kind MyModel to be served", async || self.0.list(&ListParams::default()).await.map(drop))
            .await
    }

    /// Returns a person, or nothing if there is none of that name.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn find(&self, name: &str) -> Result<Option<Value>, kube::Error> {
        let found = self.0.get_opt(name).await?;
        Ok(found.and_then(|object| serde_json::to_value(object).ok()))
    }

    /// Returns how many people there are, without reading them.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn count(&self) -> Result<usize, kube::Error> {
        let list = self.0.list(&ListParams::default().limit(1)).await?;
        let more = list.metadata.remaining_item_count.and_then(|more| usize::try_from(more).ok()).unwrap_or_default();
        Ok(list.items.len() + more)
    }

    /// Returns all people.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn all(&self) -> Result<Vec<Value>, kube::Error> {
        let list = self.0.list(&ListParams::default()).await?;
        Ok(list.items.into_iter().filter_map(|object| serde_json::to_value(object).ok()).collect())
    }

    /// Waits until `condition` is true for a person, and returns the object.
    ///
    /// # Errors
    /// When it does not become true in time; the error shows the object.
    pub async fn until(&self, name: &str, what: &str, condition: impl Fn(&Value) -> bool) -> Result<Value, Timeout> {
        eventually(SOON, format!("{name} to be {what}"), async || match self.find(name).await {
            Ok(Some(object)) if condition(&object) => Ok(object),
            Ok(Some(object)) => Err(format!("{:#}", json!({"spec": object["spec"], "status": object["status"]}))),
            Ok(None) => Err("no such object".to_owned()),
            Err(error) => Err(error.to_string()),
        })
        .await
    }

    /// Waits until a person is Ready, and returns the object.
    ///
    /// # Errors
    /// When it is not Ready in time.
    pub async fn ready(&self, name: &str) -> Result<Value, Timeout> {
        self.until(name, "Ready", is_ready).await
    }

    /// Waits until a person is deleted.
    ///
    /// # Errors
    /// When it is not deleted in time.
    pub async fn gone(&self, name: &str) -> Result<(), Timeout> {
        eventually(SOON, format!("{name} to be gone"), async || match self.find(name).await {
            Ok(None) => Ok(()),
            Ok(Some(object)) => Err(format!("{object:#}")),
            Err(error) => Err(error.to_string()),
        })
        .await
    }
}

/// Returns whether the newest spec is synchronized.
#[must_use]
pub fn is_ready(object: &Value) -> bool {
    is_observed(object) && condition(object, "Ready")["status"] == "True"
}

/// Returns whether the controller has handled the newest spec.
#[must_use]
pub fn is_observed(object: &Value) -> bool {
    object["status"]["observedGeneration"] == object["metadata"]["generation"]
}

/// Returns a condition of the status, or null.
#[must_use]
pub fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    let conditions = object["status"]["conditions"].as_array();
    conditions.into_iter().flatten().find(|condition| condition["type"] == kind).unwrap_or(&Value::Null)
}

/// Returns the manifest of a person.
#[must_use]
pub fn person(name: &str, first: &str, last: &str) -> Value {
    json!({
        "apiVersion": "example.xos.opencord.org/v1",
        "kind": "MyModel",
        "metadata": {"name": name},
        "spec": {"firstName": first, "lastName": last},
    })
}

/// The example in the namespace of a test, with its own directory and its own controller.
pub struct Example<'a> {
    /// The namespace.
    pub namespace: &'a TestNamespace,
    /// Its backend failed.
    pub directory: Directory,
    /// The people in the namespace.
    pub people: People,
    /// How the controller is started again.
    pub launch: Launch,
    /// The running controller.
    pub synchronizer: Synchronizer,
}

impl<'a> Example<'a> {
    /// Starts the example, and waits until people can be created.
    ///
    /// # Errors
    /// When one of its parts does not start.
    pub async fn start(namespace: &'a TestNamespace) -> Result<Self, Error> {
        Self::start_with(namespace, &Value::Null).await
    }

    /// Does the same, with additional configuration.
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
        for plural in ["mymodels", "teams"] {
            let kind = if plural == "teams" { "Team" } else { "MyModel" };
            let kind = GroupVersionKind::gvk("example.xos.opencord.org", "v1", kind);
            namespace.follow(&ApiResource::from_gvk_with_plural(&kind, plural));
        }
        people.established().await?;
        Ok(Self { namespace, directory, people, launch, synchronizer })
    }

    /// Applies one person with kubectl.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn apply(&self, name: &str, first: &str, last: &str) -> Result<(), Error> {
        self.namespace.apply(&person(name, first, last).to_string()).await?;
        Ok(())
    }

    /// Patches a person's spec with kubectl.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn patch(&self, name: &str, spec: &Value) -> Result<(), Error> {
        let patch = json!({"spec": spec}).to_string();
        self.namespace.kubectl(&["patch", "mymodel", name, "--type=merge", "-p", &patch]).await?;
        Ok(())
    }

    /// Deletes a person with kubectl, and does not wait for the end of the deletion.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        self.namespace.kubectl(&["delete", "mymodel", name, "--wait=false"]).await?;
        Ok(())
    }

    /// Returns the full names in the directory, sorted.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn full_names(&self) -> Result<Vec<String>, Error> {
        let people = self.directory.people().await?;
        let mut names: Vec<String> = people.into_values().map(|person| person.full_name).collect();
        names.sort();
        Ok(names)
    }

    /// Returns how many writes the directory has done: (puts, deletes).
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn writes(&self) -> Result<(u64, u64), Error> {
        let stats = self.directory.stats().await?;
        Ok((stats.puts.values().sum(), stats.deletes.values().sum()))
    }

    /// Stops the controller, and returns how many writes the directory has done in all: (puts, deletes).
    ///
    /// # Errors
    /// When the controller cannot be stopped, or the directory does not answer.
    pub async fn final_writes(&mut self) -> Result<(u64, u64), Error> {
        self.synchronizer.stop().await?;
        self.writes().await
    }
}
