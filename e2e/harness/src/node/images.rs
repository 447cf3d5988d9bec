//! Images of a node: the two that belong to it, and those that are imported.

use std::{
    io,
    path::{Path, PathBuf},
};

use tokio::process::Command;

use crate::{
    files::{FileError, at},
    tools::node::{NodeTool, NodeTools},
};

/// The image that holds the namespaces of each pod.
pub(super) const PAUSE: &str = "docker.io/library/xos-pause:1";
/// The image of the program that tests run in pods, as pods name it. The program is `/probe`.
pub const PROBE: &str = "xos-probe:1";

/// An image cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no node.
    #[error("this cluster has no node of ours: start one with `xos-cluster up --node`")]
    NoNode,
    /// Containerd refused.
    #[error("cannot import {}", archive.display())]
    Import {
        /// The archive.
        archive: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// Imports OCI archives into containerd, for pods.
pub(crate) async fn import(ctr: &Path, socket: &Path, archives: &[PathBuf]) -> Result<(), Error> {
    for archive in archives {
        let mut command = Command::new(ctr);
        command.arg("--address").arg(socket).args(["--namespace", "k8s.io", "images", "import"]).arg(archive);
        let done = super::init::succeeds(&mut command).await;
        done.map_err(|source| Error::Import { archive: archive.clone(), source })?;
    }
    Ok(())
}

/// Returns the archives of the images that belong to a node; made if they are not there.
pub(super) fn own(tools: &NodeTools) -> Result<Vec<PathBuf>, FileError> {
    let images = [(NodeTool::Pause, PAUSE), (NodeTool::Probe, "docker.io/library/xos-probe:1")];
    images.into_iter().map(|(tool, name)| own_one(tools, tool, name)).collect()
}

/// The image of one program that needs no library, and runs as a user without rights.
fn own_one(tools: &NodeTools, tool: NodeTool, name: &str) -> Result<PathBuf, FileError> {
    let archive = tools.runtime_dir().join(format!("{}.tar", tool.name()));
    if archive.is_file() {
        return Ok(archive);
    }
    let program = tools.path(tool);
    let inside = format!("/{}", tool.name());
    let (name, tag) = name.rsplit_once(':').unwrap_or((name, "latest"));
    let image = xos_image::Image {
        name: name.to_owned(),
        tag: tag.to_owned(),
        layers: vec![(
            tool.name().to_owned(),
            xos_image::Layer::default().file(&inside, 0o755, std::fs::read(&program).map_err(at(&program))?),
        )],
        entrypoint: vec![inside],
        arguments: Vec::new(),
        user: "65535:65535".to_owned(),
        environment: Vec::new(),
        labels: Vec::new(),
        created: (0, "1970-01-01T00:00:00Z".to_owned()),
    };
    // Another process may be making it, too: what it makes is the same.
    let making = archive.with_extension(std::process::id().to_string());
    image.write(&making).map_err(io::Error::other).map_err(at(&making))?;
    std::fs::rename(&making, &archive).map_err(at(&archive))?;
    Ok(archive)
}
