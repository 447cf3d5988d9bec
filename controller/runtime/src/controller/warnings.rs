//! What is logged about models before the controller runs.

use xos_crds::cel::{Left, enforcement};
use xos_engine::{Difference, Entry, Registry};
use xos_model::graph::{ExtraDependency, model_cycles};
use xos_xproto::{Model, ModelSet};

/// Warns of what is new with models and steps that are taken up.
pub(super) fn warn_of_change(registry: &Registry, difference: &Difference) {
    let has_changed = |model: &str| {
        [&difference.added, &difference.redefined, &difference.reassigned].iter().any(|of| of.contains(model))
    };
    let entries = registry.entries().filter(|entry| has_changed(&entry.model.name));
    for entry in entries {
        warn_if_without_step(entry);
        warn_of_unenforced_rules_of(&registry.models, &entry.model);
    }
}

/// Warns of parts of the models that nothing enforces: neither the API server nor the controller.
pub(super) fn warn_of_unenforced_rules(models: &ModelSet) {
    for model in models.concrete() {
        warn_of_unenforced_rules_of(models, model);
    }
}

fn warn_of_unenforced_rules_of(models: &ModelSet, model: &Model) {
    for validator in enforcement(models, model) {
        // The controller enforces what depends on other objects.
        let left = validator.left.into_iter().filter(|(_, reason)| !matches!(reason, Left::OtherObject { .. }));
        for (part, reason) in left {
            let policy = &validator.policy;
            tracing::warn!(
                model = model.name,
                policy,
                part,
                %reason,
                "this version does not enforce this part of a validator"
            );
        }
    }
}

/// Warns of models that have neither a step nor a policy. Those that come with the compiler are not the service's own.
pub(super) fn warn_of_models_without_step(registry: &Registry) {
    registry.entries().for_each(|entry| warn_if_without_step(entry));
}

fn warn_if_without_step(entry: &Entry) {
    if !entry.model.is_built_in() && entry.step.is_none() && entry.policies.is_empty() {
        tracing::warn!(model = entry.model.name, "no step for this model: its objects are stored but not synchronized");
    }
}

/// Logs models that depend on each other in a circle: their objects may do so too, and are then not waited for.
pub(super) fn log_cycles(models: &ModelSet, dependencies: &[ExtraDependency]) {
    for cycle in model_cycles(models, dependencies).into_iter().filter(|cycle| cycle.len() > 1) {
        tracing::info!(models = cycle.join(", "), "these models depend on each other in a circle");
    }
}
