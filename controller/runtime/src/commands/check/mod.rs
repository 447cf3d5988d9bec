//! `check`: checks models and configuration without a cluster.

mod outcome;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use xos_xproto::Options;

use super::format::Format;
use super::{CommandError, Exit};
use crate::config::Config;
use crate::models::{self, Files, Uses, has_extension};
use outcome::Outcome;
use xos_documents::Folder;

#[derive(Debug, Args)]
#[command(after_help = "\
Exit code: 0 no errors (there may be warnings), 1 errors, 2 wrong usage or unreadable files.
JSON has for each finding its place and, as `related`, other places that have to do with it.
`xos explain X012` explains a code. All .xproto files that are given, and those in folders that are given, \
form one set: they may refer to each other. \
All .yaml files that are no documents (apiVersion: xos.opencord.org/v1) form one configuration: each is an overlay of \
those before it. Documents, also those in folders that are given or that the configuration names, are checked against \
the models.")]
pub(crate) struct CheckArgs {
    /// An .xproto file, a document (.yaml), a folder of such files (with the folders in it), a configuration file (.yaml),
    /// or - for the text of a model on standard input
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Treat XOS's own rules on the options of fields and links as errors: X308, X402, X410, X419, X420
    #[arg(long)]
    strict: bool,
    /// Output format: text for people, json (one object) for editors and scripts
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckError {
    #[error("cannot write the outcome: {0}")]
    Output(#[from] io::Error),
}

impl CommandError for CheckError {
    fn exit(&self) -> Exit {
        Exit::Usage
    }
}

/// Checks models and configurations and prints what is wrong to `out`.
///
/// A path is an `.xproto` file, a folder of such files, a YAML file, or `-`. All models form one set. All YAML files
/// form one configuration, each an overlay of those before it; environment variables are not read. What is wrong with a
/// path is a finding too; the rest is checked all the same.
pub(crate) fn run(args: &CheckArgs, out: &mut dyn Write) -> Result<Exit, CheckError> {
    run_on(args, &mut io::stdin().lock(), out)
}

fn run_on(args: &CheckArgs, input: &mut dyn io::Read, out: &mut dyn Write) -> Result<Exit, CheckError> {
    let paths = Paths::of(&args.paths);
    let options = Options { strict: args.strict };
    let mut outcome = Outcome::default();
    let uses = paths.uses();
    let mut checked = None;
    if !paths.models.is_empty() {
        let mut files = Files::read(&paths.models, input);
        files.sources.add_uses(&uses);
        outcome.add_paths(&files.errors);
        checked = outcome.add_models(files, options);
    }
    let mut documents = paths.documents;
    if !paths.configs.is_empty()
        && let Some(config) = outcome.add_configuration(&paths.configs)
    {
        if !config.documents.is_empty()
            && checked.is_none()
            && let Some(folder) = config.models_dir
        {
            // A folder that is somewhere else is told with the configuration.
            let mut files = Files::read(&[folder], &mut io::empty());
            files.sources.add_uses(&uses);
            checked = outcome.add_models(files, options);
        }
        documents.extend(config.documents);
    }
    if !documents.is_empty() {
        let (models, properties) = checked.unwrap_or_default();
        outcome.add_documents(&documents, &models, &properties);
    }
    match args.format {
        Format::Text => outcome.print_text(out)?,
        Format::Json => outcome.print_json(out)?,
    }
    Ok(outcome.exit())
}

fn is_yaml(path: &Path) -> bool {
    !path.is_dir() && has_extension(path, &["yaml", "yml"])
}

/// What is to be checked, by what it is.
#[derive(Debug, Default)]
struct Paths {
    models: Vec<PathBuf>,
    configs: Vec<PathBuf>,
    documents: Vec<Folder>,
}

impl Paths {
    fn of(paths: &[PathBuf]) -> Self {
        let mut sorted = Self::default();
        for path in paths {
            let folder = || Folder { key: Folder::OF_SERVICE, path: path.clone() };
            if path.is_dir() {
                let has_documents = xos_documents::has_documents(path);
                if has_documents {
                    sorted.documents.push(folder());
                }
                if !has_documents || models::has_models(path) {
                    sorted.models.push(path.clone());
                }
            } else if !is_yaml(path) || xos_properties::is_in_folder(path) {
                sorted.models.push(path.clone());
            } else if xos_documents::is_document(path) {
                sorted.documents.push(folder());
            } else {
                sorted.configs.push(path.clone());
            }
        }
        sorted
    }

    /// Returns the models of XOS's core that the configuration and the documents use.
    fn uses(&self) -> Uses {
        let named = |folders: &[Folder]| xos_documents::read(folders).unwrap_or_default();
        let mut uses = named(&self.documents).names_of_models();
        // What is wrong with the configuration is told later.
        if !self.configs.is_empty()
            && let Ok(loaded) = Config::check(&self.configs)
        {
            uses.extend(models::uses(&loaded.config, &named(&loaded.config.documents)));
        }
        uses
    }
}

#[cfg(test)]
mod tests;
