//! What is to be uninstalled.

use xos_crds::names::Names;
use xos_engine::installation::Installation;

use super::{UninstallArgs, UninstallError};
use crate::config::Config;
use crate::content;
use crate::kinds::Kind;
use crate::synchronizer::Synchronizer;

/// How much is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// All that is of the name.
    Name,
    /// The synchronizer of a configuration, in its namespaces.
    Installation,
    /// Only objects.
    Objects,
}

/// A synchronizer, and what of it is meant.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) name: String,
    /// None given: all.
    pub(super) namespaces: Vec<String>,
    /// Names of kinds, as for kubectl. None given: all.
    pub(super) kinds: Vec<String>,
    pub(super) extent: Extent,
    /// The kinds of its models, as far as these are known.
    pub(super) own: Vec<OwnKind>,
}

/// A kind of the synchronizer's models.
#[derive(Clone, Debug)]
pub(super) struct OwnKind {
    pub(super) kind: Kind,
    /// The name of its definition.
    pub(super) definition: String,
    /// Whether it has a step or policies for the kind.
    pub(super) is_handled: bool,
}

impl Target {
    pub(super) fn of(synchronizer: &Synchronizer, args: &UninstallArgs) -> Result<Self, UninstallError> {
        if args.config.is_empty() {
            let is_part = !args.namespaces.is_empty() || !args.kinds.is_empty();
            return Ok(Self {
                name: args.name.clone().unwrap_or_default(),
                namespaces: args.namespaces.clone(),
                kinds: args.kinds.clone(),
                extent: if is_part { Extent::Objects } else { Extent::Name },
                own: vec![],
            });
        }
        let config = Config::load_with_environment(&args.config)?.config;
        let registry = content::here(synchronizer, &config)?.registry;
        let own = xos_crds::definitions(&registry.models).into_iter().filter_map(|definition| {
            let name = definition.metadata.name.clone()?;
            let kind = Kind::read(&serde_json::to_value(&definition).ok()?)?;
            let entry = registry.entries().find(|entry| Names::of(&entry.model).definition() == name)?;
            let is_handled = entry.step.is_some() || !entry.policies.is_empty();
            Some(OwnKind { kind, definition: name, is_handled })
        });
        let own = own.collect();
        let mut namespaces = config.engine.namespaces;
        namespaces.sort();
        namespaces.dedup();
        Ok(Self { name: config.name, namespaces, kinds: vec![], extent: Extent::Installation, own })
    }

    /// Whether it is about more than objects.
    pub(super) fn is_whole(&self) -> bool {
        self.extent != Extent::Objects
    }

    /// Whether an installation is meant.
    pub(super) fn covers(&self, installation: &Installation) -> bool {
        let is_it = installation.spec.synchronizer == self.name;
        is_it && (self.extent != Extent::Installation || installation.spec.namespaces == self.namespaces)
    }

    /// The namespaces to look into; nothing stands for all.
    pub(super) fn places(&self) -> Vec<Option<&str>> {
        if self.namespaces.is_empty() {
            return vec![None];
        }
        self.namespaces.iter().map(|namespace| Some(namespace.as_str())).collect()
    }
}
