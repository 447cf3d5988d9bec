//! The configuration files of a node's programs.

use std::path::Path;

use serde_json::{Value, json};

use super::{Addresses, NAME, images};

/// The domain of the names of Services.
pub(super) const DOMAIN: &str = "cluster.local";
/// Where Debian's package has the programs that connect pods.
const CNI_PROGRAMS: &str = "/usr/lib/cni";

/// containerd's. What the node does not use is left out, also because it would make folders outside of `/run` and
/// `/var/lib`.
pub(super) fn containerd(socket: &Path, runc: &Path, networks: &Path) -> String {
    format!(
        "version = 3
root = '/var/lib/containerd'
state = '/run/containerd'
disabled_plugins = ['io.containerd.internal.v1.opt', 'io.containerd.nri.v1.nri']

[grpc]
  address = '{socket}'

[plugins.'io.containerd.cri.v1.images']
  snapshotter = 'overlayfs'
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = '{pause}'

[plugins.'io.containerd.cri.v1.runtime']
  # Where root may not lower the score of a process (CAP_SYS_RESOURCE), it goes without.
  restrict_oom_score_adj = true
  # A profile would be loaded into the kernel, and stay there.
  disable_apparmor = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ['{CNI_PROGRAMS}']
    conf_dir = '{networks}'
  [plugins.'io.containerd.cri.v1.runtime'.containerd]
    default_runtime_name = 'runc'
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
      runtime_type = 'io.containerd.runc.v2'
      [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
        BinaryName = '{runc}'
        SystemdCgroup = false
",
        socket = socket.display(),
        pause = images::PAUSE,
        networks = networks.display(),
        runc = runc.display(),
    )
}

/// The network of pods: each has a pair of interfaces to the node, which passes packets on. None is rewritten.
pub(super) fn network(addresses: Addresses) -> Value {
    json!({
        "cniVersion": "1.0.0",
        "name": "xos",
        "plugins": [{
            "type": "ptp",
            "ipMasq": false,
            "ipam": {
                "type": "host-local",
                "dataDir": "/run/xos-addresses",
                "ranges": [[{"subnet": addresses.pods()}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }],
    })
}

/// What kubelet's configuration depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kubelet<'a> {
    pub(super) addresses: Addresses,
    /// The cluster's folder, with certificates in it.
    pub(super) data: &'a Path,
    pub(super) socket: &'a Path,
    pub(super) cgroup: &'a str,
    /// The resolv.conf of pods that do not use the cluster's DNS.
    pub(super) resolver: &'a Path,
}

impl Kubelet<'_> {
    pub(super) fn document(&self) -> Value {
        let file = |name: &str| self.data.join(name).display().to_string();
        json!({
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "authentication": {
                "anonymous": {"enabled": false},
                "webhook": {"enabled": true},
                "x509": {"clientCAFile": file("ca.crt")},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": file("kubelet.crt"),
            "tlsPrivateKeyFile": file("kubelet.key"),
            "clusterDNS": [self.addresses.node()],
            "clusterDomain": DOMAIN,
            "resolvConf": self.resolver,
            "containerRuntimeEndpoint": format!("unix://{}", self.socket.display()),
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": format!("/{}", self.cgroup),
            // Both kinds of hierarchies will do.
            "failCgroupV1": false,
            "failSwapOn": false,
            "volumePluginDir": "/var/lib/kubelet/volume-plugins",
            "oomScoreAdj": 0,
            // Images come from archives: none that was removed could be fetched again.
            "imageGCHighThresholdPercent": 100,
            "evictionHard": {"nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%"},
            // Pods of tests are many and short.
            "maxPods": 200,
            "registryPullQPS": 0,
            "eventRecordQPS": 0,
            "shutdownGracePeriod": "0s",
        })
    }
}

/// kube-proxy's. It may not change what is the whole machine's: the limits of connection tracking.
pub(super) fn proxy(kubeconfig: &Path, addresses: Addresses) -> Value {
    json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": kubeconfig},
        "mode": "nftables",
        "clusterCIDR": addresses.pods(),
        "hostnameOverride": NAME,
        "oomScoreAdj": 0,
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "nftables": {"minSyncPeriod": "100ms"},
    })
}

/// The DNS server's. What is no name of the cluster does not exist: there is no way to the world from here.
pub(super) fn dns(addresses: Addresses, kubeconfig: &Path) -> String {
    format!(
        "{DOMAIN}:53 in-addr.arpa:53 {{
    bind {address}
    errors
    ready {address}:8181
    kubernetes {DOMAIN} in-addr.arpa {{
        kubeconfig {kubeconfig}
        ttl 5
    }}
}}
.:53 {{
    bind {address}
    template ANY ANY . {{
        rcode NXDOMAIN
    }}
}}
",
        address = addresses.node(),
        kubeconfig = kubeconfig.display(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_ask_the_server_that_listens() {
        let addresses = Addresses::of(2);
        let kubelet = Kubelet {
            addresses,
            data: Path::new("/data"),
            socket: Path::new("/data/containerd.sock"),
            cgroup: "xos-node-2",
            resolver: Path::new("/data/resolv.conf"),
        };
        let document = kubelet.document();
        assert_eq!(document["clusterDNS"][0], "198.18.2.2");
        assert_eq!(document["cgroupRoot"], "/xos-node-2");
        assert!(dns(addresses, Path::new("/data/dns.kubeconfig")).contains("bind 198.18.2.2\n"));
    }

    #[test]
    fn pods_get_addresses_that_are_not_rewritten_on_the_way_to_a_service() {
        let addresses = Addresses::of(0);
        let range = &network(addresses)["plugins"][0]["ipam"]["ranges"][0][0]["subnet"];
        assert_eq!(*range, proxy(Path::new("/data/proxy.kubeconfig"), addresses)["clusterCIDR"]);
    }
}
