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

/// How many events a step handles at once, unless it says otherwise.
const CONCURRENCY: usize = 16;

/// Takes messages from topics of the bus, and finds, makes and changes objects.
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
/// - **No message is lost**: its offset is committed only after the step has returned, and so after its saves are stored.
/// - Every step sees every message of its topics, from the earliest on, whatever other steps there are.
/// - Messages with one key ([`order_key`](Self::order_key)) are handled in their order; others at the same time.
/// - **None blocks for ever**: a message that fails is tried again with growing delay, and in the end parked: written, whole and with the
///   reason, to a topic of its own. One that cannot be read is parked at once.
///
/// # Duties
/// - **Be idempotent**: after a crash, or when partitions move, a message may come again. [`find_or_create`](crate::Models::find_or_create)
///   makes one object of it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event step",
    note = "implement `EventStep` for it: `const TOPICS` or `const PATTERN`, and `async fn process_event`"
)]
pub trait EventStep: Send + Sync + 'static {
    /// What brings the events; there is `kafka` only.
    const TECHNOLOGY: &'static str = "kafka";
    /// The topics; either these or a pattern.
    const TOPICS: &'static [&'static str] = &[];
    /// A regular expression that the whole name of a topic matches.
    const PATTERN: Option<&'static str> = None;

    /// The topics, where they are known only at run time. By default [`TOPICS`](Self::TOPICS).
    fn topics(&self) -> Vec<String> {
        Self::TOPICS.iter().map(|&topic| topic.to_owned()).collect()
    }

    /// The pattern, where it is known only at run time. By default [`PATTERN`](Self::PATTERN).
    fn pattern(&self) -> Option<String> {
        Self::PATTERN.map(str::to_owned)
    }

    /// The step's name in logs, field managers and its consumer group: by default the type's name.
    fn name(&self) -> &str {
        type_name::<Self>()
    }

    /// The consumer group: by default `<synchronizer>.<step>`, so that two steps on one topic both see each message. XOS had all event steps
    /// of a synchronizer in one group of its name: a single step that is to go on where XOS ended says so here.
    fn group(&self, synchronizer: &str) -> String {
        format!("{synchronizer}.{}", self.name())
    }

    /// How many events are handled at once.
    fn concurrency(&self) -> usize {
        CONCURRENCY
    }

    /// What has to be handled in order: by default events of one key. Events without are handled in the order of their partition.
    fn order_key<'a>(&self, event: &'a BusEvent) -> Option<Cow<'a, [u8]>> {
        event.key.as_deref().map(Cow::Borrowed)
    }

    /// Handles an event.
    ///
    /// # Errors
    /// The event is handled again later, up to the configured number of attempts, and then parked; at once where it cannot be read
    /// ([`EventError`](crate::EventError)). `Innocuous` counts as done.
    fn process_event(&self, ctx: &StepContext, event: &BusEvent) -> impl Future<Output = Result<(), StepError>> + Send;
}

/// What an event step listens to.
#[derive(Clone, Debug)]
pub enum Subscription {
    /// These topics.
    Topics(Vec<String>),
    /// All topics whose whole name matches.
    Pattern(Regex),
}

impl Subscription {
    /// Whether a topic is among them.
    pub fn has(&self, topic: &str) -> bool {
        match self {
            Self::Topics(topics) => topics.iter().any(|one| one == topic),
            Self::Pattern(pattern) => pattern.is_match(topic),
        }
    }
}

/// An event step that does not say what it listens to. The messages name the step.
#[derive(Debug, thiserror::Error)]
pub enum SubscriptionError {
    /// Neither topics nor a pattern.
    #[error("event step {0} has neither TOPICS nor PATTERN: give it one of them")]
    Neither(String),
    /// Both.
    #[error("event step {0} has both TOPICS and PATTERN: leave one of them out")]
    Both(String),
    /// An unknown technology.
    #[error("event step {step} has the technology `{technology}`: there is only `kafka`")]
    Technology {
        /// The step.
        step: String,
        /// What it says.
        technology: String,
    },
    /// A topic that Kafka does not have.
    #[error(
        "event step {step} has the topic `{topic}`, which no topic of Kafka is called (letters, digits, `.`, `_` and `-`): \
         a regular expression is a PATTERN"
    )]
    Topic {
        /// The step.
        step: String,
        /// The topic.
        topic: String,
    },
    /// No regular expression.
    #[error("event step {step} has a PATTERN that is no regular expression: {source}")]
    Pattern {
        /// The step.
        step: String,
        /// What is wrong with it.
        source: Box<regex::Error>,
    },
}

/// An [`EventStep`] without its type.
pub trait DynEventStep: Send + Sync {
    /// The step's name.
    fn name(&self) -> &str;
    /// What it listens to.
    ///
    /// # Errors
    /// When it does not say it as it should.
    fn subscription(&self) -> Result<Subscription, SubscriptionError>;
    /// [`EventStep::group`].
    fn group(&self, synchronizer: &str) -> String;
    /// [`EventStep::concurrency`].
    fn concurrency(&self) -> usize;
    /// [`EventStep::order_key`].
    fn order_key<'a>(&self, event: &'a BusEvent) -> Option<Cow<'a, [u8]>>;
    /// [`EventStep::process_event`].
    fn process<'a>(&'a self, ctx: &'a StepContext, event: &'a BusEvent) -> Act<'a>;
}

/// Takes an event step's type away.
pub fn erase_event_step<S: EventStep>(step: S) -> Arc<dyn DynEventStep> {
    Arc::new(Erased(step))
}

struct Erased<S>(S);

impl<S: EventStep> DynEventStep for Erased<S> {
    fn name(&self) -> &str {
        self.0.name()
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

/// What Kafka takes for a topic's name.
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
            (vec!["*.events"], None, "event step S has the topic `*.events`, which no topic"),
            (vec![], Some("("), "event step S has a PATTERN that is no regular expression"),
        ] {
            let seen = asked(&topics, pattern).unwrap_err();
            assert!(seen.starts_with(error), "{seen}");
        }
    }
}
