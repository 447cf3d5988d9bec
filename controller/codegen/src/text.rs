//! Texts of models as texts of Rust code.

use std::fmt::Write as _;

/// Comes before every generated item: lints of names and style are not for generated code, and no crate uses all of it.
pub(crate) const ALLOW: &str = "#[allow(clippy::all, clippy::pedantic, clippy::nursery)]\n\
    #[allow(dead_code, non_camel_case_types, non_snake_case, unreachable_pub)]\n";

/// Returns a text as a documentation comment that shows every line as it is written.
pub(crate) fn doc(text: &str, indent: &str) -> String {
    text.lines().fold(String::new(), |mut code, line| {
        let line: String = line.trim().chars().filter(|&c| is_plain(c)).collect();
        let space = if line.is_empty() { "" } else { " " };
        let _ = writeln!(code, "{indent}///{space}{}", escaped(&line));
        code
    })
}

/// Returns whether a character may be in a comment. One that controls how others are shown may not.
fn is_plain(c: char) -> bool {
    matches!(c, '\'' | '"' | '\\') || c.escape_debug().len() == 1
}

/// Escapes what rustdoc would take for a link, a tag or a block.
fn escaped(line: &str) -> String {
    let line = line.replace('[', "\\[").replace('<', "\\<").replace("```", "\\`\\`\\`").replace("~~~", "\\~~~");
    line.split(' ').map(linked).collect::<Vec<_>>().join(" ")
}

/// Makes a link of a bare address.
fn linked(word: &str) -> String {
    let starts = ["http://", "https://"].iter().filter_map(|scheme| word.find(scheme)).min();
    let Some(start) = starts.filter(|_| !word.contains(['`', '\\', '>'])) else {
        return word.to_owned();
    };
    let (before, rest) = word.split_at(start);
    let address = rest.trim_end_matches(['.', ',', ';', ':', ')', '"', '\'', '!', '?']);
    format!("{before}<{address}>{}", &rest[address.len()..])
}

/// The words that cannot be names without `r#`.
const KEYWORDS: [&str; 49] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move",
    "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield", "_",
];

/// Returns a name with only the characters that a Rust identifier may have. It may still be a keyword.
pub(crate) fn plain(name: &str) -> String {
    let mut plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect();
    if plain.starts_with(|c: char| c.is_ascii_digit()) || plain.chars().all(|c| c == '_') {
        plain.insert(0, '_');
    }
    if plain == "_" { "__".to_owned() } else { plain }
}

/// Returns a plain name as an identifier, with `r#` or `_` where it is a keyword.
pub(crate) fn identifier(plain: &str) -> String {
    match plain {
        // These cannot be raw identifiers.
        "self" | "Self" | "super" | "crate" => format!("{plain}_"),
        _ if KEYWORDS.contains(&plain) => format!("r#{plain}"),
        _ => plain.to_owned(),
    }
}

/// Returns the words of a text in UpperCamelCase. A word in capital letters becomes a plain one: `NAT` is `Nat`.
pub(crate) fn camel(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(String::new(), |mut name, word| {
        let is_loud = word.len() > 1 && !word.contains(|c: char| c.is_ascii_lowercase());
        let (first, rest) = word.split_at(1);
        name.push_str(&first.to_ascii_uppercase());
        name.push_str(&if is_loud { rest.to_ascii_lowercase() } else { rest.to_owned() });
        name
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers() {
        let table = [
            ("name", "name"),
            ("type", "r#type"),
            ("self", "self_"),
            ("ofId", "ofId"),
            ("_", "__"),
            ("2nd", "_2nd"),
            ("naïve", "na_ve"),
            ("Self", "Self_"),
        ];
        for (xos, rust) in table {
            assert_eq!(identifier(&plain(xos)), rust);
        }
    }

    #[test]
    fn camel_case() {
        let table = [
            ("container_vm", "ContainerVm"),
            ("NAT", "Nat"),
            ("MANAGEMENT_LOCAL", "ManagementLocal"),
            ("IPv4", "IPv4"),
            ("in progress", "InProgress"),
            ("A", "A"),
            ("10G", "10g"),
            ("++", ""),
        ];
        for (text, name) in table {
            assert_eq!(camel(text), name, "{text}");
        }
    }

    #[test]
    fn documentation_is_shown_as_it_was_written() {
        let text = "Whether [it] is <so>.\n\n    see http://x.org/a. ```\r\u{202e}bell\u{7}";
        let expected = "/// Whether \\[it] is \\<so>.\n///\n/// see <http://x.org/a>. \\`\\`\\`bell\n";
        assert_eq!(doc(text, ""), expected);
    }
}
