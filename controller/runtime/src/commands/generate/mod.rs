//! `generate`: prints a sample custom resource of a model.

mod print;
mod sample;
mod values;

use std::io::{self, Write};

use clap::Args;
use xos_xproto::{Model, ModelSet, nearest};

use super::source::{self, SourceArgs, SourceError};
use super::{CommandError, Exit};
use crate::synchronizer::Synchronizer;
use sample::Sample;

#[derive(Debug, Args)]
#[command(after_help = "\
The object has all required fields, with values that the schema and the validators accept. Optional fields are \
comments with their help text: take away the `#` before those that you want.
  xos generate Person config/people/models | kubectl apply -f -
Fields that all models have (`noSync` …) are left out.
Exit code: 0 printed, 1 errors in models or configuration, 2 wrong usage or unreadable files.")]
pub(crate) struct GenerateArgs {
    /// The model: Person, or as kubectl names it: person, people
    #[arg(value_name = "MODEL")]
    model: String,
    #[command(flatten)]
    source: SourceArgs,
    /// Set the optional fields, too
    #[arg(long)]
    all: bool,
}

/// Why no object could be printed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GenerateError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("there is no model `{model}`{}", told(.suggestion.as_deref(), .all))]
    UnknownModel { model: String, suggestion: Option<String>, all: Vec<String> },
    #[error("{model} has no objects of its own: it is abstract{}", in_its_place(.heirs))]
    Abstract { model: String, heirs: Vec<String> },
    #[error("cannot write to standard output: {0}")]
    Write(#[from] io::Error),
}

fn told(suggestion: Option<&str>, all: &[String]) -> String {
    match suggestion {
        Some(suggestion) => format!("; did you mean `{suggestion}`?"),
        None => format!("; there are {}", all.join(", ")),
    }
}

fn in_its_place(heirs: &[String]) -> String {
    if heirs.is_empty() { String::new() } else { format!("; take one of {}", heirs.join(", ")) }
}

impl CommandError for GenerateError {
    fn exit(&self) -> Exit {
        match self {
            Self::Source(error) => error.exit(),
            Self::UnknownModel { .. } | Self::Abstract { .. } => Exit::Usage,
            Self::Write(_) => Exit::Failed,
        }
    }
}

/// Prints a sample object.
pub(crate) fn run(
    synchronizer: &Synchronizer,
    args: &GenerateArgs,
    out: &mut dyn Write,
) -> Result<Exit, GenerateError> {
    let command = format!("generate {}", args.model);
    let models = source::models(synchronizer, &command, &args.source.paths, &args.source.config)?;
    let model = named(&models, &args.model)?;
    write!(out, "{}", sample(&models, model, args.all))?;
    Ok(Exit::Success)
}

/// Returns the YAML of a sample, with the optional fields, or with comments in their place.
pub(super) fn sample(models: &ModelSet, model: &Model, all: bool) -> String {
    print::yaml(model, &Sample::of(models, model, all))
}

/// Returns the model that is named, in whatever case, or by its plural.
fn named<'a>(models: &'a ModelSet, name: &str) -> Result<&'a Model, GenerateError> {
    let is_same = |one: &str| one.eq_ignore_ascii_case(name);
    let found = models.get(name).or_else(|| models.iter().find(|model| is_same(&model.name) || is_same(&model.plural)));
    let names =
        |models: &mut dyn Iterator<Item = &'a Model>| models.map(|model| model.name.clone()).collect::<Vec<_>>();
    match found {
        Some(model) if model.is_abstract => {
            Err(GenerateError::Abstract { model: model.name.clone(), heirs: names(&mut models.of_class(&model.name)) })
        }
        Some(model) => Ok(model),
        None => {
            let all = names(&mut models.concrete());
            Err(GenerateError::UnknownModel { model: name.to_owned(), suggestion: nearest(name, &all), all })
        }
    }
}

#[cfg(test)]
mod tests;
