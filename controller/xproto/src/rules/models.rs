//! Rules on models: their group and their names in Kubernetes.

use std::collections::{BTreeMap, HashMap};

use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, ModelError};
use crate::model::Model;
use crate::source::{SourceId, Span};

/// Checks the models that have objects.
pub(crate) fn check(models: &[Model], sink: &mut Sink) {
    let concrete: Vec<_> = models.iter().filter(|model| !model.is_abstract).collect();
    app_labels_missing(&concrete, sink);
    for model in &concrete {
        app_label(model, sink);
        plural(model, sink);
        kubernetes_names(model, sink);
    }
    names_taken(&concrete, sink);
}

/// `X206`: every model belongs to a group; reported once for a file.
fn app_labels_missing(models: &[&Model], sink: &mut Sink) {
    let mut files: BTreeMap<SourceId, (&Model, usize)> = BTreeMap::new();
    for model in models.iter().filter(|model| model.app_label.is_empty()) {
        files.entry(model.span.source).and_modify(|(_, others)| *others += 1).or_insert((model, 0));
    }
    for (model, others) in files.into_values() {
        let missing = ModelError::MissingAppLabel { model: model.name.clone(), others };
        sink.push(Diagnostic::new(missing, model.span));
    }
}

/// `X207`: the group can be part of a DNS name.
fn app_label(model: &Model, sink: &mut Sink) {
    let label = &model.app_label;
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    let valid = label.len() <= 63
        && label.starts_with(|c: char| c.is_ascii_lowercase())
        && label.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && label.chars().all(inner);
    if !valid && !label.is_empty() {
        let label = label.chars().take(80).collect();
        sink.push(Diagnostic::new(ModelError::InvalidAppLabel { label }, option_span(model, "app_label")));
    }
}

/// `X208`: the plural is another word than the name.
fn plural(model: &Model, sink: &mut Sink) {
    if model.plural.eq_ignore_ascii_case(&model.name) {
        let same = ModelError::PluralIsName { model: model.name.clone() };
        sink.push(Diagnostic::new(same, option_span(model, "plural")));
    }
}

/// `X209`: name and plural are names to Kubernetes, in lower case DNS labels (RFC 1035).
fn kubernetes_names(model: &Model, sink: &mut Sink) {
    let named = [(&model.name, "a kind", model.span), (&model.plural, "a resource", option_span(model, "plural"))];
    for (name, what, span) in named {
        if !is_kubernetes_name(name) {
            let name = name.chars().take(80).collect();
            sink.push(Diagnostic::new(ModelError::InvalidKubernetesName { name, what }, span));
            // The plural that is made of a name is no better.
            return;
        }
    }
}

fn is_kubernetes_name(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric())
}

/// `X210`: no two kinds and no two resources of a group have one name.
fn names_taken(models: &[&Model], sink: &mut Sink) {
    let mut kinds: HashMap<(String, String), &Model> = HashMap::new();
    let mut resources = HashMap::new();
    for model in models {
        let group = model.app_label.replace('_', "-");
        let kind = (group.clone(), model.name.to_ascii_lowercase());
        let resource = (group, model.plural.to_ascii_lowercase());
        let other = kinds.get(&kind).map(|other| (*other, kind.1.clone()));
        let other = other.or_else(|| resources.get(&resource).map(|other: &&Model| (*other, resource.1.clone())));
        if let Some((other, name)) = other {
            let taken = ModelError::KubernetesNameTaken { model: model.name.clone(), other: other.name.clone(), name };
            sink.push(Diagnostic::new(taken, model.span).with(other.span, "the other one"));
        } else {
            kinds.insert(kind, model);
            resources.insert(resource, model);
        }
    }
}

/// Where the option of a model stands, else the model.
fn option_span(model: &Model, name: &str) -> Span {
    model.option(name).map_or(model.span, |option| option.value_span)
}
