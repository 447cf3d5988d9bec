//! The crates of a program, as cargo tells them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use crate::command;

/// The crates cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// cargo failed.
    #[error(transparent)]
    Command(#[from] command::Error),
    /// cargo prints something else.
    #[error("cannot read what `cargo tree` prints: {line}")]
    Line {
        /// The line.
        line: String,
    },
}

/// A crate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Crate {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licence, as its author wrote it.
    pub licence: String,
}

impl Crate {
    /// The crate's package URL, by which documents refer to it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("pkg:cargo/{}@{}", self.name, self.version.replace('+', "%2B"))
    }

    /// The licence as an expression after SPDX. Old crates have `/` for `OR`.
    pub(super) fn expression(&self) -> Option<String> {
        let words: Vec<_> = self.licence.split('/').map(str::trim).filter(|word| !word.is_empty()).collect();
        (!words.is_empty()).then(|| words.join(" OR "))
    }
}

/// Crates, and which of them use which.
#[derive(Clone, Debug, Default)]
pub struct Crates {
    uses: BTreeMap<Crate, BTreeSet<String>>,
    roots: BTreeSet<Crate>,
}

impl Crates {
    /// All crates, in order.
    pub(super) fn all(&self) -> impl Iterator<Item = &Crate> {
        self.uses.keys()
    }

    /// The crates of the programs themselves.
    pub(super) fn roots(&self) -> impl Iterator<Item = &Crate> {
        self.roots.iter()
    }

    /// The package URLs of what a crate uses.
    pub(super) fn used_by(&self, one: &Crate) -> Vec<&str> {
        self.uses.get(one).into_iter().flatten().map(String::as_str).collect()
    }
}

/// Returns the crates that become part of the programs of a package; neither those of its tests nor of its build.
///
/// # Errors
/// When cargo fails.
pub fn of_packages(repository: &Path, package: &str) -> Result<Crates, Error> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(repository).args(["tree", "--locked", "--package", package]);
    cargo.args(["--edges", "normal,no-proc-macro", "--prefix", "depth", "--format", "|{p}|{l}"]);
    read(&command::printed(&mut cargo)?)
}

/// Reads lines such as `2|serde v1.0.1|MIT OR Apache-2.0`, where 2 is the depth.
fn read(printed: &str) -> Result<Crates, Error> {
    let mut crates = Crates::default();
    let mut above: Vec<Crate> = Vec::new();
    for line in printed.lines().filter(|line| !line.is_empty()) {
        let (depth, one) = read_line(line).ok_or_else(|| Error::Line { line: line.to_owned() })?;
        above.truncate(depth);
        match above.last() {
            Some(user) => {
                crates.uses.entry(user.clone()).or_default().insert(one.url());
            }
            None => {
                crates.roots.insert(one.clone());
            }
        }
        crates.uses.entry(one.clone()).or_default();
        above.push(one);
    }
    Ok(crates)
}

fn read_line(line: &str) -> Option<(usize, Crate)> {
    let mut parts = line.split('|');
    let depth = parts.next()?.parse().ok()?;
    let mut words = parts.next()?.split(' ');
    let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
    let licence = parts.next()?.trim_end_matches(" (*)");
    Some((depth, Crate { name: name.into(), version: version.into(), licence: licence.into() }))
}

#[cfg(test)]
pub(super) fn sample() -> Crates {
    read("0|xos v1.0.0 (/work)|Apache-2.0\n1|serde v1.0.1|MIT/Apache-2.0\n").unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_read() {
        let printed =
            "0|xos v1.0.0 (/work)|Apache-2.0\n1|a v0.1.0|MIT\n2|c v2.0.0+x|ISC\n1|b v0.2.0|MIT\n2|c v2.0.0+x|ISC\n";
        let crates = read(printed).unwrap();
        let names: Vec<_> = crates.all().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c", "xos"]);
        let xos = crates.roots().next().unwrap();
        assert_eq!(crates.used_by(xos), ["pkg:cargo/a@0.1.0", "pkg:cargo/b@0.2.0"]);
        let b = crates.all().find(|one| one.name == "b").unwrap();
        assert_eq!(crates.used_by(b), ["pkg:cargo/c@2.0.0%2Bx"]);
    }

    #[test]
    fn what_is_no_line_of_a_tree_is_shown() {
        assert!(read("warning: something").unwrap_err().to_string().contains("warning: something"));
    }
}
