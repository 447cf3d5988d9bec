//! Kafka's jars: fetched once with Maven, kept in the cache by what they are made from.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use sha2::{Digest as _, Sha256};

use super::Error;
use crate::paths;

/// How much of Maven's output a failure shows.
const SHOWN: usize = 2000;

/// Where Kafka's jars are.
#[derive(Clone, Debug)]
pub struct Libraries(PathBuf);

impl Libraries {
    /// Finds them, or fetches them: seconds. Blocks.
    ///
    /// # Errors
    /// When Maven is missing, or cannot fetch.
    pub fn ready() -> Result<Self, Error> {
        let modules = paths::repository().join("e2e/harness/kafka");
        let pom = fs::read(modules.join("pom.xml"))?;
        let key: String = Sha256::digest(&pom).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let folder = paths::cache()?.join("kafka").join(key);
        let complete = folder.join("complete");
        if complete.is_file() {
            return Ok(Self(folder));
        }
        fs::create_dir_all(&folder)?;
        let lock = File::create(folder.join("lock"))?;
        // Given back by the operating system, whichever way this process ends.
        lock.lock()?;
        if !complete.is_file() {
            fetch(&modules, &folder)?;
            fs::write(&complete, "")?;
        }
        Ok(Self(folder))
    }

    /// What `java -cp` is told.
    #[must_use]
    pub fn class_path(&self) -> PathBuf {
        self.0.join("libs/*")
    }
}

fn fetch(modules: &Path, folder: &Path) -> Result<(), Error> {
    eprintln!("Kafka is fetched once, from Maven Central, and kept; about half a minute");
    let mut maven = Command::new("mvn");
    maven.args(["-q", "-B", "-f"]).arg(modules.join("pom.xml")).arg("dependency:copy-dependencies");
    maven.arg("-DincludeScope=runtime").arg(format!("-DoutputDirectory={}", folder.join("libs").display()));
    run("mvn dependency:copy-dependencies", &mut maven, "mvn", "maven").map(drop)
}

/// Runs a command to its end; its output.
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
