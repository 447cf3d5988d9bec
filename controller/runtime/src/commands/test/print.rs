//! Prints the outcomes of test cases.

use std::io::{self, Write};

use serde::Serialize;
use xos_cases::Diagnostic;
use xos_xproto::DiagnosticJson;

use super::{Format, Ran};
use crate::commands::Exit;
use crate::commands::findings::counted;

/// Prints outcomes: for people each as soon as it is known, for programs all at the end.
pub(super) struct Printing<'a, 'b> {
    format: Format,
    out: &'b mut dyn Write,
    ran: Vec<Ran<'a>>,
    /// What is wrong with cases that cannot be run.
    problems: Vec<DiagnosticJson>,
}

/// The outcome for programs.
#[derive(Serialize)]
struct OutcomeJson<'a> {
    cases: &'a [Ran<'a>],
    diagnostics: &'a [DiagnosticJson],
    passed: usize,
    failed: usize,
}

impl<'a, 'b> Printing<'a, 'b> {
    pub(super) fn new(format: Format, problems: &[Diagnostic], out: &'b mut dyn Write) -> io::Result<Self> {
        if format == Format::Text {
            for problem in problems {
                writeln!(out, "{}\n", problem.render(false))?;
            }
        }
        Ok(Self { format, out, ran: vec![], problems: problems.iter().map(Diagnostic::to_json).collect() })
    }

    /// Takes the outcome of a case.
    pub(super) fn ran(&mut self, ran: Ran<'a>) -> io::Result<()> {
        if self.format == Format::Text {
            writeln!(self.out, "{} {}: {}", if ran.passed { "ok    " } else { "FAILED" }, ran.file, ran.name)?;
            for text in &ran.texts {
                writeln!(self.out, "\n{text}")?;
            }
            if !ran.passed {
                writeln!(self.out)?;
            }
        }
        self.ran.push(ran);
        Ok(())
    }

    /// Prints how many passed. Returns the exit code that says it.
    pub(super) fn end(self) -> io::Result<Exit> {
        let passed = self.ran.iter().filter(|ran| ran.passed).count();
        let failed = self.ran.len() - passed;
        match self.format {
            Format::Text => {
                let outcome = match failed {
                    0 => "all passed".to_owned(),
                    _ => format!("{passed} passed, {failed} failed"),
                };
                let wrong = match self.problems.len() {
                    0 => String::new(),
                    count => format!("; {} in cases that cannot be run", counted(count, "mistake")),
                };
                writeln!(self.out, "{}: {outcome}{wrong}", counted(self.ran.len(), "case"))?;
            }
            Format::Json => {
                let outcome = OutcomeJson { cases: &self.ran, diagnostics: &self.problems, passed, failed };
                serde_json::to_writer_pretty(&mut *self.out, &outcome)?;
                writeln!(self.out)?;
            }
        }
        Ok(if failed == 0 && self.problems.is_empty() { Exit::Success } else { Exit::Failed })
    }
}
