//! The topics of parked events: made with the partitions of their source, and with limits of their own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use rdkafka::admin::{
    AdminOptions, AlterConfig, ConfigResource, ConfigSource, NewPartitions, NewTopic, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::OwnedHeaders;
use tokio::task::spawn_blocking;
use xos_steps::Message;

use super::clients::{ANSWER_TIMEOUT, Clients, Topic, is_unknown};
use crate::kafka::problem::in_brackets;
use crate::renewals::Renewals;
use crate::settings::Settings;

/// How much larger than an event its parked record may be: reason, places and names.
const ROOM: usize = 64 << 10;
/// Kafka's default of `max.message.bytes`.
const DEFAULT_SIZE: usize = 1_048_588;
/// How long a new topic may take until all of its partitions have leaders.
const COMPLETE_TIMEOUT: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Why a record could not be stored: with what to do about it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("topic {topic}: {error}{}{}", in_brackets(.problem.as_ref()), advice(.error.rdkafka_error_code()))]
pub(crate) struct StoreError {
    topic: String,
    #[source]
    pub(crate) error: KafkaError,
    problem: Option<String>,
}

#[cfg(test)]
impl StoreError {
    /// Returns the error of a topic that does not take a record.
    pub(crate) fn refused(topic: &str) -> Self {
        let error = KafkaError::MessageProduction(RDKafkaErrorCode::TopicAuthorizationFailed);
        Self { topic: topic.to_owned(), error, problem: None }
    }
}

/// Returns what an operator can do about an error, to follow its text.
fn advice(code: Option<RDKafkaErrorCode>) -> &'static str {
    use RDKafkaErrorCode as Code;
    match code {
        Some(Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed) => {
            ": give the synchronizer the rights DESCRIBE, READ, WRITE and CREATE for it, and ALTER to add partitions; or \
             make it, with as many partitions as its source"
        }
        Some(Code::MessageSizeTooLarge) => ": raise max.message.bytes of this topic (right: ALTER_CONFIGS)",
        Some(
            Code::PolicyViolation | Code::InvalidConfig | Code::InvalidReplicationFactor | Code::InvalidPartitions,
        ) => ": make it by hand, with as many partitions as its source",
        _ => "",
    }
}

/// Where records of parked events are written to.
pub(crate) trait Store: Send + Sync {
    /// Stores a record about an event of `source`, with `raw` headers before its own, and returns its offset.
    fn append<'a>(
        &'a self,
        source: &'a str,
        partition: i32,
        message: Message,
        raw: Option<OwnedHeaders>,
    ) -> BoxFuture<'a, Result<i64, StoreError>>;
}

impl Store for ParkedTopics {
    fn append<'a>(
        &'a self,
        source: &'a str,
        partition: i32,
        message: Message,
        raw: Option<OwnedHeaders>,
    ) -> BoxFuture<'a, Result<i64, StoreError>> {
        async move { self.write(source, partition, &message, raw).await }.boxed()
    }
}

/// The topics of parked events of a synchronizer.
pub(crate) struct ParkedTopics {
    settings: Settings,
    synchronizer: String,
    /// Those of the settings that came since the clients were made.
    renewals: Mutex<Renewals>,
    clients: Mutex<Option<Arc<Clients>>>,
    /// The number of partitions of each topic that was found or made.
    ready: Mutex<HashMap<String, i32>>,
    /// Held while a topic is made.
    making: tokio::sync::Mutex<()>,
}

impl ParkedTopics {
    /// Returns the topics of a synchronizer. Nothing is connected yet.
    pub(crate) fn new(settings: Settings, synchronizer: String) -> Self {
        Self {
            renewals: Mutex::new(settings.renewals.from_now()),
            settings,
            synchronizer,
            clients: Mutex::default(),
            ready: Mutex::default(),
            making: tokio::sync::Mutex::default(),
        }
    }

    /// Returns the topic for the parked events of a topic.
    pub(crate) fn name(&self, topic: &str) -> String {
        self.settings.parked(topic, &self.synchronizer)
    }

    /// Returns the clients. They are made anew after a fatal error of the producer.
    pub(crate) fn clients(&self) -> Result<Arc<Clients>, KafkaError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let are_old = self.renewals.lock().unwrap_or_else(PoisonError::into_inner).are_due();
        if let Some(present) = clients.take_if(|present| are_old || present.is_broken()) {
            if !are_old {
                tracing::warn!("the producer of parked events cannot be used any more: making another one");
            }
            // Ending it waits for the broker.
            std::thread::spawn(move || drop(present));
        }
        if let Some(present) = &*clients {
            return Ok(Arc::clone(present));
        }
        let new = Arc::new(Clients::new(&self.settings, &self.synchronizer)?);
        *clients = Some(Arc::clone(&new));
        Ok(new)
    }

    fn ready(&self) -> MutexGuard<'_, HashMap<String, i32>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores a record. The topic is made if there is none.
    async fn write(
        &self,
        source: &str,
        partition: i32,
        message: &Message,
        raw: Option<OwnedHeaders>,
    ) -> Result<i64, StoreError> {
        let explain = |error: KafkaError| {
            let clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
            let problem = clients.as_ref().and_then(|clients| clients.last_problem.text());
            StoreError { topic: message.topic.clone(), error, problem }
        };
        let clients = self.clients().map_err(explain)?;
        let size = size(message);
        self.ensure(&clients, source, &message.topic, partition, size).await.map_err(explain)?;
        let mut stored = clients.store(message, Some(partition), raw.clone()).await;
        if matches!(&stored, Err(error) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageSizeTooLarge))
            && raise(&clients, &message.topic, size + ROOM).await
        {
            stored = clients.store(message, Some(partition), raw).await;
        }
        if matches!(&stored, Err(error) if error.rdkafka_error_code().is_some_and(is_unknown)) {
            self.ready().remove(&message.topic);
        }
        stored.map(|(_, offset)| offset).map_err(explain)
    }

    /// Makes a topic of parked events, or adds partitions to it, if there are fewer than the source has.
    async fn ensure(
        &self,
        clients: &Arc<Clients>,
        source: &str,
        parked: &str,
        partition: i32,
        size: usize,
    ) -> Result<(), KafkaError> {
        let is_ready = || self.ready().get(parked).is_some_and(|partitions| *partitions > partition);
        if is_ready() {
            return Ok(());
        }
        let _making = self.making.lock().await;
        if is_ready() {
            return Ok(());
        }
        let both = look(clients, &[source, parked]).await?;
        let wanted = both.get(source).map_or(0, |topic| topic.partitions).max(partition + 1);
        match both.get(parked) {
            Some(topic) if topic.partitions >= wanted => self.check(clients, parked).await,
            Some(topic) => grow(clients, parked, topic.partitions, wanted).await?,
            None => {
                let replicas = both.get(source).map_or(-1, |topic| topic.replicas);
                let size = max_size(clients, source).await.unwrap_or(DEFAULT_SIZE).max(size) + ROOM;
                self.make(clients, parked, wanted, replicas, size).await?;
            }
        }
        let partitions = complete(clients, parked, wanted).await?;
        self.ready().insert(parked.to_owned(), partitions);
        Ok(())
    }

    async fn make(
        &self,
        clients: &Clients,
        parked: &str,
        partitions: i32,
        replicas: i32,
        size: usize,
    ) -> Result<(), KafkaError> {
        let retention = self.retention();
        let size = size.min(i32::MAX.unsigned_abs() as usize).to_string();
        let topic = NewTopic::new(parked, partitions, TopicReplication::Fixed(replicas))
            .set("cleanup.policy", "delete")
            .set("retention.ms", &retention)
            .set("retention.bytes", "-1")
            .set("max.message.bytes", &size)
            // Whatever this machine's clock says.
            .set("message.timestamp.type", "LogAppendTime");
        match clients.admin.create_topics([&topic], &options()).await?.into_iter().next() {
            Some(Err((_, code))) if code != RDKafkaErrorCode::TopicAlreadyExists => Err(KafkaError::AdminOp(code)),
            _ => {
                tracing::info!(topic = parked, partitions, retention, "made a topic for parked events");
                Ok(())
            }
        }
    }

    /// Makes a topic as the broker makes topics by default.
    pub(crate) async fn make_plain(&self, clients: &Arc<Clients>, topic: &str) -> Result<(), KafkaError> {
        let new = NewTopic::new(topic, -1, TopicReplication::Fixed(-1));
        match clients.admin.create_topics([&new], &options()).await?.into_iter().next() {
            Some(Err((_, code))) => Err(KafkaError::AdminOp(code)),
            _ => complete(clients, topic, 1).await.map(drop),
        }
    }

    fn retention(&self) -> String {
        self.settings.parked_retention.map_or_else(|| "-1".to_owned(), |retention| retention.as_millis().to_string())
    }

    /// Tells of a topic, made by others, that does not keep parked events as long as it should.
    async fn check(&self, clients: &Clients, parked: &str) {
        let Ok(config) = describe(clients, parked).await else { return };
        let value = |name: &str| config.get(name).and_then(|entry| entry.value.clone()).unwrap_or_default();
        let (retention, wanted) = (value("retention.ms"), self.retention());
        if retention != wanted {
            tracing::warn!(
                topic = parked,
                retention,
                wanted,
                "the topic of parked events has another retention.ms than `event_bus.parked_retention` says: change one of \
                 them, as parked events are lost after it"
            );
        }
        if value("cleanup.policy") != "delete" {
            tracing::warn!(topic = parked, "the topic of parked events is compacted: set its cleanup.policy to delete");
        }
    }
}

/// Returns about how large a record is on the broker.
fn size(message: &Message) -> usize {
    let bytes = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
    let headers: usize = message.headers.iter().map(|(name, value)| name.len() + bytes(value) + 10).sum();
    bytes(&message.key) + bytes(&message.value) + headers + 100
}

pub(crate) fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(ANSWER_TIMEOUT)).operation_timeout(Some(ANSWER_TIMEOUT))
}

/// Returns those of these topics that exist.
async fn look(clients: &Arc<Clients>, names: &[&str]) -> Result<HashMap<String, Topic>, KafkaError> {
    let clients = Arc::clone(clients);
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    spawn_blocking(move || clients.topics(&names)).await.unwrap_or(Err(KafkaError::Canceled))
}

/// Waits until a topic has so many partitions, each with a leader. Returns how many it has.
async fn complete(clients: &Arc<Clients>, topic: &str, wanted: i32) -> Result<i32, KafkaError> {
    let until = Instant::now() + COMPLETE_TIMEOUT;
    loop {
        let found = look(clients, &[topic]).await?.get(topic).copied();
        if let Some(found) = found.filter(|found| found.is_complete && found.partitions >= wanted) {
            return Ok(found.partitions);
        }
        if Instant::now() >= until {
            return Err(KafkaError::AdminOp(RDKafkaErrorCode::LeaderNotAvailable));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn grow(clients: &Clients, parked: &str, from: i32, to: i32) -> Result<(), KafkaError> {
    let count = usize::try_from(to).unwrap_or_default();
    let grown = clients.admin.create_partitions([&NewPartitions::new(parked, count)], &options()).await?;
    match grown.into_iter().next() {
        Some(Err((_, code))) => Err(KafkaError::AdminOp(code)),
        _ => {
            tracing::info!(topic = parked, from, to, "the topic of parked events has more partitions, as its source");
            Ok(())
        }
    }
}

async fn describe(clients: &Clients, topic: &str) -> Result<ConfigResource, KafkaError> {
    let described = clients.admin.describe_configs([&ResourceSpecifier::Topic(topic)], &options()).await?;
    match described.into_iter().next() {
        Some(Ok(config)) => Ok(config),
        Some(Err(code)) => Err(KafkaError::AdminOp(code)),
        None => Err(KafkaError::Canceled),
    }
}

/// Returns how large the messages of a topic may be; `None` if that may not be known.
async fn max_size(clients: &Clients, topic: &str) -> Option<usize> {
    describe(clients, topic).await.ok()?.get("max.message.bytes")?.value.as_ref()?.parse().ok()
}

/// Lets a topic of parked events have larger messages. Returns whether it was changed.
async fn raise(clients: &Clients, topic: &str, size: usize) -> bool {
    let Ok(config) = describe(clients, topic).await else { return false };
    let before = config.get("max.message.bytes").and_then(|entry| entry.value.as_ref()?.parse::<usize>().ok());
    if before.is_none_or(|before| before >= size) {
        return false;
    }
    // All that is not named gets its default.
    let is_set = |entry: &&rdkafka::admin::ConfigEntry| {
        entry.source == ConfigSource::DynamicTopic && entry.name != "max.message.bytes"
    };
    let kept: Vec<_> =
        config.entries.iter().filter(is_set).filter_map(|one| Some((&one.name, one.value.as_ref()?))).collect();
    let size = size.to_string();
    let mut change = AlterConfig::new(ResourceSpecifier::Topic(topic)).set("max.message.bytes", &size);
    for (name, value) in kept {
        change = change.set(name, value);
    }
    let changed = clients.admin.alter_configs([&change], &options()).await;
    let is_changed = changed.is_ok_and(|all| all.into_iter().all(|one| one.is_ok()));
    if is_changed {
        tracing::info!(topic, size, "the topic of parked events takes larger messages now");
    }
    is_changed
}
