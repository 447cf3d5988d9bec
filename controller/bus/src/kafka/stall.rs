//! Whether partitions stand still though the broker has events for them, or nobody knows what it has. Pure.
//!
//! What counts is the position from which the client fetches. It also moves over what is never received: the markers of
//! transactions, aborted messages, what retention and compaction have deleted.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use super::topic_partition::TopicPartition;

/// What the client knows of an assigned partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) partition: TopicPartition,
    /// Whether it is fetched, from a leader.
    pub(crate) is_fetched: bool,
    /// The next offset to fetch, if it is known.
    pub(crate) position: Option<i64>,
    /// The offset after the last one that can be read, if it is known.
    pub(crate) end: Option<i64>,
    /// Whether it is paused by us.
    pub(crate) is_paused: bool,
}

/// Why a partition stands still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stall {
    pub(crate) partition: TopicPartition,
    pub(crate) cause: Cause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The client has no leader for it, or no position in it.
    NoPosition,
    /// The broker has events that do not arrive.
    NothingArrives,
    /// The partition ends before the position: it is another one than before.
    Behind,
}

impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cause {
            Cause::NoPosition => write!(f, "the client has no leader for {}, or no position in it", self.partition),
            Cause::NothingArrives => {
                write!(f, "there are events on the broker in {}, but none arrives", self.partition)
            }
            Cause::Behind => write!(
                f,
                "{} ends before the last offset that was received, as after its topic was created again",
                self.partition
            ),
        }
    }
}

/// Since when partitions stand still.
#[derive(Debug, Default)]
pub(crate) struct StallWatch {
    standing: HashMap<TopicPartition, (Option<i64>, Cause, Instant)>,
}

impl StallWatch {
    /// Takes note of all assigned partitions. Returns the one that has stood still for longest, if that is `limit`.
    pub(crate) fn look(&mut self, now: Instant, views: &[View], limit: Duration) -> Option<Stall> {
        let mut standing = HashMap::new();
        for view in views {
            let Some(cause) = cause(view) else { continue };
            let since = match self.standing.get(&view.partition) {
                Some((position, last, since)) if *position == view.position && *last == cause => *since,
                _ => now,
            };
            standing.insert(view.partition.clone(), (view.position, cause, since));
        }
        self.standing = standing;
        let longest = self.standing.iter().min_by_key(|(_, (.., since))| *since)?;
        let (partition, (_, cause, since)) = longest;
        (now.duration_since(*since) >= limit).then(|| Stall { partition: partition.clone(), cause: *cause })
    }

    /// Begins anew: nothing moves while the broker is away, or the group is rebalanced.
    pub(crate) fn clear(&mut self) {
        self.standing.clear();
    }
}

/// Returns why a partition does not move, if there is a reason that it should.
fn cause(view: &View) -> Option<Cause> {
    if view.is_paused {
        return None;
    }
    match (view.is_fetched, view.position, view.end) {
        (true, Some(position), Some(end)) if end > position => Some(Cause::NothingArrives),
        (true, Some(position), Some(end)) if end < position => Some(Cause::Behind),
        (true, Some(_), Some(_)) => None,
        _ => Some(Cause::NoPosition),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_mins(1);

    fn partition(partition: i32) -> TopicPartition {
        TopicPartition { topic: "t".into(), partition }
    }

    fn view(position: i64, end: i64) -> View {
        View { partition: partition(0), is_fetched: true, position: Some(position), end: Some(end), is_paused: false }
    }

    /// Returns what is found after a minute of the same view.
    fn after_a_minute(view: View) -> Option<Cause> {
        let now = Instant::now();
        let mut watch = StallWatch::default();
        assert_eq!(watch.look(now, std::slice::from_ref(&view), LIMIT), None);
        assert_eq!(watch.look(now + LIMIT / 2, std::slice::from_ref(&view), LIMIT), None);
        watch.look(now + LIMIT, &[view], LIMIT).map(|stall| stall.cause)
    }

    #[test]
    fn a_partition_stands_still_if_it_should_move() {
        for (view, expected) in [
            (view(10, 20), Some(Cause::NothingArrives)),
            (View { is_paused: true, ..view(10, 20) }, None),
            (View { is_fetched: false, ..view(10, 10) }, Some(Cause::NoPosition)),
            (View { position: None, ..view(10, 10) }, Some(Cause::NoPosition)),
            (View { end: None, ..view(10, 10) }, Some(Cause::NoPosition)),
            (view(10, 5), Some(Cause::Behind)),
            // After a transaction, an aborted tail or retention the position is at the end, whatever was received.
            (view(10, 10), None),
            (view(0, 0), None),
        ] {
            assert_eq!(after_a_minute(view.clone()), expected, "{view:?}");
        }
    }

    #[test]
    fn one_that_moves_does_not_stand_still_and_the_time_begins_anew() {
        let now = Instant::now();
        let mut watch = StallWatch::default();
        for second in 0..600 {
            let position = second / 50;
            let at = now + Duration::from_secs(u64::try_from(second).unwrap());
            assert_eq!(watch.look(at, &[view(position, 1000)], LIMIT), None, "after {second} s");
        }
        let later = now + 20 * LIMIT;
        watch.clear();
        assert_eq!(watch.look(later, &[view(11, 1000)], LIMIT), None, "the broker was away");
        assert!(watch.look(later + LIMIT, &[view(11, 1000)], LIMIT).is_some());
    }

    #[test]
    fn the_longest_is_named() {
        let now = Instant::now();
        let mut watch = StallWatch::default();
        let other = View { partition: partition(1), ..view(0, 1) };
        assert_eq!(watch.look(now, std::slice::from_ref(&other), LIMIT), None);
        assert_eq!(watch.look(now + LIMIT / 2, &[view(0, 1), other.clone()], LIMIT), None);
        let stall = watch.look(now + LIMIT, &[view(0, 1), other], LIMIT).unwrap();
        assert_eq!(stall.partition, partition(1));
        assert_eq!(stall.to_string(), "there are events on the broker in t/1, but none arrives");
    }
}
