//! `X4..`: options of files, messages and fields.

use super::{Code, did_you_mean};

/// An option of a file, a message or a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// `X401` (warning): An option is given twice; the first one is used, as in XOS.
    #[error("option `{name}` is given twice; the first one is used")]
    Duplicate {
        /// The option.
        name: String,
    },
    /// `X402` (warning): `required` and `optional` say what `blank` and `null` are; another value has no effect.
    #[error("`{name} = {value}` has no effect: `{modifier}` says otherwise")]
    ModifierWins {
        /// `blank` or `null`.
        name: String,
        /// The value as written.
        value: String,
        /// The modifier of the field.
        modifier: &'static str,
    },
    /// `X403` (warning): `feedback_state = False` is read as false. XOS 4.0.4 sets the state whatever the value is.
    #[error("`{name} = False` is read as false, but XOS 4.0.4 reads it as true")]
    FalseState {
        /// The option.
        name: String,
    },
    /// `X404`: The value of an option is not one that it can have.
    #[error("option `{name}` cannot be `{}`: expected {expected}", shown(.value))]
    InvalidValue {
        /// The option.
        name: String,
        /// The value as written.
        value: String,
        /// What it can be.
        expected: &'static str,
        /// A value that it may have meant.
        suggestion: Option<String>,
    },
    /// `X405`: The default is not a value of the field's type.
    #[error("field `{field}` cannot have the default `{}`: expected {expected}", shown(.value))]
    DefaultMismatch {
        /// The field.
        field: String,
        /// The default as written.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// `X406`: The default is longer than `max_length` allows.
    #[error("the default of `{field}` has {length} characters, more than its `max_length` of {max}")]
    DefaultTooLong {
        /// The field.
        field: String,
        /// The length of the default.
        length: usize,
        /// The limit.
        max: u32,
    },
    /// `X407`: The default is less than `min_value` or more than `max_value`.
    #[error("the default {value} of `{field}` is not within its `min_value` and `max_value`")]
    DefaultOutOfRange {
        /// The field.
        field: String,
        /// The default as written.
        value: String,
    },
    /// `X408` (warning): A required field has no value to fall back to when its default is `None`.
    #[error("required field `{field}` has the default `None`, which it cannot have as a value")]
    NullDefaultOnRequired {
        /// The field.
        field: String,
    },
    /// `X409`: A field is feedback or bookkeeping, not both.
    #[error("field `{field}` has both `feedback_state` and `bookkeeping_state`")]
    ConflictingStates {
        /// The field.
        field: String,
    },
    /// `X410` (warning): A limit or content type on a field whose type has none.
    #[error("option `{name}` does not apply to `{field}`, which is of type `{ty}`")]
    DoesNotApply {
        /// The option.
        name: String,
        /// The field.
        field: String,
        /// The type of the field.
        ty: &'static str,
    },
    /// `X411`: `min_value` is greater than `max_value`, so that no value is valid.
    #[error("field `{field}` can have no value: its `min_value` is greater than its `max_value`")]
    EmptyRange {
        /// The field.
        field: String,
    },
    /// `X412` (warning): A file option stands below a message. Here it holds for the whole file; in XOS 4.0.4 only below.
    #[error("option `{name}` holds for the whole file, but XOS 4.0.4 does not apply it to the messages above it")]
    FileOptionBelow {
        /// The option.
        name: String,
    },
}

impl OptionError {
    pub(crate) fn code(&self) -> Code {
        Code(match self {
            Self::Duplicate { .. } => 401,
            Self::ModifierWins { .. } => 402,
            Self::FalseState { .. } => 403,
            Self::InvalidValue { .. } => 404,
            Self::DefaultMismatch { .. } => 405,
            Self::DefaultTooLong { .. } => 406,
            Self::DefaultOutOfRange { .. } => 407,
            Self::NullDefaultOnRequired { .. } => 408,
            Self::ConflictingStates { .. } => 409,
            Self::DoesNotApply { .. } => 410,
            Self::EmptyRange { .. } => 411,
            Self::FileOptionBelow { .. } => 412,
        })
    }

    pub(crate) fn is_warning(&self) -> bool {
        matches!(
            self,
            Self::Duplicate { .. }
                | Self::ModifierWins { .. }
                | Self::FalseState { .. }
                | Self::NullDefaultOnRequired { .. }
                | Self::DoesNotApply { .. }
                | Self::FileOptionBelow { .. }
        )
    }

    pub(crate) fn help(&self) -> Option<String> {
        let help = match self {
            Self::InvalidValue { suggestion, .. } => did_you_mean(Some(suggestion.as_ref()?), ""),
            Self::ModifierWins { .. } => "remove it, or change the modifier".to_owned(),
            Self::DefaultTooLong { .. } => "shorten it, or raise `max_length`".to_owned(),
            Self::NullDefaultOnRequired { .. } => "remove the default, or make the field optional".to_owned(),
            Self::ConflictingStates { .. } => {
                "keep `feedback_state` for what a synchronizer reports, `bookkeeping_state` for the framework's own"
                    .to_owned()
            }
            Self::FileOptionBelow { .. } => "write it above the first message".to_owned(),
            Self::Duplicate { .. } | Self::FalseState { .. } | Self::DoesNotApply { .. } => "remove it".to_owned(),
            Self::DefaultMismatch { value, .. } if value == "now()" => {
                r#"only a date can be `now()`: add `content_type = "date"`"#.to_owned()
            }
            Self::DefaultMismatch { .. } | Self::DefaultOutOfRange { .. } | Self::EmptyRange { .. } => return None,
        };
        Some(help)
    }
}

/// A value as it can stand in a message: on one line and not too long.
fn shown(value: &str) -> String {
    const LONGEST: usize = 40;
    let cut = if value.chars().nth(LONGEST).is_some() { "…" } else { "" };
    let start: String = value.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    format!("{start}{cut}")
}
