//! `completion`: scripts that complete the command line in a shell, and what completes `kubectl xos` for kubectl.

use std::io::{self, Write};

use clap::{Args, Command};
use clap_complete::Shell;

use super::{CommandError, Exit};

#[derive(Args, Debug)]
#[command(after_help = "\
For bash:
  source <(xos completion bash)
kubectl completes `kubectl xos …` itself if it finds a program kubectl_complete-xos: a link to this one.
Exit code: 0.")]
pub(crate) struct CompletionArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Why no script could be printed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompletionError {
    #[error("cannot write to standard output: {0}")]
    Write(#[from] io::Error),
}

impl CommandError for CompletionError {}

/// Prints the script for a shell, of a program that is called `name`.
pub(crate) fn run(
    args: &CompletionArgs,
    mut program: Command,
    name: &str,
    out: &mut dyn Write,
) -> Result<Exit, CompletionError> {
    // It panics where the writer fails.
    let mut script = vec![];
    clap_complete::generate(args.shell, &mut program, name, &mut script);
    out.write_all(&script)?;
    Ok(Exit::Success)
}

/// Tells kubectl to offer these words only, and no names of files: the last line of an answer (cobra's
/// `ShellCompDirectiveNoFileComp`).
const WORDS_ONLY: &str = ":4";

/// Returns what kubectl may offer for a command line that begins with `kubectl xos`; the last of the words is the one that
/// is completed. A word and what it means stand in one line, with a tab between.
pub(crate) fn complete(program: &Command, words: &[String]) -> String {
    let (last, before) = words.split_last().map_or(("", words), |(last, before)| (last.as_str(), before));
    let chosen = before.iter().find_map(|word| program.find_subcommand(word));
    let mut lines: Vec<String> = match chosen {
        None => {
            let offered = program.get_subcommands().filter(|command| !command.is_hide_set());
            offered.map(|command| line(command.get_name(), command.get_about())).collect()
        }
        Some(command) => {
            let options = command.get_arguments().filter(|argument| !argument.is_hide_set());
            options.filter_map(|option| Some(line(&format!("--{}", option.get_long()?), option.get_help()))).collect()
        }
    };
    lines.retain(|line| line.starts_with(last));
    lines.push(WORDS_ONLY.to_owned());
    lines.join("\n") + "\n"
}

fn line(word: &str, meaning: Option<&clap::builder::StyledStr>) -> String {
    let meaning = meaning.map(ToString::to_string).unwrap_or_default();
    format!("{word}\t{}", meaning.lines().next().unwrap_or_default())
}
