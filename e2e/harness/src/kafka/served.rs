//! The broker that all tests of a process share.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use super::{Client, Error, Libraries, broker::tool, python};
use crate::paths;

/// The one line that `xos-kafka serve` writes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// It answers, at this endpoint.
    Ready(String),
    /// It does not, and why.
    Error(String),
}

/// A broker that a process of its own owns. It ends with this value, or with this process, however that ends.
#[derive(Debug)]
pub struct Kafka {
    endpoint: String,
    child: Child,
}

impl Kafka {
    /// The one that all tests of this process share. It is started by the first that asks.
    ///
    /// # Errors
    /// When it does not start; the next one to ask tries again.
    pub async fn shared() -> Result<&'static Self, Error> {
        static SHARED: OnceCell<Kafka> = OnceCell::const_new();
        SHARED.get_or_try_init(Self::start).await
    }

    /// Starts one.
    ///
    /// # Errors
    /// With its own words when it does not start.
    pub async fn start() -> Result<Self, Error> {
        tokio::task::spawn_blocking(Self::start_blocking).await.map_err(|_| Error::CutShort)?
    }

    fn start_blocking() -> Result<Self, Error> {
        let mut child = Command::new(paths::program("xos-kafka")?)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        match serde_json::from_str(&line) {
            Ok(Line::Ready(endpoint)) => Ok(Self { endpoint, child }),
            Ok(Line::Error(words)) => Err(Error::Refused(words)),
            Err(_) => Err(Error::Refused("`xos-kafka serve` ended before the broker answered".to_owned())),
        }
    }

    /// Where it is: what `event_bus.endpoint` is told.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// A client of ours.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(&self.endpoint)
    }

    /// Sends messages, each (key, value), with Kafka's own console producer; without keys, if the first has none.
    ///
    /// # Errors
    /// When it fails.
    pub async fn send_by_console(&self, topic: &str, messages: &[(&str, &str)]) -> Result<(), Error> {
        let has_keys = messages.first().is_some_and(|(key, _)| !key.is_empty());
        let line =
            |(key, value): &(&str, &str)| if has_keys { format!("{key}\t{value}\n") } else { format!("{value}\n") };
        let input: String = messages.iter().map(line).collect();
        let (endpoint, topic) = (self.endpoint.clone(), topic.to_owned());
        let sent = tokio::task::spawn_blocking(move || {
            let mut arguments = vec!["--topic", &topic];
            arguments.extend(has_keys.then_some(["--reader-property", "parse.key=true"]).into_iter().flatten());
            tool(&Libraries::ready()?, &endpoint, "org.apache.kafka.tools.ConsoleProducer", &arguments, &input)
        });
        sent.await.map_err(|_| Error::CutShort)?.map(drop)
    }

    /// Sends messages, each (key, value), with kafka-python.
    ///
    /// # Errors
    /// When it fails.
    pub async fn send_by_python(&self, topic: &str, messages: &[(&str, &str)]) -> Result<(), Error> {
        let messages: Vec<_> = messages.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let (endpoint, topic) = (self.endpoint.clone(), topic.to_owned());
        let sent = tokio::task::spawn_blocking(move || {
            let messages: Vec<_> = messages.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            python::send(&endpoint, &topic, &messages)
        });
        sent.await.map_err(|_| Error::CutShort)?
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // A child that cannot be waited for is gone already.
        let _gone = self.child.wait();
    }
}
