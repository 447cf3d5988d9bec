//! What can be wrong with test cases, and what is not as they expect.

use xos_xproto::declare_diagnostics;
use xos_yaml::{Expected, Kind as ValueKind, did_you_mean, type_help};

declare_diagnostics! {
    /// A diagnostic of test cases.
    pub enum CaseProblem;

    /// A file cannot be read. Correct its permissions.
    T001 Error Unreadable { reason: String } => {
        message("cannot read a file: {reason}");
    }
    /// A file is not YAML, or has a key twice. Correct it where the message points.
    T002 Error InvalidYaml { message: String } => {
        message("{message}");
    }
    /// A value has the wrong type. Write one of the type that the message names.
    T003 Error WrongType { key: String, expected: Expected, found: ValueKind } => {
        message("{key} should be {expected}, not {found}");
        suggest(type_help(*expected, *found));
    }
    /// A value has the right type, but the key cannot have it. Write one that it can have.
    T004 Error InvalidValue { key: String, value: String, expected: String, suggestion: Option<String> } => {
        message("`{key}` cannot be `{value}`: expected {expected}");
        suggest(did_you_mean(suggestion.as_deref()));
    }
    /// A required key is missing. Add it.
    T005 Error Missing { key: String } => {
        message("`{key}` is missing");
    }
    /// There is no such key. Correct or remove it.
    T006 Error UnknownKey { key: String, suggestion: Option<String> } => {
        message("unknown key `{key}`");
        suggest(did_you_mean(suggestion.as_deref()));
    }
    /// Of several keys exactly one has to be there. Write one, and remove the others.
    T007 Error OneOf { what: String, keys: &'static str, found: usize } => {
        message("{what} has exactly one of {keys}, and here are {found}");
    }
    /// Two cases of a file have one name. Rename one of them.
    T008 Error Twice { name: String } => {
        message("there is a case `{name}` in this file already");
        help("give it another name");
    }
    /// A name is that of no step and no policy of the service. Correct it.
    T009 Error UnknownStep { name: String, suggestion: Option<String> } => {
        message("the service has no step and no policy `{name}`");
        suggest(did_you_mean(suggestion.as_deref()));
    }
    /// There is no such model in the service, and no step that makes or reads such objects of Kubernetes. Correct the name.
    T010 Error UnknownModel { model: String, suggestion: Option<String> } => {
        message("there is no model `{model}`, and no step that makes or reads such objects");
        suggest(did_you_mean(suggestion.as_deref()));
    }
    /// A model has no such field where the case says so. What is given by an operator is in `spec`.
    T011 Error UnknownField { field: String, model: String, suggestion: Option<String> } => {
        message("{model} has no `{field}`");
        suggest(did_you_mean(suggestion.as_deref()));
    }
    /// The API server would refuse an object: it does not fit the definition of its model.
    T012 Error Refused { why: String } => {
        message("the API server would refuse this: {why}");
    }
    /// A thing to be done to an object that is not there.
    T013 Error NoSuchObject { object: String } => {
        message("there is no {object} now");
    }
    /// A step asked something for which the case has no answer. Add one to `backend`.
    T014 Error Unanswered { what: String } => {
        message("the case has no answer for {what}");
        help("add to `backend`: {}", crate::answers::suggested(what));
    }
    /// A value is not as expected.
    T015 Error Differs { what: String, expected: String, found: String } => {
        message("{what} should be {expected}, and is {found}");
    }
    /// A value that is expected is not there.
    T016 Error NotThere { what: String, suggestion: Option<String> } => {
        message("{what} is not there");
        suggest(did_you_mean(suggestion.as_deref()));
    }
    /// There is more than is expected.
    T017 Error TooMuch { what: String, found: String } => {
        message("{what} is {found}, which is not expected");
    }
    /// A call that is expected was not made.
    T018 Error NotCalled { call: String, made: String } => {
        message("{call} was not asked for");
        help("{made}");
    }
    /// A call was made that is not expected.
    T019 Error Called { call: String, made: String } => {
        message("{call} is not expected");
        help("{made}");
    }
    /// A save that is expected did not happen.
    T020 Error NotSaved { save: String, made: String } => {
        message("{save}: this did not happen");
        help("{made}");
    }
    /// A save happened that is not expected.
    T021 Error Saved { save: String } => {
        message("{save}: this is not expected");
    }
    /// There is an object that should not exist, or there is none that should.
    T022 Error Existence { object: String, exists: bool } => {
        message("there is {} {object}", if *exists { "a" } else { "no" });
    }
    /// The case did not end. Do steps or policies call each other forever?
    T023 Error Endless { seconds: u64 } => {
        message("the case did not come to rest within {seconds} s");
    }
    /// The service cannot work in a world in memory. The text says why.
    T024 Error NoWorld { why: String } => {
        message("{why}");
    }
}

/// A problem of a test case with its place.
pub type Diagnostic = xos_yaml::Diagnostic<CaseProblem>;
