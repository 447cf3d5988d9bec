//! XOS's file of dependencies between models, `dependency_graph`: `{"A": [["B", "port", "peer_port"]]}`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use xos_model::graph::ExtraDependency;

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DependenciesError {
    /// It cannot be read.
    #[error("dependency_graph: cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Its content has the wrong form.
    #[error(
        "dependency_graph: {}: {source}; expected {{\"Model\": [[\"Other\", \"port\", \"peer_port\"]]}}",
        path.display()
    )]
    Form {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: serde_json::Error,
    },
}

/// Reads the file. The peer's port of an edge is ignored: the model's own port identifies the link.
pub(crate) fn read(path: &Path) -> Result<Vec<ExtraDependency>, DependenciesError> {
    let text = fs::read_to_string(path).map_err(|source| DependenciesError::Read { path: path.to_owned(), source })?;
    parse(&text).map_err(|source| DependenciesError::Form { path: path.to_owned(), source })
}

fn parse(text: &str) -> Result<Vec<ExtraDependency>, serde_json::Error> {
    let edges: BTreeMap<String, Vec<(String, String, String)>> = serde_json::from_str(text)?;
    let of_model = |(model, edges): (String, Vec<(String, String, String)>)| {
        let edge = move |(on, port, _)| ExtraDependency { model: model.clone(), on, port };
        edges.into_iter().map(edge)
    };
    Ok(edges.into_iter().flat_map(of_model).collect())
}

#[cfg(test)]
mod tests;
