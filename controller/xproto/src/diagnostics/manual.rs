//! The manual: what every code means, with an example and the remedy.

use std::fmt;

use super::{ChoiceError, FieldError, LinkError, ModelError, OptionError, PolicyError, Severity, Syntax, Unsupported};

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
}

impl Level {
    /// Returns the severity of a diagnostic of this level.
    #[must_use]
    pub fn severity(self, strict: bool) -> Severity {
        match self {
            Self::Error => Severity::Error,
            Self::XosRule if strict => Severity::Error,
            Self::Warning | Self::XosRule => Severity::Warning,
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
    /// The lines of the doc comment.
    manual: &'static [&'static str],
}

impl Explanation {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(code: &'static str, level: Level, manual: &'static [&'static str]) -> Self {
        Self { code: Code(code), level, manual }
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
        let explanation = Explanation::new("X000", Level::Warning, manual);
        assert_eq!(explanation.text(), "One. Two.");
        assert_eq!(explanation.example().as_deref(), Some("a\n  b\n"));
        let without = Explanation::new("X000", Level::Error, &[" One."]);
        assert_eq!((without.text().as_str(), without.example()), ("One.", None));
    }
}
