//! `X2..`: messages, their bases and their names.

use super::{circle, did_you_mean};
use crate::declare_diagnostics;
use crate::limits::{MAX_ANCESTORS, MAX_INHERITED, MAX_MEMBERS, MAX_MESSAGES};

declare_diagnostics! {
    /// A message as a whole, its bases or its names.
    pub enum ModelError;

    /// A base is declared in no file of the set. XOS 4.0.4 ignores it silently. It is an error, and not a warning,
    /// because without the base it would be another model: without the fields, links and policies of the base, and not
    /// one of its kinds. Bases that XOS's core has only in Python are known, and only a warning (`X213`). Correct the
    /// name, or add the file that declares the base: all files of a set see each other's messages.
    ///
    /// ```proto
    /// message Site (XOSBas) {}
    /// ```
    X201 Error UnknownBase { model: String, base: String, suggestion: Option<String> } => {
        message("model `{model}` has the unknown base `{base}`");
        suggest(did_you_mean(suggestion));
        help("add the file that declares it to the set");
    }
    /// Two messages of the set have the same name. Rename one of them.
    ///
    /// ```proto
    /// message Site {}
    /// message Site {}
    /// ```
    X202 Error DuplicateMessage { name: String } => {
        message("message `{name}` is declared twice");
        help("rename it");
    }
    /// A model inherits from itself. Remove one of the bases named.
    ///
    /// ```proto
    /// message A (B) {}
    /// message B (A) {}
    /// ```
    X203 Error BaseCycle { path: Vec<String>, left_out: usize } => {
        message("models inherit in a circle: {}", circle(.path, *.left_out));
        help("remove one of these bases");
    }
    /// A model inherits from a base in two ways, and would have its fields twice. Keep one of them.
    ///
    /// ```proto
    /// message A (XOSBase) {}
    /// message B (XOSBase) {}
    /// message C (A, B) {}
    /// ```
    X204 Error RepeatedBase { model: String, base: String } => {
        message("model `{model}` inherits from `{base}` twice");
        help("inherit from `{base}` in one way only: its fields would be there twice");
    }
    /// A message has a word of the language as its name. Rename the message.
    ///
    /// ```proto
    /// message string {}
    /// ```
    X205 Error ReservedMessageName { name: String } => {
        message("`{name}` is a word of the language and cannot name a message");
        help("rename it");
    }
    /// A model belongs to no group: neither `app_label` nor `name` is set. Set the file option `app_label`.
    ///
    /// ```proto
    /// // A file with neither `option app_label` nor `option name`.
    /// message Site {}
    /// ```
    X206 Error MissingAppLabel { model: String, others: usize } => {
        message("model `{model}` has no `app_label`{}", and_others(*.others));
        help(r#"set it for the whole file, above the first message: `option app_label = "myservice";`"#);
    }
    /// The `app_label` becomes part of a DNS name; it has lower-case letters, digits, `_` and `-`. Where none is set, the
    /// option `name` takes its place. Correct it, or set an `app_label`.
    ///
    /// ```proto
    /// message Site { option app_label = "My Sites"; }
    /// ```
    X207 Error InvalidAppLabel { label: String, option: &'static str } => {
        message("`{label}` cannot be an `app_label`{}", if *.option == "name" { ", which is the `name` where none is set" } else { "" });
        help(
            "use at most 63 lower-case letters, digits, `_` and `-`, a letter first and no `_` or `-` at the end: \
             it becomes a part of the API group, `<app_label>.xos.opencord.org`"
        );
    }
    /// The plural of a model is its name, so that the list of the models would have the name of the model. Give the
    /// model another plural.
    ///
    /// ```proto
    /// message Site { option plural = "Site"; }
    /// ```
    X208 Error PluralIsName { model: String } => {
        message("the plural of `{model}` is `{model}` as well");
        help("give the message another plural: `option plural = \"{model}Items\";`");
    }
    /// A model's name becomes a Kubernetes kind, and its plural a resource: letters and digits, a letter first. Rename
    /// the model, or set its option `plural`.
    ///
    /// ```proto
    /// message My_Site {}
    /// ```
    X209 Error InvalidKubernetesName { name: String, what: &'static str } => {
        message("`{name}` cannot name {what}");
        help("use at most 63 letters and digits, a letter first: it becomes a name of a custom resource definition");
    }
    /// Two models of a group have names or plurals that differ only in case, or not at all; Kubernetes cannot tell them
    /// apart. Rename one of them, or give it another plural.
    ///
    /// ```proto
    /// message Site {}
    /// message SITE {}
    /// ```
    X210 Error KubernetesNameTaken { model: String, other: String, name: String } => {
        message("models `{model}` and `{other}` would both be `{name}` in Kubernetes");
        help("rename one of them, or give it another `plural`");
    }
    /// A model inherits from more models than are read. Inherit from fewer.
    X211 Error TooManyAncestors { model: String } => {
        message("model `{model}` inherits from more than {MAX_ANCESTORS} models");
    }
    /// The set has more messages than are read. Split the set.
    X212 Error TooManyMessages => {
        message("the set has more than {MAX_MESSAGES} messages; those from here on are not read");
    }
    /// A base is a class that XOS's core has only in Python, such as `AttributeMixin`. It has methods but no fields,
    /// and is left out here. Nothing has to be done.
    ///
    /// ```proto
    /// message Site (XOSBase, AttributeMixin) {}
    /// ```
    X213 Warning PythonBase { base: String } => {
        message("`{base}` is a Python class of XOS's core without fields; as a base it is left out");
    }
    /// A message has more fields and links than are read; they are numbered from 1 to 99. Split the message.
    X214 Error TooManyMembers { model: String } => {
        message("message `{model}` has more than {MAX_MEMBERS} fields and links; those from here on are not read");
    }
    /// The models of the set inherit more fields and links than are kept. Split the set.
    X215 Error TooManyInherited => {
        message(
            "the models have more than {MAX_INHERITED} fields and links together; from here on none are inherited"
        );
    }
    /// Option `owner_class_name` names a model that is declared in no file of the set, so that the controller cannot find
    /// the owner of an object that is created without one. Correct the name, or add the file that declares the model.
    ///
    /// ```proto
    /// message Site { option owner_class_name = "Nobody"; }
    /// ```
    X216 Warning UnknownOwner { model: String, owner: String, suggestion: Option<String> } => {
        message("the owner of `{model}` is the unknown model `{owner}`");
        suggest(did_you_mean(suggestion));
        help("add the file that declares it to the set: without it the controller cannot find the owner");
    }
    /// A base is one of an earlier release of XOS; XOS 4.0 does not have it. Inherit from its successor: `XOSBase` for
    /// `PlCoreBase`, `ServiceInstance` for `Tenant` and `TenantWithContainer`.
    ///
    /// ```proto
    /// message Cafe (TenantWithContainer) {}
    /// ```
    X217 Error OldBase { model: String, base: String, instead: &'static str } => {
        message("the base `{base}` of `{model}` belongs to an earlier release of XOS");
        help("{instead}");
    }
}

fn and_others(others: usize) -> String {
    match others {
        0 => String::new(),
        1 => ", and one more in this file has none".to_owned(),
        n => format!(", and {n} more in this file have none"),
    }
}
