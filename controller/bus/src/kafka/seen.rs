//! What librdkafka's statistics tell of an assigned partition: its lag, and whether it is fetched. Pure.

use rdkafka::statistics::Partition as Statistics;

use super::stall::View;
use super::topic_partition::TopicPartition;
use super::tracker::Progress;

/// librdkafka's word for a partition that is being fetched.
const ACTIVE: &str = "active";

/// Returns what is known of a partition: of its end by asking the broker, of the rest by statistics.
pub(crate) fn view(
    partition: TopicPartition,
    progress: &Progress,
    statistics: Option<&Statistics>,
    asked_end: Option<i64>,
    is_committed: bool,
) -> View {
    let is_fetched = statistics.is_some_and(|one| one.leader >= 0 && one.fetch_state == ACTIVE);
    View {
        partition,
        is_fetched,
        position: statistics.and_then(|one| known(one.next_offset)),
        // Statistics have the end of the last answer to a fetch, which may have been long ago.
        end: asked_end.or_else(|| statistics.and_then(|one| end(one, is_committed))),
        is_paused: progress.is_paused,
    }
}

/// Returns how many events of a partition are not done; `None` if its end is not known. `has_batch` says whether there
/// may be events between the client and the tracker.
pub(crate) fn lag(progress: &Progress, statistics: &Statistics, has_batch: bool, is_committed: bool) -> Option<i64> {
    let end = end(statistics, is_committed)?;
    let low = statistics.lo_offset.max(0);
    // What retention has deleted is missed, and is not waited for.
    let done = progress.done_up_to.unwrap_or(statistics.committed_offset).max(low);
    let has_all_done = progress.held == 0 && statistics.fetchq_cnt == 0 && !has_batch;
    // The position has moved over what is never received, such as the markers of transactions.
    let up_to = if has_all_done { done.max(statistics.next_offset) } else { done };
    Some((end - up_to).max(0))
}

/// Returns the offset after the last one that can be read. Messages of open transactions cannot.
fn end(statistics: &Statistics, is_committed: bool) -> Option<i64> {
    let stable = if is_committed { known(statistics.ls_offset) } else { None };
    stable.or_else(|| known(statistics.hi_offset))
}

fn known(offset: i64) -> Option<i64> {
    (offset >= 0).then_some(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// librdkafka's word for an unknown offset.
    const UNKNOWN: i64 = -1001;

    fn statistics(next: i64, end: i64) -> Statistics {
        Statistics {
            leader: 1,
            fetch_state: ACTIVE.to_owned(),
            next_offset: next,
            ls_offset: end,
            hi_offset: end,
            lo_offset: 0,
            committed_offset: UNKNOWN,
            ..Statistics::default()
        }
    }

    fn progress(held: usize, done_up_to: Option<i64>) -> Progress {
        Progress { held, done_up_to, is_paused: false }
    }

    #[test]
    fn the_lag_is_what_is_not_done_and_can_be_read() {
        for (progress, statistics, expected) in [
            (progress(0, Some(10)), statistics(10, 10), Some(0)),
            (progress(3, Some(7)), statistics(10, 10), Some(3)),
            (progress(0, None), statistics(0, 10), Some(10)),
            // A transaction's marker, or an aborted tail, is after the last event.
            (progress(0, Some(10)), statistics(11, 11), Some(0)),
            // The event before the marker is received, and not done.
            (progress(1, Some(9)), statistics(11, 11), Some(2)),
            // Retention has deleted everything.
            (progress(0, Some(10)), Statistics { lo_offset: 500, ..statistics(500, 500) }, Some(0)),
            // An open transaction cannot be read yet.
            (progress(0, Some(10)), Statistics { hi_offset: 90, ..statistics(10, 10) }, Some(0)),
            (progress(0, Some(10)), statistics(10, UNKNOWN), None),
        ] {
            assert_eq!(lag(&progress, &statistics, false, true), expected, "{progress:?} {statistics:?}");
        }
    }

    #[test]
    fn events_on_their_way_to_the_tracker_count() {
        assert_eq!(lag(&progress(0, Some(7)), &statistics(10, 10), true, true), Some(3));
        let queued = Statistics { fetchq_cnt: 1, ..statistics(10, 10) };
        assert_eq!(lag(&progress(0, Some(7)), &queued, false, true), Some(3));
    }

    #[test]
    fn who_reads_open_transactions_reads_to_the_end() {
        let statistics = Statistics { hi_offset: 90, ..statistics(10, 10) };
        assert_eq!(lag(&progress(0, Some(10)), &statistics, false, false), Some(80));
    }

    #[test]
    fn without_a_leader_or_statistics_nothing_is_fetched() {
        let partition = || TopicPartition { topic: "t".into(), partition: 0 };
        let progress = progress(0, None);
        let of = |statistics: Option<&Statistics>, end| view(partition(), &progress, statistics, end, true);
        let view = of(Some(&statistics(10, 10)), None);
        assert_eq!((view.is_fetched, view.position, view.end), (true, Some(10), Some(10)));
        assert_eq!(of(Some(&statistics(10, 10)), Some(20)).end, Some(20), "the broker has more than was fetched");
        assert!(!of(Some(&Statistics { leader: -1, ..statistics(10, 10) }), None).is_fetched);
        let waits = Statistics { fetch_state: "offset-wait".to_owned(), ..statistics(0, 0) };
        assert!(!of(Some(&waits), None).is_fetched);
        let unknown = of(None, None);
        assert_eq!((unknown.is_fetched, unknown.position, unknown.end), (false, None, None));
    }
}
