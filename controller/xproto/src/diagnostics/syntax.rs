//! `X0..`: the text does not follow the grammar.

use super::Code;
use crate::source::MAX_SOURCE_BYTES;

/// The text does not follow the grammar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Syntax {
    /// `X001`: The file has bytes that are not UTF-8. Save it in that encoding.
    #[error("the file is not UTF-8: {}", invalid_bytes(*.places))]
    InvalidUtf8 {
        /// The number of places with such bytes.
        places: usize,
    },
    /// `X002`: The file is larger than any model file should be, and is not read. Split it.
    #[error("the file has {bytes} bytes, more than the {MAX_SOURCE_BYTES} that are read")]
    SourceTooLarge {
        /// Its size.
        bytes: usize,
    },
    /// `X003`: These characters have no meaning in the language. Remove them.
    ///
    /// ```proto
    /// required string straße = 1 [max_length = 9];
    /// ```
    #[error("unexpected {}", characters(.text))]
    UnexpectedCharacters {
        /// The characters.
        text: String,
    },
    /// `X004`: A string has no closing quote on its line. Strings may not span lines. Close it with `"` on the same
    /// line.
    ///
    /// ```proto
    /// required string name = 1 [max_length = 9, help_text = "The name];
    /// ```
    #[error("this string has no closing quote on its line")]
    UnterminatedString,
    /// `X005`: A `/*` has no `*/`. Close it with `*/`.
    ///
    /// ```proto
    /// /* Sites
    /// message Site {}
    /// ```
    #[error("this comment is not closed")]
    UnterminatedComment,
    /// `X006`: Strings stand in double quotes; XOS knows no other.
    ///
    /// ```proto
    /// required string name = 1 [max_length = 9, default = 'a'];
    /// ```
    #[error("strings are written in double quotes")]
    SingleQuotes,
    /// `X007`: `#` begins no comment; write `//` or `/* … */`.
    ///
    /// ```proto
    /// # Sites
    /// message Site {}
    /// ```
    #[error("`#` does not begin a comment")]
    HashComment,
    /// `X008`: Numbers are written in decimal digits, with an optional sign and fraction. Correct it.
    ///
    /// ```proto
    /// required string name = 1 [max_length = 9k];
    /// ```
    #[error("this is not a number")]
    MalformedNumber,
    /// `X009`: The text of a policy, from its `<` on, has no closing `>`. Write `policy name < expression >`.
    ///
    /// ```proto
    /// policy p < obj.name = "a"
    /// message Site {}
    /// ```
    #[error("this policy has no closing `>`")]
    UnterminatedPolicy,
    /// `X010`: Something else should stand here. Write what is expected, or remove what is there.
    ///
    /// ```proto
    /// required string = 1 [max_length = 9];
    /// ```
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What should stand here.
        expected: &'static str,
        /// What stands here.
        found: String,
    },
    /// `X011`: A message's `{` has no `}` before the file ends or the next message begins. Close it with `}`.
    ///
    /// ```proto
    /// message Site {
    /// message Port {}
    /// ```
    #[error("message `{name}` is not closed")]
    UnclosedMessage {
        /// The name of the message.
        name: String,
    },
    /// `X012`: A `}` closes nothing. Remove it, or look for a missing `{` above.
    ///
    /// ```proto
    /// message Site {}
    /// }
    /// ```
    #[error("this `}}` closes nothing")]
    UnmatchedBrace,
    /// `X013`: A `;` ends nothing; XOS rejects it. Remove it.
    ///
    /// ```proto
    /// required int32 size = 1;;
    /// ```
    #[error("this `;` ends nothing")]
    ExtraSemicolon,
    /// `X014`: A list of options or bases ends in a comma; XOS rejects it. Remove it.
    ///
    /// ```proto
    /// required string name = 1 [max_length = 9,];
    /// ```
    #[error("a list may not end in a comma")]
    TrailingComma,
    /// `X015`: Every field begins with `required` or `optional`. Write one of them before the type.
    ///
    /// ```proto
    /// string name = 1 [max_length = 9];
    /// ```
    #[error("field `{name}` has no modifier")]
    MissingModifier {
        /// The name of the field.
        name: String,
    },
    /// `X016`: There is more to report, but not all of it is shown. Fix the first ones and look again.
    #[error("{left_out} more diagnostics are not shown")]
    TooManyDiagnostics {
        /// How many.
        left_out: usize,
    },
    /// `X017`: An option's value is a string in double quotes, a number or one word. Write one.
    ///
    /// ```proto
    /// required string name = 1 [max_length = ];
    /// ```
    #[error("option `{option}` has no value that can be read")]
    MissingValue {
        /// The name of the option.
        option: String,
    },
    /// `X018`: A `{{` in a policy has no `}}`. Close it before the `>` that ends the policy.
    ///
    /// ```proto
    /// policy p < {{ obj.name >
    /// ```
    #[error("this `{{{{` has no `}}}}`")]
    UnterminatedPython,
}

impl Syntax {
    pub(crate) fn code(&self) -> Code {
        Code(match self {
            Self::InvalidUtf8 { .. } => 1,
            Self::SourceTooLarge { .. } => 2,
            Self::UnexpectedCharacters { .. } => 3,
            Self::UnterminatedString => 4,
            Self::UnterminatedComment => 5,
            Self::SingleQuotes => 6,
            Self::HashComment => 7,
            Self::MalformedNumber => 8,
            Self::UnterminatedPolicy => 9,
            Self::Expected { .. } => 10,
            Self::UnclosedMessage { .. } => 11,
            Self::UnmatchedBrace => 12,
            Self::ExtraSemicolon => 13,
            Self::TrailingComma => 14,
            Self::MissingModifier { .. } => 15,
            Self::TooManyDiagnostics { .. } => 16,
            Self::MissingValue { .. } => 17,
            Self::UnterminatedPython => 18,
        })
    }

    pub(crate) fn help(&self) -> Option<String> {
        let help = match self {
            Self::InvalidUtf8 { .. } => "save the file as UTF-8",
            Self::SourceTooLarge { .. } => "split it into several files: all files together form one model set",
            Self::UnterminatedString => r#"close it with `"` on the same line; write a quote inside it as `\"`"#,
            Self::UnterminatedComment => "close it with `*/`",
            Self::SingleQuotes => r#"write `"…"`"#,
            Self::HashComment => "begin a comment with `//`, or put it between `/*` and `*/`",
            Self::MalformedNumber => "write decimal digits, with a sign before and a fraction behind if need be",
            Self::UnterminatedPolicy => "a policy is written `policy name < expression >`",
            Self::UnclosedMessage { .. } => "close it with `}`",
            Self::ExtraSemicolon | Self::TrailingComma => "remove it",
            Self::MissingModifier { .. } => "begin the field with `required` or `optional`",
            Self::TooManyDiagnostics { .. } => "fix the first ones and look again",
            Self::UnterminatedPython => "close it with `}}` before the `>` that ends the policy",
            Self::MissingValue { .. } => r#"write a string in double quotes, a number, or one word such as `True`"#,
            Self::UnexpectedCharacters { .. } | Self::Expected { .. } | Self::UnmatchedBrace => {
                return None;
            }
        };
        Some(help.to_owned())
    }
}

fn invalid_bytes(places: usize) -> String {
    if places == 1 { "these bytes are no character".to_owned() } else { format!("{places} places, this is the first") }
}

fn characters(text: &str) -> String {
    let shown: String = text.chars().take(20).flat_map(char::escape_debug).collect();
    let noun = if text.chars().nth(1).is_none() { "character" } else { "characters" };
    format!("{noun} `{shown}`")
}
