//! Rules on models: their group and their names in Kubernetes.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, ModelError, OptionError};
use crate::limits::MAX_NAMES;
use crate::model::{Member, Model, ModelSet, RawOption, ValueForm};
use crate::nearest::nearest;
use crate::source::{SourceId, Sources, Span};

/// Checks the models that have objects.
pub(crate) fn check(models: &ModelSet, sources: &Sources, sink: &mut Sink) {
    for model in models {
        siblings(model, sink);
        columns(model, sources, sink);
        owner(models, model, sink);
    }
    let concrete: Vec<_> = models.iter().filter(|model| !model.is_abstract).collect();
    app_labels_missing(&concrete, sink);
    for model in &concrete {
        app_label(model, sink);
        plural(model, sink);
        kubernetes_names(model, sink);
    }
    names_taken(&concrete, sink);
}

/// Checks `X423`: what is unique together with a field, or names the object in its place, is a field or link of the
/// model.
fn siblings(model: &Model, sink: &mut Sink) {
    let mut known: Option<HashSet<&str>> = None;
    for member in model.own_members() {
        let (unique_with, one_of) = match member {
            Member::Field(field) => (&field.unique_with, &field.tosca_key_one_of),
            Member::Link(link) => (&link.unique_with, &link.tosca_key_one_of),
        };
        for (option, names) in [("unique_with", unique_with), ("tosca_key_one_of", one_of)] {
            for name in names {
                let known = known.get_or_insert_with(|| model.members().map(Member::name).collect());
                if !known.contains(name.as_str()) {
                    unknown_sibling(model, member, option, name, sink);
                }
            }
        }
    }
}

fn unknown_sibling(model: &Model, member: &Member, option: &'static str, name: &str, sink: &mut Sink) {
    let field = member.name().to_owned();
    let model_name = model.name.clone();
    let unknown = |suggestion| {
        let name = name.to_owned();
        let unknown = OptionError::UnknownSibling { option, field, name, model: model_name, suggestion };
        Diagnostic::new(unknown, member.span())
    };
    sink.push_with(|| unknown.clone()(nearest(name, model.members().map(Member::name))), || unknown.clone()(None));
}

/// Checks `X434`, `X428`, `X435`: columns are fields, links or properties of the model, and no secrets.
fn columns(model: &Model, sources: &Sources, sink: &mut Sink) {
    let Some(option) = model.option("columns") else { return };
    let properties = || model.ancestry.iter().flat_map(|class| sources.properties_of(class));
    let names = || model.members().map(Member::name).chain(properties());
    let known: HashSet<&str> = names().collect();
    let mut at = 0;
    let mut count = 0;
    for part in option.value.split(',') {
        let name = part.trim();
        let start = at + (part.len() - part.trim_start().len());
        at += part.len() + 1;
        count += usize::from(!name.is_empty());
        if name.is_empty() || count > MAX_NAMES {
            continue;
        }
        if known.contains(name) {
            if model.is_secret(name) {
                let shown = OptionError::ShownSecret { field: name.to_owned(), option: "columns" };
                sink.push(Diagnostic::new(shown, part_of(option, start, part.trim())));
            }
            continue;
        }
        let unknown = |suggestion| {
            let (name, model) = (name.to_owned(), model.name.clone());
            Diagnostic::new(OptionError::UnknownColumn { name, model, suggestion }, part_of(option, start, part.trim()))
        };
        sink.push_with(|| unknown(nearest(name, names())), || unknown(None));
    }
    if count > MAX_NAMES {
        let (field, left_out) = (model.name.clone(), count - MAX_NAMES);
        sink.push(Diagnostic::new(OptionError::TooManyNames { option: "columns", field, left_out }, option.span));
    }
}

/// Returns the place of a part of an option's value; that of the whole value, where it was not written as it is.
fn part_of(option: &RawOption, start: usize, part: &str) -> Span {
    let value = option.value_span;
    let written = value.range().len();
    let before = match option.form {
        ValueForm::Quoted if written == option.value.len() + 2 => 1,
        ValueForm::Word | ValueForm::Number if written == option.value.len() => 0,
        _ => return value,
    };
    let place = |at: usize| u32::try_from(at).ok().and_then(|at| value.start.checked_add(at));
    match (place(before + start), place(before + start + part.len())) {
        (Some(start), Some(end)) => Span { start, end, ..value },
        _ => value,
    }
}

/// Checks `X216`: the owner is in the set.
fn owner(models: &ModelSet, model: &Model, sink: &mut Sink) {
    let written = model.option("owner_class_name").map(|option| &option.value).filter(|owner| !owner.is_empty());
    let Some(owner) = written.filter(|owner| models.get(owner).is_none()) else {
        return;
    };
    let unknown = |suggestion| {
        let unknown = ModelError::UnknownOwner { model: model.name.clone(), owner: owner.clone(), suggestion };
        Diagnostic::new(unknown, option_span(model, "owner_class_name"))
    };
    let names = models.iter().map(|model| model.name.as_str());
    sink.push_with(|| unknown(nearest(owner, names)), || unknown(None));
}

/// Checks `X206`: every model belongs to a group; reported once for a file.
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

/// Checks `X207`: the group can be part of a DNS name.
fn app_label(model: &Model, sink: &mut Sink) {
    let label = &model.app_label;
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    let valid = label.len() <= 63
        && label.starts_with(|c: char| c.is_ascii_lowercase())
        && label.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && label.chars().all(inner);
    if !valid && !label.is_empty() {
        let label = label.chars().take(80).collect();
        let option =
            if model.option("app_label").is_some_and(|option| !option.value.is_empty()) { "app_label" } else { "name" };
        sink.push(Diagnostic::new(ModelError::InvalidAppLabel { label, option }, option_span(model, option)));
    }
}

/// Checks `X208`: the plural is another word than the name.
fn plural(model: &Model, sink: &mut Sink) {
    if model.plural.eq_ignore_ascii_case(&model.name) {
        let same = ModelError::PluralIsName { model: model.name.clone() };
        sink.push(Diagnostic::new(same, option_span(model, "plural")));
    }
}

/// Checks `X209`: name and plural are names to Kubernetes, in lower case DNS labels (RFC 1035).
fn kubernetes_names(model: &Model, sink: &mut Sink) {
    let named = [(&model.name, "a kind", model.span), (&model.plural, "a resource", option_span(model, "plural"))];
    for (name, what, span) in named {
        if !is_kubernetes_name(name) {
            let name = name.chars().take(80).collect();
            sink.push(Diagnostic::new(ModelError::InvalidKubernetesName { name, what }, span));
            // A plural made from an invalid name is invalid too.
            return;
        }
    }
}

fn is_kubernetes_name(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric())
}

/// Checks `X210`: no two kinds and no two resources of a group have one name.
fn names_taken(models: &[&Model], sink: &mut Sink) {
    let mut kinds: HashMap<String, &Model> = HashMap::with_capacity(models.len());
    let mut resources: HashMap<String, &Model> = HashMap::with_capacity(models.len());
    for model in models {
        let kind = in_group(model, &model.name);
        let resource = in_group(model, &model.plural);
        let other = kinds.get(&kind).map(|other| (other, &model.name));
        let other = other.or_else(|| resources.get(&resource).map(|other| (other, &model.plural)));
        if let Some((other, name)) = other {
            let taken = ModelError::KubernetesNameTaken {
                model: model.name.clone(),
                other: other.name.clone(),
                name: name.to_ascii_lowercase(),
            };
            sink.push(Diagnostic::new(taken, model.span).with(other.span, "the other one"));
        } else {
            kinds.insert(kind, model);
            resources.insert(resource, model);
        }
    }
}

/// Returns a name with its group, both as Kubernetes compares them.
fn in_group(model: &Model, name: &str) -> String {
    let mut whole = String::with_capacity(model.app_label.len() + 1 + name.len());
    whole.extend(model.app_label.chars().map(|c| if c == '_' { '-' } else { c }));
    whole.push('/');
    whole.push_str(name);
    whole.make_ascii_lowercase();
    whole
}

/// Returns the place of the option of a model, or else that of the model.
fn option_span(model: &Model, name: &str) -> Span {
    model.option(name).map_or(model.span, |option| option.value_span)
}
