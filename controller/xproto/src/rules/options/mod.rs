//! Rules on the options of fields and links, and the known options.

use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, OptionError};
use crate::model::{RawOption, ScalarType};
use crate::nearest::nearest;
use crate::resolve::invalid;
use crate::source::Span;

mod explained;

pub(crate) use explained::{KnownOption, explained};

/// Options that are true or false (XOS 4.0.4, xosgenx, `BOOLEAN_OPTIONS`).
const BOOLEANS: [&str; 12] = [
    "auto_now_add",
    "blank",
    "bookkeeping_state",
    "db_index",
    "feedback_state",
    "gui_hidden",
    "immutable",
    "null",
    "secret",
    "text",
    "tosca_key",
    "unique",
];

/// Options that every field and link can have (XOS 4.0.4, xosgenx, `COMMON_OPTIONS`; then those of its documents, of
/// which the validator knows nothing, those that its own rules let everything have, and our own `immutable`).
const COMMON: [&str; 15] = [
    "help_text",
    "gui_hidden",
    "immutable",
    "tosca_key",
    "tosca_key_one_of",
    "bookkeeping_state",
    "feedback_state",
    "unique",
    "unique_with",
    "verbose_name",
    "description",
    "db_index",
    "default",
    "null",
    "modifier",
];

/// The other options of fields and links.
/// `min_length`, `pattern` and `secret` are our own.
const SPECIAL: [&str; 12] = [
    "blank",
    "auto_now_add",
    "max_length",
    "min_length",
    "min_value",
    "max_value",
    "choices",
    "content_type",
    "text",
    "on_delete",
    "pattern",
    "secret",
];

/// The options of messages and files (XOS 4.0.4, core.xproto and xosgenx's targets; `columns` and `uses`
/// are our own).
const OF_MODELS: [&str; 23] = [
    "name",
    "app_label",
    "columns",
    "verbose_name",
    "plural",
    "singular",
    "validators",
    "gui_hidden",
    "tosca_description",
    "description",
    "custom_python",
    "legacy",
    "sync_implemented",
    "policy_implemented",
    "abstract",
    "skip_django",
    "skip_init",
    "custom_header",
    "no_sync",
    "no_policy",
    "owner_class_name",
    "kind",
    "uses",
];

/// Where an option can stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the brackets after a field or a link.
    FieldOrLink,
    /// In a message, or in a file for all of its messages.
    Message,
}

/// Returns the options that can stand in a place.
pub(crate) fn of(place: Place) -> impl Iterator<Item = &'static str> {
    let (own, more): (&[&str], &[&str]) = match place {
        Place::FieldOrLink => (&COMMON, &SPECIAL),
        Place::Message => (&OF_MODELS, &[]),
    };
    own.iter().chain(more).copied()
}

/// Returns whether every field and link can have an option.
#[cfg(test)]
pub(crate) fn is_common(name: &str) -> bool {
    COMMON.contains(&name)
}

/// Returns the same name, if it is one that means something.
pub(crate) fn known(name: &str) -> Option<&'static str> {
    COMMON.into_iter().chain(SPECIAL).chain(OF_MODELS).find(|known| *known == name)
}

/// A field or a link, as far as its options go.
pub(crate) struct Owner<'a> {
    pub(crate) name: &'a str,
    pub(crate) span: Span,
    pub(crate) options: &'a [RawOption],
    pub(crate) required: bool,
    pub(crate) blank: bool,
    pub(crate) null: bool,
    /// The type of a field; `None` for a link.
    pub(crate) ty: Option<ScalarType>,
}

impl Owner<'_> {
    fn option(&self, name: &str) -> Option<&RawOption> {
        self.options.iter().find(|option| option.name == name)
    }

    fn flag(&self, name: &str) -> bool {
        self.option(name).and_then(RawOption::as_bool) == Some(true)
    }
}

/// Checks the options of a field or link.
pub(crate) fn check(owner: &Owner<'_>, sink: &mut Sink) {
    booleans(owner, sink);
    modifier_wins(owner, sink);
    modifier(owner, sink);
    false_state(owner, sink);
    conflicting_states(owner, sink);
    for option in owner.options {
        listed(option, owner, sink);
    }
}

/// Checks `X404`: boolean options are true or false.
fn booleans(owner: &Owner<'_>, sink: &mut Sink) {
    for option in owner.options {
        if BOOLEANS.contains(&option.name.as_ref()) && option.as_bool().is_none() {
            invalid(option, "`True` or `False`", None, sink);
        }
    }
}

/// Checks `X402`: the modifier says what `blank` and `null` are.
fn modifier_wins(owner: &Owner<'_>, sink: &mut Sink) {
    let modifier = if owner.required { "required" } else { "optional" };
    for (name, implied) in [("blank", owner.blank), ("null", owner.null)] {
        let Some(option) = owner.option(name) else {
            continue;
        };
        if option.as_bool().is_some_and(|written| written != implied) {
            let wins = OptionError::ModifierWins { name: name.to_owned(), value: option.value.clone(), modifier };
            sink.push(Diagnostic::new(wins, option.span));
        }
    }
}

/// Checks `X424`: `modifier` is not an option.
fn modifier(owner: &Owner<'_>, sink: &mut Sink) {
    if let Some(option) = owner.option("modifier") {
        sink.push(Diagnostic::new(OptionError::Modifier, option.span));
    }
}

/// Checks `X403`: a state that is not the field's needs no option.
fn false_state(owner: &Owner<'_>, sink: &mut Sink) {
    for name in ["feedback_state", "bookkeeping_state"] {
        let Some(option) = owner.option(name).filter(|option| option.as_bool() == Some(false)) else {
            continue;
        };
        sink.push(Diagnostic::new(OptionError::FalseState { name: name.to_owned() }, option.span));
    }
}

/// Checks `X409`: a field has one state.
fn conflicting_states(owner: &Owner<'_>, sink: &mut Sink) {
    if owner.flag("feedback_state") && owner.flag("bookkeeping_state") {
        sink.push(Diagnostic::new(OptionError::ConflictingStates { field: owner.name.to_owned() }, owner.span));
    }
}

/// Checks `X410`, `X419`, `X420`: an option is known, and applies to this field or link.
fn listed(option: &RawOption, owner: &Owner<'_>, sink: &mut Sink) {
    let name = option.name.as_ref();
    if COMMON.contains(&name) || applies(name, owner.ty) {
        return;
    }
    let kind = if SPECIAL.contains(&name) {
        let ty = owner.ty.map_or("link", ScalarType::keyword);
        OptionError::DoesNotApply { name: name.to_owned(), field: owner.name.to_owned(), ty }
    } else if let Some(suggestion) = nearest(name, COMMON.iter().chain(&SPECIAL).copied()) {
        OptionError::MisspeltOption { name: name.to_owned(), suggestion }
    } else {
        OptionError::UnlistedOption { name: name.to_owned() }
    };
    sink.push(Diagnostic::new(kind, option.span));
}

/// Returns whether an option is the misspelt name of another one.
pub(crate) fn is_misspelt(option: &RawOption, meant: &str) -> bool {
    let name = option.name.as_ref();
    known(name).is_none() && nearest(name, COMMON.iter().chain(&SPECIAL).copied()).is_some_and(|near| near == meant)
}

/// Returns whether an option means something on a type, or on a link (XOS 4.0.4, xosgenx's validator; it forgets limits
/// of floats).
pub(crate) fn applies(option: &str, ty: Option<ScalarType>) -> bool {
    let Some(ty) = ty else {
        return matches!(option, "blank" | "on_delete");
    };
    match option {
        "max_length" | "content_type" | "text" => matches!(ty, ScalarType::String | ScalarType::Bytes),
        "auto_now_add" | "min_length" | "pattern" | "secret" => ty == ScalarType::String,
        "choices" => ty == ScalarType::String || ty.is_integer(),
        "min_value" | "max_value" => ty.is_number(),
        "blank" => ty != ScalarType::Bool,
        _ => false,
    }
}

/// Checks `X419`: an option of a message or a file is no misspelt one. Others are kept without a word: any program may
/// have its own.
pub(crate) fn of_model(options: &[RawOption], sink: &mut Sink) {
    for option in options.iter().filter(|option| !OF_MODELS.contains(&option.name.as_ref())) {
        if let Some(suggestion) = nearest(&option.name, OF_MODELS) {
            let misspelt = OptionError::MisspeltOption { name: option.name.to_string(), suggestion };
            sink.push(Diagnostic::new(misspelt, option.span));
        }
    }
}

/// Checks `X421`: `no_sync` and `no_policy` are not there to say no.
pub(crate) fn presence(options: &[RawOption], sink: &mut Sink) {
    for option in options.iter().filter(|option| ["no_sync", "no_policy"].contains(&option.name.as_ref())) {
        if option.as_bool() != Some(true) {
            let counts = OptionError::PresenceCounts { name: option.name.to_string(), value: option.value.clone() };
            sink.push(Diagnostic::new(counts, option.span));
        }
    }
}
