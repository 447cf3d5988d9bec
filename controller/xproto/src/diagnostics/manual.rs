//! The manual: what every code means, with an example and the remedy.

use std::fmt;

use super::{ChoiceError, FieldError, LinkError, ModelError, OptionError, PolicyError, Severity, Syntax, Unsupported};

/// What the first line of an example begins with, if it is a member of a message.
const MEMBERS: [&str; 5] = ["required", "optional", "repeated", "string name", "oneof"];
/// What an example needs, if it is about something else.
const APP_LABEL: &str = "option app_label = \"example\";\n\n";
/// The code of what is about that.
const WITHOUT_APP_LABEL: &str = "X206";

/// A stable name for a kind of diagnostic, such as `X012`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(&'static str);

impl Code {
    /// Returns the code as it is printed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// How severe a diagnostic is, before the options of the compilation are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Always an error.
    Error,
    /// Always a warning.
    Warning,
    /// One of the rules of XOS's own validator (xosgenx, validator.py): a warning, or an error if
    /// [`Options::strict`](crate::Options::strict) is set.
    XosRule,
    /// Always a note.
    Note,
}

impl Level {
    /// Returns the severity of a diagnostic of this level.
    #[must_use]
    pub fn severity(self, strict: bool) -> Severity {
        match self {
            Self::Error => Severity::Error,
            Self::XosRule if strict => Severity::Error,
            Self::Warning | Self::XosRule => Severity::Warning,
            Self::Note => Severity::Note,
        }
    }
}

/// A diagnostic that [`declare_diagnostics!`](crate::declare_diagnostics) declared.
pub trait Declared: std::error::Error {
    /// Returns its entry in the manual.
    fn explanation(&self) -> &'static Explanation;

    /// Returns its level, which can differ from that in the manual where it depends on the text.
    fn level(&self) -> Level;

    /// Returns how to fix it, where the message does not already say so.
    fn help(&self) -> Option<String>;
}

/// What a code means: an entry of the manual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The code.
    pub code: Code,
    /// The level.
    pub level: Level,
    /// The message, with `{…}` for what depends on the text.
    message: &'static str,
    /// The lines of the doc comment.
    manual: &'static [&'static str],
}

impl Explanation {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(code: &'static str, level: Level, message: &'static str, manual: &'static [&'static str]) -> Self {
        Self { code: Code(code), level, message, manual }
    }

    /// Returns the message of such diagnostics, with `…` for what depends on the text.
    #[must_use]
    pub fn message(&self) -> String {
        let mut message = String::new();
        let mut rest = self.message;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, brace) = rest.split_at(at);
            message.push_str(before);
            let is_escaped = brace.starts_with("{{") || brace.starts_with("}}");
            let end = if is_escaped { 2 } else { brace.find('}').map_or(brace.len(), |end| end + 1) };
            message.push_str(if is_escaped { &brace[..1] } else { "…" });
            rest = &brace[end..];
        }
        message + rest
    }

    /// Returns what the code means and what to do, in one paragraph.
    #[must_use]
    pub fn text(&self) -> String {
        let text = self.manual.iter().map(|line| line.trim()).take_while(|line| !is_fence(line));
        text.collect::<Vec<_>>().join(" ").trim_end().to_owned()
    }

    /// Returns a text that has this diagnostic, unless only a long one has.
    #[must_use]
    pub fn example(&self) -> Option<String> {
        let mut lines = self.manual.iter().skip_while(|line| !is_fence(line));
        lines.next()?;
        let lines = lines.take_while(|line| !is_fence(line));
        Some(lines.map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line))).collect())
    }

    /// Returns the example as files, each with its name, that can be compiled: a member is put into a message, and
    /// `// In a.xproto:` begins the part of another file.
    #[must_use]
    pub fn example_files(&self) -> Vec<(String, String)> {
        let Some(example) = self.example() else { return Vec::new() };
        let is_member = MEMBERS.iter().any(|word| example.starts_with(word));
        let indented = || example.lines().map(|line| format!("    {line}\n")).collect::<String>();
        let text = if is_member { format!("message M (XOSBase) {{\n{}}}\n", indented()) } else { example };
        let head = if text.contains("app_label") || self.code.0 == WITHOUT_APP_LABEL { "" } else { APP_LABEL };
        let mut files: Vec<(String, String)> = Vec::new();
        for line in format!("{head}{text}").lines() {
            let named = line.strip_prefix("// In ").and_then(|name| name.strip_suffix(':'));
            if let Some(name) = named {
                files.push((name.to_owned(), String::new()));
                continue;
            }
            if files.is_empty() {
                files.push(("example.xproto".to_owned(), String::new()));
            }
            if let Some((_, text)) = files.last_mut() {
                text.extend([line, "\n"]);
            }
        }
        files
    }
}

/// Returns whether a line begins or ends the example.
fn is_fence(line: &str) -> bool {
    line.trim().starts_with("```")
}

/// Returns what all codes mean, ordered by code.
#[must_use]
pub fn explanations() -> Vec<Explanation> {
    let mut all = [
        Syntax::EXPLANATIONS,
        Unsupported::EXPLANATIONS,
        ModelError::EXPLANATIONS,
        FieldError::EXPLANATIONS,
        OptionError::EXPLANATIONS,
        ChoiceError::EXPLANATIONS,
        LinkError::EXPLANATIONS,
        PolicyError::EXPLANATIONS,
    ]
    .concat();
    all.sort_by_key(|one| one.code);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doc_comment_is_split_into_text_and_example() {
        let manual: &[&str] = &[" One.", " Two.", "", " ```proto", " a", "   b", " ```"];
        let explanation = Explanation::new("X000", Level::Warning, "a {b} {{c}} {}: {d:?}", manual);
        assert_eq!(explanation.text(), "One. Two.");
        assert_eq!(explanation.example().as_deref(), Some("a\n  b\n"));
        assert_eq!(explanation.message(), "a … {c} …: …");
        let without = Explanation::new("X000", Level::Error, "", &[" One."]);
        assert_eq!((without.text().as_str(), without.example()), ("One.", None));
        assert_eq!(without.example_files(), []);
    }

    #[test]
    fn an_example_becomes_files() {
        let files = |manual| Explanation::new("X000", Level::Error, "", manual).example_files();
        let named = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let member = "option app_label = \"example\";\n\nmessage M (XOSBase) {\n    required int32 a = 1;\n}\n";
        let manual: &[&str] = &[" ```proto", " required int32 a = 1;", " ```"];
        assert_eq!(files(manual), [named("example.xproto", member)]);
        let manual: &[&str] = &[
            " ```proto",
            " // In a.xproto:",
            " option app_label = \"a\";",
            " // In b.xproto:",
            " message B {}",
            " ```",
        ];
        let expected = [named("a.xproto", "option app_label = \"a\";\n"), named("b.xproto", "message B {}\n")];
        assert_eq!(files(manual), expected);
    }
}
