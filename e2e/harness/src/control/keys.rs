//! Keys and certificates. They are made for each cluster, and never kept.

use std::{net::IpAddr, path::Path};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};

use super::network::Network;
use crate::{
    files::{FileError, write_secret},
    node,
};

/// The API server's own names inside a cluster.
const NAMES: [&str; 5] =
    ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"];

/// Keys could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A key or certificate could not be made.
    #[error("cannot make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A certificate and its key, as PEM.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// The certificate.
    pub(crate) certificate: String,
    /// The key.
    pub(crate) key: String,
}

/// The keys and certificates of a cluster's processes. The files of a name are `<name>.crt` and `<name>.key`.
#[derive(Debug)]
pub(super) struct Keys {
    /// The authority's certificate, as PEM.
    pub(super) authority: String,
    /// A member of `system:masters`.
    pub(super) admin: Identity,
    /// The other users of kubeconfigs: the kubeconfig's name, and the identity.
    pub(super) users: Vec<(&'static str, Identity)>,
}

/// The users of a cluster's own programs: kubeconfig, user, group.
const USERS: [(&str, &str, Option<&str>); 1] =
    [("controller-manager.kubeconfig", "system:kube-controller-manager", None)];
/// Those of a node's.
const NODE_USERS: [(&str, &str, Option<&str>); 4] = [
    ("scheduler.kubeconfig", "system:kube-scheduler", None),
    ("kubelet.kubeconfig", NODE_USER, Some("system:nodes")),
    ("kube-proxy.kubeconfig", "system:kube-proxy", None),
    ("dns.kubeconfig", node::DNS_USER, None),
];
/// The kubelet's name, which the API server expects of it: `system:node:` and the node's.
const NODE_USER: &str = "system:node:xos-node";

impl Keys {
    /// Makes all keys and certificates, and writes those to `folder` that the processes read from files.
    pub(super) fn make(folder: &Path, network: &Network) -> Result<Self, Error> {
        let (authority, issuer) = authority()?;
        write(folder, "ca.crt", &authority)?;
        for name in ["etcd", "apiserver"] {
            save(folder, name, &server(&issuer, &[network.service(), network.listen()])?)?;
        }
        save(folder, "etcd-client", &client(&issuer, "kube-apiserver", None)?)?;
        let mut names = USERS.to_vec();
        if let Some(node) = network.node {
            names.extend(NODE_USERS);
            save(folder, "kubelet", &server(&issuer, &[node.node().into()])?)?;
            save(folder, "kubelet-client", &client(&issuer, "kube-apiserver-kubelet-client", Some("system:masters"))?)?;
        }
        let accounts = KeyPair::generate()?;
        write(folder, "service-accounts.key", &accounts.serialize_pem())?;
        write(folder, "service-accounts.pub", &accounts.public_key_pem())?;
        Ok(Self {
            authority,
            admin: client(&issuer, "xos-e2e-admin", Some("system:masters"))?,
            users: names
                .into_iter()
                .map(|(file, name, group)| Ok((file, client(&issuer, name, group)?)))
                .collect::<Result<_, Error>>()?,
        })
    }
}

/// Makes a certificate authority. Returns its certificate and its issuer.
pub(crate) fn authority() -> Result<(String, Issuer<'static, KeyPair>), Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "xos-e2e");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let certificate = params.self_signed(&key)?.pem();
    Ok((certificate, Issuer::new(params, key)))
}

/// Makes the certificate of a server on this machine, which may have other addresses, too.
pub(crate) fn server(issuer: &Issuer<'_, KeyPair>, others: &[IpAddr]) -> Result<Identity, Error> {
    let mut params = CertificateParams::new(NAMES.map(str::to_owned))?;
    let addresses = std::iter::once(IpAddr::from([127, 0, 0, 1])).chain(others.iter().copied());
    params.subject_alt_names.extend(addresses.map(SanType::IpAddress));
    params.distinguished_name.push(DnType::CommonName, "localhost");
    // etcd's gateway calls etcd itself with the certificate that it serves.
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    signed(params, issuer)
}

/// Makes the certificate of a client with this name.
pub(crate) fn client(issuer: &Issuer<'_, KeyPair>, name: &str, group: Option<&str>) -> Result<Identity, Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    if let Some(group) = group {
        params.distinguished_name.push(DnType::OrganizationName, group);
    }
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    signed(params, issuer)
}

fn signed(mut params: CertificateParams, issuer: &Issuer<'_, KeyPair>) -> Result<Identity, Error> {
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, issuer)?.pem();
    Ok(Identity { certificate, key: key.serialize_pem() })
}

fn save(folder: &Path, name: &str, identity: &Identity) -> Result<(), Error> {
    write(folder, &format!("{name}.crt"), &identity.certificate)?;
    write(folder, &format!("{name}.key"), &identity.key)
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), Error> {
    Ok(write_secret(&folder.join(name), text)?)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn keys_are_for_their_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::make(folder.path(), &Network::default()).unwrap();
        let mode = fs::metadata(folder.path().join("apiserver.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(keys.admin.certificate.starts_with("-----BEGIN CERTIFICATE"));
        assert!(!folder.path().join("kubelet.key").exists());
    }

    #[test]
    fn a_node_has_users_of_its_own() {
        assert!(NODE_USER.ends_with(&format!(":{}", node::NAME)));
        let folder = tempfile::tempdir().unwrap();
        let network = Network { node: Some(node::Addresses::of(0)) };
        let keys = Keys::make(folder.path(), &network).unwrap();
        assert!(keys.users.iter().any(|(file, _)| *file == "kubelet.kubeconfig"));
        assert!(folder.path().join("kubelet.key").exists());
    }
}
