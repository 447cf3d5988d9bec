//! The programs that are not in Rust: the load generator and the peers.

use std::path::{Path, PathBuf};

use xos_harness::{paths, tools};

/// The load generator, in Go.
const LOAD: &str = "load";
/// The peer in Go.
const PEER: &str = "peer-controller-runtime";

/// Where the programs are.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    /// The folder of the Go programs.
    go: PathBuf,
    /// kopf's command, if it was asked for.
    kopf: Option<PathBuf>,
}

impl Programs {
    /// Builds the programs that are not in the cache. Blocks.
    ///
    /// # Errors
    /// When Go or Python is missing, or a build fails.
    pub(super) fn ready(with_kopf: bool) -> Result<Self, tools::Error> {
        let go = tools::programs(&sources(), "bench", &[LOAD, PEER])?;
        let kopf = if with_kopf { Some(kopf()?) } else { None };
        Ok(Self { go, kopf })
    }

    /// The load generator.
    #[must_use]
    pub(super) fn load(&self) -> PathBuf {
        self.go.join(LOAD)
    }

    /// The peer in Go.
    #[must_use]
    pub(super) fn controller_runtime(&self) -> PathBuf {
        self.go.join(PEER)
    }

    /// The peer in Python: kopf's command.
    #[must_use]
    pub(super) fn kopf(&self) -> Option<&Path> {
        self.kopf.as_deref()
    }
}

/// The folder of the sources of the load generator and the peers.
pub(super) fn sources() -> PathBuf {
    paths::repository().join("e2e/bench")
}

fn kopf() -> Result<PathBuf, tools::Error> {
    let environment = tools::python::environment("kopf", &sources().join("peer-kopf/requirements.txt"))?;
    Ok(environment.join("bin/kopf"))
}
