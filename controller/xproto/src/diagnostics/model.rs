//! `X2..`: messages, their bases and their names.

use super::{Code, circle, did_you_mean};
use crate::limits::{MAX_ANCESTORS, MAX_INHERITED, MAX_MEMBERS, MAX_MESSAGES};

/// A message as a whole, its bases or its names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// `X201`: A base is declared in no file of the set. XOS 4.0.4 ignores it silently. It is an error, and not a
    /// warning, because without the base the model would be another one: without its fields and links, its policies,
    /// and its place among the kinds of the base. What the core has in Python only is known, and a warning (`X213`).
    /// Correct the name, or add the file that declares the base: all files of a set see each other's messages.
    ///
    /// ```proto
    /// message Site (XOSBas) {}
    /// ```
    #[error("model `{model}` has the unknown base `{base}`")]
    UnknownBase {
        /// The model.
        model: String,
        /// The base as written.
        base: String,
        /// A base that it may have meant.
        suggestion: Option<String>,
    },
    /// `X202`: Two messages of the set have one name. Rename one of them.
    ///
    /// ```proto
    /// message Site {}
    /// message Site {}
    /// ```
    #[error("message `{name}` is declared twice")]
    DuplicateMessage {
        /// The name.
        name: String,
    },
    /// `X203`: A model inherits from itself. Remove one of the bases named.
    ///
    /// ```proto
    /// message A (B) {}
    /// message B (A) {}
    /// ```
    #[error("models inherit in a circle: {}", circle(.path, *.left_out))]
    BaseCycle {
        /// The circle from a model back to itself, or its begin and end.
        path: Vec<String>,
        /// How many models are left out before the last one.
        left_out: usize,
    },
    /// `X204`: A base is reached on two ways, so that its fields would be there twice. Keep one way.
    ///
    /// ```proto
    /// message A (XOSBase) {}
    /// message B (XOSBase) {}
    /// message C (A, B) {}
    /// ```
    #[error("model `{model}` inherits from `{base}` twice")]
    RepeatedBase {
        /// The model.
        model: String,
        /// The base.
        base: String,
    },
    /// `X205`: A word of the language names a message. Rename the message.
    ///
    /// ```proto
    /// message string {}
    /// ```
    #[error("`{name}` is a word of the language and cannot name a message")]
    ReservedMessageName {
        /// The word.
        name: String,
    },
    /// `X206`: A model belongs to no group. Set the file option `app_label`.
    ///
    /// ```proto
    /// // A file with no `option app_label`.
    /// message Site {}
    /// ```
    #[error("model `{model}` has no `app_label`{}", and_others(*.others))]
    MissingAppLabel {
        /// The first such model of the file.
        model: String,
        /// How many more there are in the file.
        others: usize,
    },
    /// `X207`: The `app_label` becomes part of a DNS name; it has lower-case letters, digits, `_` and `-`. Correct it.
    ///
    /// ```proto
    /// message Site { option app_label = "My Sites"; }
    /// ```
    #[error("`{label}` cannot be an `app_label`")]
    InvalidAppLabel {
        /// The label.
        label: String,
    },
    /// `X208`: The plural of a model is its name, so that the list of the models would be called like the model. Give
    /// the model another plural.
    ///
    /// ```proto
    /// message Site { option plural = "Site"; }
    /// ```
    #[error("the plural of `{model}` is `{model}` as well")]
    PluralIsName {
        /// The model.
        model: String,
    },
    /// `X209`: A model's name becomes a Kubernetes kind, its plural a resource: letters and digits, a letter first.
    /// Rename the model, or set its option `plural`.
    ///
    /// ```proto
    /// message My_Site {}
    /// ```
    #[error("`{name}` cannot name {what}")]
    InvalidKubernetesName {
        /// The name.
        name: String,
        /// What it should name.
        what: &'static str,
    },
    /// `X210`: Two models of a group have names or plurals that differ at most in case; Kubernetes cannot tell them
    /// apart. Rename one of them, or give it another plural.
    ///
    /// ```proto
    /// message Site {}
    /// message SITE {}
    /// ```
    #[error("models `{model}` and `{other}` would both be `{name}` in Kubernetes")]
    KubernetesNameTaken {
        /// The second model.
        model: String,
        /// The first model.
        other: String,
        /// The name that both have.
        name: String,
    },
    /// `X211`: A model inherits from more models than are read. Inherit from fewer.
    #[error("model `{model}` inherits from more than {MAX_ANCESTORS} models")]
    TooManyAncestors {
        /// The model.
        model: String,
    },
    /// `X212`: The set has more messages than are read. Split the set.
    #[error("the set has more than {MAX_MESSAGES} messages; those from here on are not read")]
    TooManyMessages,
    /// `X213` (warning): A class that XOS's core has in Python only, such as `AttributeMixin`. It has methods, no
    /// fields, and is left out here. Nothing has to be done.
    ///
    /// ```proto
    /// message Site (XOSBase, AttributeMixin) {}
    /// ```
    #[error("`{base}` is a Python class of XOS's core without fields; as a base it is left out")]
    PythonBase {
        /// The base.
        base: String,
    },
    /// `X214`: A message has more fields and links than are read; they are numbered from 1 to 99. Split the message.
    #[error("message `{model}` has more than {MAX_MEMBERS} fields and links; those from here on are not read")]
    TooManyMembers {
        /// The message.
        model: String,
    },
    /// `X215`: The models of the set inherit more fields and links than are kept. Split the set.
    #[error("the models have more than {MAX_INHERITED} fields and links together; from here on none are inherited")]
    TooManyInherited,
    /// `X216` (warning): Option `owner_class_name` names a model that is declared in no file of the set. Correct the
    /// name, or add the file that declares the model.
    ///
    /// ```proto
    /// message Site { option owner_class_name = "Nobody"; }
    /// ```
    #[error("the owner of `{model}` is the unknown model `{owner}`")]
    UnknownOwner {
        /// The model.
        model: String,
        /// The owner as written.
        owner: String,
        /// A model that it may have meant.
        suggestion: Option<String>,
    },
}

impl ModelError {
    pub(crate) fn code(&self) -> Code {
        Code(match self {
            Self::UnknownBase { .. } => 201,
            Self::DuplicateMessage { .. } => 202,
            Self::BaseCycle { .. } => 203,
            Self::RepeatedBase { .. } => 204,
            Self::ReservedMessageName { .. } => 205,
            Self::MissingAppLabel { .. } => 206,
            Self::InvalidAppLabel { .. } => 207,
            Self::PluralIsName { .. } => 208,
            Self::InvalidKubernetesName { .. } => 209,
            Self::KubernetesNameTaken { .. } => 210,
            Self::TooManyAncestors { .. } => 211,
            Self::TooManyMessages => 212,
            Self::PythonBase { .. } => 213,
            Self::TooManyMembers { .. } => 214,
            Self::TooManyInherited => 215,
            Self::UnknownOwner { .. } => 216,
        })
    }

    pub(crate) fn is_warning(&self) -> bool {
        matches!(self, Self::PythonBase { .. } | Self::UnknownOwner { .. })
    }

    pub(crate) fn help(&self) -> Option<String> {
        let help = match self {
            Self::UnknownBase { suggestion, .. } => {
                did_you_mean(suggestion.as_ref(), "add the file that declares it to the set, or remove the base")
            }
            Self::DuplicateMessage { .. } | Self::ReservedMessageName { .. } => "rename it".to_owned(),
            Self::BaseCycle { .. } => "remove one of these bases".to_owned(),
            Self::RepeatedBase { base, .. } => format!("keep one way to `{base}`: its fields would be there twice"),
            Self::MissingAppLabel { .. } => {
                r#"set it for the whole file, above the first message: `option app_label = "myservice";`"#.to_owned()
            }
            Self::InvalidAppLabel { .. } => {
                "use at most 63 lower-case letters, digits, `_` and `-`, a letter first and no `_` or `-` at the end: \
                 it becomes a part of the API group, `<app_label>.xos.opencord.org`"
                    .to_owned()
            }
            Self::PluralIsName { model } => {
                format!("give the message another plural: `option plural = \"{model}Items\";`")
            }
            Self::InvalidKubernetesName { .. } => {
                "use at most 63 letters and digits, a letter first: it becomes a name of a custom resource definition"
                    .to_owned()
            }
            Self::KubernetesNameTaken { .. } => "rename one of them, or give it another `plural`".to_owned(),
            Self::UnknownOwner { suggestion, .. } => did_you_mean(Some(suggestion.as_ref()?), ""),
            Self::TooManyAncestors { .. }
            | Self::TooManyMessages
            | Self::PythonBase { .. }
            | Self::TooManyMembers { .. }
            | Self::TooManyInherited => return None,
        };
        Some(help)
    }
}

fn and_others(others: usize) -> String {
    match others {
        0 => String::new(),
        1 => ", and one more in this file has none".to_owned(),
        n => format!(", and {n} more in this file have none"),
    }
}
