//! What a synchronizer is made of: models, properties, dependencies, documents. They come from folders, from the program
//! and from objects in the cluster; [`Content`] has all that was chosen of them, and [`service`] makes a [`Service`] of it.
//!
//! **Invariant:** `choose`, `news` and `service` do no IO.

mod choose;
mod cluster;
mod error;
mod folders;
mod news;
mod plan;
mod service;
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use xos_documents::Documents;
use xos_kinds::Id;

use crate::config::Config;
use crate::synchronizer::Synchronizer;

pub(crate) use cluster::Attending;
pub(crate) use error::ContentError;
pub(crate) use service::{Service, Unusable, service};
pub(crate) use sources::Sources;

/// Where a part of a content comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// A folder, or the program.
    Here,
    /// An object in the cluster.
    Object(Id),
}

/// A file of models, or of properties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModelFile {
    /// Its path, or for an object's `ModelSet/<name>/<file>`.
    pub(crate) name: String,
    pub(crate) text: Arc<[u8]>,
    pub(crate) origin: Origin,
}

/// A text of documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DocumentText {
    pub(crate) text: xos_documents::Text,
    pub(crate) origin: Origin,
}

/// Dependencies of a model beside those by links: the other model, the port, the peer's port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edges {
    pub(crate) model: String,
    pub(crate) edges: Vec<Vec<String>>,
    pub(crate) origin: Origin,
}

/// All that a synchronizer is made of, beside what is compiled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    /// Those that are here come first.
    pub(crate) files: Vec<ModelFile>,
    /// Files of computed properties.
    pub(crate) properties: Vec<ModelFile>,
    pub(crate) dependencies: Vec<Edges>,
    /// Those that are here come first.
    pub(crate) documents: Vec<DocumentText>,
    /// The sets of models, with those that each uses.
    pub(crate) sets: BTreeMap<String, Vec<String>>,
    /// The models of XOS's core that are used beside those that the others name; `core` for all of them.
    pub(crate) uses: BTreeSet<String>,
    /// Whether there may be no models: they may come later.
    pub(crate) may_be_empty: bool,
}

impl Content {
    /// Returns the documents as they were read; nothing is checked against models.
    fn parsed(&self) -> Documents {
        let texts: Vec<_> = self.documents.iter().map(|document| document.text.clone()).collect();
        Documents::of_texts(&texts)
    }
}

/// Reads the models and documents of folders and of the program, and checks them. Needs no cluster.
pub(crate) fn here(synchronizer: &Synchronizer, config: &Config) -> Result<Service, ContentError> {
    let content = folders::read(synchronizer, config)?;
    Ok(service(synchronizer, &config.name, &content)?)
}

#[cfg(test)]
mod tests;
