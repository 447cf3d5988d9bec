//! `xos hash-password`: prints the line of a user of XOS's API.

use std::io::{self, BufRead, IsTerminal as _, Write};

use clap::Args;
use xos_api::{GateError, LIMITED, hash};

use super::{CommandError, Exit};
use crate::config::without_line_end;

/// Reads the password from standard input, its first line. The output is a line of the file that `api.users_file` names.
#[derive(Debug, Args)]
pub(crate) struct HashPasswordArgs {
    /// The name of the user, such as admin@opencord.org
    name: String,
    /// The user is no administrator: what it may do is said by the models' access policies
    #[arg(long)]
    limited: bool,
}

/// Why there is no line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HashPasswordError {
    #[error("the name of a user cannot have a `:`")]
    Name,
    #[error("there is no password on standard input")]
    NoPassword,
    #[error(transparent)]
    Hash(#[from] GateError),
    #[error("cannot read standard input, or write to standard output: {0}")]
    Io(#[from] io::Error),
}

impl CommandError for HashPasswordError {
    fn exit(&self) -> Exit {
        if matches!(self, Self::Name) { Exit::Usage } else { Exit::Failed }
    }
}

/// Reads the password, and prints the line.
pub(crate) fn run(args: &HashPasswordArgs, out: &mut dyn Write) -> Result<Exit, HashPasswordError> {
    let input = io::stdin();
    if input.is_terminal() {
        writeln!(io::stderr(), "The password of {}, and Enter:", args.name)?;
    }
    let mut password = String::new();
    input.lock().read_line(&mut password)?;
    print((&args.name, args.limited), without_line_end(&password), out)
}

fn print((name, is_limited): (&str, bool), password: &str, out: &mut dyn Write) -> Result<Exit, HashPasswordError> {
    if name.is_empty() || name.contains(':') {
        return Err(HashPasswordError::Name);
    }
    if password.is_empty() {
        return Err(HashPasswordError::NoPassword);
    }
    let behind = if is_limited { format!(":{LIMITED}") } else { String::new() };
    writeln!(out, "{name}:{}{behind}", hash(name, password)?)?;
    Ok(Exit::Success)
}

#[cfg(test)]
mod tests {
    use xos_api::Gate;

    use super::*;

    #[test]
    fn a_line_is_one_of_a_file_of_users() {
        for is_limited in [false, true] {
            let mut out = vec![];
            print(("admin@opencord.org", is_limited), "letmein", &mut out).unwrap();
            let line = String::from_utf8(out).unwrap();
            assert!(line.starts_with("admin@opencord.org:$argon2id$"), "{line}");
            assert_eq!(line.ends_with(":limited\n"), is_limited, "{line}");
            assert!(Gate::of(&line).is_ok());
        }
        for (name, password) in [("a:b", "x"), ("", "x"), ("a", "")] {
            assert!(print((name, false), password, &mut vec![]).is_err(), "{name} {password}");
        }
    }
}
