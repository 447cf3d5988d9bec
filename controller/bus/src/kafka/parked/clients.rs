//! The clients that parking needs. They are made when something is parked, read or sent by hand for the first time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::AdminClient;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{FutureProducer, Producer as _};
use rdkafka::util::Timeout;
use xos_steps::Message;

use crate::kafka::problem::{LastProblem, ProblemContext};
use crate::kafka::producer::record;
use crate::settings::Settings;

/// How long a broker may take to answer.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// librdkafka's largest value: the broker decides how large a message may be, and says so.
const ANY_SIZE: &str = "1000000000";
/// How many errors of librdkafka are read after a failure, to explain it.
const MAX_ERRORS: usize = 10;
/// How long each of them is waited for.
const ERROR_TIMEOUT: Duration = Duration::from_millis(50);
/// Up to so many topics are asked for by name.
const BY_NAME: usize = 4;

/// A topic that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Topic {
    pub(crate) partitions: i32,
    pub(crate) replicas: i32,
    /// Whether each partition has a leader.
    pub(crate) is_complete: bool,
}

/// A producer, and what makes and looks for topics.
pub(crate) struct Clients {
    pub(crate) producer: FutureProducer<ProblemContext>,
    pub(crate) admin: AdminClient<ProblemContext>,
    /// A consumer, as others would have the broker make the topics that they ask for.
    pub(crate) lookup: BaseConsumer<ProblemContext>,
    pub(crate) last_problem: Arc<LastProblem>,
}

impl Clients {
    /// Returns clients that connect when they are used.
    pub(crate) fn new(settings: &Settings, synchronizer: &str) -> KafkaResult<Self> {
        let last_problem: Arc<LastProblem> = Arc::default();
        let context = || ProblemContext(Arc::clone(&last_problem));
        let defaults = [
            ("message.timeout.ms", "30000"),
            ("linger.ms", "2"),
            // The source's limit is for what its producers compressed.
            ("compression.type", "lz4"),
            // As Java's clients do it: the events of a key stay in one partition.
            ("partitioner", "murmur2_random"),
        ];
        let mut config = settings.client(synchronizer, &defaults);
        config.set("enable.idempotence", "true").set("acks", "all").set("message.max.bytes", ANY_SIZE);
        let producer = config.create_with_context(context())?;
        let admin = plain(settings, synchronizer).create_with_context(context())?;
        let mut lookup = plain(settings, synchronizer);
        lookup.set("allow.auto.create.topics", "false");
        let lookup = lookup.create_with_context(context())?;
        Ok(Self { producer, admin, lookup, last_problem })
    }

    /// Returns those of these topics that exist. Blocks.
    pub(crate) fn topics(&self, names: &[String]) -> KafkaResult<HashMap<String, Topic>> {
        let mut found = HashMap::new();
        if names.len() > BY_NAME {
            let all = self.lookup.fetch_metadata(None, ANSWER_TIMEOUT)?;
            found.extend(
                all.topics().iter().filter(|one| names.iter().any(|name| name == one.name())).filter_map(topic),
            );
            return Ok(found);
        }
        for name in names {
            let metadata = self.lookup.fetch_metadata(Some(name), ANSWER_TIMEOUT)?;
            for one in metadata.topics() {
                if let Some(error) = one.error().map(RDKafkaErrorCode::from).filter(|code| !is_unknown(*code)) {
                    return Err(KafkaError::MetadataFetch(error));
                }
                found.extend(topic(one));
            }
        }
        Ok(found)
    }

    /// Stores a message, with `raw` headers before its own. Returns where.
    pub(crate) async fn store(
        &self,
        message: &Message,
        partition: Option<i32>,
        raw: Option<OwnedHeaders>,
    ) -> Result<(i32, i64), KafkaError> {
        let stored =
            self.producer.send(record(message, partition, raw), Timeout::Never).await.map_err(|(error, _)| error)?;
        self.last_problem.clear();
        Ok((stored.partition, stored.offset))
    }

    /// Stores messages in this order, each in its partition, and returns their offsets.
    pub(crate) async fn store_all(&self, messages: &[(Message, i32)]) -> Vec<Result<i64, KafkaError>> {
        let send = |(message, partition): &(Message, i32)| {
            self.producer.send_result(record(message, Some(*partition), None)).map_err(|(error, _)| error)
        };
        let sent: Vec<_> = messages.iter().map(send).collect();
        let mut stored = vec![];
        for one in sent {
            stored.push(match one {
                Ok(sent) => match sent.await {
                    Ok(Ok(delivery)) => Ok(delivery.offset),
                    Ok(Err((error, _))) => Err(error),
                    Err(_) => Err(KafkaError::Canceled),
                },
                Err(error) => Err(error),
            });
        }
        stored
    }

    /// Returns the last problem that was reported.
    pub(crate) fn problem(&self) -> Option<String> {
        after_errors(&self.lookup, &self.last_problem)
    }

    /// Returns whether the producer can never send again.
    pub(crate) fn is_broken(&self) -> bool {
        self.producer.client().fatal_error().is_some()
    }
}

/// The configuration of a client that neither receives nor sends.
fn plain(settings: &Settings, synchronizer: &str) -> ClientConfig {
    settings.client(synchronizer, &[])
}

fn topic(metadata: &rdkafka::metadata::MetadataTopic) -> Option<(String, Topic)> {
    let partitions = metadata.partitions();
    let first = partitions.first()?;
    let topic = Topic {
        partitions: i32::try_from(partitions.len()).ok()?,
        replicas: i32::try_from(first.replicas().len()).ok()?,
        is_complete: partitions.iter().all(|one| one.leader() >= 0),
    };
    Some((metadata.name().to_owned(), topic))
}

/// Returns whether an error says that there is no such topic or partition.
pub(crate) fn is_unknown(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(code, Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition)
}

/// Returns the last problem of a client that nothing is received from just now, which librdkafka reports during a poll.
pub(crate) fn after_errors(client: &BaseConsumer<ProblemContext>, last: &LastProblem) -> Option<String> {
    for _ in 0..MAX_ERRORS {
        let _nothing = client.poll(ERROR_TIMEOUT);
    }
    last.text()
}
