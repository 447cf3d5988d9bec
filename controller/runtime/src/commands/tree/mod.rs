//! `tree`: an object with what it leads to, or with what leads to it, and who waits for whom. Reads the cluster alone.

mod gather;
mod graph;
mod print;

use std::io::Write;

use clap::{Args, ValueEnum};

use super::Exit;
use super::objects::{self, ObjectsError};
use crate::cluster::Target;

#[derive(Args, Debug)]
#[command(after_help = "\
It reads the objects of all models: those of all namespaces, or, without the right to that, of the object's namespace.
Links are read from spec. What dependency_graph adds to them is known to the synchronizer only; an object that waits for \
that says so in its STATUS.
Exit code: 0, or 1 if the object cannot be read.")]
pub(crate) struct TreeArgs {
    /// The object: mymodel/ada, or mymodel ada
    #[arg(value_name = "KIND/NAME", num_args = 1..=2, required = true)]
    object: Vec<String>,
    /// Show what leads to the object, in place of what it leads to
    #[arg(long)]
    reverse: bool,
    /// The object's namespace; by default the one that kubectl uses
    #[arg(short, long)]
    namespace: Option<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    target: Target,
}

/// The format of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    #[default]
    Text,
    /// For Graphviz: `… -o dot | dot -T svg`
    Dot,
    /// For programs
    Json,
}

/// Prints the tree of an object.
pub(crate) fn run(args: &TreeArgs, out: &mut dyn Write) -> Result<Exit, ObjectsError> {
    let (graph, root) = objects::block_on(gather::graph(args))?;
    match args.output {
        Output::Text => write!(out, "{}", print::text(&graph, root, args.reverse))?,
        Output::Dot => write!(out, "{}", print::dot(&graph, root, args.reverse))?,
        Output::Json => writeln!(out, "{:#}", print::json(&graph, root, args.reverse))?,
    }
    Ok(Exit::Success)
}
