//! Keys and certificates. They are made for each cluster, and never kept.

use std::{net::IpAddr, path::Path};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};

use crate::files::{FileError, write_secret};

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
    /// kube-controller-manager.
    pub(super) controller_manager: Identity,
}

impl Keys {
    /// Makes all keys and certificates, and writes those to `folder` that the processes read from files.
    pub(super) fn make(folder: &Path, service_ip: IpAddr) -> Result<Self, Error> {
        let (authority, issuer) = authority()?;
        write(folder, "ca.crt", &authority)?;
        for name in ["etcd", "apiserver"] {
            save(folder, name, &server(&issuer, service_ip)?)?;
        }
        save(folder, "etcd-client", &client(&issuer, "kube-apiserver", None)?)?;
        let accounts = KeyPair::generate()?;
        write(folder, "service-accounts.key", &accounts.serialize_pem())?;
        write(folder, "service-accounts.pub", &accounts.public_key_pem())?;
        Ok(Self {
            authority,
            admin: client(&issuer, "xos-e2e-admin", Some("system:masters"))?,
            controller_manager: client(&issuer, "system:kube-controller-manager", None)?,
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

/// Makes the certificate of a server on this machine.
pub(crate) fn server(issuer: &Issuer<'_, KeyPair>, service_ip: IpAddr) -> Result<Identity, Error> {
    let mut params = CertificateParams::new(NAMES.map(str::to_owned))?;
    let addresses = [IpAddr::from([127, 0, 0, 1]), service_ip];
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
        let keys = Keys::make(folder.path(), IpAddr::from([10, 0, 0, 1])).unwrap();
        let mode = fs::metadata(folder.path().join("apiserver.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(keys.admin.certificate.starts_with("-----BEGIN CERTIFICATE"));
    }
}
