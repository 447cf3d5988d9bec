//! The Go toolchain of this machine.

use std::{io, path::Path, process::Command};

use crate::process;

/// The program.
const PROGRAM: &str = "go";

/// The oldest Go that builds the control plane (the `go` line of its go.mod).
const OLDEST: (u32, u32) = (1, 26);
/// The oldest Go that fetches the toolchain which a go.mod asks for, if that is allowed.
const FETCHES_TOOLCHAINS: (u32, u32) = (1, 21);

/// Go cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not installed.
    #[error(
        "Go is needed to build the control plane, and there is no `go` in PATH: get Go {}.{} or newer from \
         https://go.dev/dl (Debian 12's golang-go is too old)",
        OLDEST.0,
        OLDEST.1
    )]
    Missing,
    /// It is too old.
    #[error(
        "Go {}.{} or newer is needed to build the control plane, and this is {found}: get one from https://go.dev/dl \
         (Debian 12's golang-go is too old)",
        OLDEST.0,
        OLDEST.1
    )]
    TooOld {
        /// Its version.
        found: String,
    },
    /// It cannot be run.
    #[error("cannot run `go {arguments}`")]
    Run {
        /// Its arguments.
        arguments: String,
        /// The operating system's reason.
        #[source]
        source: io::Error,
    },
    /// Its answer cannot be read.
    #[error("`go {arguments}` answered: {answer}")]
    Answer {
        /// Its arguments.
        arguments: String,
        /// Its answer.
        answer: String,
    },
}

/// A Go that is new enough.
#[derive(Debug)]
pub(super) struct Go {
    version: String,
}

impl Go {
    /// Finds the `go` in PATH.
    pub(super) fn find() -> Result<Self, Error> {
        let found = ask(&["env", "GOVERSION"])?;
        let version =
            number(&found).ok_or_else(|| Error::Answer { arguments: "env GOVERSION".into(), answer: found.clone() })?;
        let may_fetch = version >= FETCHES_TOOLCHAINS && ask(&["env", "GOTOOLCHAIN"])? != "local";
        if version < OLDEST && !may_fetch {
            return Err(Error::TooOld { found });
        }
        Ok(Self { version: found })
    }

    /// Its version, such as `go1.26.8`.
    pub(super) fn version(&self) -> &str {
        &self.version
    }
}

/// What is built.
#[derive(Clone, Copy, Debug)]
pub(super) struct Build<'a> {
    /// The module's folder.
    pub(super) modules: &'a Path,
    /// The flags of `go build`.
    pub(super) flags: &'a [String],
    /// The package.
    pub(super) package: &'a str,
    /// Whether C code is a part of it. A program without is static.
    pub(super) with_c: bool,
}

/// Builds a package into the file `made`. Blocks.
pub(super) fn build(what: &str, build: Build<'_>, made: &Path, log: &Path) -> Result<(), process::Error> {
    process::run(what, Path::new(PROGRAM), log, |command| {
        command.arg("build").args(build.flags).arg("-o").arg(made).arg(build.package);
        command
            .current_dir(build.modules)
            .env("CGO_ENABLED", if build.with_c { "1" } else { "0" })
            .env("GOWORK", "off");
    })
}

fn ask(arguments: &[&str]) -> Result<String, Error> {
    // In a folder without a go.mod, because an old Go cannot read a newer one.
    let output = Command::new(PROGRAM).args(arguments).current_dir("/").env("GOWORK", "off").output();
    let output = output.map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => Error::Missing,
        _ => Error::Run { arguments: arguments.join(" "), source },
    })?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() {
        return Ok(text);
    }
    Err(Error::Answer {
        arguments: arguments.join(" "),
        answer: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

/// Returns major and minor version: `go1.26.8` is 1.26; `go1.27rc1` is 1.27.
fn number(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.strip_prefix("go")?.split('.');
    let major = parts.next()?.parse().ok()?;
    let digits: String = parts.next()?.chars().take_while(char::is_ascii_digit).collect();
    Some((major, digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(number("go1.26.8"), Some((1, 26)));
        assert_eq!(number("go1.27rc1"), Some((1, 27)));
        assert_eq!(number("go1.26"), Some((1, 26)));
        assert_eq!(number("devel"), None);
    }

    #[test]
    fn an_old_one_is_told_where_to_get_a_new_one() {
        let text = Error::TooOld { found: "go1.19.8".into() }.to_string();
        assert!(text.contains("1.26") && text.contains("go1.19.8") && text.contains("go.dev/dl"), "{text}");
    }
}
