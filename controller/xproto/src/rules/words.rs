//! Words that cannot be names.

use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, FieldError};
use crate::tree::Name;

/// The keywords of XOS 4.0.4's grammar (plyxproto 4.0.2) but `message` and `max`, which it lets name a field.
const KEYWORDS: [&str; 35] = [
    "bool",
    "bytes",
    "double",
    "enum",
    "extend",
    "extensions",
    "false",
    "fixed32",
    "fixed64",
    "float",
    "import",
    "int32",
    "int64",
    "manytomany",
    "manytoone",
    "map",
    "onetoone",
    "option",
    "optional",
    "package",
    "policy",
    "reduce",
    "repeated",
    "required",
    "returns",
    "rpc",
    "_service",
    "sfixed32",
    "sfixed64",
    "sint32",
    "sint64",
    "string",
    "to",
    "true",
    "uint32",
];

/// Returns whether a word of the language cannot be a name.
pub(crate) fn is_reserved(name: &str) -> bool {
    name == "uint64" || KEYWORDS.contains(&name)
}

/// Names that every XOS object has beside its fields (XOS 4.0.4, `id` and the numbers 2046 and 2047 of each message).
const XOS_NAMES: [&str; 3] = ["id", "class_names", "self_content_type_id"];

/// Checks `X301`, `X309`: the name of a field is neither a keyword nor taken.
pub(crate) fn field_name(name: &Name<'_>, sink: &mut Sink) {
    if is_reserved(name.text) {
        sink.push(Diagnostic::new(FieldError::ReservedName { name: name.text.to_owned() }, name.span));
    }
    if XOS_NAMES.contains(&name.text) {
        let taken = "every XOS object has it already";
        sink.push(Diagnostic::new(FieldError::NameTaken { name: name.text.to_owned(), taken }, name.span));
    }
}
