//! `X4..`: options of files, messages and fields.

use super::{Code, did_you_mean};
use crate::limits::MAX_NAMES;

/// An option of a file, a message or a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// `X401` (warning): An option is given twice; the first one is used, as in XOS, which says nothing. Only a warning:
    /// the model means what it means in XOS. Remove the one that is not meant.
    ///
    /// ```proto
    /// required int32 size = 1 [default = 1, default = 2];
    /// ```
    #[error("option `{name}` is given twice; the first one is used")]
    Duplicate {
        /// The option.
        name: String,
    },
    /// `X402` (warning): `required` and `optional` say what `blank` and `null` are; another value has no effect. Remove
    /// it, or change the modifier.
    ///
    /// ```proto
    /// required int32 size = 1 [blank = True];
    /// ```
    #[error("`{name} = {value}` has no effect: `{modifier}` says otherwise")]
    ModifierWins {
        /// `blank` or `null`.
        name: String,
        /// The value as written.
        value: String,
        /// The modifier of the field.
        modifier: &'static str,
    },
    /// `X403` (warning): `feedback_state = False` is read as false. XOS 4.0.4 sets the state whatever the value is, and
    /// says nothing. Only a warning: nobody writes `False` and means true. Remove the option.
    ///
    /// ```proto
    /// required int32 size = 1 [feedback_state = False];
    /// ```
    #[error("`{name} = False` is read as false, but XOS 4.0.4 reads it as true")]
    FalseState {
        /// The option.
        name: String,
    },
    /// `X404`: The value of an option is not one that it can have. Write one that it can have.
    ///
    /// ```proto
    /// required string name = 1 [max_length = long];
    /// ```
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
    /// `X405`: The default is not a value of the field's type. Write one that is, or change the type.
    ///
    /// ```proto
    /// required int32 size = 1 [default = "big"];
    /// ```
    #[error("field `{field}` cannot have the default `{}`: expected {expected}", shown(.value))]
    DefaultMismatch {
        /// The field.
        field: String,
        /// The default as written.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// `X406`: The default is longer than `max_length` allows. Shorten it, or raise the limit.
    ///
    /// ```proto
    /// required string name = 1 [max_length = 3, default = "long"];
    /// ```
    #[error("the default of `{field}` has {length} characters, more than its `max_length` of {max}")]
    DefaultTooLong {
        /// The field.
        field: String,
        /// The length of the default.
        length: usize,
        /// The limit.
        max: u32,
    },
    /// `X407`: The default is less than `min_value` or more than `max_value`. Change the default or the limit.
    ///
    /// ```proto
    /// required int32 size = 1 [max_value = 9, default = 10];
    /// ```
    #[error("the default {value} of `{field}` is not within its `min_value` and `max_value`")]
    DefaultOutOfRange {
        /// The field.
        field: String,
        /// The default as written.
        value: String,
    },
    /// `X408` (warning): A required field has no value to fall back to when its default is `None`. Remove the default,
    /// or make the field optional.
    ///
    /// ```proto
    /// required int32 size = 1 [default = None];
    /// ```
    #[error("required field `{field}` has the default `None`, which it cannot have as a value")]
    NullDefaultOnRequired {
        /// The field.
        field: String,
    },
    /// `X409`: A field is feedback or bookkeeping, not both. Keep `feedback_state` for what a synchronizer reports,
    /// `bookkeeping_state` for the framework's own.
    ///
    /// ```proto
    /// required int32 size = 1 [feedback_state = True, bookkeeping_state = True];
    /// ```
    #[error("field `{field}` has both `feedback_state` and `bookkeeping_state`")]
    ConflictingStates {
        /// The field.
        field: String,
    },
    /// `X410` (warning): A limit or content type on a field whose type has none. Remove it.
    ///
    /// ```proto
    /// required int32 size = 1 [max_length = 9];
    /// ```
    #[error("option `{name}` does not apply to `{field}`, which is of type `{ty}`")]
    DoesNotApply {
        /// The option.
        name: String,
        /// The field.
        field: String,
        /// The type of the field.
        ty: &'static str,
    },
    /// `X411`: `min_value` is greater than `max_value`, so that no value is valid. Swap them.
    ///
    /// ```proto
    /// required int32 size = 1 [min_value = 9, max_value = 1];
    /// ```
    #[error("field `{field}` can have no value: its `min_value` is greater than its `max_value`")]
    EmptyRange {
        /// The field.
        field: String,
    },
    /// `X412` (warning): A file option stands below a message. Here it holds for the whole file; in XOS 4.0.4 only
    /// below. Write it above the first message.
    ///
    /// ```proto
    /// message Site {}
    /// option name = "example";
    /// ```
    #[error("option `{name}` holds for the whole file, but XOS 4.0.4 does not apply it to the messages above it")]
    FileOptionBelow {
        /// The option.
        name: String,
    },
    /// `X419` (warning): An option has a name that is almost that of another one, and by itself it means nothing. XOS
    /// ignores it silently. Write what is meant.
    ///
    /// ```proto
    /// required string name = 1 [text = True, max_lenght = 9];
    /// ```
    #[error("`{name}` is no option that means anything")]
    MisspeltOption {
        /// The option.
        name: String,
        /// The option that it probably is.
        suggestion: String,
    },
    /// `X420` (warning): An option of a field or link that means nothing to XOS. It is kept for other programs. Remove
    /// it if it has no use.
    ///
    /// ```proto
    /// required int32 size = 1 [unit = "kg"];
    /// ```
    #[error("option `{name}` means nothing on a field or link")]
    UnlistedOption {
        /// The option.
        name: String,
    },
    /// `X421` (warning): XOS looks only whether this option is there: also `False` drops the fields that report to the
    /// operator. Remove it.
    ///
    /// ```proto
    /// message Site { option no_sync = False; }
    /// ```
    #[error("`{name}` counts as set whatever its value is, also `{value}`")]
    PresenceCounts {
        /// The option.
        name: String,
        /// The value as written.
        value: String,
    },
    /// `X422` (warning): XOS 4.0.4 reads all files as one text, so that a file option of an earlier file holds in this
    /// one too, for every message that does not set it. Here it holds for its own file only. Set the option in this
    /// file, or in its messages, to what is meant.
    ///
    /// ```proto
    /// // In a.xproto:
    /// option app_label = "a";
    /// option name = "a";
    /// message A {}
    /// // In b.xproto:
    /// option app_label = "b";
    /// message B {}
    /// ```
    #[error("in XOS 4.0.4 the option `{name}` of another file would hold for `{message}` too")]
    LeakingFileOption {
        /// The option.
        name: String,
        /// The first message of this file that does not set it.
        message: String,
    },
    /// `X423`: `unique_with` and `tosca_key_one_of` name fields or links of the same model. Correct the name.
    ///
    /// ```proto
    /// required string name = 1 [max_length = 9, unique_with = "colour"];
    /// ```
    #[error("`{option}` of `{field}` names `{name}`, which `{model}` does not have")]
    UnknownSibling {
        /// The option.
        option: &'static str,
        /// The field or link that has the option.
        field: String,
        /// The name.
        name: String,
        /// The model.
        model: String,
        /// A field or link that it may have meant.
        suggestion: Option<String>,
    },
    /// `X424` (warning): `modifier` is what XOS keeps `required` and `optional` under; as an option it has no effect.
    /// Remove it.
    ///
    /// ```proto
    /// required int32 size = 1 [modifier = required];
    /// ```
    #[error("option `modifier` has no effect")]
    Modifier,
    /// `X428`: A list of names such as `unique_with` is longer than is read. Name fewer fields and links.
    #[error("`{option}` of `{field}` has more than {MAX_NAMES} names; the last {left_out} of them are not read")]
    TooManyNames {
        /// The option.
        option: &'static str,
        /// The field or link that has the option.
        field: String,
        /// How many are not read.
        left_out: usize,
    },
    /// `X429` (warning): A `max_length` of 0 leaves a field no text but the empty one. Raise it, or remove it.
    ///
    /// ```proto
    /// required string name = 1 [max_length = 0];
    /// ```
    #[error("`{field}` can hold no text: its `max_length` is 0")]
    ZeroLength {
        /// The field.
        field: String,
    },
}

impl OptionError {
    pub(crate) fn is_strict_rule(&self) -> bool {
        matches!(
            self,
            Self::ModifierWins { .. }
                | Self::DoesNotApply { .. }
                | Self::MisspeltOption { .. }
                | Self::UnlistedOption { .. }
                | Self::ZeroLength { .. }
        )
    }

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
            Self::MisspeltOption { .. } => 419,
            Self::UnlistedOption { .. } => 420,
            Self::PresenceCounts { .. } => 421,
            Self::LeakingFileOption { .. } => 422,
            Self::UnknownSibling { .. } => 423,
            Self::Modifier => 424,
            Self::TooManyNames { .. } => 428,
            Self::ZeroLength { .. } => 429,
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
                | Self::MisspeltOption { .. }
                | Self::UnlistedOption { .. }
                | Self::PresenceCounts { .. }
                | Self::LeakingFileOption { .. }
                | Self::Modifier
                | Self::ZeroLength { .. }
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
            Self::Duplicate { .. }
            | Self::FalseState { .. }
            | Self::DoesNotApply { .. }
            | Self::UnlistedOption { .. }
            | Self::Modifier => "remove it".to_owned(),
            Self::PresenceCounts { .. } => "remove it, unless it is meant".to_owned(),
            Self::UnknownSibling { suggestion, .. } => did_you_mean(Some(suggestion.as_ref()?), ""),
            Self::MisspeltOption { suggestion, .. } => did_you_mean(Some(suggestion), ""),
            Self::LeakingFileOption { name, .. } => format!("set `{name}` in this file too"),
            Self::DefaultMismatch { value, .. } if value == "now()" => {
                r#"only a date can be `now()`: add `content_type = "date"`"#.to_owned()
            }
            Self::ZeroLength { .. } => "raise it, or remove it".to_owned(),
            Self::TooManyNames { .. } => "name fewer".to_owned(),
            Self::DefaultMismatch { .. } | Self::DefaultOutOfRange { .. } | Self::EmptyRange { .. } => return None,
        };
        Some(help)
    }
}

/// A value as it can stand in a message: on one line and not too long.
pub(super) fn shown(value: &str) -> String {
    const LONGEST: usize = 40;
    let cut = if value.chars().nth(LONGEST).is_some() { "…" } else { "" };
    let start: String = value.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    format!("{start}{cut}")
}
