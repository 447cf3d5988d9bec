//! `explain`: says what the code of a diagnostic means, with an example and the remedy.

use std::io::{self, Write};

use clap::Args;
use xos_xproto::Severity;
use xos_xproto::diagnostics::{Explanation, explanations};

use super::validate::ObjectProblem;
use super::{CommandError, Exit};
use crate::config::Problem;
use crate::models::PathProblem;

/// The widest line of text.
const WIDTH: usize = 100;

#[derive(Debug, Args)]
#[command(after_help = "Exit code: 0, or 2 if there is no such code.")]
pub(crate) struct ExplainArgs {
    /// The code, such as X012; without one all codes are listed
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

/// Why nothing could be explained.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExplainError {
    #[error("there is no code `{code}`{}; `xos explain` lists them all", did_you_mean(.suggestion.as_deref()))]
    UnknownCode { code: String, suggestion: Option<String> },
    #[error("cannot write the explanation: {0}")]
    Output(#[from] io::Error),
}

impl CommandError for ExplainError {
    fn exit(&self) -> Exit {
        match self {
            Self::UnknownCode { .. } => Exit::Usage,
            Self::Output(_) => Exit::Failed,
        }
    }
}

/// Prints what a code means, or all codes with a line each.
pub(crate) fn run(args: &ExplainArgs, out: &mut dyn Write) -> Result<Exit, ExplainError> {
    let all = all();
    let Some(code) = &args.code else {
        list(&all, out)?;
        return Ok(Exit::Success);
    };
    let wanted = normal(code);
    match all.iter().find(|explanation| explanation.code.as_str() == wanted) {
        Some(explanation) => print(explanation, out)?,
        None => {
            let suggestion = suggestion(&wanted, &all);
            return Err(ExplainError::UnknownCode { code: code.clone(), suggestion });
        }
    }
    Ok(Exit::Success)
}

/// Returns the explanations of all codes: those of configurations, of documents, of properties, of paths, of test cases, of
/// objects, then those of models.
fn all() -> Vec<Explanation> {
    let of_paths = PathProblem::EXPLANATIONS.iter().copied();
    let of_documents = xos_documents::Problem::EXPLANATIONS.iter().copied();
    let of_properties = xos_properties::Problem::EXPLANATIONS.iter().copied();
    let of_objects = ObjectProblem::EXPLANATIONS.iter().copied();
    let of_configurations = Problem::EXPLANATIONS.iter().copied();
    let of_cases = xos_cases::CaseProblem::EXPLANATIONS.iter().copied();
    of_configurations
        .chain(of_documents)
        .chain(of_properties)
        .chain(of_paths)
        .chain(of_cases)
        .chain(of_objects)
        .chain(explanations())
        .collect()
}

/// Returns a code in its usual form: `x12` and `12` are `X012` too.
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

/// Returns a code that differs in one character, or in the order of two.
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

/// Returns the text in lines of at most `WIDTH` characters.
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
mod reference;
#[cfg(test)]
mod tests;
