//! Which topic a name means. One that is deleted and created again is another topic, with another id, and its offsets
//! begin anew. So what was committed of the one says nothing of the other.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::in_hand::Note;
use super::{Committed, PartitionTracker, TopicPartition};
use crate::kafka::sight::Sight;

/// The id of a topic.
pub(crate) type TopicId = Arc<str>;

/// The topics of a client.
#[derive(Debug, Default)]
pub(super) struct Topics {
    seen: HashMap<Arc<str>, Seen>,
    /// Those that are other ones than before.
    made_anew: BTreeSet<Arc<str>>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Its id; some brokers have none.
    id: Option<TopicId>,
    /// Whether it was seen since it was asked for.
    is_fresh: bool,
}

impl Topics {
    pub(super) fn id(&self, topic: &str) -> Option<&TopicId> {
        self.seen.get(topic)?.id.as_ref()
    }

    pub(super) fn is_made_anew(&self, topic: &str) -> bool {
        self.made_anew.contains(topic)
    }
}

impl PartitionTracker {
    /// Returns those topics of these partitions that nothing is assigned of: they may be other ones than they were when
    /// that was so. They are unknown until they are seen again.
    pub(crate) fn unknown_topics(&mut self, partitions: &[TopicPartition]) -> BTreeSet<Arc<str>> {
        let assigned: HashSet<_> = self.partitions.values().map(|one| Arc::clone(&one.id.topic)).collect();
        let topics = partitions.iter().map(|one| Arc::clone(&one.topic)).filter(|topic| !assigned.contains(topic));
        let topics: BTreeSet<_> = topics.collect();
        for topic in &topics {
            self.topics.seen.entry(Arc::clone(topic)).or_default().is_fresh = false;
        }
        topics
    }

    /// Returns whether the topics of these partitions are known.
    pub(crate) fn knows_topics(&self, partitions: &[TopicPartition]) -> bool {
        partitions.iter().all(|one| self.topics.seen.get(&one.topic).is_some_and(|seen| seen.is_fresh))
    }

    /// Takes note of a topic. Returns whether it is another one than before: then nothing of the old one is committed any
    /// more, and a new client has to receive the new one, as this one goes on at the old offset, and takes leaders that
    /// were elected less often for outdated.
    pub(crate) fn see(&mut self, sight: &Sight<'_>) -> bool {
        let Sight { topic, id, before } = *sight;
        let Some(id) = id else {
            // There is such a line for each partition at each refresh.
            if let Some(seen) = self.topics.seen.get_mut(topic) {
                seen.is_fresh = true;
            }
            return false;
        };
        let seen = self.topics.seen.entry(topic.into()).or_default();
        seen.is_fresh = true;
        let of_topic = self.partitions.values().filter(|one| *one.id.topic == *topic);
        // An offset may have been used before it was known what it is of.
        let known = of_topic.flat_map(|one| one.topic_id.as_ref().into_iter().chain(&one.committed_of));
        let is_other = before.is_some() || known.into_iter().any(|known| **known != *id);
        if !is_other {
            seen.id = Some(id.into());
        }
        for partition in self.partitions.values_mut().filter(|one| *one.id.topic == *topic) {
            if is_other {
                partition.is_void = true;
            } else {
                partition.topic_id = Some(id.into());
            }
        }
        if is_other {
            self.topics.made_anew.insert(topic.into());
        }
        is_other
    }

    /// Returns the topics that are other ones than before.
    pub(crate) fn made_anew(&self) -> impl Iterator<Item = &str> {
        self.topics.made_anew.iter().map(|topic| &**topic)
    }

    /// Returns whether what is committed of a partition is of its topic as it is now, as far as that is known.
    pub(crate) fn is_of_topic(&self, partition: &TopicPartition, committed: &Committed) -> bool {
        let of = Note::read(&committed.metadata).and_then(|note| note.topic_id);
        of.zip(self.topics.id(&partition.topic)).is_none_or(|(of, now)| of == *now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use xos_steps::BusEvent;

    use super::super::tests::{LIMITS, PROBES, partition};
    use super::super::{Commit, Received};
    use super::*;

    fn tracker() -> PartitionTracker {
        PartitionTracker::new(LIMITS, PROBES)
    }

    fn first<'a>(topic: &'a str, id: &'a str) -> Sight<'a> {
        Sight { topic, id: Some(id), before: None }
    }

    fn other<'a>(topic: &'a str, before: &'a str, id: &'a str) -> Sight<'a> {
        Sight { topic, id: Some(id), before: Some(before) }
    }

    /// What was committed, as the broker has it.
    fn committed(commits: Vec<Commit>) -> Committed {
        let [Commit { offset, metadata, .. }] = commits.try_into().unwrap();
        Committed { offset: Some(offset), metadata }
    }

    fn accept(tracker: &mut PartitionTracker, offset: i64) {
        let assignment = tracker.assignment(&partition(0)).unwrap();
        let event = Arc::new(BusEvent { offset, ..BusEvent::new("t", "v") });
        let received = Received { assignment, order_key: None, event, park_reason: None, replayed: None };
        tracker.accept(received).unwrap();
    }

    /// Returns a tracker that has handled an event of the topic with this id.
    fn handled(id: &str) -> PartitionTracker {
        let mut tracker = tracker();
        tracker.see(&first("t", id));
        tracker.assign(&partition(0));
        accept(&mut tracker, 7);
        let task = tracker.take(Instant::now(), 1).pop().unwrap();
        tracker.complete(&task, true);
        tracker
    }

    #[test]
    fn what_is_committed_names_the_topic_that_it_is_of_also_after_a_clean_end() {
        let mut tracker = handled("a");
        let regular = committed(tracker.take_offsets_to_commit());
        assert!(regular.metadata.ends_with(" @a"), "{regular:?}");
        let last = committed(tracker.take_last_offsets(&[partition(0)]));
        assert_eq!((last.offset, last.metadata.as_str()), (Some(8), "xos:1: @a"));
        for (id, is_of_topic) in [("a", true), ("b", false)] {
            let mut next = self::tracker();
            assert!(next.is_of_topic(&partition(0), &last), "a broker without ids");
            next.see(&first("t", id));
            assert_eq!(
                (next.is_of_topic(&partition(0), &regular), next.is_of_topic(&partition(0), &last)),
                (is_of_topic, is_of_topic)
            );
            let of_somebody_else = Committed { offset: Some(8), metadata: "xos:1:5".to_owned() };
            assert!(next.is_of_topic(&partition(0), &of_somebody_else));
        }
    }

    #[test]
    fn nothing_of_a_topic_that_was_made_anew_is_committed_onto_the_new_one() {
        let now = Instant::now();
        let mut tracker = handled("a");
        tracker.take_offsets_to_commit();
        accept(&mut tracker, 8);
        let task = tracker.take(now, 1).pop().unwrap();
        assert!(!tracker.see(&Sight { topic: "t", id: None, before: None }), "as at every refresh");
        assert!(tracker.see(&other("t", "a", "b")));
        assert_eq!(tracker.made_anew().collect::<Vec<_>>(), ["t"]);
        assert_eq!(tracker.announcement(std::slice::from_ref(&task), now).commits, []);
        tracker.complete(&task, true);
        assert_eq!(tracker.take_offsets_to_commit(), []);
        assert_eq!(tracker.take_last_offsets(&[partition(0)]), []);
        tracker.assign(&partition(0));
        accept(&mut tracker, 0);
        let task = tracker.take(now, 1).pop().unwrap();
        tracker.complete(&task, true);
        assert_eq!(tracker.take_offsets_to_commit(), [], "nobody knows which topic this is of");
    }

    #[test]
    fn what_is_in_hand_of_the_old_topic_is_committed_as_that_while_nobody_knows() {
        let mut tracker = handled("a");
        let late = committed(tracker.take_last_offsets(&[partition(0)]));
        let mut next = self::tracker();
        next.see(&first("t", "b"));
        assert!(!next.is_of_topic(&partition(0), &late));
    }

    #[test]
    fn a_topic_that_comes_back_while_nothing_of_it_is_assigned_is_taken_as_it_is() {
        let mut tracker = handled("a");
        tracker.remove(&partition(0));
        assert!(!tracker.see(&first("t", "b")), "the client had forgotten it");
        assert_eq!(tracker.made_anew().count(), 0);
        tracker.assign(&partition(0));
        accept(&mut tracker, 0);
        let task = tracker.take(Instant::now(), 1).pop().unwrap();
        tracker.complete(&task, true);
        assert_eq!(committed(tracker.take_last_offsets(&[partition(0)])).metadata, "xos:1: @b");
        assert!(tracker.see(&first("t", "c")), "by another client, or the topic was forgotten for a moment");
    }

    #[test]
    fn an_offset_that_turns_out_to_be_of_another_topic_is_not_gone_on_with() {
        for (of, is_other) in [("a", false), ("b", true)] {
            let mut tracker = tracker();
            tracker.assign(&partition(0));
            let committed = Committed { offset: Some(7), metadata: format!("xos:1:5 @{of}") };
            assert!(tracker.is_of_topic(&partition(0), &committed), "nobody knows yet");
            tracker.set_committed(&partition(0), &committed, Instant::now());
            assert_eq!(tracker.see(&first("t", "a")), is_other);
        }
    }

    #[test]
    fn a_topic_is_known_when_it_was_seen_since_it_was_asked_for() {
        let mut tracker = tracker();
        let names = |topics: BTreeSet<Arc<str>>| topics.iter().map(ToString::to_string).collect::<Vec<_>>();
        let both = [partition(0), TopicPartition { topic: "u".into(), partition: 0 }];
        assert_eq!(names(tracker.unknown_topics(&both)), ["t", "u"]);
        assert!(!tracker.knows_topics(&both));
        tracker.see(&first("t", "a"));
        // A broker that has no ids.
        tracker.see(&Sight { topic: "u", id: None, before: None });
        assert!(tracker.knows_topics(&both));
        tracker.assign(&partition(0));
        assert_eq!(names(tracker.unknown_topics(&[partition(1)])), Vec::<String>::new(), "something of it is assigned");
        assert!(tracker.knows_topics(&[partition(1)]));
        tracker.remove(&partition(0));
        assert_eq!(names(tracker.unknown_topics(&[partition(1)])), ["t"]);
        assert!(!tracker.knows_topics(&[partition(1)]));
    }
}
