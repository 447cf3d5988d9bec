//! What can be wrong with objects.

use xos_xproto::declare_diagnostics;
use xos_yaml::{Expected, Kind, did_you_mean, type_help};

declare_diagnostics! {
    /// A diagnostic of objects.
    pub enum ObjectProblem;

    /// A file is not YAML, or has a key twice. Correct it where the message points.
    V001 Error InvalidYaml { message: String } => {
        message("{message}");
    }
    /// A document is no object of Kubernetes. It has to say `apiVersion` and `kind`.
    V002 Error NoObject { key: &'static str } => {
        message("this is no object: it has no `{key}`");
    }
    /// The group of an object is one of models, and there is no model of its kind among those that were named.
    V003 Error UnknownKind { kind: String, suggestion: Option<String> } => {
        message("there is no model `{kind}`");
        suggest(did_you_mean(suggestion.as_deref()));
        help("name its models with --models or --config");
    }
    /// A model is abstract: there are only objects of models that inherit from it.
    V004 Error AbstractKind { kind: String, heirs: String } => {
        message("{kind} has no objects of its own: it is abstract");
        suggest((!heirs.is_empty()).then(|| format!("take one of {heirs}")));
    }
    /// The group or the version of an object is not that of its model.
    V005 Error WrongApiVersion { kind: String, found: String, expected: String } => {
        message("the `apiVersion` of {kind} is not `{found}`");
        help("write `apiVersion: {expected}`");
    }
    /// A value has the wrong type. Write one of the type that the message names.
    V006 Error WrongType { key: String, expected: Expected, found: Kind } => {
        message("`{key}` should be {expected}, not {found}");
        suggest(type_help(*expected, *found));
    }
    /// A value has the right type, but the field cannot have it: it is too long or too short, no choice, out of range,
    /// or does not match a pattern. Write one that it can have.
    V007 Error InvalidValue { key: String, value: String, expected: String, suggestion: Option<String> } => {
        message("`{key}` cannot be `{value}`: expected {expected}");
        suggest(did_you_mean(suggestion.as_deref()));
    }
    /// A required field is missing. Add it.
    V008 Error Missing { key: String } => {
        message("`{key}` is missing");
    }
    /// There is no such field. Correct or remove it: the API server would leave it out, or refuse the object.
    V009 Error UnknownField { key: String, suggestion: Option<String> } => {
        message("unknown field `{key}`");
        suggest(did_you_mean(suggestion.as_deref()));
        help("remove it");
    }
    /// A field is set by a synchronizer and not by people: it is in `status`.
    V010 Error NotInSpec { key: String, model: String } => {
        message("`{key}` of {model} is set by a synchronizer, in `status`");
        help("remove it");
    }
    /// A secret field has a value and also a reference to a Secret, or neither.
    V011 Error Source { message: String } => {
        message("{message}");
    }
    /// A validator of the model does not hold.
    V012 Error Validator { message: String } => {
        message("a validator does not hold: {message}");
    }
    /// Two of the objects have the same kind, namespace and name. Rename one of them, or remove it.
    V013 Error Twice { object: String, first: String } => {
        message("there are two objects {object}; the other one is in {first}");
    }
    /// Two of the objects have the same value of a field that is `unique`, or of fields that are unique together, or of
    /// the natural key (`tosca_key`). Only one of them would be accepted.
    V014 Error NotUnique { message: String } => {
        message("{message}");
    }
    /// A link cannot lead to what it names: that is of another kind, or it is the name of several objects.
    V015 Error WrongLink { message: String } => {
        message("{message}");
    }
    /// An object has an owner of another class than its model says (`owner_class_name`), or several could be its owner.
    V016 Error WrongOwner { message: String } => {
        message("{message}");
    }
    /// A link leads to an object that is in none of the files. That is no mistake if it is in the cluster, or comes
    /// later.
    V017 Note Elsewhere { key: String, kind: String, name: String } => {
        message("`{key}` leads to {kind} {name}, which is not in these files");
    }
    /// An object has no owner, and none of the files has one that it could only have. The synchronizer sets it if there
    /// is one in the cluster.
    V018 Note NoOwner { message: String } => {
        message("{message}");
    }
    /// A word without quotes is a text here, and true or false for kubectl, which reads YAML 1.1.
    V019 Error NotAText { key: String, word: String } => {
        message("kubectl reads `{word}` as true or false, and `{key}` is a text");
        help("put it in quotes: \"{word}\"");
    }
}

/// A problem of an object with its place.
pub(super) type Diagnostic = xos_yaml::Diagnostic<ObjectProblem>;
