//! Where reading begins when a partition is assigned, and what was missed until then. Pure.
//!
//! Four things are told apart: the committed offset is on the broker; the broker has deleted it (retention has passed
//! the step, and events were missed); it is of another topic, which had the same name; or it is after the end (which also
//! is so where the broker has lost its end).

use crate::settings::Missed;

/// The offsets that the broker has of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    /// The first one.
    pub(crate) low: i64,
    /// The one after the last.
    pub(crate) high: i64,
}

/// Where a new group begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Begin {
    #[default]
    Earliest,
    Latest,
    /// As librdkafka does.
    Unset,
}

impl Begin {
    /// Returns what the setting `auto.offset.reset` of librdkafka says.
    pub(crate) fn of(setting: Option<&str>) -> Self {
        match setting {
            None | Some("earliest" | "beginning" | "smallest") => Self::Earliest,
            Some("latest" | "end" | "largest") => Self::Latest,
            Some(_) => Self::Unset,
        }
    }
}

/// Where to begin with a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StartAt {
    /// With the committed offset.
    Committed,
    /// With this one.
    Offset(i64),
    Beginning,
    End,
    /// Where librdkafka begins.
    Unset,
}

/// What is to be told of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// Retention has deleted events that were never received: those of these offsets.
    Missed { from: i64, to: i64 },
    /// The committed offset is after the end.
    Rewound { committed: i64, end: i64 },
    /// The committed offset is of a topic that was deleted.
    MadeAnew { committed: i64 },
}

/// Returns where to begin, and what is to be told of it. `is_of_topic` says whether the committed offset is of the topic
/// that there is now. `range` is `None` if the broker does not tell it: then librdkafka finds out.
pub(crate) fn start(
    committed: Option<i64>,
    is_of_topic: bool,
    range: Option<Range>,
    begin: Begin,
    missed: Missed,
) -> (StartAt, Option<Finding>) {
    let Some(committed) = committed else {
        let from = match begin {
            Begin::Earliest => StartAt::Beginning,
            Begin::Latest => StartAt::End,
            Begin::Unset => StartAt::Unset,
        };
        return (from, None);
    };
    // The step had begun with the topic of this name: it misses nothing of the new one, wherever a new group begins.
    if !is_of_topic {
        return (StartAt::Beginning, Some(Finding::MadeAnew { committed }));
    }
    match range {
        Some(Range { low, high }) if committed < low => {
            let (from, to) = match missed {
                Missed::Earliest | Missed::Stop => (StartAt::Offset(low), low),
                Missed::Latest => (StartAt::Offset(high), high),
            };
            (from, Some(Finding::Missed { from: committed, to }))
        }
        Some(Range { high, .. }) if committed > high => {
            (StartAt::Beginning, Some(Finding::Rewound { committed, end: high }))
        }
        _ => (StartAt::Committed, None),
    }
}

/// Returns how many of the offsets of a gap, `from..to`, retention has deleted: those before `low`. The others are gone
/// by compaction, or belong to transactions.
pub(crate) fn missed_in_gap(from: i64, to: i64, low: i64) -> i64 {
    (to.min(low) - from).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_begins_where_it_ended_if_that_is_still_there() {
        let range = |low, high| Some(Range { low, high });
        let missed = |from, to| Some(Finding::Missed { from, to });
        let rewound = |committed, end| Some(Finding::Rewound { committed, end });
        for (committed, range, policy, expected) in [
            (Some(5), range(0, 10), Missed::Earliest, (StartAt::Committed, None)),
            (Some(10), range(10, 10), Missed::Stop, (StartAt::Committed, None)),
            (Some(5), None, Missed::Earliest, (StartAt::Committed, None)),
            (Some(0), range(2780, 5000), Missed::Earliest, (StartAt::Offset(2780), missed(0, 2780))),
            (Some(0), range(2780, 5000), Missed::Latest, (StartAt::Offset(5000), missed(0, 5000))),
            (Some(0), range(2780, 5000), Missed::Stop, (StartAt::Offset(2780), missed(0, 2780))),
            (Some(50), range(0, 10), Missed::Stop, (StartAt::Beginning, rewound(50, 10))),
            (Some(50), range(0, 0), Missed::Latest, (StartAt::Beginning, rewound(50, 0))),
            (None, range(7, 10), Missed::Stop, (StartAt::Beginning, None)),
        ] {
            assert_eq!(start(committed, true, range, Begin::Earliest, policy), expected, "{committed:?} of {range:?}");
        }
    }

    #[test]
    fn what_was_committed_of_a_topic_that_was_deleted_says_nothing_of_the_new_one() {
        for committed in [0, 5, 10, 50] {
            for range in [None, Some(Range { low: 0, high: 10 }), Some(Range { low: 7, high: 10 })] {
                for (begin, policy) in [(Begin::Earliest, Missed::Stop), (Begin::Latest, Missed::Latest)] {
                    let expected = (StartAt::Beginning, Some(Finding::MadeAnew { committed }));
                    assert_eq!(
                        start(Some(committed), false, range, begin, policy),
                        expected,
                        "{committed} of {range:?}"
                    );
                }
            }
        }
        assert_eq!(start(None, false, None, Begin::Latest, Missed::Stop), (StartAt::End, None), "a new group");
    }

    #[test]
    fn a_new_group_begins_as_it_is_set() {
        let begins = |setting| start(None, true, None, Begin::of(setting), Missed::Earliest).0;
        assert_eq!(
            [None, Some("latest"), Some("error")].map(begins),
            [StartAt::Beginning, StartAt::End, StartAt::Unset]
        );
    }

    #[test]
    fn only_what_retention_has_deleted_is_missed() {
        for (from, to, low, missed) in [(10, 12, 0, 0), (10, 12, 10, 0), (10, 12, 11, 1), (10, 12, 500, 2)] {
            assert_eq!(missed_in_gap(from, to, low), missed, "{from}..{to} with {low}");
        }
    }
}
