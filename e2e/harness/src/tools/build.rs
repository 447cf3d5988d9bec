//! Builds programs with Go.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use super::{Tool, go};
use crate::{
    cache,
    files::{FileError, at},
    paths, process,
};

/// The Go package that holds the version of Kubernetes' programs.
const VERSION: &str = "k8s.io/component-base/version";

/// The Go package of helm.
const HELM: &str = "helm.sh/helm/v4/cmd/helm";

/// A build failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// go.mod does not name a version of Kubernetes.
    #[error("{} has no line `k8s.io/kubernetes vX.Y.Z`", path.display())]
    NoVersion {
        /// The go.mod.
        path: PathBuf,
    },
    /// The cache folder is unknown.
    #[error(transparent)]
    Paths(#[from] paths::Error),
    /// A file or folder could not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The build failed.
    #[error(transparent)]
    Process(#[from] process::Error),
}

/// Returns the flags of `go build`. They set the version of Kubernetes, which kubectl and helm ask the server for.
pub(super) fn flags(modules: &Path) -> Result<Vec<String>, Error> {
    let path = modules.join("go.mod");
    let text = fs::read_to_string(&path).map_err(at(&path))?;
    let version = kubernetes_version(&text).ok_or(Error::NoVersion { path })?;
    let mut numbers = version.trim_start_matches('v').split('.');
    let major = numbers.next().unwrap_or_default();
    let minor = numbers.next().unwrap_or_default();
    let stamps =
        format!("-s -w -X {VERSION}.gitVersion={version} -X {VERSION}.gitMajor={major} -X {VERSION}.gitMinor={minor}");
    Ok(["-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags", &stamps].map(str::to_owned).to_vec())
}

/// Builds `tools` one after another into `folder`. Each appears there only when it is complete.
pub(super) fn all(modules: &Path, flags: &[String], tools: &[Tool], folder: &Path) -> Result<(), Error> {
    let Some(whole) = tools.iter().map(|tool| tool.package().1).reduce(|sum, next| sum + next) else {
        return Ok(());
    };
    let minutes = whole.div_ceil(60);
    eprintln!("building the control plane, once; about {minutes} minutes on two cores");
    let start = Instant::now();
    let making = folder.join("making");
    // It is from a build that was interrupted: this process has the lock.
    if making.exists() {
        fs::remove_dir_all(&making).map_err(at(&making))?;
    }
    fs::create_dir(&making).map_err(at(&making))?;
    for (index, tool) in tools.iter().enumerate() {
        let (package, about) = tool.package();
        let step = format!("building {} ({} of {})", tool.name(), index + 1, tools.len());
        eprintln!("{step}, about {about} s");
        let made = making.join(tool.name());
        let build = go::Build { modules, flags, package, with_c: false };
        go::build(&step, build, &made, &folder.join(format!("{}.log", tool.name())))?;
        let place = folder.join(tool.name());
        fs::rename(&made, &place).map_err(at(&place))?;
    }
    fs::remove_dir(&making).map_err(at(&making))?;
    eprintln!("the control plane is built, in {} s", start.elapsed().as_secs());
    Ok(())
}

/// Returns the folder of the Go programs `packages` of a module, each in the package of its name; built once. Blocks.
///
/// # Errors
/// When Go is missing or too old, or a build fails.
pub fn programs(modules: &Path, title: &str, packages: &[&str]) -> Result<PathBuf, super::Error> {
    let go = go::Go::find()?;
    let flags = plain_flags();
    let mut parts = flags.clone();
    for package in packages {
        parts.extend(texts(&modules.join(package))?);
    }
    let key = super::key::of(modules, &parts, go.version()).map_err(at(modules))?;
    let folder = cache::filled(&format!("tools/{title}-{key}"), |folder| {
        for package in packages {
            let what = format!("building {package}");
            eprintln!("{what}, once; up to 3 minutes on two cores");
            let log = folder.join(format!("{package}.log"));
            let build = go::Build { modules, flags: &flags, package: &format!("./{package}"), with_c: false };
            go::build(&what, build, &folder.join(package), &log)?;
        }
        Ok::<_, Error>(())
    })?;
    Ok(folder)
}

/// Returns helm, built once from its Go module. Blocks.
///
/// # Errors
/// When Go is missing or too old, or the build fails.
pub fn helm() -> Result<PathBuf, super::Error> {
    let modules = paths::repository().join("e2e/harness/helm");
    let go = go::Go::find()?;
    let flags = plain_flags();
    let key = super::key::of(&modules, &flags, go.version()).map_err(at(&modules))?;
    let folder = cache::filled(&format!("tools/helm-{key}"), |folder| {
        eprintln!("building helm, once; about 2 minutes on two cores");
        let build = go::Build { modules: &modules, flags: &flags, package: HELM, with_c: false };
        go::build("building helm", build, &folder.join("helm"), &folder.join("helm.log"))?;
        Ok::<_, Error>(())
    })?;
    Ok(folder.join("helm"))
}

/// Returns the flags of `go build` for programs that need no version in them.
pub(super) fn plain_flags() -> Vec<String> {
    ["-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags", "-s -w"].map(str::to_owned).to_vec()
}

/// Returns the texts of a folder's files, in the order of their names.
pub(super) fn texts(folder: &Path) -> Result<Vec<String>, Error> {
    let names = fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    let mut names: Vec<PathBuf> = names.map_err(at(folder))?;
    names.sort();
    names.iter().map(|path| Ok(fs::read_to_string(path).map_err(at(path))?)).collect()
}

fn kubernetes_version(go_mod: &str) -> Option<&str> {
    go_mod.lines().find_map(|line| {
        let mut words = line.split_whitespace().filter(|word| *word != "require");
        (words.next()? == "k8s.io/kubernetes").then(|| words.next())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_stands_in_go_mod() {
        assert_eq!(kubernetes_version("module m\nrequire (\n\tk8s.io/kubernetes v1.37.2\n)\n"), Some("v1.37.2"));
        assert_eq!(kubernetes_version("require k8s.io/kubernetes v1.37.2"), Some("v1.37.2"));
        assert_eq!(kubernetes_version("require k8s.io/kubectl v0.37.2"), None);
    }

    #[test]
    fn the_version_is_stamped_into_our_own_programs() {
        let flags = flags(&crate::paths::repository().join("e2e/harness/controlplane")).unwrap();
        assert!(flags.iter().any(|flag| flag.contains("gitVersion=v1.") && flag.contains("gitMajor=1 ")), "{flags:?}");
    }
}
