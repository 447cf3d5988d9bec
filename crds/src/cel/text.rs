//! Names and literals as CEL text.

use std::fmt::Write as _;

/// Words that CEL reserves (Kubernetes, "Validation rules": accessible property names).
const RESERVED: [&str; 23] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
    "__dot__",
    "__dash__",
];

/// Returns the name of a property as it is written in a rule.
pub(super) fn property(name: &str) -> String {
    if RESERVED.contains(&name) { format!("__{name}__") } else { name.replace("__", "__underscores__") }
}

/// Returns a text as a literal.
pub(super) fn string(text: &str) -> String {
    let mut literal = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => literal.push_str("\\\""),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(literal, "\\u{:04x}", u32::from(c));
            }
            c => literal.push(c),
        }
    }
    literal + "\""
}

/// Returns a number with a fraction as a literal of type double.
pub(super) fn double(number: f64) -> String {
    format!("{number:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts() {
        assert_eq!(property("firstName"), "firstName");
        assert_eq!(property("namespace"), "__namespace__");
        assert_eq!(property("a__b"), "a__underscores__b");
        assert_eq!(string("a \"b\" \\ \u{1}é"), r#""a \"b\" \\ \u0001é""#);
        assert_eq!(double(2.0), "2.0");
    }
}
