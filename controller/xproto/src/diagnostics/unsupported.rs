//! `X1..`: parts of protobuf's language that mean nothing to XOS.

use super::Code;

/// A part of protobuf's language that means nothing to XOS; it is skipped as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// `X103`: A field with a list of values. No XOS model has one, and XOS cannot store it.
    ///
    /// ```proto
    /// repeated string names = 1 [max_length = 9];
    /// ```
    #[error("XOS has no repeated fields: {}", named("this field", .name))]
    Repeated {
        /// The name of the field.
        name: Option<String>,
    },
    /// `X104`: A message inside a message. XOS ignores it. Write it beside the other one.
    ///
    /// ```proto
    /// message Site {
    ///     message Port {}
    /// }
    /// ```
    #[error("XOS has no nested messages: {}", named("this message", .name))]
    NestedMessage {
        /// The name of the inner message.
        name: Option<String>,
    },
    /// `X105`: An enumeration. XOS ignores it. Use a string with `choices`.
    ///
    /// ```proto
    /// enum Color { RED = 1; }
    /// ```
    #[error("XOS has no enumerations: {}", named("this `enum`", .name))]
    Enum {
        /// The name of the enumeration.
        name: Option<String>,
    },
    /// `X106`: A choice between fields. XOS has none. Write optional fields.
    ///
    /// ```proto
    /// oneof either { int32 a = 1; int32 b = 2; }
    /// ```
    #[error("XOS has no `oneof`: {}", named("this `oneof`", .name))]
    Oneof {
        /// Its name.
        name: Option<String>,
    },
    /// `X107`: `extend` and `extensions`. Make a model with a base instead.
    ///
    /// ```proto
    /// extend Site { required int32 size = 1; }
    /// ```
    #[error("XOS has no extensions: {}", named("this one", .name))]
    Extension {
        /// The name of the extended message.
        name: Option<String>,
    },
    /// `X108`: `map` and `reduce`, both the operators and the field type. Remove them.
    ///
    /// ```proto
    /// required map<string, string> labels = 1;
    /// ```
    #[error("`map` and `reduce` mean nothing in a model: {}", named("this one", .name))]
    MapReduce {
        /// The name.
        name: Option<String>,
    },
    /// `X109` (warning): An import has no effect, here as in XOS. All files of a set see each other's messages without
    /// it.
    ///
    /// ```proto
    /// import "core.xproto";
    /// message Site {}
    /// ```
    #[error("an import has no effect")]
    Import,
    /// `X110` (warning): A package has no effect here. In XOS 4.0.4 it keeps links from being seen from their peers.
    /// Use the file option `app_label`.
    ///
    /// ```proto
    /// package xos.example;
    /// message Site {}
    /// ```
    #[error("a package has no effect{}", .name.as_ref().map(|name| format!(": `{name}`")).unwrap_or_default())]
    Package {
        /// The name of the package.
        name: Option<String>,
    },
    /// `X111`: A service or its methods. XOS makes the service of a model by itself.
    ///
    /// ```proto
    /// _service Sites { rpc Get (Site) returns (Site); }
    /// ```
    #[error("XOS makes the services by itself: {}", named("this service", .name))]
    Service {
        /// The name of the service.
        name: Option<String>,
    },
    /// `X112`: `syntax = …;` belongs to protobuf; XOS rejects it. Remove it.
    ///
    /// ```proto
    /// syntax = "proto2";
    /// message Site {}
    /// ```
    #[error("a `syntax` statement does not belong into an xproto file")]
    SyntaxStatement,
    /// `X113` (warning): A policy behind the name of a field or link is kept, but used by nothing, as in XOS 4.0.4.
    /// Name the policy on the message.
    ///
    /// ```proto
    /// required string name::name_policy = 1 [max_length = 9];
    /// ```
    #[error("a policy on a field or link has no effect")]
    FieldPolicy,
}

impl Unsupported {
    pub(crate) fn code(&self) -> Code {
        Code(match self {
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
        matches!(self, Self::FieldPolicy | Self::Import | Self::Package { .. })
    }

    pub(crate) fn help(&self) -> Option<String> {
        let help = match self {
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
