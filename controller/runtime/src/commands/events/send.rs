//! `events send`: sends messages to a topic by hand.

use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use xos_steps::Message;

use super::{BusArgs, EventsError, runtime};
use crate::commands::Exit;

#[derive(Debug, Args)]
#[command(after_help = "\
  echo '{\"serial\": \"A1\"}' | xos events send onu.events --key A1 --config config.yaml
Exit code: 0, or 1 if the message was not stored; 2 if the file cannot be read.")]
pub(super) struct SendArgs {
    /// The topic
    #[arg(value_name = "TOPIC")]
    topic: String,
    /// A file with the message's value; standard input if none is given, or `-`. One line end at its end is left out
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    bus: BusArgs,
    /// The key
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// A header; repeat the option for more
    #[arg(long = "header", value_name = "NAME=VALUE")]
    headers: Vec<String>,
    /// Send each line as a message of its own
    #[arg(long)]
    lines: bool,
    /// Make the topic if there is none
    #[arg(long)]
    create: bool,
}

/// Sends one message, or one for each line, and says where they are.
pub(super) fn run(args: &SendArgs, out: &mut dyn Write) -> Result<Exit, EventsError> {
    let headers = args.headers.iter().map(|text| header(text)).collect::<Result<Vec<_>, _>>()?;
    let values = values(read(args.file.as_deref())?, args.lines);
    let bus = args.bus.open()?;
    let runtime = runtime()?;
    for value in values {
        let message = Message {
            topic: args.topic.clone(),
            key: args.key.as_ref().map(|key| key.as_bytes().to_vec()),
            value: Some(value),
            headers: headers.clone(),
            timestamp: None,
        };
        let stored = runtime.block_on(bus.send(&message, args.create))?;
        writeln!(out, "{}/{}/{}", args.topic, stored.partition, stored.offset)?;
    }
    Ok(Exit::Success)
}

fn header(text: &str) -> Result<(String, Option<Vec<u8>>), EventsError> {
    let (name, value) = text.split_once('=').ok_or_else(|| EventsError::Header(text.to_owned()))?;
    Ok((name.to_owned(), Some(value.as_bytes().to_vec())))
}

fn read(file: Option<&Path>) -> Result<Vec<u8>, EventsError> {
    let explain = |path: &Path, error| EventsError::Read { path: path.to_owned(), error };
    match file.filter(|path| *path != Path::new("-")) {
        Some(path) => std::fs::read(path).map_err(|error| explain(path, error)),
        None => {
            let mut bytes = vec![];
            let read = io::stdin().read_to_end(&mut bytes);
            read.map_err(|error| explain(Path::new("standard input"), error))?;
            Ok(bytes)
        }
    }
}

/// Returns the values of the messages that a text is.
fn values(mut text: Vec<u8>, by_line: bool) -> Vec<Vec<u8>> {
    if text.last() == Some(&b'\n') {
        text.pop();
    }
    if !by_line {
        return vec![text];
    }
    let lines = text.split(|byte| *byte == b'\n');
    lines
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.is_empty())
        .map(<[u8]>::to_vec)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_message_or_one_a_line() {
        let text = |bytes: &str, by_line| {
            values(bytes.as_bytes().to_vec(), by_line)
                .into_iter()
                .map(|one| String::from_utf8(one).unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(text("{\n}\n", false), ["{\n}"]);
        assert_eq!(text("", false), [""]);
        assert_eq!(text("a\r\nb\n\nc", true), ["a", "b", "c"]);
        assert!(text("\n", true).is_empty());
    }

    #[test]
    fn a_header_has_a_name_and_a_value() {
        assert_eq!(header("a=b=c").unwrap(), ("a".to_owned(), Some(b"b=c".to_vec())));
        assert_eq!(header("a=").unwrap(), ("a".to_owned(), Some(vec![])));
        assert_eq!(header("a").unwrap_err().to_string(), "header `a` has no `=`: give it as NAME=VALUE");
    }
}
