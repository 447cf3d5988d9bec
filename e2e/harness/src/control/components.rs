//! The command lines of etcd, kube-apiserver and kube-controller-manager.

use super::data::Data;
use crate::{
    process::{self, Child},
    tools::{Tool, Tools},
};

/// The addresses of Services. No Service is ever reached, because there is no node.
const SERVICES: &str = "10.0.0.0/24";

/// Starts etcd. Its data are deleted with the cluster, so it does not wait for the disk.
pub(super) fn etcd(tools: &Tools, data: &Data) -> Result<Child, process::Error> {
    let client = format!("https://127.0.0.1:{}", data.etcd);
    start(
        tools,
        data,
        Tool::Etcd,
        &[
            flag("data-dir", data.file("etcd").display()),
            flag("listen-client-urls", &client),
            flag("advertise-client-urls", &client),
            flag("listen-peer-urls", "http://127.0.0.1:0"),
            flag("cert-file", data.file("etcd.crt").display()),
            flag("key-file", data.file("etcd.key").display()),
            flag("trusted-ca-file", data.file("ca.crt").display()),
            "--client-cert-auth".into(),
            "--unsafe-no-fsync".into(),
            flag("log-level", "warn"),
        ],
    )
}

/// Starts kube-apiserver, which uses RBAC for all access.
pub(super) fn api_server(tools: &Tools, data: &Data) -> Result<Child, process::Error> {
    let mut flags = vec![
        flag("etcd-servers", format!("https://127.0.0.1:{}", data.etcd)),
        flag("etcd-cafile", data.file("ca.crt").display()),
        flag("etcd-certfile", data.file("etcd-client.crt").display()),
        flag("etcd-keyfile", data.file("etcd-client.key").display()),
        flag("bind-address", "127.0.0.1"),
        // There is no node. Without this flag it looks for a default route.
        flag("advertise-address", "127.0.0.1"),
        flag("endpoint-reconciler-type", "none"),
        flag("secure-port", data.api),
        flag("tls-cert-file", data.file("apiserver.crt").display()),
        flag("tls-private-key-file", data.file("apiserver.key").display()),
        flag("client-ca-file", data.file("ca.crt").display()),
        flag("authorization-mode", "RBAC"),
        flag("service-account-issuer", "https://kubernetes.default.svc.cluster.local"),
        flag("service-account-signing-key-file", data.file("service-accounts.key").display()),
        flag("service-account-key-file", data.file("service-accounts.pub").display()),
        flag("service-cluster-ip-range", SERVICES),
        flag("profiling", false),
    ];
    flags.extend(data.api_server_flags.iter().cloned());
    if data.audit {
        flags.push(flag("audit-policy-file", data.file("audit-policy.json").display()));
        flags.push(flag("audit-log-path", data.file("audit.log").display()));
    }
    start(tools, data, Tool::ApiServer, &flags)
}

/// Starts kube-controller-manager with all its controllers, each with its own ServiceAccount.
pub(super) fn controller_manager(tools: &Tools, data: &Data) -> Result<Child, process::Error> {
    start(
        tools,
        data,
        Tool::ControllerManager,
        &[
            flag("kubeconfig", data.file("controller-manager.kubeconfig").display()),
            flag("root-ca-file", data.file("ca.crt").display()),
            flag("service-account-private-key-file", data.file("service-accounts.key").display()),
            flag("use-service-account-credentials", true),
            flag("leader-elect", false),
            flag("secure-port", 0),
            // The defaults are for large clusters.
            flag("kube-api-qps", 200),
            flag("kube-api-burst", 300),
        ],
    )
}

fn flag(name: &str, value: impl std::fmt::Display) -> String {
    format!("--{name}={value}")
}

fn start(tools: &Tools, data: &Data, tool: Tool, flags: &[String]) -> Result<Child, process::Error> {
    Child::start(tool.name(), &data.log(tool.name()), &tools.path(tool), |command| {
        command.args(flags);
    })
}
