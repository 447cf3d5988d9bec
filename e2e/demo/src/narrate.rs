//! What the demo prints: a line of explanation, the command as a person would type it, and its output.

/// Prints a line of explanation.
pub(crate) fn say(line: &str) {
    println!("\n# {line}");
}

/// Prints a command as a person would type it.
pub(crate) fn command(program: &str, arguments: &[&str]) {
    let words: Vec<String> = arguments.iter().map(|word| quoted(word)).collect();
    println!("$ {program} {}", words.join(" "));
}

/// Prints what a command printed.
pub(crate) fn output(text: &str) {
    if !text.trim().is_empty() {
        println!("{}", text.trim_end());
    }
}

/// Returns a word with the quotes that a shell needs.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=/.,:@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        assert_eq!(quoted("--for=condition=Ready"), "--for=condition=Ready");
        assert_eq!(quoted(r#"{"a": 1}"#), r#"'{"a": 1}'"#);
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
