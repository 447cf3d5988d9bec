//! The command lines of etcd, kube-apiserver, kube-controller-manager and kube-scheduler.

use super::data::Data;
use crate::{
    process::{self, Child},
    tools::{
        Tool, Tools,
        node::{NodeTool, NodeTools},
    },
};

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
        flag("bind-address", data.network.listen()),
        // Without this flag it looks for a default route.
        flag("advertise-address", data.network.listen()),
        flag("secure-port", data.api),
        flag("tls-cert-file", data.file("apiserver.crt").display()),
        flag("tls-private-key-file", data.file("apiserver.key").display()),
        flag("client-ca-file", data.file("ca.crt").display()),
        flag("service-account-issuer", "https://kubernetes.default.svc.cluster.local"),
        flag("service-account-signing-key-file", data.file("service-accounts.key").display()),
        flag("service-account-key-file", data.file("service-accounts.pub").display()),
        flag("service-cluster-ip-range", data.network.services()),
        flag("profiling", false),
    ];
    flags.extend(if data.network.node.is_some() { of_a_node(data) } else { without_node() });
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

/// Starts kube-scheduler, which is of use where there is a node.
pub(super) fn scheduler(tools: &NodeTools, data: &Data) -> Result<Child, process::Error> {
    let name = NodeTool::Scheduler.name();
    Child::start(name, &data.log(name), &tools.path(NodeTool::Scheduler), |command| {
        command.arg(flag("kubeconfig", data.file("scheduler.kubeconfig").display()));
        command.args([flag("leader-elect", false), flag("secure-port", 0)]);
    })
}

fn without_node() -> Vec<String> {
    // Nobody could reach the address by which pods know the API server.
    vec![flag("authorization-mode", "RBAC"), flag("endpoint-reconciler-type", "none")]
}

/// The API server calls kubelet for logs and commands; kubelet may see and change only what concerns its own pods.
fn of_a_node(data: &Data) -> Vec<String> {
    vec![
        flag("authorization-mode", "Node,RBAC"),
        flag("enable-admission-plugins", "NodeRestriction"),
        flag("kubelet-certificate-authority", data.file("ca.crt").display()),
        flag("kubelet-client-certificate", data.file("kubelet-client.crt").display()),
        flag("kubelet-client-key", data.file("kubelet-client.key").display()),
        flag("kubelet-preferred-address-types", "InternalIP"),
    ]
}

fn flag(name: &str, value: impl std::fmt::Display) -> String {
    format!("--{name}={value}")
}

fn start(tools: &Tools, data: &Data, tool: Tool, flags: &[String]) -> Result<Child, process::Error> {
    Child::start(tool.name(), &data.log(tool.name()), &tools.path(tool), |command| {
        command.args(flags);
    })
}
