//! What programs need of Debian: shared libraries, certificates, time zones; from its packages, and nothing else.

mod libraries;
mod packages;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

pub use libraries::needed;
pub use packages::{Content, Package};

use crate::{command, layer::Layer};

/// What every image has besides libraries.
const CERTIFICATES: &str = "ca-certificates";
const ZONES: &str = "tzdata";
/// The file that all programs read certificates from.
const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The base cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A command failed.
    #[error(transparent)]
    Command(#[from] command::Error),
    /// A library is nowhere.
    #[error("{} needs {library}, which is not installed on this machine", program.display())]
    NoLibrary {
        /// The program.
        program: PathBuf,
        /// The library.
        library: String,
    },
    /// A library is not Debian's.
    #[error("{} belongs to no package of Debian: use the Containerfile with a container engine", library.display())]
    NoPackage {
        /// The library.
        library: PathBuf,
    },
    /// A package is not to be had.
    #[error("apt offers no package {name}: run `apt-get update`")]
    NotOffered {
        /// The package.
        name: String,
    },
    /// A package does not hold what it should.
    #[error("the package {package} has no {what}")]
    Lacks {
        /// The package.
        package: String,
        /// What is missing.
        what: String,
    },
    /// A package cannot be read.
    #[error("cannot read packages in {}", folder.display())]
    Read {
        /// Where they are kept.
        folder: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

/// The lowest layer, and the packages that it is made of.
#[derive(Clone, Debug)]
pub struct Base {
    /// The files.
    pub layer: Layer,
    /// The packages, by name.
    pub packages: Vec<Package>,
}

/// Makes the base for `programs`. Packages are kept in `cache`.
///
/// # Errors
/// When a library is missing or not Debian's, or a package cannot be fetched.
pub fn base(programs: &[PathBuf], cache: &Path) -> Result<Base, Error> {
    let libraries = libraries::needed(programs)?;
    let mut names: BTreeSet<String> = [CERTIFICATES, ZONES].map(str::to_owned).into();
    for library in &libraries {
        names.insert(packages::owner(library)?);
    }
    let sonames: BTreeSet<&str> = libraries.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    let mut found = BTreeSet::new();
    let mut layer = skeleton();
    let mut used = Vec::new();
    let mut waiting: Vec<String> = names.into_iter().collect();
    let mut seen = BTreeSet::new();
    while let Some(name) = waiting.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let package = packages::fetch(&name, cache)?;
        let content = package.content(cache)?;
        // Some packages share the documents, and with them the licence, of another one.
        waiting.extend(content.documents_of());
        layer = match name.as_str() {
            CERTIFICATES => layer.and(certificates(&content)?),
            ZONES => layer.and(zones(&content)?),
            _ => {
                let (libraries, taken) = content.libraries(&sonames);
                found.extend(taken);
                layer.and(libraries)
            }
        };
        layer = layer.and(content.licence()).file(format!("/var/lib/dpkg/status.d/{name}"), 0o644, package.control());
        used.push(package);
    }
    if let Some(missing) = sonames.iter().find(|name| !found.contains(**name)) {
        return Err(Error::Lacks { package: "of the library".into(), what: (*missing).to_owned() });
    }
    used.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Base { layer, packages: used })
}

/// Folders and files that programs expect everywhere.
fn skeleton() -> Layer {
    let user = "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n";
    Layer::default()
        .link("/lib", "usr/lib")
        .link("/lib64", "usr/lib64")
        .folder("/tmp", 0o1777)
        .folder("/home/nonroot", 0o755)
        .file("/etc/passwd", 0o644, user)
        .file("/etc/group", 0o644, "root:x:0:\nnonroot:x:65532:\n")
        .file("/etc/nsswitch.conf", 0o644, "hosts: files dns\n")
}

/// All certificates in one file, as the package's own script would make it.
fn certificates(content: &Content) -> Result<Layer, Error> {
    let mut bundle = Vec::new();
    for (_, certificate) in content.files_below("usr/share/ca-certificates/") {
        bundle.extend_from_slice(certificate);
        if !certificate.ends_with(b"\n") {
            bundle.push(b'\n');
        }
    }
    if bundle.is_empty() {
        return Err(Error::Lacks { package: CERTIFICATES.into(), what: "certificates".into() });
    }
    Ok(Layer::default().file(BUNDLE, 0o644, bundle))
}

/// The time zones, once: the package also has them with leap seconds, and a second time under another name.
fn zones(content: &Content) -> Result<Layer, Error> {
    let root = "usr/share/zoneinfo/";
    let is_twice = |path: &str| ["right/", "posix/"].iter().any(|twice| path.starts_with(&format!("{root}{twice}")));
    let layer = content.below(root, |path| !is_twice(path));
    if layer.content("usr/share/zoneinfo/Etc/UTC").is_none() {
        return Err(Error::Lacks { package: ZONES.into(), what: "zone Etc/UTC".into() });
    }
    Ok(layer)
}
