//! Models and documents that are here: in folders, and in the program.

use xos_properties::has_properties;

use super::{Content, ContentError, DocumentText, Edges, ModelFile, Origin};
use crate::config::Config;
use crate::dependencies;
use crate::models::{self, ModelsError};
use crate::synchronizer::Synchronizer;

/// Reads them.
pub(super) fn read(synchronizer: &Synchronizer, config: &Config) -> Result<Content, ContentError> {
    let (files, properties) = match &config.models_dir {
        Some(folder) => models::texts(folder).map_err(ModelsError::from)?,
        None => {
            let all = synchronizer.models.iter().map(|(name, text)| (name.clone(), text.clone().into_bytes()));
            let (properties, files) = all.partition(|(name, _)| has_properties(name));
            (files, properties)
        }
    };
    let file = |(name, text): (String, Vec<u8>)| ModelFile { name, text: text.into(), origin: Origin::Here };
    let texts = xos_documents::texts(&config.documents)?.into_iter();
    let edges = match &config.dependency_graph {
        Some(path) => dependencies::read(path)?,
        None => vec![],
    };
    let edges = edges.into_iter().map(|edge| Edges {
        model: edge.model,
        edges: vec![vec![edge.on, edge.port, String::new()]],
        origin: Origin::Here,
    });
    Ok(Content {
        files: files.into_iter().map(file).collect(),
        properties: properties.into_iter().map(file).collect(),
        documents: texts.map(|text| DocumentText { text, origin: Origin::Here }).collect(),
        dependencies: edges.collect(),
        uses: config.uses.iter().cloned().collect(),
        may_be_empty: config.cluster_documents.is_some(),
        ..Content::default()
    })
}
