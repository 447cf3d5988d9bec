//! What can be wrong with a configuration.

use std::path::PathBuf;

/// One thing that is wrong, or probably not as intended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// `C001`: A file cannot be read. Correct the path, or the rights of the file.
    #[error("cannot read this file: {reason}")]
    Unreadable {
        /// Why.
        reason: String,
    },
    /// `C002`: A file is not YAML, or holds a key twice. Correct it where the message points.
    #[error("{message}")]
    InvalidYaml {
        /// What the YAML reader says.
        message: String,
    },
    /// `C003`: A value has the wrong type. Write one of the type that the message names.
    #[error("{key} should be {expected}, not {found}")]
    WrongType {
        /// The key in backquotes, or what is meant.
        key: String,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// `C004`: A value has the right type and is not one that the key can have. Write one that it can have.
    #[error("`{key}` cannot be `{value}`: expected {expected}")]
    InvalidValue {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// What it can be.
        expected: &'static str,
        /// A value that may be meant.
        suggestion: Option<String>,
    },
    /// `C005`: A key has to be set and is not. Set it in the file, or by an environment variable.
    #[error("`{key}` is missing")]
    Missing {
        /// The key.
        key: &'static str,
    },
    /// `C006` (warning): A key is unknown, and has no effect. Correct or remove it.
    #[error("unknown key `{key}`")]
    UnknownKey {
        /// The key.
        key: String,
        /// The nearest known one.
        suggestion: Option<String>,
    },
    /// `C007` (warning): An environment variable names no key, and has no effect. Correct or unset it.
    #[error("the environment variable {name} names no key of the configuration")]
    UnknownVariable {
        /// The variable.
        name: String,
        /// The nearest known one.
        suggestion: Option<String>,
    },
    /// `C008`: `models_dir` is no folder. Correct the path, which is relative to the file that names it.
    #[error("`{key}` names {}, which is not a folder", path.display())]
    NoFolder {
        /// The key.
        key: &'static str,
        /// The folder.
        path: PathBuf,
    },
    /// `C009`: A folder of steps holds files, which this version does not load. Compile the steps in.
    #[error("`{key}` names {}, which holds files: steps that are loaded at run time are not supported yet", path.display())]
    StepsAtRunTime {
        /// The key.
        key: &'static str,
        /// The folder.
        path: PathBuf,
    },
    /// `C010`: `accessor.kind` is `grpcapi`. Only `kubernetes` is supported yet: remove the section.
    #[error("`accessor.kind: grpcapi` is not supported yet: this version keeps objects in custom resources only")]
    NoCore,
    /// `C011`: The file of a secret cannot be read. Correct the path behind `@`, or the rights of the file.
    #[error("`{key}` names the file {}, which cannot be read: {reason}", path.display())]
    NoSecret {
        /// The key.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl Problem {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "C001",
            Self::InvalidYaml { .. } => "C002",
            Self::WrongType { .. } => "C003",
            Self::InvalidValue { .. } => "C004",
            Self::Missing { .. } => "C005",
            Self::UnknownKey { .. } => "C006",
            Self::UnknownVariable { .. } => "C007",
            Self::NoFolder { .. } => "C008",
            Self::StepsAtRunTime { .. } => "C009",
            Self::NoCore => "C010",
            Self::NoSecret { .. } => "C011",
        }
    }

    /// Whether the configuration can be used all the same.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        matches!(self, Self::UnknownKey { .. } | Self::UnknownVariable { .. })
    }

    /// How to fix it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let did_you_mean = |name: &Option<String>| name.as_ref().map(|name| format!("did you mean `{name}`?"));
        let help = match self {
            Self::InvalidValue { suggestion, .. } => return did_you_mean(suggestion),
            Self::UnknownKey { suggestion, .. } | Self::UnknownVariable { suggestion, .. } => {
                return did_you_mean(suggestion).or_else(|| Some("remove it: it has no effect".to_owned()));
            }
            Self::WrongType { expected, found, .. } => return type_help(expected, found),
            Self::Missing { key } => {
                format!("set it: `{key}: …`, or the environment variable XOS_{}", key.to_uppercase())
            }
            Self::NoFolder { .. } => "a path is relative to the file that names it".to_owned(),
            Self::StepsAtRunTime { key, .. } => {
                format!("compile the steps in with the Rust library and remove `{key}`, or empty the folder")
            }
            Self::NoCore => "remove `accessor`, or set `kind: kubernetes`".to_owned(),
            Self::NoSecret { .. } => {
                "`@` begins the path of a file, which is relative to the file that names it".to_owned()
            }
            Self::Unreadable { .. } | Self::InvalidYaml { .. } => return None,
        };
        Some(help)
    }
}

fn type_help(expected: &str, found: &str) -> Option<String> {
    let help = match (expected, found) {
        ("a text", "a number" | "true or false") => "put it in quotes",
        ("a duration", "a number") => "write it with its unit: `30s`, `5m`, `1h 30m`",
        ("a list of texts", "a text") => "write `[…]`, or one item a line after `-`",
        _ => return None,
    };
    Some(help.to_owned())
}
