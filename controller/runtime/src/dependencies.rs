//! XOS's file of dependencies between models, `dependency_graph`: `{"A": [["B", "port", "peer_port"]]}`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use xos_model::graph::ExtraDependency;

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DependenciesError {
    /// It cannot be read.
    #[error("dependency_graph: cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// It has another form.
    #[error("dependency_graph: {}: {source}; expected {{\"Model\": [[\"Other\", \"port\", \"peer_port\"]]}}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// Reads the file. Of an edge the peer's port is not needed: the link is found by the model's own.
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
mod tests {
    use super::*;

    #[test]
    fn edges_with_and_without_ports() {
        let edges = parse(r#"{"ONOSApp": [["ONOSService", "", ""], ["Slice", "slice", "apps"]]}"#).unwrap();
        let ports: Vec<_> =
            edges.iter().map(|edge| (edge.model.as_str(), edge.on.as_str(), edge.port.as_str())).collect();
        assert_eq!(ports, [("ONOSApp", "ONOSService", ""), ("ONOSApp", "Slice", "slice")]);
        assert!(parse("{}").unwrap().is_empty() && parse("[]").is_err());
    }
}
