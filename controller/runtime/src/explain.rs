//! `xos explain`: what the code of a diagnostic means, with an example and the remedy.

use std::io::{self, Write};

use xos_xproto::Severity;
use xos_xproto::diagnostics::{Explanation, explanations};

use crate::config::Problem;

/// The widest line of text.
const WIDTH: usize = 100;

/// Why nothing could be explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// There is no such code.
    #[error("there is no code `{code}`{}; `xos explain` lists them all", did_you_mean(.suggestion.as_deref()))]
    UnknownCode {
        /// The code as written.
        code: String,
        /// A code that it may have meant.
        suggestion: Option<String>,
    },
    /// The explanation cannot be printed.
    #[error("cannot write the explanation: {0}")]
    Output(#[from] io::Error),
}

impl ExplainError {
    pub(crate) fn is_usage(&self) -> bool {
        matches!(self, Self::UnknownCode { .. })
    }
}

/// Prints what a code means, or all codes with a line each.
///
/// # Errors
/// When there is no such code, or `out` cannot be written to.
pub fn explain(code: Option<&str>, out: &mut dyn Write) -> Result<(), ExplainError> {
    let all = all();
    let Some(code) = code else {
        return Ok(list(&all, out)?);
    };
    let wanted = normal(code);
    match all.iter().find(|explanation| explanation.code.as_str() == wanted) {
        Some(explanation) => Ok(print(explanation, out)?),
        None => Err(ExplainError::UnknownCode { code: code.to_owned(), suggestion: suggestion(&wanted, &all) }),
    }
}

/// Returns what all codes mean: those of configurations, then those of models.
fn all() -> Vec<Explanation> {
    Problem::EXPLANATIONS.iter().copied().chain(explanations()).collect()
}

/// `x12` and `12` are `X012` too.
fn normal(code: &str) -> String {
    let upper = code.trim().trim_start_matches('[').trim_end_matches(']').to_ascii_uppercase();
    let (letter, digits) = match upper.strip_prefix(|c: char| c.is_ascii_alphabetic()) {
        Some(digits) => upper.split_at(upper.len() - digits.len()),
        None => ("X", upper.as_str()),
    };
    match digits.parse::<u16>() {
        Ok(number) => format!("{letter}{number:03}"),
        Err(_) => upper.clone(),
    }
}

/// The code that is most like another: with one character of another kind, or two that are swapped.
fn suggestion(wanted: &str, all: &[Explanation]) -> Option<String> {
    let codes = all.iter().map(|explanation| explanation.code.as_str());
    let near = codes.map(|code| (strsim::osa_distance(wanted, code), code)).filter(|&(distance, _)| distance <= 1);
    near.min().map(|(_, code)| code.to_owned())
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map(|code| format!("; did you mean `{code}`?")).unwrap_or_default()
}

fn list(all: &[Explanation], out: &mut dyn Write) -> io::Result<()> {
    for explanation in all {
        let text = explanation.text();
        writeln!(out, "{}  {:<7}  {}", explanation.code, severity(explanation).to_string(), first_sentence(&text))?;
    }
    Ok(())
}

fn first_sentence(text: &str) -> &str {
    text.find(". ").map_or(text, |end| &text[..=end])
}

fn severity(explanation: &Explanation) -> Severity {
    explanation.level.severity(false)
}

fn print(explanation: &Explanation, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} ({})\n", explanation.code, severity(explanation))?;
    for line in wrapped(&explanation.text()) {
        writeln!(out, "{line}")?;
    }
    let Some(example) = explanation.example() else {
        return Ok(());
    };
    writeln!(out, "\nFor example:\n")?;
    for line in example.lines() {
        writeln!(out, "{}", format!("    {line}").trim_end())?;
    }
    Ok(())
}

/// The text in lines that are not too long.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= WIDTH {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(code: Option<&str>) -> String {
        let mut out = Vec::new();
        explain(code, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_code_is_explained_with_an_example() {
        let expected = "X012 (error)\n\nA `}` closes nothing. Remove it, or look for a missing `{` above.\n\n\
                        For example:\n\n    message Site {}\n    }\n";
        for code in ["X012", "x012", "X12", "12", "[X012]"] {
            assert_eq!(text(Some(code)), expected, "{code}");
        }
        assert!(text(Some("X308")).starts_with("X308 (warning)\n"));
        assert!(text(Some("C005")).starts_with("C005 (error)\n"));
    }

    #[test]
    fn all_codes_are_listed_with_a_line_each() {
        let list = text(None);
        assert!(list.lines().count() > 100);
        assert!(list.lines().any(|line| line == "X012  error    A `}` closes nothing."), "{list}");
        assert!(list.lines().all(|line| line.ends_with('.')), "{list}");
        assert!(list.lines().any(|line| line.starts_with("C001  error")));
    }

    #[test]
    fn no_code_is_declared_twice() {
        let all = all();
        let codes: std::collections::BTreeSet<_> = all.iter().map(|explanation| explanation.code).collect();
        assert_eq!(codes.len(), all.len());
    }

    #[test]
    fn an_unknown_code_is_a_usage_error_with_a_suggestion() {
        for (code, message) in [
            ("Y012", "there is no code `Y012`; did you mean `X012`?; `xos explain` lists them all"),
            ("nothing", "there is no code `nothing`; `xos explain` lists them all"),
            ("", "there is no code ``; `xos explain` lists them all"),
            ("ä", "there is no code `ä`; `xos explain` lists them all"),
        ] {
            let error = explain(Some(code), &mut Vec::new()).unwrap_err();
            assert!(error.is_usage());
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn lines_are_not_too_long() {
        for explanation in all() {
            let lines = wrapped(&explanation.text());
            assert!(lines.iter().all(|line| !line.is_empty() && line.chars().count() <= WIDTH), "{lines:?}");
            assert_eq!(lines.join(" "), explanation.text());
        }
    }
}
