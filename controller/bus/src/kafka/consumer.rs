//! A step's consumer: a thread that receives events, one that commits what is done, and one that asks the broker.
//!
//! They are threads and not tasks, since librdkafka's calls block; and no threads of the runtime, which would wait for
//! them at the end, while a broker that is frozen does not answer.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use xos_steps::call::panic_text;
use xos_steps::{DynEventStep, Subscription};

use super::callbacks::{CallbackContext, Found};
use super::client::{Client, close};
use super::commit::Committing;
use super::counters::Counters;
use super::missed::Missing;
use super::notifier::Notifier;
use super::probe::Probe;
use super::problem::LastProblem;
use super::rebalance::Rebalancing;
use super::receive::ReceiveLoop;
use super::scout::{Scout, look_interval, questions};
use super::shared::SharedTracker;
use super::topics::Matched;
use super::tracker::Limits;
use crate::settings::{Missed, Settings};
use crate::state::ConsumerStates;

/// How long closing the client is waited for.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// The part of [`Settings::stalled_after`] after which the ends of partitions are asked for again.
const ENDS_PART: u32 = 4;
/// Settings of librdkafka that the configuration may override.
const DEFAULTS: [(&str, &str); 7] = [
    // Who joins takes partitions of others one by one, and the rest of theirs goes on.
    ("partition.assignment.strategy", "cooperative-sticky"),
    // How soon new topics and new partitions are found.
    ("topic.metadata.refresh.interval.ms", "10000"),
    ("statistics.interval.ms", "5000"),
    ("queued.max.messages.kbytes", "8192"),
    // After librdkafka's default of 1 s for a full queue a fast step would have no events for most of the time.
    ("fetch.queue.backoff.ms", "10"),
    ("socket.keepalive.enable", "true"),
    ("fetch.error.backoff.ms", "100"),
];

/// The context of librdkafka's lines that tell the ids of topics.
const TELLING_IDS: &str = "metadata";

/// Why a consumer ended.
pub(crate) enum End {
    /// It was told to stop.
    Stopped,
    /// It no longer receives events, for this reason, and must be restarted.
    Stalled(String),
    /// These topics were deleted and created again, and need a new client.
    MadeAnew(String),
    /// It has missed these events, and is to stand still.
    Missed(String),
    /// A callback or a thread panicked, with this message.
    Panicked(String),
}

/// A step's consumer, which can be run again after it ended.
pub(crate) struct Consumer {
    pub(crate) step: Arc<dyn DynEventStep>,
    /// The step's name.
    pub(crate) name: String,
    /// How many events the step handles at the same time.
    pub(crate) concurrency: usize,
    pub(crate) subscription: Subscription,
    pub(crate) settings: Settings,
    pub(crate) synchronizer: String,
    pub(crate) group: String,
    pub(crate) grace: Duration,
    pub(crate) limits: Limits,
    pub(crate) states: ConsumerStates,
    pub(crate) counters: Arc<Counters>,
    pub(crate) last_problem: Arc<LastProblem>,
}

impl Consumer {
    /// Receives events until it is stopped or cannot go on. Blocks.
    pub(crate) fn run(&self, tracker: &Arc<SharedTracker>, notifier: &Notifier) -> Result<End, KafkaError> {
        let config = self.config();
        let client: Arc<Client> = Arc::new(config.create_with_context(self.context(tracker, notifier))?);
        let missing = Missing { counters: Arc::clone(&self.counters), notifier: notifier.clone() };
        let committing = Committing {
            client: Arc::clone(&client),
            tracker: Arc::clone(tracker),
            counters: Arc::clone(&self.counters),
            notifier: notifier.clone(),
        };
        if let Subscription::Topics(topics) = &self.subscription {
            let topics: Vec<_> = topics.iter().map(String::as_str).collect();
            client.subscribe(&topics)?;
        }
        let mut users = vec![];
        if let Some(requests) = tracker.committer.take_receiver() {
            users.extend(start("xos-bus-commit", &client, move || committing.run(&requests)));
        }
        let (questions, asked) = questions();
        let scout = self.scout(&client, tracker, missing.clone(), Probe::new(&config));
        users.extend(start("xos-bus-scout", &client, move || scout.run(&asked)));
        let rebalancing = Rebalancing::new(self, tracker, &client, &tracker.committer, missing);
        let mut receiving = ReceiveLoop::new(self, tracker, &client, &questions, rebalancing);
        let ended = catch_unwind(AssertUnwindSafe(|| receiving.run()));
        let finished = catch_unwind(AssertUnwindSafe(|| receiving.finish()));
        drop(receiving);
        tracker.committer.stop();
        drop(questions);
        if !close(client, users, CLOSE_TIMEOUT) {
            tracing::warn!(
                "the broker does not answer, so it is not told that this consumer ends: its partitions are given to \
                 others after `session.timeout.ms`"
            );
        }
        let ended = ended.and_then(|end| finished.map(|()| end));
        ended.map_or_else(|panic| resume_unwind(panic), Ok)
    }

    /// Checks that librdkafka accepts the settings.
    pub(crate) fn check(&self) -> Result<(), KafkaError> {
        self.config().create_native_config().map(drop)
    }

    /// Returns the configuration of the client.
    pub(crate) fn config(&self) -> rdkafka::ClientConfig {
        let mut config = self.settings.client(&self.synchronizer, &DEFAULTS);
        config.set("group.id", &self.group);
        for key in ["enable.auto.commit", "enable.auto.offset.store", "enable.partition.eof"] {
            config.set(key, "false");
        }
        // Where a new group begins is decided at the assignment; this is about offsets that are gone.
        let reset = match self.settings.missed {
            Missed::Earliest => "earliest",
            Missed::Latest | Missed::Stop => "error",
        };
        config.set("auto.offset.reset", reset);
        let others = self.settings.properties.get("debug").filter(|contexts| !contexts.trim().is_empty());
        let contexts = others.map_or(TELLING_IDS.to_owned(), |others| format!("{others},{TELLING_IDS}"));
        config.set("debug", contexts).set_log_level(RDKafkaLogLevel::Debug);
        config
    }

    fn context(&self, tracker: &Arc<SharedTracker>, notifier: &Notifier) -> CallbackContext {
        let isolation = self.settings.properties.get("isolation.level");
        CallbackContext {
            tracker: Arc::clone(tracker),
            states: self.states.clone(),
            step: self.name.clone(),
            notifier: notifier.clone(),
            span: tracing::Span::current(),
            last_problem: Arc::clone(&self.last_problem),
            is_committed: isolation.is_none_or(|level| level != "read_uncommitted"),
            stalled_after: self.settings.stalled_after,
            found: Found::default(),
        }
    }

    fn scout(&self, client: &Arc<Client>, tracker: &Arc<SharedTracker>, missing: Missing, probe: Probe) -> Scout {
        let (topics, matched) = match &self.subscription {
            Subscription::Topics(topics) => (topics.clone(), None),
            Subscription::Pattern(pattern) => (vec![], Some(Matched::new(pattern.clone(), &self.settings))),
        };
        let setting = self.settings.properties.get("topic.metadata.refresh.interval.ms");
        Scout {
            client: Arc::clone(client),
            tracker: Arc::clone(tracker),
            missing,
            matched,
            topics,
            probe,
            look: look_interval(setting.map(String::as_str)),
            ends: self.settings.stalled_after / ENDS_PART,
        }
    }
}

/// Starts a thread that uses the client. If it panics, the consumer ends.
fn start(name: &str, client: &Arc<Client>, run: impl FnOnce() + Send + 'static) -> Option<JoinHandle<()>> {
    let span = tracing::Span::current();
    let of_thread = Arc::clone(client);
    let started = thread::Builder::new().name(name.to_owned()).spawn(move || {
        span.in_scope(|| {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
                of_thread.context().keep_panic(panic_text(panic.as_ref()));
            }
        });
    });
    started.inspect_err(|error| client.context().keep_panic(&format!("cannot start a thread: {error}"))).ok()
}
