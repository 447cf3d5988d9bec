//! A client that has nothing in common with ours: kafka-python.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use super::Error;
use crate::{paths, tools::python};

/// Sends messages, each (key, value). Blocks.
pub(super) fn send(endpoint: &str, topic: &str, messages: &[(&str, &str)]) -> Result<(), Error> {
    let folder = paths::repository().join("e2e/harness/kafka");
    let environment = python::environment("kafka-python", &folder.join("requirements.txt"))?;
    let mut python = Command::new(environment.join("bin/python"));
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

/// Sends one message with a header whose name may be any bytes. Blocks.
pub(super) fn send_header(
    endpoint: &str,
    topic: &str,
    key: &str,
    value: &str,
    header: (&[u8], &str),
) -> Result<(), Error> {
    let folder = paths::repository().join("e2e/harness/kafka");
    let environment = python::environment("kafka-python", &folder.join("requirements.txt"))?;
    let name: String = header.0.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut python = Command::new(environment.join("bin/python"));
    python.arg(folder.join("send_header.py")).args([endpoint, topic, key, value, &name, header.1]);
    let output = python.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Failed { what: "kafka-python".to_owned(), end: String::from_utf8_lossy(&output.stderr).into_owned() })
}
