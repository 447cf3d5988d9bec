//! `config`: prints the JSON schema of configuration files.

use std::io::{self, Write};

use clap::{Args, Subcommand};

use super::{CommandError, Exit};
use crate::config::schema;

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print the JSON schema of configuration files, for editors
    #[command(after_help = "\
An editor with a YAML language server then completes and checks a configuration file that begins with this line:
  # yaml-language-server: $schema=config.schema.json
`xos check` checks against the same schema.")]
    Schema,
}

/// Why the schema could not be printed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SchemaError {
    #[error("cannot write to standard output: {0}")]
    Write(#[from] io::Error),
    #[error("the schema has no JSON form: {0}")]
    Json(#[from] serde_json::Error),
}

impl CommandError for SchemaError {}

/// Prints the schema.
pub(crate) fn run(args: &ConfigArgs, out: &mut dyn Write) -> Result<Exit, SchemaError> {
    match args.command {
        ConfigCommand::Schema => writeln!(out, "{}", serde_json::to_string_pretty(&schema())?)?,
    }
    Ok(Exit::Success)
}
