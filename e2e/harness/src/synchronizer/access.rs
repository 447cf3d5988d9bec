//! A ServiceAccount with the rights of a manifest, and a kubeconfig with its token.

use std::{
    fs,
    path::{Path, PathBuf},
};

use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{
    Api, Client,
    api::{DynamicObject, Patch, PatchParams, PostParams, TypeMeta},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::{Value, json};

use crate::{
    files::{FileError, at, write_secret},
    kubectl::{self, Kubectl},
    wait::Timeout,
};

use super::rights;

/// How long the token is valid: longer than any test takes. The API server's minimum is ten minutes.
const TOKEN_SECONDS: i64 = 4 * 60 * 60;
/// The field manager of the manifest's objects.
const MANAGER: &str = "xos-e2e";

/// A ServiceAccount could not be given its rights.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The manifest or the kubeconfig.
    #[error(transparent)]
    File(#[from] FileError),
    /// The manifest is not YAML.
    #[error("{} is not a manifest", path.display())]
    Yaml {
        /// The file.
        path: PathBuf,
        /// The error, with its place.
        #[source]
        source: Box<serde_saphyr::Error>,
    },
    /// A document of the manifest is not a Kubernetes object.
    #[error("{} has a document without apiVersion, kind or name: {document}", path.display())]
    NotAnObject {
        /// The file.
        path: PathBuf,
        /// The document.
        document: Box<Value>,
    },
    /// The manifest has no ServiceAccount.
    #[error("{} has no binding for a ServiceAccount", path.display())]
    NoAccount {
        /// The file.
        path: PathBuf,
    },
    /// The API server refused.
    #[error("the API server refused")]
    Api(#[from] kube::Error),
    /// The rights do not take effect.
    #[error(transparent)]
    Timeout(#[from] Timeout),
    /// The API server gave no token.
    #[error("the API server gave no token")]
    NoToken,
    /// kubectl failed.
    #[error(transparent)]
    Kubectl(#[from] kubectl::Error),
    /// The administrator's kubeconfig cannot be read.
    #[error("cannot read the administrator's kubeconfig")]
    Admin(#[source] serde_json::Error),
}

/// A ServiceAccount with its rights.
#[derive(Clone, Debug)]
pub struct Access {
    kubeconfig: PathBuf,
    account: String,
}

impl Access {
    /// Applies `manifest` in `namespace`, and gets a token for its ServiceAccount.
    ///
    /// # Errors
    /// When the manifest has errors, or the API server refuses.
    pub async fn grant(
        admin: &Kubectl,
        client: &Client,
        manifest: &Path,
        namespace: &str,
        folder: &Path,
    ) -> Result<Self, Error> {
        let mut objects = read(manifest)?;
        let account = account_of(&objects).ok_or_else(|| Error::NoAccount { path: manifest.to_owned() })?;
        // It is added first, whether or not the manifest has it.
        objects.insert(0, json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account}}));
        for object in &mut objects {
            move_to(object, namespace);
            apply(client, manifest, object).await?;
        }
        rights::in_force(client, namespace, &account, &objects).await?;
        let kubeconfig = folder.join("kubeconfig");
        let token = token(client, namespace, &account).await?;
        write(admin, &token, namespace, &kubeconfig).await?;
        Ok(Self { kubeconfig, account })
    }

    /// Gets a token for a ServiceAccount that is there, with the rights that it has. The kubeconfig is in `folder`.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn of_account(
        admin: &Kubectl,
        client: &Client,
        namespace: &str,
        account: &str,
        folder: &Path,
    ) -> Result<Self, Error> {
        let kubeconfig = folder.join("kubeconfig");
        let token = token(client, namespace, account).await?;
        write(admin, &token, namespace, &kubeconfig).await?;
        Ok(Self { kubeconfig, account: account.to_owned() })
    }

    /// The kubeconfig with the token.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The ServiceAccount's name.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }
}

fn read(path: &Path) -> Result<Vec<Value>, Error> {
    let text = fs::read_to_string(path).map_err(at(path))?;
    let documents: Result<Vec<Value>, _> = serde_saphyr::from_multiple(&text);
    let documents = documents.map_err(|source| Error::Yaml { path: path.to_owned(), source: Box::new(source) })?;
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

/// Returns the first ServiceAccount that a binding names.
fn account_of(objects: &[Value]) -> Option<String> {
    let subjects = objects.iter().filter_map(|object| object["subjects"].as_array()).flatten();
    let mut accounts = subjects.filter(|subject| subject["kind"] == "ServiceAccount");
    accounts.find_map(|account| account["name"].as_str()).map(str::to_owned)
}

/// Moves an object of the manifest to `namespace`. A cluster-wide binding gets a name of its own for the namespace, so
/// that tests that run at the same time do not overwrite each other's bindings.
fn move_to(object: &mut Value, namespace: &str) {
    let kind = object["kind"].as_str().unwrap_or_default().to_owned();
    match kind.as_str() {
        "ClusterRole" => {}
        "ClusterRoleBinding" => {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            object["metadata"]["name"] = format!("{name}-{namespace}").into();
        }
        _ => object["metadata"]["namespace"] = namespace.into(),
    }
    let subjects = object.get_mut("subjects").and_then(Value::as_array_mut);
    for subject in subjects.into_iter().flatten() {
        subject["namespace"] = namespace.into();
    }
}

async fn apply(client: &Client, manifest: &Path, object: &Value) -> Result<(), Error> {
    let refused = || Error::NotAnObject { path: manifest.to_owned(), document: Box::new(object.clone()) };
    let types: TypeMeta = serde_json::from_value(object.clone()).map_err(|_| refused())?;
    let gvk = GroupVersionKind::try_from(types).map_err(|_| refused())?;
    let name = object["metadata"]["name"].as_str().ok_or_else(refused)?;
    let resource = ApiResource::from_gvk(&gvk);
    let api: Api<DynamicObject> = match object["metadata"]["namespace"].as_str() {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    api.patch(name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(object)).await?;
    Ok(())
}

async fn token(client: &Client, namespace: &str, account: &str) -> Result<String, Error> {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    let spec = TokenRequestSpec { expiration_seconds: Some(TOKEN_SECONDS), ..TokenRequestSpec::default() };
    let request = TokenRequest { spec: Some(spec), ..TokenRequest::default() };
    let answer = accounts.create_token_request(account, &PostParams::default(), &request).await?;
    answer.status.and_then(|status| status.token).ok_or(Error::NoToken)
}

/// Writes a copy of the administrator's kubeconfig with another user.
async fn write(admin: &Kubectl, token: &str, namespace: &str, path: &Path) -> Result<(), Error> {
    let text = admin.ok(&["config", "view", "--raw", "--flatten", "--minify", "-o", "json"]).await?;
    let mut config: Value = serde_json::from_str(&text).map_err(Error::Admin)?;
    config["users"] = json!([{"name": "account", "user": {"token": token}}]);
    for context in config["contexts"].as_array_mut().into_iter().flatten() {
        context["context"]["user"] = "account".into();
        context["context"]["namespace"] = namespace.into();
    }
    Ok(write_secret(path, &config.to_string())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_moves_as_a_whole() {
        let binding = json!({
            "kind": "ClusterRoleBinding", "metadata": {"name": "xos"},
            "subjects": [{"kind": "ServiceAccount", "name": "xos-controller", "namespace": "default"}],
        });
        let role = json!({"kind": "Role", "metadata": {"name": "xos", "namespace": "default"}});
        let mut objects = [binding, role];
        assert_eq!(account_of(&objects).as_deref(), Some("xos-controller"));
        for object in &mut objects {
            move_to(object, "mine");
        }
        assert_eq!(objects[0]["metadata"], json!({"name": "xos-mine"}));
        assert_eq!(objects[0]["subjects"][0]["namespace"], "mine");
        assert_eq!(objects[1]["metadata"]["namespace"], "mine");
        assert!(objects[1].get("subjects").is_none());
    }
}
