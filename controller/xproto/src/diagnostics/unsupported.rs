//! `X1..`: parts of the language that this version does not read.

use super::Code;

/// A part of the language that this version recognises and skips as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// `X101`: A link to another model is not read yet. Remove it, or keep the peer's name in a string field.
    #[error("links are not read by this version yet: {}", named("this link", .name))]
    Link {
        /// The port.
        name: Option<String>,
    },
    /// `X102`: A policy is not read yet. A message may name it behind `::` already.
    #[error("policies are not read by this version yet: {}", named("this policy", .name))]
    Policy {
        /// The name of the policy.
        name: Option<String>,
    },
    /// `X103`: A field with a list of values. No XOS model has one, and XOS cannot store it.
    #[error("repeated fields are not read by this version: {}", named("this field", .name))]
    Repeated {
        /// The name of the field.
        name: Option<String>,
    },
    /// `X104`: A message inside a message. XOS ignores it. Write it beside the other one.
    #[error("nested messages are not read by this version: {}", named("this message", .name))]
    NestedMessage {
        /// The name of the inner message.
        name: Option<String>,
    },
    /// `X105`: An enumeration. XOS ignores it. Use a string with `choices`.
    #[error("enumerations are not read by this version: {}", named("this `enum`", .name))]
    Enum {
        /// The name of the enumeration.
        name: Option<String>,
    },
    /// `X106`: A choice between fields. XOS has none. Write optional fields.
    #[error("`oneof` is not read by this version: {}", named("this `oneof`", .name))]
    Oneof {
        /// Its name.
        name: Option<String>,
    },
    /// `X107`: `extend` and `extensions`. Make a model with a base instead.
    #[error("extensions are not read by this version: {}", named("this one", .name))]
    Extension {
        /// The name of the extended message.
        name: Option<String>,
    },
    /// `X108`: `map` and `reduce`, both the operators and the field type.
    #[error("`map` and `reduce` are not read by this version: {}", named("this one", .name))]
    MapReduce {
        /// The name.
        name: Option<String>,
    },
    /// `X109`: An import. All files of a set see each other's messages without it.
    #[error("imports are not read by this version")]
    Import,
    /// `X110`: A package. XOS cannot resolve links across packages; use the file option `app_label`.
    #[error("packages are not read by this version: {}", named("this package", .name))]
    Package {
        /// The name of the package.
        name: Option<String>,
    },
    /// `X111`: A service or its methods. XOS makes the service of a model by itself.
    #[error("service definitions are not read by this version: {}", named("this service", .name))]
    Service {
        /// The name of the service.
        name: Option<String>,
    },
    /// `X112`: `syntax = …;` belongs to protobuf; XOS rejects it. Remove it.
    #[error("a `syntax` statement does not belong into an xproto file")]
    SyntaxStatement,
    /// `X113` (warning): A policy behind a field's name is used by nothing, here as in XOS 4.0.4.
    #[error("a policy on a field has no effect")]
    FieldPolicy,
}

impl Unsupported {
    pub(crate) fn code(&self) -> Code {
        Code(match self {
            Self::Link { .. } => 101,
            Self::Policy { .. } => 102,
            Self::Repeated { .. } => 103,
            Self::NestedMessage { .. } => 104,
            Self::Enum { .. } => 105,
            Self::Oneof { .. } => 106,
            Self::Extension { .. } => 107,
            Self::MapReduce { .. } => 108,
            Self::Import => 109,
            Self::Package { .. } => 110,
            Self::Service { .. } => 111,
            Self::SyntaxStatement => 112,
            Self::FieldPolicy => 113,
        })
    }

    pub(crate) fn is_warning(&self) -> bool {
        matches!(self, Self::FieldPolicy)
    }

    pub(crate) fn help(&self) -> Option<String> {
        let help = match self {
            Self::Link { .. } => "remove it for now, or keep the name of the peer in a string field",
            Self::Policy { .. } => "remove it for now; a message may name it behind `::` all the same",
            Self::Repeated { .. } => "write `required` or `optional`; XOS stores no lists",
            Self::NestedMessage { .. } => "write the message beside the other one; a base makes it inherit",
            Self::Enum { .. } => r#"use a string with `choices = "(('a', 'A'), ('b', 'B'))"`"#,
            Self::Oneof { .. } => "write the fields as optional ones",
            Self::Extension { .. } => "write a message with the other one as its base: `message Mine (Theirs) { … }`",
            Self::MapReduce { .. } => "remove it",
            Self::Import => "remove it: all files of a set see each other's messages",
            Self::Package { .. } => r#"remove it, and set the group of the models with `option app_label = "…";`"#,
            Self::Service { .. } => "remove it: every model has its service by itself",
            Self::SyntaxStatement => "remove it",
            Self::FieldPolicy => "remove it, and name the policy on the message: `message Name::policy (Base)`",
        };
        Some(help.to_owned())
    }
}

fn named(what: &str, name: &Option<String>) -> String {
    name.as_ref().map_or_else(|| format!("{what} is skipped"), |name| format!("`{name}` is skipped"))
}
