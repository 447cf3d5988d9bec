//! `validate`: checks objects against models, without a cluster.

mod others;
mod problem;
mod read;
mod schema;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use xos_xproto::{Model, ModelSet, Severity};

use super::findings::{Findings, counted};
use super::format::Format;
use super::source::{self, SourceError};
use super::{CommandError, Exit};
use crate::models::PathError;
use crate::synchronizer::Synchronizer;
use problem::Diagnostic;
use read::Objects;

pub(crate) use problem::ObjectProblem;

/// The configuration that is taken if nothing else names models.
const CONFIG: &str = "config.yaml";

#[derive(Debug, Args)]
#[command(after_help = "\
It finds what the API server would refuse: unknown kinds and fields, wrong types, missing fields, limits, patterns, \
choices, validators. It also finds what the controller would not accept among these objects: fields that have to be \
unique, links, owners. A link to an object that is not in the files is a note. Objects of other APIs are left alone. \
An object without a namespace is taken for one of `default`.
  xos validate objects.yaml --config config.yaml
Exit code: 0 no errors (there may be warnings and notes), 1 errors, 2 wrong usage or unreadable files.
`xos explain V009` explains a code.")]
pub(crate) struct ValidateArgs {
    /// A file of objects (.yaml), with `---` between them
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// An .xproto file or a folder of such files [default: the models that the program has built in, or those of the
    /// config.yaml beside the first file]
    #[arg(long, value_name = "PATH", num_args = 1.., conflicts_with = "config")]
    models: Vec<PathBuf>,
    /// The synchronizer's configuration file, whose models_dir has the models; repeat the option for overlays
    #[arg(long, value_name = "FILE")]
    config: Vec<PathBuf>,
    /// Output format: text for people, json (one object) for editors and scripts
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ValidateError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("cannot write the outcome: {0}")]
    Output(#[from] io::Error),
}

impl CommandError for ValidateError {
    fn exit(&self) -> Exit {
        match self {
            Self::Source(error) => error.exit(),
            Self::Output(_) => Exit::Usage,
        }
    }
}

/// Checks objects, and prints what is wrong with them to `out`.
pub(crate) fn run(
    synchronizer: &Synchronizer,
    args: &ValidateArgs,
    out: &mut dyn Write,
) -> Result<Exit, ValidateError> {
    let models = models(synchronizer, args)?;
    let mut objects = Objects::read(&models, &args.files);
    others::judge(&models, &mut objects);
    let Objects { files, all, others, mut problems, unreadable, .. } = objects;
    let mut findings = Findings::default();
    findings.add_paths(&unreadable);
    problems.sort_by_key(|(_, place)| match place {
        xos_yaml::Place::File { file, bytes } => (*file, bytes.start),
        _ => (usize::MAX, 0),
    });
    findings.add_yaml(problems.into_iter().map(|(problem, place)| Diagnostic::new(problem, &place, &files)));
    match args.format {
        Format::Text => {
            let other = if others == 0 { String::new() } else { format!(" ({others} of other APIs left alone)") };
            findings.print_text(out, &format!("{}{other}", counted(all.len(), "object")), "")?;
        }
        Format::Json => findings.print_json(out, true)?,
    }
    Ok(findings.exit())
}

/// Returns the objects of files, each with its model, in the order of the files.
///
/// # Errors
/// All that is wrong with them.
pub(crate) fn read_objects<'a>(
    models: &'a ModelSet,
    files: &[PathBuf],
) -> Result<Vec<(&'a Model, serde_json::Value)>, String> {
    let Objects { files, all, problems, unreadable, .. } = Objects::read(models, files);
    let found = problems.into_iter().map(|(problem, place)| Diagnostic::new(problem, &place, &files));
    let errors = found.filter(|one| one.severity() == Severity::Error).map(|one| one.render(false));
    let errors: Vec<_> = unreadable.iter().map(PathError::render).chain(errors).collect();
    if !errors.is_empty() {
        return Err(errors.join("\n\n"));
    }
    Ok(all.into_iter().map(|given| (given.model, given.node.into_json())).collect())
}

fn models(synchronizer: &Synchronizer, args: &ValidateArgs) -> Result<ModelSet, SourceError> {
    let names_none = args.models.is_empty() && args.config.is_empty() && synchronizer.models.is_empty();
    let beside = args.files.first().map(|file| file.with_file_name(CONFIG));
    let config = match beside {
        Some(beside) if names_none && beside.is_file() => vec![beside],
        _ => args.config.clone(),
    };
    source::models(synchronizer, "validate FILE --models", &args.models, &config)
}

#[cfg(test)]
mod tests;
