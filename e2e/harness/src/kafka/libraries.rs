//! Kafka's jars, fetched once with Maven and kept in the cache.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::Error;
use crate::{cache, files::at, paths, tools::key};

/// How much of Maven's output a failure shows.
const SHOWN: usize = 2000;

/// Where Kafka's jars are.
#[derive(Clone, Debug)]
pub struct Libraries(PathBuf);

impl Libraries {
    /// Finds the jars in the cache, or fetches them, which takes half a minute. Blocks.
    ///
    /// # Errors
    /// When Maven is missing, or cannot fetch them.
    pub fn ready() -> Result<Self, Error> {
        let pom = paths::repository().join("e2e/harness/kafka/pom.xml");
        let text = fs::read_to_string(&pom).map_err(at(&pom))?;
        let folder = cache::filled(&format!("kafka/{}", key::of_texts(&[&text])), |folder| fetch(&pom, folder))?;
        Ok(Self(folder))
    }

    /// The argument of `java -cp`.
    #[must_use]
    pub fn class_path(&self) -> PathBuf {
        self.0.join("libs/*")
    }
}

fn fetch(pom: &Path, folder: &Path) -> Result<(), Error> {
    eprintln!("fetching Kafka from Maven Central, once; about half a minute");
    let mut maven = Command::new("mvn");
    maven.args(["-q", "-B", "-f"]).arg(pom).arg("dependency:copy-dependencies");
    maven.arg("-DincludeScope=runtime").arg(format!("-DoutputDirectory={}", folder.join("libs").display()));
    run("mvn dependency:copy-dependencies", &mut maven, "mvn", "maven").map(drop)
}

/// Runs a command to its end, and returns its output.
pub(super) fn run(
    what: &str,
    command: &mut Command,
    program: &'static str,
    package: &'static str,
) -> Result<String, Error> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::Missing { program, package },
        _ => error.into(),
    })?;
    let all = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() {
        return Ok(all);
    }
    let from = all.char_indices().rev().nth(SHOWN).map_or(0, |(at, _)| at);
    Err(Error::Failed { what: what.to_owned(), end: all[from..].to_owned() })
}
