//! `graph`: prints models and their links as a graph.

mod print;
mod shape;

use std::io::{self, Write};

use clap::{Args, ValueEnum};

use super::source::{self, SourceArgs, SourceError};
use super::{CommandError, Exit};
use crate::synchronizer::Synchronizer;
use shape::Graph;

#[derive(Debug, Args)]
#[command(after_help = "\
An arrow is a link; it has the link's name, its kind, whether it is required, and the port by which the peer sees it. \
A dashed arrow leads from a model to one that it inherits from. XOSBase, the base of all models, is left out.
  xos graph models/ | dot -T svg > models.svg
Exit code: 0 printed, 1 errors in models or configuration, 2 wrong usage or unreadable files.")]
pub(crate) struct GraphArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// The whole set: also all that models of XOS's core lead to, which a set gets by naming one of them
    #[arg(long)]
    all: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// The format of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For Graphviz: `… | dot -T svg`
    #[default]
    Dot,
    /// For Mermaid, which Markdown on many sites shows
    Mermaid,
}

/// Why no graph could be printed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GraphError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("cannot write to standard output: {0}")]
    Write(#[from] io::Error),
}

impl CommandError for GraphError {
    fn exit(&self) -> Exit {
        match self {
            Self::Source(error) => error.exit(),
            Self::Write(_) => Exit::Failed,
        }
    }
}

/// Prints the graph of models.
pub(crate) fn run(synchronizer: &Synchronizer, args: &GraphArgs, out: &mut dyn Write) -> Result<Exit, GraphError> {
    let models = source::models(synchronizer, "graph", &args.source.paths, &args.source.config)?;
    let graph = Graph::of(&models, args.all);
    let text = match args.output {
        Output::Dot => print::dot(&graph),
        Output::Mermaid => print::mermaid(&graph),
    };
    write!(out, "{text}")?;
    Ok(Exit::Success)
}

#[cfg(test)]
mod tests;
