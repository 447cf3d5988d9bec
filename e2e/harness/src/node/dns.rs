//! The rights of the DNS server, which Kubernetes has no role for.

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// The user's name, and that of its role.
pub(crate) const USER: &str = "system:coredns";

/// Lets the DNS server see Services and what is behind them.
pub(super) async fn grant(client: Client) -> Result<(), kube::Error> {
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": USER},
        "rules": [
            {"apiGroups": [""], "resources": ["services", "namespaces"], "verbs": ["list", "watch"]},
            {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
        ],
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": USER},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": USER},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": USER}],
    });
    apply::<ClusterRole>(Api::all(client.clone()), &role).await?;
    apply::<ClusterRoleBinding>(Api::all(client), &binding).await
}

async fn apply<K>(api: Api<K>, object: &Value) -> Result<(), kube::Error>
where
    K: Clone + std::fmt::Debug + DeserializeOwned + Serialize,
{
    api.patch(USER, &PatchParams::apply("xos-harness").force(), &Patch::Apply(object)).await.map(drop)
}
