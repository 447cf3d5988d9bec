//! `why`: explains why an object is not Ready, or is not deleted. Reads the cluster alone.

mod explain;
mod gather;

use std::io::Write;

use clap::Args;
use xos_engine::clock::{Clock as _, SystemClock};

use super::Exit;
use super::format::Format;
use super::objects::{self, ObjectsError};
use crate::cluster::Target;
use crate::program::Program;

#[derive(Debug, Args)]
#[command(after_help = "\
It reads the object, what it leads to, the definitions, and which synchronizers are installed. For a deleted object it \
also reads all objects of the kinds that lead to it.
Whether a synchronizer runs right now cannot be seen: it says when it was started, and when it was stopped in good order.
Exit code: 0, or 1 if the object cannot be read.")]
pub(crate) struct WhyArgs {
    /// The object, as for kubectl: mymodel/ada, mymodel ada, mymodels.example.xos.opencord.org/ada
    #[arg(value_name = "KIND/NAME", num_args = 1..=2, required = true)]
    object: Vec<String>,
    /// The object's namespace; by default the one that kubectl uses
    #[arg(short, long)]
    namespace: Option<String>,
    /// Output format
    #[arg(short, long, visible_alias = "format", value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    target: Target,
}

/// Explains the state of an object.
pub(crate) fn run(args: &WhyArgs, program: Program, out: &mut dyn Write) -> Result<Exit, ObjectsError> {
    let facts = objects::block_on(async {
        let client = args.target.client(xos_engine::API_TIMEOUT).await?;
        gather::facts(&client, args, SystemClock.now()).await
    })?;
    let explained = explain::explain(&facts);
    match args.output {
        Format::Text => write!(out, "{}", program.in_its_words(&explained.to_string()))?,
        Format::Json => writeln!(out, "{:#}", explained.to_json())?,
    }
    Ok(Exit::Success)
}
