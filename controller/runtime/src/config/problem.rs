//! The problems of a configuration.

use std::path::PathBuf;

use xos_xproto::declare_diagnostics;
use xos_xproto::diagnostics::Level;

use xos_yaml::{Expected, Kind, did_you_mean, type_help};

declare_diagnostics! {
    /// A diagnostic of a configuration.
    pub enum Problem;

    /// A file cannot be read. Correct the path, or the permissions of the file.
    C001 Error Unreadable { reason: String } => {
        message("cannot read this file: {reason}");
    }
    /// A file is not YAML, or has a key twice. Correct it where the message points.
    ///
    /// ```yaml
    /// name: example
    /// name: other
    /// ```
    C002 Error InvalidYaml { message: String } => {
        message("{message}");
    }
    /// A value has the wrong type. Write one of the type that the message names.
    ///
    /// ```yaml
    /// name: example
    /// step_timeout: 30
    /// ```
    C003 Error WrongType { key: String, expected: Expected, found: Kind } => {
        message("{key} should be {expected}, not {found}");
        suggest(type_help(*expected, *found));
    }
    /// A value has the right type, but the key cannot have it. Write one that it can have.
    ///
    /// ```yaml
    /// name: example
    /// definitions: applied
    /// ```
    C004 Error InvalidValue { key: String, value: String, expected: String, suggestion: Option<String> } => {
        message("`{key}` cannot be `{value}`: expected {expected}");
        suggest(did_you_mean(suggestion.as_deref()));
    }
    /// A required key is not set. Set it in the file, or by an environment variable.
    ///
    /// ```yaml
    /// concurrency: 16
    /// ```
    C005 Error Missing { key: String } => {
        message("`{key}` is missing");
        help("set it: `{key}: …`, or the environment variable XOS_{}", key.to_uppercase());
    }
    /// A key is unknown, and has no effect. Correct or remove it.
    ///
    /// ```yaml
    /// name: example
    /// concurency: 16
    /// ```
    C006 Warning UnknownKey { key: String, suggestion: Option<String> } => {
        message("unknown key `{key}`");
        suggest(did_you_mean(suggestion.as_deref()));
        help("remove it: it has no effect");
    }
    /// An environment variable names no key, and has no effect. Correct or unset it.
    C007 Warning UnknownVariable { name: String, suggestion: Option<String> } => {
        message("the environment variable {name} names no key of the configuration");
        suggest(did_you_mean(suggestion.as_deref()));
        help("remove it: it has no effect");
    }
    /// `models_dir` is not a folder. Correct the path, which is relative to the file that contains it. `xos check` only
    /// warns of an absolute path: it may be one of the container in which `xos run` will find it.
    ///
    /// ```yaml
    /// name: example
    /// models_dir: nowhere
    /// ```
    C008 Error NoFolder { key: &'static str, path: PathBuf, elsewhere: bool } => {
        message("`{key}` names {}, which is not a folder{}", path.display(), if *.elsewhere { " here" } else { "" });
        level(if *elsewhere { Level::Warning } else { Level::Error });
        suggest(elsewhere.then(|| "correct it, unless it is a path of the container that `run` runs in".to_owned()));
        help("a path is relative to the file that contains it");
    }
    /// A folder of steps holds a file that is no document. Steps in Python are not loaded, and neither are others but YAML
    /// documents. Write the step as one, or compile it in, and move the file away.
    C009 Error NoDocument { key: &'static str, file: PathBuf } => {
        message("`{key}` holds {}, which is no YAML document", file.display());
        help("write the step as a document, or compile it in with the Rust library, and move the file away");
    }
    /// `accessor.kind` is `grpcapi`. Only `kubernetes` is supported yet: remove the section.
    ///
    /// ```yaml
    /// name: example
    /// accessor: {kind: grpcapi}
    /// ```
    C010 Error NoCore => {
        message("`accessor.kind: grpcapi` is not supported yet: this version stores objects in custom resources only");
        help("remove `accessor`, or set `kind: kubernetes`");
    }
    /// The file of a secret cannot be read. Correct the path after `@`, or the permissions of the file.
    ///
    /// ```yaml
    /// name: example
    /// accessor: {password: "@nowhere"}
    /// ```
    C011 Error NoSecret { key: &'static str, path: PathBuf, reason: String } => {
        message("`{key}` names the file {}, which cannot be read: {reason}", path.display());
        help("the text after `@` is the path of a file, relative to the configuration file");
    }
    /// The configuration fits its schema and cannot be read all the same. This is a bug: please report it.
    C012 Error Unfit => {
        message("the configuration fits its schema and cannot be read: please report this");
    }
}
