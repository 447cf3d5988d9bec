//! Scalar fields, their types and their options.

use std::borrow::Cow;

use super::Name;
use crate::source::Span;

/// A scalar field of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The name as written, snake_case by custom.
    pub name: String,
    /// The type of its values.
    pub ty: ScalarType,
    /// `required` and not `optional`.
    pub required: bool,
    /// Whether the empty value is valid: not on a required field.
    pub blank: bool,
    /// Whether the field may have no value: only optional ones, and never a bool.
    pub null: bool,
    /// The number as written, 1 to 99 when there are no errors.
    pub number: u32,
    /// The message that declares the field.
    pub declared_in: Name,
    /// Who may change the field.
    pub state: FieldState,
    /// Option `default`.
    pub default: Option<Literal>,
    /// Option `max_length`, in characters.
    pub max_length: Option<u32>,
    /// Option `min_length`, our own addition, in characters.
    pub min_length: Option<u32>,
    /// Option `pattern`, our own addition: a regular expression that the text must match somewhere (see
    /// [`Pattern`](crate::pattern::Pattern)).
    pub pattern: Option<String>,
    /// Option `min_value`.
    pub min_value: Option<i64>,
    /// Option `max_value`.
    pub max_value: Option<i64>,
    /// Option `content_type`.
    pub content_type: Option<ContentType>,
    /// Option `choices`: the values that the field can have.
    pub choices: Option<Vec<Choice>>,
    /// Option `text`: a long text.
    pub text: bool,
    /// Option `auto_now_add`: a date that is set when the object is created.
    pub auto_now_add: bool,
    /// Option `unique`: no two objects have the same value.
    pub unique: bool,
    /// Option `unique_with`: fields and links that are unique together with this one.
    pub unique_with: Vec<String>,
    /// Option `tosca_key`: a part of what names the object.
    pub tosca_key: bool,
    /// Option `tosca_key_one_of`: fields and links of which one, with this one, names the object.
    pub tosca_key_one_of: Vec<String>,
    /// Option `db_index`.
    pub db_index: bool,
    /// Option `gui_hidden`.
    pub gui_hidden: bool,
    /// Option `immutable`, our own addition: the value cannot be changed after creation.
    pub immutable: bool,
    /// Option `secret`, our own addition: nothing that people or other programs read shows the value.
    pub secret: bool,
    /// Option `help_text`, else `description`, else the comment right above the field.
    pub help_text: Option<String>,
    /// Option `verbose_name`.
    pub verbose_name: Option<String>,
    /// The policy after `::`; XOS 4.0.4 reads it but does not use it.
    pub policy: Option<String>,
    /// The options as written; of one given twice only the first.
    pub options: Vec<RawOption>,
    /// The name of the field in the source.
    pub span: Span,
}

impl Field {
    /// Returns the option of that name.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&RawOption> {
        self.options.iter().find(|option| option.name == name)
    }

    /// Returns whether a boolean option is set to true.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.option(name).and_then(RawOption::as_bool).unwrap_or(false)
    }

    /// Returns the name of what says from where the value of a secret field comes.
    #[must_use]
    pub fn source_name(&self) -> String {
        format!("{}_from", self.name)
    }

    /// Returns the name in lowerCamelCase, as custom resources have it: `first_name` is `firstName`.
    #[must_use]
    pub fn camel_name(&self) -> String {
        camel_case(&self.name)
    }
}

/// Returns a snake_case name in lowerCamelCase, as custom resources have it; capital letters stay as they are.
#[must_use]
pub fn camel_case(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    camel.extend(camel_chars(name));
    camel
}

/// Returns the letters of [`camel_case`].
pub(crate) fn camel_chars(name: &str) -> impl Iterator<Item = char> {
    let mut is_begun = false;
    let mut is_word = false;
    name.chars().filter_map(move |letter| {
        if letter == '_' {
            is_word = is_begun;
            return None;
        }
        is_begun = true;
        let starts_word = std::mem::take(&mut is_word);
        Some(if starts_word { letter.to_ascii_uppercase() } else { letter })
    })
}

/// Returns a number that is the same for names that are the same in lowerCamelCase, and hardly ever for others (FNV-1a
/// of the letters without their case).
pub(crate) fn camel_key(name: &str) -> u32 {
    let letters = name.bytes().filter(|&byte| byte != b'_');
    letters.fold(0x811c_9dc5, |key, byte| (key ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0193))
}

/// The type of a scalar field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScalarType {
    /// `int32`
    Int32,
    /// `uint32`
    Uint32,
    /// `string`
    String,
    /// `bool`
    Bool,
    /// `float`
    Float,
    /// `double`
    Double,
    /// `bytes`
    Bytes,
}

impl ScalarType {
    /// All types with their keywords.
    pub(crate) const ALL: [(&'static str, Self); 7] = [
        ("int32", Self::Int32),
        ("uint32", Self::Uint32),
        ("string", Self::String),
        ("bool", Self::Bool),
        ("float", Self::Float),
        ("double", Self::Double),
        ("bytes", Self::Bytes),
    ];

    /// Returns the type that a keyword names.
    #[must_use]
    pub fn from_keyword(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(keyword, _)| *keyword == word).map(|&(_, ty)| ty)
    }

    /// Returns the keyword of the language.
    #[must_use]
    pub fn keyword(self) -> &'static str {
        Self::ALL.iter().find(|(_, ty)| *ty == self).map_or("", |(keyword, _)| keyword)
    }

    /// Returns whether the values are whole numbers.
    #[must_use]
    pub fn is_integer(self) -> bool {
        matches!(self, Self::Int32 | Self::Uint32)
    }

    /// Returns whether the values are numbers.
    #[must_use]
    pub fn is_number(self) -> bool {
        self.is_integer() || matches!(self, Self::Float | Self::Double)
    }
}

/// Who changes a field (Synchronizer Reference, "feedback state" and "bookkeeping state").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum FieldState {
    /// The operator says what should be.
    #[default]
    Declarative,
    /// A synchronizer reports what is; nobody else may change it after creation.
    Feedback,
    /// The framework's own memory.
    Bookkeeping,
}

/// What the text of a string field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContentType {
    /// Text without blanks at either end.
    Stripped,
    /// A moment in time.
    Date,
    /// A URL.
    Url,
    /// An IP address.
    Ip,
}

impl ContentType {
    /// All content types as the option names them.
    pub(crate) const ALL: [(&'static str, Self); 4] =
        [("stripped", Self::Stripped), ("date", Self::Date), ("url", Self::Url), ("ip", Self::Ip)];

    /// Returns the content type that an option's value names.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|&(_, content_type)| content_type)
    }
}

/// One of the values that a field can have: `('vm', 'Virtual Machine')`.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The value; [`Literal::Null`] for `None`, which an optional field has when it has no value.
    pub value: Literal,
    /// What people are shown.
    pub label: String,
}

/// The value of a `default` option or of a choice, read after the type of its field.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `None`
    Null,
    /// `True` or `False`, quoted or not.
    Bool(bool),
    /// A whole number, quoted or not, on an integer field.
    Int(i64),
    /// A number, quoted or not, on a float or double field.
    Float(f64),
    /// A quoted string on a string or bytes field.
    Str(String),
    /// `"now()"` on a date.
    Now,
    /// A Python callable's name, bare (`get_first_site`) or quoted with parentheses (`"get_first_site()"`).
    Callable(String),
}

/// An option as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawOption {
    /// The name of the option; those that mean something are not copied.
    pub name: Cow<'static, str>,
    /// The value; a quoted one without its quotes and with its escapes resolved.
    pub value: String,
    /// How the value was written.
    pub form: ValueForm,
    /// From the name to the end of the value.
    pub span: Span,
    /// The value.
    pub value_span: Span,
}

impl RawOption {
    /// Returns the value if it is `True`, `true`, `False` or `false`, quoted or not.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self.value.as_str() {
            "True" | "true" => Some(true),
            "False" | "false" => Some(false),
            _ => None,
        }
    }
}

/// How the value of an option was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueForm {
    /// In double quotes.
    Quoted,
    /// A number.
    Number,
    /// A bare word.
    Word,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_lower_camel_case() {
        for (name, camel) in [
            ("name", "name"),
            ("first_name", "firstName"),
            ("firstName", "firstName"),
            ("no_sync", "noSync"),
            ("ofId", "ofId"),
            ("url", "url"),
            ("s_tag", "sTag"),
            ("a__b_", "aB"),
            ("ipv4_2nd", "ipv42nd"),
            ("_", ""),
        ] {
            assert_eq!(camel_case(name), camel, "{name}");
        }
    }

    #[test]
    fn keywords_name_types() {
        for (keyword, ty) in ScalarType::ALL {
            assert_eq!(ScalarType::from_keyword(keyword), Some(ty));
            assert_eq!(ty.keyword(), keyword);
        }
        assert_eq!(ScalarType::from_keyword("int64"), None);
    }
}
