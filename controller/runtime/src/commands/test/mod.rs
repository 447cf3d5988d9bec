//! `test`: runs the test cases of a service of documents, without a cluster and without its backends.

mod print;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use xos_cases::{Case, Files, Service};
use xos_xproto::DiagnosticJson;

use super::folder::{Folder, FolderError};
use super::format::Format;
use super::{CommandError, Exit};
use crate::synchronizer::Synchronizer;

#[derive(Debug, Args)]
#[command(after_help = "\
Test cases are documents of kind TestCase in files *.test.yaml: objects that are given, what backends answer, and what \
is expected. Each runs in a world of its own in memory: nothing is sent, no command is run, and time passes at once. Steps \
that are compiled into the program do not work in it: for them there is xos_controller::testing.
  xos test config/people --filter desk
Exit code: 0 all cases passed, 1 some did not, 2 wrong usage, or there are no cases.")]
pub(crate) struct TestArgs {
    /// The folder of a service, or a file of test cases
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// Run only the cases with this text in their name or in that of their file
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// The configuration file [default: the config.yaml in the folder, or in the nearest one above it]; repeat the option
    /// for overlays
    #[arg(long, value_name = "FILE")]
    config: Vec<PathBuf>,
    /// Output format: text for people, json (one object) for editors and scripts
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Why no case was run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TestError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("there are no test cases (files *.test.yaml) in {}", .0.display())]
    NoCases(PathBuf),
    #[error("no test case has `{0}` in its name")]
    NoneCalled(String),
    #[error("cannot write the outcome: {0}")]
    Output(#[from] io::Error),
}

impl CommandError for TestError {
    fn exit(&self) -> Exit {
        match self {
            Self::Folder(error) => error.exit(),
            Self::Read { .. } | Self::NoCases(_) | Self::NoneCalled(_) | Self::Output(_) => Exit::Usage,
        }
    }
}

/// The outcome of a case.
#[derive(Serialize)]
struct Ran<'a> {
    name: &'a str,
    file: String,
    passed: bool,
    diagnostics: Vec<DiagnosticJson>,
    /// The same for people.
    #[serde(skip)]
    texts: Vec<String>,
}

/// Runs test cases, and prints their outcomes to `out`.
pub(crate) fn run(synchronizer: &Synchronizer, args: &TestArgs, out: &mut dyn Write) -> Result<Exit, TestError> {
    let read = |source| TestError::Read { path: args.path.clone(), source };
    if !args.path.exists() {
        return Err(read(io::ErrorKind::NotFound.into()));
    }
    let service = service(Folder::read(synchronizer, &args.config, &args.path)?);
    let files = Files::read(std::slice::from_ref(&args.path)).map_err(read)?;
    let problems = files.problems();
    if files.cases.is_empty() && problems.is_empty() {
        return Err(TestError::NoCases(args.path.clone()));
    }
    let is_meant = |case: &&Case| {
        let path = files.path(case).display().to_string();
        args.filter.as_ref().is_none_or(|text| case.name.contains(text) || path.contains(text))
    };
    let cases: Vec<_> = files.cases.iter().filter(is_meant).collect();
    if let (Some(text), true, true) = (&args.filter, cases.is_empty(), problems.is_empty()) {
        return Err(TestError::NoneCalled(text.clone()));
    }
    let mut printing = print::Printing::new(args.format, &problems, out)?;
    for case in cases {
        let found = case.run(&service, &files);
        printing.ran(Ran {
            name: &case.name,
            file: files.path(case).display().to_string(),
            passed: found.is_empty(),
            diagnostics: found.iter().map(xos_cases::Diagnostic::to_json).collect(),
            texts: found.iter().map(|one| one.render(false)).collect(),
        })?;
    }
    Ok(printing.end()?)
}

/// Returns what is tested of a folder. What is compiled into the program may have effects, and does not work.
fn service(folder: Folder) -> Service {
    Service {
        name: folder.config.name.clone(),
        models: folder.models,
        properties: folder.properties,
        steps: folder.documents,
        settings: folder.config.settings.clone(),
        options: folder.options,
    }
}

#[cfg(test)]
mod tests;
