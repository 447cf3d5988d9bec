//! Running the system's programs.

use std::{
    ffi::OsStr,
    io,
    process::{Command, Output, Stdio},
};

/// A program failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not there.
    #[error("`{program}` is needed, and is not installed{}", hint(program))]
    Missing {
        /// The program.
        program: String,
    },
    /// The operating system does not start it.
    #[error("cannot run `{program}`")]
    Start {
        /// The program.
        program: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It failed.
    #[error("`{command}` failed: {words}")]
    Failed {
        /// The command.
        command: String,
        /// What it said.
        words: String,
    },
}

fn hint(program: &str) -> &'static str {
    match program {
        "ldd" | "dpkg-deb" | "dpkg-query" | "apt-get" => {
            ": images are made of Debian's packages; elsewhere use the Containerfile with a container engine"
        }
        _ => "",
    }
}

/// Runs a command, and returns what it prints.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>, Error> {
    let Output { status, stdout, stderr } = run(command)?;
    if status.success() {
        return Ok(stdout);
    }
    let words = format!("{} ({status})", String::from_utf8_lossy(&stderr).trim());
    Err(Error::Failed { command: text(command), words })
}

/// Runs a command, and returns the text that it prints.
pub(crate) fn printed(command: &mut Command) -> Result<String, Error> {
    Ok(String::from_utf8_lossy(&output(command)?).into_owned())
}

fn run(command: &mut Command) -> Result<Output, Error> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).env("LC_ALL", "C").output().map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => Error::Missing { program: name },
        _ => Error::Start { program: name, source },
    })
}

fn text(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_of_debian_leads_to_the_containerfile() {
        let text = Error::Missing { program: "dpkg-deb".into() }.to_string();
        assert!(text.contains("Containerfile"), "{text}");
        let error = printed(&mut Command::new("xos-no-such-program")).unwrap_err();
        assert!(matches!(error, Error::Missing { .. }));
    }

    #[test]
    fn a_failure_says_what_was_run_and_what_it_said() {
        let error = printed(Command::new("ls").arg("/no/such/folder")).unwrap_err().to_string();
        assert!(error.contains("`ls /no/such/folder`") && error.contains("No such file"), "{error}");
    }
}
