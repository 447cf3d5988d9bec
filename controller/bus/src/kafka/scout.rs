//! Asks the broker what librdkafka does not tell by itself: which topics a pattern means, which offsets of a gap
//! retention has deleted, where partitions end, whether topics can be read again. On a thread of its own, since the
//! answers may take long.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use rdkafka::Offset;
use rdkafka::consumer::Consumer as _;
use tokio::sync::oneshot;

use super::client::{Client, watermarks};
use super::missed::Missing;
use super::probe::Probe;
use super::problem::Evidence;
use super::shared::SharedTracker;
use super::topic_partition::TopicPartition;
use super::topics::Matched;

/// How long the broker may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How often the topics of a pattern are looked for, and those of a problem tried.
const LOOK: Duration = Duration::from_secs(10);
/// How soon after a failure.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long gaps are collected before the broker is asked about them.
const GAPS: Duration = Duration::from_secs(1);
/// How many gaps of a partition are kept meanwhile: transactions make one each.
const MAX_GAPS: usize = 1000;

/// Offsets that were not received, between two events that were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) partition: TopicPartition,
    pub(crate) from: i64,
    pub(crate) to: i64,
}

/// What the scout is asked for.
pub(crate) enum Question {
    /// Whether retention has made a gap.
    Gap(Gap),
    /// Whether a partition has a leader by what the broker says; no answer if the broker has none.
    Leader(TopicPartition, oneshot::Sender<bool>),
}

/// Asks the broker for a consumer until it is stopped.
pub(crate) struct Scout {
    pub(crate) client: Arc<Client>,
    pub(crate) tracker: Arc<SharedTracker>,
    pub(crate) missing: Missing,
    /// The topics of a pattern.
    pub(crate) matched: Option<Matched>,
    /// The topics of a step without a pattern.
    pub(crate) topics: Vec<String>,
    pub(crate) probe: Probe,
    /// How often topics are looked for.
    pub(crate) look: Duration,
    /// How often the ends of partitions are asked for.
    pub(crate) ends: Duration,
}

/// The way to a scout; it ends when this is dropped.
pub(crate) type Questions = Sender<Question>;

/// Returns the way to a scout, and its end.
pub(crate) fn questions() -> (Questions, Receiver<Question>) {
    channel()
}

/// Returns how often topics are looked for, by the setting `topic.metadata.refresh.interval.ms`: at least every 10 s.
pub(crate) fn look_interval(setting: Option<&str>) -> Duration {
    setting.and_then(|text| text.parse().ok()).map_or(LOOK, |ms| Duration::from_millis(ms).clamp(GAPS / 4, LOOK))
}

/// When the scout does what.
struct Times {
    topics: Instant,
    ends: Instant,
    gaps: Instant,
    probe: Instant,
}

impl Scout {
    /// Answers questions, and looks by itself, until nobody can ask any more.
    pub(crate) fn run(mut self, questions: &Receiver<Question>) {
        let now = Instant::now();
        let mut next = Times { topics: now, ends: now + self.ends, gaps: now + GAPS, probe: now + self.look };
        let mut gaps: HashMap<TopicPartition, Vec<Gap>> = HashMap::new();
        loop {
            let due = [next.ends, next.gaps, next.probe].into_iter().fold(next.topics, Instant::min);
            match questions.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(Question::Gap(gap)) => {
                    let of_partition = gaps.entry(gap.partition.clone()).or_default();
                    if of_partition.len() < MAX_GAPS {
                        of_partition.push(gap);
                    }
                }
                Ok(Question::Leader(partition, reply)) => self.leader(&partition, reply),
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = Instant::now();
            if now >= next.gaps {
                self.gaps(&mut gaps);
                next.gaps = Instant::now() + GAPS;
            }
            if now >= next.topics {
                let delay = if self.topics() { self.look } else { LOOK_AGAIN };
                next.topics = Instant::now() + delay;
            }
            if now >= next.ends {
                self.ends();
                next.ends = Instant::now() + self.ends;
            }
            if now >= next.probe {
                self.probe();
                next.probe = Instant::now() + self.look;
            }
        }
    }

    /// Subscribes to the topics of the pattern. Returns `false` if the broker did not tell them.
    fn topics(&mut self) -> bool {
        let Some(matched) = &mut self.matched else { return true };
        let metadata = match self.client.fetch_metadata(None, ANSWER_TIMEOUT) {
            Ok(metadata) => metadata,
            Err(error) => {
                tracing::debug!(%error, "cannot look for the topics of the pattern");
                return false;
            }
        };
        let there = metadata.topics().iter().filter(|topic| topic.error().is_none());
        let Some(names) = matched.look(there.map(rdkafka::metadata::MetadataTopic::name)) else { return true };
        tracing::info!(topics = names.join(" "), "the pattern means other topics than before");
        let list: Vec<&str> = names.iter().map(String::as_str).collect();
        if list.is_empty() {
            self.client.unsubscribe();
        } else if let Err(error) = self.client.subscribe(&list) {
            tracing::warn!(%error, "cannot subscribe to the topics of the pattern");
        }
        self.topics = names;
        true
    }

    /// Finds out whether retention has made gaps: what is before the first offset of the broker.
    fn gaps(&self, gaps: &mut HashMap<TopicPartition, Vec<Gap>>) {
        if gaps.is_empty() {
            return;
        }
        let partitions: Vec<TopicPartition> = gaps.keys().cloned().collect();
        // Without an answer they are kept for the next time.
        let Some(low) = watermarks(&self.client, &partitions, Offset::Beginning) else { return };
        for (partition, gaps) in gaps.drain() {
            if let Some(low) = low.get(&partition) {
                self.missing.in_gaps(&partition, &gaps, *low);
            }
        }
    }

    /// Asks where the partitions end, for the watch for those that stand still.
    fn ends(&self) {
        let partitions = self.tracker.lock().assigned();
        let ends = if partitions.is_empty() { None } else { watermarks(&self.client, &partitions, Offset::End) };
        self.client.context().set_ends(ends.unwrap_or_default());
    }

    fn leader(&self, partition: &TopicPartition, reply: oneshot::Sender<bool>) {
        let Ok(metadata) = self.client.fetch_metadata(Some(&partition.topic), ANSWER_TIMEOUT) else { return };
        let topic = metadata.topics().iter().find(|topic| topic.name() == &*partition.topic);
        let found = topic.and_then(|topic| topic.partitions().iter().find(|one| one.id() == partition.partition));
        let _nobody = reply.send(found.is_some_and(|one| one.leader() >= 0));
    }

    /// While there is a problem with topics, tries to read them: librdkafka does not tell when it is over.
    fn probe(&self) {
        let context = self.client.context();
        if context.last_problem.is_about_topics() && self.probe.can_read(&self.topics) {
            context.solved(Evidence { topics: true, ..Evidence::default() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_looked_for_every_ten_seconds_or_sooner() {
        for (setting, seconds) in [(None, 10.0), (Some("500"), 0.5), (Some("300000"), 10.0), (Some("-1"), 10.0)] {
            assert!((look_interval(setting).as_secs_f64() - seconds).abs() < 1e-9, "{setting:?}");
        }
    }
}
