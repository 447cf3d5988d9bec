//! The models of a synchronizer, with the step and the policies of each.

mod difference;
mod live;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use kube::core::ApiResource;
use xos_expressions::Properties;
use xos_model::Object;
use xos_model::accept::Checks;
use xos_model::names::{NameError, check_synchronizer, links_finalizer, policy_finalizer, sync_finalizer};
use xos_model::record::Duties;
use xos_steps::{DynPolicy, DynSyncStep, Steps};
use xos_xproto::{Model, ModelSet};

pub use difference::Difference;
pub use live::LiveRegistry;

/// The models of a synchronizer, with their steps and policies.
pub struct Registry {
    /// The synchronizer's name.
    pub synchronizer: String,
    /// The models.
    pub models: Arc<ModelSet>,
    /// Their properties.
    pub properties: Arc<Properties>,
    entries: BTreeMap<String, Arc<Entry>>,
    /// Models of other synchronizers whose objects are waited for.
    external: HashSet<String>,
}

/// A model, its step and its policies.
pub struct Entry {
    /// The model.
    pub model: Model,
    /// Its custom resource.
    pub resource: ApiResource,
    /// Its sync step, if this synchronizer has one.
    pub step: Option<Arc<dyn DynSyncStep>>,
    /// Its policies, in the order in which they run.
    pub policies: Vec<Arc<dyn DynPolicy>>,
    /// The checks of its objects that the API server cannot make.
    pub checks: Checks,
    /// The finalizers that this synchronizer sets on its objects.
    pub finalizers: Finalizers,
    /// Whether the deletion of its objects cascades to others: those with to-one links to them.
    pub takes_along: bool,
    /// The names of the lanes in which workers call its policies and its step: those without either have none.
    pub(crate) policy_lane: Option<Arc<str>>,
    /// See [`Entry::policy_lane`].
    pub(crate) step_lane: Option<Arc<str>>,
}

impl Entry {
    /// Returns the lanes in which workers call its policies and its step.
    pub(crate) fn lanes(&self) -> impl Iterator<Item = &Arc<str>> {
        [&self.policy_lane, &self.step_lane].into_iter().flatten()
    }

    /// Whether this synchronizer's step handles the object.
    pub fn is_ours(&self, object: &Object) -> bool {
        self.step.as_ref().is_some_and(|step| step.is_ours(object))
    }

    /// Returns the passes that this synchronizer has for the object.
    pub(crate) fn duties(&self, object: &Object) -> Duties {
        Duties { policy: !self.policies.is_empty(), sync: self.is_ours(object) }
    }
}

/// The finalizers of a synchronizer on the objects of a model. Each stands for something that has to happen before the
/// object is removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finalizers {
    /// For `delete_record`.
    pub sync: Option<String>,
    /// For the policies' delete handlers.
    pub policy: Option<String>,
    /// For the cascade, if there is neither of the others.
    pub links: Option<String>,
}

impl Finalizers {
    /// Returns all finalizers.
    pub fn all(&self) -> impl Iterator<Item = &String> {
        [&self.sync, &self.policy, &self.links].into_iter().flatten()
    }
}

/// Steps that do not match the models, or a name that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RegistryError {
    /// The synchronizer's name cannot be a part of finalizers.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A step or policy observes a model that does not exist.
    #[error("{who} observes model `{model}`, which is not among the loaded models ({known}){hint}")]
    UnknownModel {
        /// The step or policy.
        who: String,
        /// The model that it observes.
        model: String,
        /// The existing models.
        known: String,
        /// How to correct it.
        hint: String,
    },
    /// Two sync steps observe one model.
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
    /// Finds the step and the policies of each model. A step or policy that observes a base handles the objects of all
    /// models derived from it. What steps and policies name is among the kinds, also where no file of models names it.
    ///
    /// # Errors
    /// When the synchronizer's name cannot be used, a step or policy observes a model that is not there, or two steps
    /// observe one.
    pub fn new(synchronizer: &str, models: &ModelSet, steps: &Steps) -> Result<Self, RegistryError> {
        check_synchronizer(synchronizer)?;
        let named = steps.names_of_models();
        let all = Arc::new(models.clone().naming(named.iter().map(String::as_str)));
        let models = &*all;
        let external = external(models, &steps.sync_steps)?;
        let mut sync_steps = steps_by_model(models, &steps.sync_steps)?;
        let mut policies = policies_by_model(models, &steps.policies)?;
        for step in &steps.pull_steps {
            heirs(models, step.observes(), || format!("pull step {}", step.name()))?;
        }
        let handled: HashSet<String> = sync_steps.keys().chain(policies.keys()).cloned().collect();
        let peers = cascading_peers(models, &handled);
        let entry = |model: &Model| {
            let step = sync_steps.remove(&model.name);
            let policies = policies.remove(&model.name).unwrap_or_default();
            let sync = step.as_ref().map(|_| sync_finalizer(synchronizer));
            let holds = policies.iter().any(|policy| policy.handles_delete());
            let policy = holds.then(|| policy_finalizer(synchronizer));
            let takes_along = peers.contains(model.name.as_str());
            let needs_links = sync.is_none() && policy.is_none() && takes_along;
            let links = needs_links.then(|| links_finalizer(synchronizer));
            Entry {
                policy_lane: (!policies.is_empty()).then(|| format!("policies of {}", model.name).into()),
                step_lane: step.as_ref().map(|step| step.name().into()),
                resource: xos_crds::api_resource(model),
                model: model.clone(),
                step,
                policies,
                checks: Checks::of(models, model),
                finalizers: Finalizers { sync, policy, links },
                takes_along,
            }
        };
        let entries: Vec<_> = models.concrete().map(entry).collect();
        Ok(Self {
            synchronizer: synchronizer.to_owned(),
            models: Arc::clone(&all),
            properties: Properties::none(),
            entries: entries.into_iter().map(|e| (e.model.name.clone(), Arc::new(e))).collect(),
            external,
        })
    }

    /// Returns the same, with the properties of the models.
    #[must_use]
    pub fn with_properties(self, properties: impl Into<Arc<Properties>>) -> Self {
        Self { properties: properties.into(), ..self }
    }

    /// Returns the entry of a model.
    pub fn get(&self, model: &str) -> Option<&Arc<Entry>> {
        self.entries.get(model)
    }

    /// Whether the step of a model runs for each object once after a start.
    pub(crate) fn runs_at_start(&self, model: &str) -> bool {
        self.get(model).and_then(|entry| entry.step.as_ref()).is_some_and(|step| step.runs_at_start())
    }

    /// Whether objects of a model of another synchronizer are waited for.
    pub(crate) fn is_external(&self, model: &str) -> bool {
        self.external.contains(model)
    }

    /// Returns all entries, by model name.
    pub fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.values()
    }
}

fn steps_by_model(
    models: &ModelSet,
    steps: &[Arc<dyn DynSyncStep>],
) -> Result<HashMap<String, Arc<dyn DynSyncStep>>, RegistryError> {
    let mut by_model: HashMap<String, Arc<dyn DynSyncStep>> = HashMap::new();
    for step in steps {
        let mut observed = step.observes();
        if observed.is_empty() {
            observed.push(String::new());
        }
        for class in observed {
            for model in heirs(models, &class, || format!("step {}", step.name()))? {
                match by_model.get(&model) {
                    Some(first) if !Arc::ptr_eq(first, step) => {
                        let first = first.name().to_owned();
                        let second = step.name().to_owned();
                        return Err(RegistryError::TwoSteps { model, first, second });
                    }
                    _ => by_model.insert(model, Arc::clone(step)),
                };
            }
        }
    }
    Ok(by_model)
}

fn external(models: &ModelSet, steps: &[Arc<dyn DynSyncStep>]) -> Result<HashSet<String>, RegistryError> {
    let mut external = HashSet::new();
    for step in steps {
        for class in step.external_dependencies() {
            external.extend(heirs(models, &class, || format!("step {}", step.name()))?);
        }
    }
    Ok(external)
}

fn policies_by_model(
    models: &ModelSet,
    policies: &[Arc<dyn DynPolicy>],
) -> Result<HashMap<String, Vec<Arc<dyn DynPolicy>>>, RegistryError> {
    let mut by_model: HashMap<String, Vec<Arc<dyn DynPolicy>>> = HashMap::new();
    for policy in policies {
        for model in heirs(models, policy.observes(), || format!("policy {}", policy.name()))? {
            by_model.entry(model).or_default().push(Arc::clone(policy));
        }
    }
    Ok(by_model)
}

/// Returns the names of the models that are `class` or derived from it, and have objects.
fn heirs(models: &ModelSet, class: &str, who: impl Fn() -> String) -> Result<Vec<String>, RegistryError> {
    let heirs: Vec<_> = models.of_class(class).map(|model| model.name.clone()).collect();
    if heirs.is_empty() { Err(unknown_model(models, class, who())) } else { Ok(heirs) }
}

/// Returns the models whose deletion cascades: handled models have to-one links to them.
fn cascading_peers<'a>(models: &'a ModelSet, handled: &HashSet<String>) -> HashSet<&'a str> {
    let sources = models.concrete().filter(|model| handled.contains(&model.name));
    let links = sources.flat_map(|model| &model.links).filter(|link| !link.is_to_many());
    let classes: HashSet<_> = links.map(|link| link.peer.as_str()).collect();
    let is_peer = |model: &&Model| model.ancestry.iter().any(|class| classes.contains(class.as_str()));
    models.concrete().filter(is_peer).map(|model| model.name.as_str()).collect()
}

fn unknown_model(models: &ModelSet, class: &str, who: String) -> RegistryError {
    let known: Vec<_> = models.concrete().map(|m| m.name.as_str()).collect();
    let hint = if class.is_empty() { "; a step on `Object` must name its model: implement `observes`" } else { "" };
    RegistryError::UnknownModel {
        who,
        model: class.to_owned(),
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
