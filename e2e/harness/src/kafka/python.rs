//! A foreign client: kafka-python, in a Python environment of its own in the cache.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use sha2::{Digest as _, Sha256};

use super::{Error, libraries::run};
use crate::paths;

const PYTHON: &str = "python3";
const PACKAGE: &str = "python3-venv";

/// Sends messages, each (key, value). Blocks.
pub(super) fn send(endpoint: &str, topic: &str, messages: &[(&str, &str)]) -> Result<(), Error> {
    let folder = paths::repository().join("e2e/harness/kafka");
    let mut python = Command::new(environment(&folder)?.join("bin/python"));
    python.arg(folder.join("send.py")).args([endpoint, topic]);
    let mut child = python.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        for (key, value) in messages {
            writeln!(stdin, "{key}\t{value}")?;
        }
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Failed { what: "kafka-python".to_owned(), end: String::from_utf8_lossy(&output.stderr).into_owned() })
}

/// The environment, made on first use.
fn environment(folder: &Path) -> Result<PathBuf, Error> {
    let requirements = fs::read(folder.join("requirements.txt"))?;
    let key: String = Sha256::digest(&requirements).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let environment = paths::cache()?.join("kafka-python").join(key);
    let complete = environment.join("complete");
    fs::create_dir_all(&environment)?;
    let lock = File::create(environment.join("lock"))?;
    lock.lock()?;
    if !complete.is_file() {
        run("python3 -m venv", Command::new(PYTHON).args(["-m", "venv"]).arg(&environment), PYTHON, PACKAGE)?;
        let mut pip = Command::new(environment.join("bin/python"));
        pip.args(["-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "install", "-r"]);
        run("pip install", pip.arg(folder.join("requirements.txt")), PYTHON, PACKAGE)?;
        fs::write(&complete, "")?;
    }
    Ok(environment)
}
