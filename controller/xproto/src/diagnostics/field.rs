//! `X3..`: fields.

use super::{Code, did_you_mean};

/// A field: its name, its number or its type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// `X301`: A word of the language names a field; XOS's grammar rejects that. Rename the field.
    ///
    /// ```proto
    /// required string option = 1 [max_length = 9];
    /// ```
    #[error("`{name}` is a word of the language and cannot name a field")]
    ReservedName {
        /// The word.
        name: String,
    },
    /// `X302`: The number of a field is not between 1 and 99; XOS counts on from there for the models that inherit it.
    /// Use a number from there.
    ///
    /// ```proto
    /// required int32 size = 100;
    /// ```
    #[error("field `{name}` has the number {number}, which is not between 1 and 99")]
    NumberOutOfRange {
        /// The field.
        name: String,
        /// The number as written.
        number: String,
    },
    /// `X303`: Two fields of one message have one number. Give the second one a free number.
    ///
    /// ```proto
    /// required int32 size = 1;
    /// required int32 weight = 1;
    /// ```
    #[error("field `{name}` has the number {number} of field `{other}`")]
    DuplicateNumber {
        /// The second field.
        name: String,
        /// The first field.
        other: String,
        /// The number of both.
        number: u32,
        /// The lowest number that is free.
        free: Option<u32>,
    },
    /// `X304`: Two fields of one message have one name. Remove or rename one.
    ///
    /// ```proto
    /// required int32 size = 1;
    /// required int32 size = 2;
    /// ```
    #[error("field `{name}` is declared twice in `{model}`")]
    DuplicateField {
        /// The name.
        name: String,
        /// The message.
        model: String,
    },
    /// `X305`: A field has the name of an inherited one. Remove it, for it is there already, or rename it.
    ///
    /// ```proto
    /// required string backend_status = 1 [max_length = 9];
    /// ```
    #[error("field `{name}` of `{model}` is inherited from `{base}` already")]
    InheritedField {
        /// The name.
        name: String,
        /// The message.
        model: String,
        /// The message that declares the inherited one.
        base: String,
    },
    /// `X306`: Two fields of a model have one name in lowerCamelCase, which custom resources use. Rename one.
    ///
    /// ```proto
    /// required int32 max_size = 1;
    /// required int32 maxSize = 2;
    /// ```
    #[error("fields `{name}` and `{other}` of `{model}` are both `{camel}` in a custom resource")]
    SameCamelCase {
        /// The second field.
        name: String,
        /// The first field.
        other: String,
        /// The model.
        model: String,
        /// The name of both.
        camel: String,
    },
    /// `X307`: The type of a field is none of the language's. Use one of int32, uint32, string, bool, float, double and
    /// bytes.
    ///
    /// ```proto
    /// required int64 size = 1;
    /// ```
    #[error("field `{name}` has the unknown type `{ty}`")]
    UnknownType {
        /// The field.
        name: String,
        /// The type as written.
        ty: String,
        /// A type that it may have meant.
        suggestion: Option<String>,
    },
    /// `X308` (warning): A string with no limit. XOS wants `max_length`, `text = True` or a `content_type`. Add one of
    /// them.
    ///
    /// ```proto
    /// required string name = 1;
    /// ```
    #[error("string field `{name}` has no `max_length`")]
    UnboundedString {
        /// The field.
        name: String,
    },
    /// `X309`: The name is taken by what every object has in XOS or in its custom resource. Rename the field.
    ///
    /// ```proto
    /// required int32 id = 1;
    /// ```
    #[error("`{name}` cannot name a field: {taken}")]
    NameTaken {
        /// The field.
        name: String,
        /// What has the name.
        taken: &'static str,
    },
    /// `X310`: Two bases of a model have fields of one name. Keep one base, or rename a field.
    ///
    /// ```proto
    /// message A { required int32 size = 1; }
    /// message B { required int32 size = 1; }
    /// message C (A, B) {}
    /// ```
    #[error("model `{model}` inherits field `{name}` from both `{first}` and `{second}`")]
    InheritedTwice {
        /// The field.
        name: String,
        /// The model.
        model: String,
        /// The message that declares the first one.
        first: String,
        /// The message that declares the second one.
        second: String,
    },
    /// `X311` (warning): The grammar of XOS has `double` and `bytes`, but XOS 4.0.4 cannot store them: its own rules
    /// know no such type, and it makes no database of a model with one. Use `float`, or a `string`.
    ///
    /// ```proto
    /// required double size = 1;
    /// ```
    #[error("XOS cannot store fields of type `{ty}` such as `{name}`")]
    NotStored {
        /// The field.
        name: String,
        /// The type.
        ty: &'static str,
    },
}

impl FieldError {
    pub(crate) fn code(&self) -> Code {
        Code(match self {
            Self::ReservedName { .. } => 301,
            Self::NumberOutOfRange { .. } => 302,
            Self::DuplicateNumber { .. } => 303,
            Self::DuplicateField { .. } => 304,
            Self::InheritedField { .. } => 305,
            Self::SameCamelCase { .. } => 306,
            Self::UnknownType { .. } => 307,
            Self::UnboundedString { .. } => 308,
            Self::NameTaken { .. } => 309,
            Self::InheritedTwice { .. } => 310,
            Self::NotStored { .. } => 311,
        })
    }

    pub(crate) fn is_warning(&self) -> bool {
        matches!(self, Self::UnboundedString { .. } | Self::NotStored { .. })
    }

    pub(crate) fn help(&self) -> Option<String> {
        let help = match self {
            Self::ReservedName { name } => format!("rename it, for example to `{name}_value`"),
            Self::NumberOutOfRange { .. } => "use a number from 1 to 99".to_owned(),
            Self::DuplicateNumber { free, .. } => free.map(|free| format!("{free} is free"))?,
            Self::DuplicateField { .. } | Self::NameTaken { .. } | Self::SameCamelCase { .. } => "rename it".to_owned(),
            Self::InheritedField { .. } => "remove it, or rename it".to_owned(),
            Self::UnknownType { suggestion, .. } => {
                did_you_mean(suggestion.as_ref(), "the types are int32, uint32, string, bool, float, double and bytes")
            }
            Self::UnboundedString { .. } => {
                "add `max_length = …`, or `text = True` for a long text, or a `content_type`".to_owned()
            }
            Self::NotStored { ty: "double", .. } => "use `float`, unless XOS itself never loads the model".to_owned(),
            Self::NotStored { .. } => {
                "use a `string` with `text = True`, unless XOS itself never loads the model".to_owned()
            }
            Self::InheritedTwice { .. } => "remove one of the bases, or rename one of the fields".to_owned(),
        };
        Some(help)
    }
}
