//! Which models there are, and which step handles each.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use kube::core::ApiResource;
use xos_crds::names::sync_finalizer;
use xos_steps::DynSyncStep;
use xos_xproto::{Model, ModelSet};

/// The models of a synchronizer with their steps.
pub struct Registry {
    /// The synchronizer's name.
    pub synchronizer: String,
    /// The finalizer for delete_record.
    pub finalizer: String,
    entries: BTreeMap<String, Arc<Entry>>,
}

/// A model and its step.
pub struct Entry {
    /// The model.
    pub model: Model,
    /// Its custom resource.
    pub resource: ApiResource,
    /// Its sync step, if this synchronizer has one.
    pub step: Option<Arc<dyn DynSyncStep>>,
}

/// Steps and models that do not go together.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RegistryError {
    /// No such model.
    #[error("step {step} observes model `{model}`, which is not among the loaded models ({known}){hint}")]
    UnknownModel {
        /// The step.
        step: String,
        /// The model it asks for.
        model: String,
        /// The models there are.
        known: String,
        /// What to do.
        hint: String,
    },
    /// A model has one sync step.
    #[error("steps {first} and {second} both observe model `{model}`: a model has one sync step in a synchronizer")]
    TwoSteps {
        /// The model.
        model: String,
        /// One step.
        first: String,
        /// The other.
        second: String,
    },
}

impl Registry {
    /// Puts models and steps together.
    ///
    /// # Errors
    /// When a step observes a model that is not there, or two steps observe one.
    pub fn new(synchronizer: &str, models: &ModelSet, steps: Vec<Arc<dyn DynSyncStep>>) -> Result<Self, RegistryError> {
        let mut by_model: HashMap<String, Arc<dyn DynSyncStep>> = HashMap::new();
        for step in steps {
            let model = step.observes().join(", ");
            if !models.concrete().any(|m| m.name == model) {
                return Err(unknown_model(models, step.as_ref()));
            }
            if let Some(first) = by_model.get(&model) {
                return Err(RegistryError::TwoSteps {
                    model,
                    first: first.name().to_owned(),
                    second: step.name().to_owned(),
                });
            }
            by_model.insert(model, step);
        }
        let entry = |model: &Model| Entry {
            resource: xos_crds::api_resource(model),
            step: by_model.remove(&model.name),
            model: model.clone(),
        };
        let entries: Vec<_> = models.concrete().map(entry).collect();
        Ok(Self {
            synchronizer: synchronizer.to_owned(),
            finalizer: sync_finalizer(synchronizer),
            entries: entries.into_iter().map(|e| (e.model.name.clone(), Arc::new(e))).collect(),
        })
    }

    /// The entry of a model.
    pub fn get(&self, model: &str) -> Option<&Arc<Entry>> {
        self.entries.get(model)
    }

    /// All entries, by model name.
    pub fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.values()
    }
}

fn unknown_model(models: &ModelSet, step: &dyn DynSyncStep) -> RegistryError {
    let known: Vec<_> = models.concrete().map(|m| m.name.as_str()).collect();
    let hint = if step.observes().concat().is_empty() {
        "; a step on `Object` must name its model: implement `observes`"
    } else {
        ""
    };
    RegistryError::UnknownModel {
        step: step.name().to_owned(),
        model: step.observes().join(", "),
        known: if known.is_empty() { "none".to_owned() } else { known.join(", ") },
        hint: hint.to_owned(),
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let models: Vec<_> = self.entries.keys().collect();
        f.debug_struct("Registry")
            .field("synchronizer", &self.synchronizer)
            .field("models", &models)
            .finish_non_exhaustive()
    }
}
