//! The broker that all tests of a process share.

use tokio::sync::OnceCell;

use super::{Client, Error, Libraries, broker::tool, python};
use crate::serving::Server;

/// A broker in a process of its own. It ends when this value is dropped, or when this process ends.
#[derive(Debug)]
pub struct Kafka(Server<String>);

impl Kafka {
    /// Returns the broker that all tests of this process share. It starts when it is first asked for.
    ///
    /// # Errors
    /// When it does not start; the next call tries again.
    pub async fn shared() -> Result<&'static Self, Error> {
        static SHARED: OnceCell<Kafka> = OnceCell::const_new();
        SHARED.get_or_try_init(Self::start).await
    }

    /// Starts a broker.
    ///
    /// # Errors
    /// With the message of `xos-kafka serve` when it does not start.
    pub async fn start() -> Result<Self, Error> {
        blocking(|| Ok(Self(Server::start("xos-kafka", |_| ())?))).await
    }

    /// The broker's address, for `event_bus.endpoint`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.0.ready()
    }

    /// Returns a client of the broker.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(self.endpoint())
    }

    /// Sends messages, each (key, value), with Kafka's own console producer; without keys if the first one has none.
    ///
    /// # Errors
    /// When it fails.
    pub async fn send_by_console(&self, topic: &str, messages: &[(&str, &str)]) -> Result<(), Error> {
        let has_keys = messages.first().is_some_and(|(key, _)| !key.is_empty());
        let line =
            |(key, value): &(&str, &str)| if has_keys { format!("{key}\t{value}\n") } else { format!("{value}\n") };
        let input: String = messages.iter().map(line).collect();
        let endpoint = self.endpoint().to_owned();
        let topic = topic.to_owned();
        blocking(move || {
            let mut arguments = vec!["--topic", &topic];
            arguments.extend(has_keys.then_some(["--reader-property", "parse.key=true"]).into_iter().flatten());
            let class = "org.apache.kafka.tools.ConsoleProducer";
            tool(&Libraries::ready()?, &endpoint, class, &arguments, &input).map(drop)
        })
        .await
    }

    /// Sends messages, each (key, value), with kafka-python.
    ///
    /// # Errors
    /// When it fails.
    pub async fn send_by_python(&self, topic: &str, messages: &[(&str, &str)]) -> Result<(), Error> {
        let messages: Vec<_> = messages.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let endpoint = self.endpoint().to_owned();
        let topic = topic.to_owned();
        blocking(move || {
            let messages: Vec<_> = messages.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            python::send(&endpoint, &topic, &messages)
        })
        .await
    }

    /// Sends one message with a header whose name may be any bytes.
    ///
    /// # Errors
    /// When it fails.
    pub async fn send_header(&self, topic: &str, key: &str, value: &str, header: (&[u8], &str)) -> Result<(), Error> {
        let endpoint = self.endpoint().to_owned();
        let [topic, key, value, text] = [topic, key, value, header.1].map(str::to_owned);
        let name = header.0.to_vec();
        blocking(move || python::send_header(&endpoint, &topic, &key, &value, (&name, &text))).await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::CutShort)?
}
