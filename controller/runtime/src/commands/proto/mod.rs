//! `proto`: prints the gRPC API of models as a .proto file.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use xos_grpc::{Api, ApiError};

use super::{CommandError, Exit};
use crate::models::{self, ModelsError};
use crate::synchronizer::Synchronizer;

#[derive(Debug, Args)]
#[command(after_help = "\
A client compiles the file together with common.proto and xosoptions.proto, which are the same for all models.
All files form one set. Models of the core need not be named: those that are referred to are included.
  xos proto models/ -o xos.proto")]
pub(crate) struct ProtoArgs {
    /// An .xproto file or a folder of such files; a synchronizer's own program has its models built in
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write into this file instead of printing
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Why the API could not be printed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProtoError {
    #[error(transparent)]
    Models(#[from] ModelsError),
    #[error("the models have no API:\n{0}")]
    Api(#[from] ApiError),
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

impl CommandError for ProtoError {
    fn exit(&self) -> Exit {
        match self {
            Self::Models(error) => error.exit(),
            Self::Api(_) | Self::Write { .. } => Exit::Failed,
        }
    }
}

/// Prints the API to `out`, or writes it into the file that the arguments name.
pub(crate) fn run(synchronizer: &Synchronizer, args: &ProtoArgs, out: &mut dyn Write) -> Result<Exit, ProtoError> {
    let text = Api::of(&models::named(synchronizer, "proto", &args.paths)?)?.to_proto();
    match &args.output {
        None => out
            .write_all(text.as_bytes())
            .map_err(|source| ProtoError::Write { path: "standard output".into(), source })?,
        Some(path) => {
            fs::write(path, text).map_err(|source| ProtoError::Write { path: path.clone(), source })?;
        }
    }
    Ok(Exit::Success)
}

#[cfg(test)]
mod tests;
