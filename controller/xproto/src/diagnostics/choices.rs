//! `X413` to `X418`: option `choices`.

use super::option::shown;
use super::{Code, did_you_mean};

/// The choices of a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// `X413`: Option `choices` is not a Python tuple of pairs of a value and a label. A comma may stand behind the
    /// last pair; one pair alone needs it.
    ///
    /// ```proto
    /// required string kind = 1 [max_length = 9, choices = "(('vm', 'Virtual Machine'))"];
    /// ```
    #[error("the choices of `{field}` cannot be read: {why}")]
    InvalidChoices {
        /// The field.
        field: String,
        /// What is wrong with them.
        why: String,
    },
    /// `X414`: One of the choices is not a value of the field's type. Write values of that type, strings in quotes.
    ///
    /// ```proto
    /// required int32 size = 1 [choices = "(('1', 'Small'), ('2', 'Big'))"];
    /// ```
    #[error("the choice `{}` of `{field}` is not {expected}", shown(.value))]
    ChoiceMismatch {
        /// The field.
        field: String,
        /// The value.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// `X415` (warning): A value stands twice among the choices. Remove one of them.
    ///
    /// ```proto
    /// required string kind = 1 [max_length = 9, choices = "(('a', 'A'), ('a', 'B'))"];
    /// ```
    #[error("the choice `{}` of `{field}` is there twice", shown(.value))]
    DuplicateChoice {
        /// The field.
        field: String,
        /// The value.
        value: String,
    },
    /// `X416`: The default is none of the choices. Add it to the choices, or take one of them.
    ///
    /// ```proto
    /// required string kind = 1 [max_length = 9, default = "c", choices = "(('a', 'A'), ('b', 'B'))"];
    /// ```
    #[error("the default `{}` of `{field}` is none of its choices", shown(.value))]
    DefaultNoChoice {
        /// The field.
        field: String,
        /// The default.
        value: String,
        /// A choice that it may have meant.
        suggestion: Option<String>,
    },
    /// `X417` (warning): `None` is among the choices of a required field, which cannot be without a value. Remove it,
    /// or make the field optional.
    ///
    /// ```proto
    /// required string kind = 1 [max_length = 9, choices = "((None, 'Any'), ('b', 'B'))"];
    /// ```
    #[error("required field `{field}` has `None` among its choices")]
    NullChoice {
        /// The field.
        field: String,
    },
    /// `X418`: One of the choices is longer than `max_length` allows. Shorten it, or raise the limit.
    ///
    /// ```proto
    /// required string kind = 1 [max_length = 1, choices = "(('a', 'A'), ('bb', 'B'))"];
    /// ```
    #[error("the choice `{}` of `{field}` is longer than its `max_length` of {max}", shown(.value))]
    ChoiceTooLong {
        /// The field.
        field: String,
        /// The value.
        value: String,
        /// The limit.
        max: u32,
    },
}

impl ChoiceError {
    pub(crate) fn code(&self) -> Code {
        Code(match self {
            Self::InvalidChoices { .. } => 413,
            Self::ChoiceMismatch { .. } => 414,
            Self::DuplicateChoice { .. } => 415,
            Self::DefaultNoChoice { .. } => 416,
            Self::NullChoice { .. } => 417,
            Self::ChoiceTooLong { .. } => 418,
        })
    }

    pub(crate) fn is_warning(&self) -> bool {
        matches!(self, Self::DuplicateChoice { .. } | Self::NullChoice { .. })
    }

    pub(crate) fn help(&self) -> Option<String> {
        let help = match self {
            Self::InvalidChoices { .. } => {
                r#"write them as `choices = "(('vm', 'Virtual Machine'), ('container', 'Container'))"`"#.to_owned()
            }
            Self::DuplicateChoice { .. } => "remove it".to_owned(),
            Self::DefaultNoChoice { suggestion, .. } => did_you_mean(Some(suggestion.as_ref()?), ""),
            Self::NullChoice { .. } => "remove it, or make the field optional".to_owned(),
            Self::ChoiceTooLong { .. } => "shorten it, or raise `max_length`".to_owned(),
            Self::ChoiceMismatch { .. } => return None,
        };
        Some(help)
    }
}
