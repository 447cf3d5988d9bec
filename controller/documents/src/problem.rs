//! What can be wrong with documents.

use xos_xproto::declare_diagnostics;
use xos_yaml::{Expected, Kind as ValueKind, did_you_mean, type_help};

declare_diagnostics! {
    /// A diagnostic of documents.
    pub enum Problem;

    /// A file cannot be read. Correct its permissions.
    D001 Error Unreadable { reason: String } => {
        message("cannot read this file: {reason}");
    }
    /// A file is not YAML, or has a key twice. Correct it where the message points.
    D002 Error InvalidYaml { message: String } => {
        message("{message}");
        suggest(yaml_help(message));
    }
    /// A document is of no kind that is known here. It has to say `kind: SyncStep`, `ModelPolicy`, `PullStep` or
    /// `EventStep`.
    D003 Error UnknownKind { found: String, suggestion: Option<String> } => {
        message("a document of kind `{found}` is none of SyncStep, ModelPolicy, PullStep and EventStep");
        suggest(did_you_mean(suggestion.as_deref()));
        help("write `kind: SyncStep` (or one of the others) at the top of the document");
    }
    /// A document of one kind lies in the folder of another.
    D004 Error WrongFolder { kind: &'static str, folder: &'static str, right: &'static str } => {
        message("a {kind} does not belong in `{folder}`");
        help("move it into the folder of `{right}`");
    }
    /// A value has the wrong type. Write one of the type that the message names.
    D005 Error WrongType { key: String, expected: Expected, found: ValueKind } => {
        message("{key} should be {expected}, not {found}");
        suggest(type_help(*expected, *found));
    }
    /// A value has the right type, but the key cannot have it. Write one that it can have.
    D006 Error InvalidValue { key: String, value: String, expected: String, suggestion: Option<String> } => {
        message("`{key}` cannot be `{value}`: expected {expected}");
        suggest(did_you_mean(suggestion.as_deref()));
    }
    /// A required key is missing. Add it.
    D007 Error Missing { key: String } => {
        message("`{key}` is missing");
    }
    /// There is no such key. Correct or remove it.
    D008 Error UnknownKey { key: String, suggestion: Option<String> } => {
        message("unknown key `{key}`");
        suggest(did_you_mean(suggestion.as_deref()));
        help("remove it");
    }
    /// An expression is wrong, or does not fit the models.
    D009 Error Expression { message: String, mend: Option<String> } => {
        message("{message}");
        suggest(mend.clone());
    }
    /// There is no such model among the loaded ones.
    D010 Error UnknownModel { model: String, suggestion: Option<String> } => {
        message("there is no model `{model}`");
        suggest(did_you_mean(suggestion.as_deref()));
        help("load it with `models_dir`, or with a ModelSet");
    }
    /// A model has no field or link of this name.
    D011 Error UnknownField { model: String, field: String, suggestion: Option<String> } => {
        message("model {model} has no field or link `{field}`");
        suggest(did_you_mean(suggestion.as_deref()));
    }
    /// A field belongs to the framework, and no step can set it.
    D012 Error NotWritable { field: String } => {
        message("`{field}` belongs to the framework: it cannot be set");
        help("remove it");
    }
    /// Exactly one of several keys has to be there.
    D013 Error OneOf { what: String, keys: &'static str, found: usize } => {
        message("{what} needs exactly one of {keys}, and has {found}");
    }
    /// Two documents of a kind have the same name.
    D014 Error Twice { kind: &'static str, name: String, first: String } => {
        message("there are two documents {kind} named `{name}`; the other one is in {first}");
        help("give one of them another name");
    }
    /// How a request is undone cannot be guessed from its method.
    D015 Error NoDelete { method: &'static str } => {
        message("how is what {method} made removed, when the object is deleted?");
        help("add `delete: {{url: …}}`, or `delete: nothing`");
    }
    /// A field by which objects are found is not among those that are set.
    D016 Error KeyNotSet { field: String } => {
        message("`{field}` is a part of `key`, and `fields` does not set it");
        help("add `{field}: ${{…}}` to `fields`");
    }
    /// An expression stands where only a plain text may.
    D017 Error NotConstant { key: String } => {
        message("`{key}` cannot have an expression");
    }
    /// Two sync steps handle the objects of one model.
    D018 Error TwoSteps { model: String, other: String } => {
        message("the objects of {model} are synchronized by `{other}` already");
        help("a model has one sync step in a synchronizer");
    }
    /// The address of a step server is none.
    D020 Error Address { message: String } => {
        message("{message}");
    }
    /// Something is said that a step server does itself. Remove it, or `grpc`.
    D021 Error NotWithGrpc { key: &'static str } => {
        message("`{key}` has no effect beside `grpc`: that is the step server's work");
        help("remove it");
    }
    /// A certificate needs its key, and a key its certificate.
    D022 Error HalfIdentity { there: &'static str, missing: &'static str } => {
        message("`{there}` needs a `{missing}`");
    }
    /// A document fits its schema and cannot be read all the same. This is a bug: please report it.
    D019 Error Unfit { reason: String } => {
        message("the document fits its schema and cannot be read: please report this ({reason})");
    }
    /// A name is used in expressions, and cannot be one there. It has letters, digits and `_` only, and begins with a letter
    /// or `_`.
    D023 Error NotAName { name: String } => {
        message("`{name}` cannot be a name in expressions");
        help("use letters, digits and `_` only, with a letter or `_` at the beginning");
    }
    /// Two objects of one step have the same `id`.
    D024 Error IdTwice { id: String } => {
        message("there is another object with the id `{id}`");
        help("give one of them another id");
    }
    /// A playbook cannot be used. Correct its path, or what is in it; a path is relative to the document's file.
    D025 Error Playbook { what: String, why: String } => {
        message("{what} cannot be used: {why}");
    }
}

/// Returns how to mend what people often write.
fn yaml_help(message: &str) -> Option<String> {
    let is_colon = message.contains("mapping values are not allowed");
    is_colon.then(|| "put a text that has `: ` in it in quotes".to_owned())
}

/// A problem of a document with its place.
pub type Diagnostic = xos_yaml::Diagnostic<Problem>;
