//! Event steps.

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;

use futures::FutureExt as _;
use regex::Regex;

use crate::bus_event::BusEvent;
use crate::context::StepContext;
use crate::erased::Act;
use crate::error::StepError;
use crate::sync_step::type_name;

/// The default of [`EventStep::concurrency`].
const CONCURRENCY: usize = 16;

/// Receives messages of topics, and finds, creates and changes objects.
///
/// ```
/// # mod xos_controller { pub use {xos_steps::*, xos_model as model}; }
/// use serde::Deserialize;
/// use serde_json::json;
/// use xos_controller::model::Object;
/// use xos_controller::{BusEvent, EventStep, StepContext, StepError};
///
/// #[derive(Deserialize)]
/// struct Person {
///     first_name: String,
///     last_name: String,
/// }
///
/// struct ExampleEventStep;
///
/// impl EventStep for ExampleEventStep {
///     const TOPICS: &'static [&'static str] = &["MyTopic"];
///
///     async fn process_event(&self, ctx: &StepContext, event: &BusEvent) -> Result<(), StepError> {
///         let person: Person = event.json()?;
///         let mut new = Object::named("MyModel", "", ""); // or a struct generated from xproto
///         new.set("first_name", json!(person.first_name));
///         new.set("last_name", json!(person.last_name));
///         let key = ["first_name", "last_name"];
///         let (mut found, made) = ctx.models_of("MyModel").find_or_create(new, key).await?;
///         if !made {
///             ctx.touch(&mut found).await?;
///         }
///         Ok(())
///     }
/// }
/// ```
///
/// # Guarantees
/// - **No message is lost**: its offset is committed after the step has returned, so what the step saved is stored by
///   then.
/// - Every step receives every message of its topics, from the earliest on, whatever other steps there are.
/// - Messages with the same key ([`order_key`](Self::order_key)) are handled in order, others at the same time.
/// - **No message blocks the others for ever**: a message that fails is tried again with growing delay, and in the end
///   parked: the whole message is written to another topic, with the reason. A message that cannot be read is parked at
///   once. Later messages of its key are parked behind it ([`after_parked`](Self::after_parked)), until it is replayed
///   or dropped.
///
/// # Duties
/// - **Be idempotent**: after a crash or a rebalance a message may be received again.
///   [`find_or_create`](crate::Models::find_or_create) then finds the object that it created before.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event step",
    note = "implement `EventStep` for it: `const TOPICS` or `const PATTERN`, and `async fn process_event`"
)]
pub trait EventStep: Send + Sync + 'static {
    /// The kind of event bus; only `kafka` exists.
    const TECHNOLOGY: &'static str = "kafka";
    /// The topics. A step has either topics or a pattern.
    const TOPICS: &'static [&'static str] = &[];
    /// A regular expression that has to match the whole name of a topic.
    const PATTERN: Option<&'static str> = None;

    /// Returns the topics, if they are known only at run time; by default [`TOPICS`](Self::TOPICS).
    fn topics(&self) -> Vec<String> {
        Self::TOPICS.iter().map(|&topic| topic.to_owned()).collect()
    }

    /// Returns the pattern, if it is known only at run time; by default [`PATTERN`](Self::PATTERN).
    fn pattern(&self) -> Option<String> {
        Self::PATTERN.map(str::to_owned)
    }

    /// Returns the step's name in logs, field managers and its consumer group; by default the type's name.
    fn name(&self) -> &str {
        type_name::<Self>()
    }

    /// Returns the consumer group; by default `<synchronizer>.<step>`, so that two steps on one topic both receive
    /// every message. In XOS all event steps of a synchronizer were in one group with its name: a single step that is
    /// to go on where XOS stopped returns that name.
    fn group(&self, synchronizer: &str) -> String {
        format!("{synchronizer}.{}", self.name())
    }

    /// Returns how many events are handled at the same time.
    fn concurrency(&self) -> usize {
        CONCURRENCY
    }

    /// Returns the key of an event: events with the same one are handled in order. By default it is the key of the
    /// message. Events without a key keep the order of their partition.
    fn order_key<'a>(&self, event: &'a BusEvent) -> Option<Cow<'a, [u8]>> {
        event.key.as_deref().map(Cow::Borrowed)
    }

    /// Returns what becomes of an event while an earlier one of its key is parked. By default it is parked behind that
    /// one, so that a replay never writes an older state over a newer one. A step that handles each event for itself
    /// does not mind the order of what is parked.
    fn after_parked(&self) -> AfterParked {
        AfterParked::Park
    }

    /// Returns what changes with what the step does, where steps are made while the program runs: one of the same name and
    /// revision does the same.
    fn revision(&self) -> Option<&str> {
        None
    }

    /// Handles an event.
    ///
    /// # Errors
    /// The event is tried again later, up to the configured number of attempts, and then parked. An event that cannot
    /// be read ([`EventError`](crate::EventError)) is parked at once. `Innocuous` counts as success.
    fn process_event(&self, ctx: &StepContext, event: &BusEvent) -> impl Future<Output = Result<(), StepError>> + Send;
}

/// What becomes of an event while an earlier one of its key is parked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AfterParked {
    /// It is parked behind the earlier one, and handled after it when both are replayed.
    #[default]
    Park,
    /// It is handled.
    Handle,
}

/// The topics of an event step.
#[derive(Clone, Debug)]
pub enum Subscription {
    /// These topics.
    Topics(Vec<String>),
    /// All topics whose whole name matches the pattern.
    Pattern(Regex),
}

impl Subscription {
    /// Whether a topic is one of them.
    pub fn has(&self, topic: &str) -> bool {
        match self {
            Self::Topics(topics) => topics.iter().any(|one| one == topic),
            Self::Pattern(pattern) => pattern.is_match(topic),
        }
    }
}

/// The topics or the pattern of an event step are wrong.
#[derive(Debug, thiserror::Error)]
pub enum SubscriptionError {
    /// The step has neither topics nor a pattern.
    #[error("event step {0} has neither TOPICS nor PATTERN: give it one of them")]
    Neither(String),
    /// The step has both.
    #[error("event step {0} has both TOPICS and PATTERN: leave one of them out")]
    Both(String),
    /// The technology is unknown.
    #[error("event step {step} has the technology `{technology}`: there is only `kafka`")]
    Technology {
        /// The step.
        step: String,
        /// The technology.
        technology: String,
    },
    /// The name of a topic is not allowed in Kafka.
    #[error(
        "event step {step} has the topic `{topic}`: names of topics consist of letters, digits, `.`, `_` and `-`; \
         a regular expression goes into PATTERN"
    )]
    Topic {
        /// The step.
        step: String,
        /// The topic.
        topic: String,
    },
    /// The pattern is not a regular expression.
    #[error("event step {step} has a PATTERN that is not a regular expression: {source}")]
    Pattern {
        /// The step.
        step: String,
        /// Why not.
        source: Box<regex::Error>,
    },
}

/// An [`EventStep`] of any type, as the event bus holds it.
pub trait DynEventStep: Send + Sync {
    /// Returns the step's name.
    fn name(&self) -> &str;
    /// Returns what changes with what it does, as [`DynSyncStep::revision`](crate::DynSyncStep::revision).
    fn revision(&self) -> Option<&str> {
        None
    }
    /// Returns its topics.
    ///
    /// # Errors
    /// When topics or pattern are wrong.
    fn subscription(&self) -> Result<Subscription, SubscriptionError>;
    /// [`EventStep::group`].
    fn group(&self, synchronizer: &str) -> String;
    /// [`EventStep::concurrency`].
    fn concurrency(&self) -> usize;
    /// [`EventStep::order_key`].
    fn order_key<'a>(&self, event: &'a BusEvent) -> Option<Cow<'a, [u8]>>;
    /// [`EventStep::after_parked`].
    fn after_parked(&self) -> AfterParked;
    /// [`EventStep::process_event`].
    fn process<'a>(&'a self, ctx: &'a StepContext, event: &'a BusEvent) -> Act<'a>;
}

/// Wraps an event step as one of any type.
pub fn erase_event_step<S: EventStep>(step: S) -> Arc<dyn DynEventStep> {
    Arc::new(Erased(step))
}

struct Erased<S>(S);

impl<S: EventStep> DynEventStep for Erased<S> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn revision(&self) -> Option<&str> {
        self.0.revision()
    }

    fn subscription(&self) -> Result<Subscription, SubscriptionError> {
        subscription(self.0.name(), S::TECHNOLOGY, self.0.topics(), self.0.pattern())
    }

    fn group(&self, synchronizer: &str) -> String {
        self.0.group(synchronizer)
    }

    fn concurrency(&self) -> usize {
        self.0.concurrency().max(1)
    }

    fn order_key<'a>(&self, event: &'a BusEvent) -> Option<Cow<'a, [u8]>> {
        self.0.order_key(event)
    }

    fn after_parked(&self) -> AfterParked {
        self.0.after_parked()
    }

    fn process<'a>(&'a self, ctx: &'a StepContext, event: &'a BusEvent) -> Act<'a> {
        async move { self.0.process_event(ctx, event).await }.boxed()
    }
}

fn subscription(
    step: &str,
    technology: &str,
    topics: Vec<String>,
    pattern: Option<String>,
) -> Result<Subscription, SubscriptionError> {
    let step = step.to_owned();
    if technology != "kafka" {
        return Err(SubscriptionError::Technology { step, technology: technology.to_owned() });
    }
    match (topics.as_slice(), pattern) {
        ([], None) => Err(SubscriptionError::Neither(step)),
        ([], Some(pattern)) => {
            let whole = Regex::new(&format!("^(?:{pattern})$"));
            let source = |source| SubscriptionError::Pattern { step, source: Box::new(source) };
            whole.map(Subscription::Pattern).map_err(source)
        }
        (_, Some(_)) => Err(SubscriptionError::Both(step)),
        (all, None) => match all.iter().find(|topic| !is_topic(topic)) {
            Some(topic) => Err(SubscriptionError::Topic { step, topic: topic.clone() }),
            None => Ok(Subscription::Topics(topics)),
        },
    }
}

/// Whether Kafka accepts the name of a topic.
fn is_topic(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !name.is_empty() && name.len() <= 249 && name != "." && name != ".." && name.chars().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(topics: &[&str], pattern: Option<&str>) -> Result<Subscription, String> {
        let topics = topics.iter().map(|&topic| topic.to_owned()).collect();
        subscription("S", "kafka", topics, pattern.map(str::to_owned)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_step_has_topics_or_a_pattern() {
        assert!(asked(&["a", "b.c"], None).unwrap().has("b.c"));
        let pattern = asked(&[], Some(r"onu\..*")).unwrap();
        assert!(pattern.has("onu.events") && !pattern.has("x.onu.events"));
        for (topics, pattern, error) in [
            (vec![], None, "event step S has neither TOPICS nor PATTERN: give it one of them"),
            (vec!["a"], Some("a"), "event step S has both TOPICS and PATTERN: leave one of them out"),
            (vec!["*.events"], None, "event step S has the topic `*.events`: names of topics"),
            (vec![], Some("("), "event step S has a PATTERN that is not a regular expression"),
        ] {
            let seen = asked(&topics, pattern).unwrap_err();
            assert!(seen.starts_with(error), "{seen}");
        }
    }
}
