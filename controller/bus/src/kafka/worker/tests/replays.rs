//! What becomes of events that were parked, and of those behind them.

use xos_steps::AfterParked;

use super::*;
use crate::parked::ParkedEvent;
use crate::parked::log::PATIENCE;

/// Notes the values that it handles; those that begin with `bad` only when it is mended.
struct Noting {
    after_parked: AfterParked,
    is_mended: Arc<AtomicBool>,
    handled: Arc<Mutex<Vec<String>>>,
}

impl EventStep for Noting {
    const TOPICS: &'static [&'static str] = &["t"];

    fn after_parked(&self) -> AfterParked {
        self.after_parked
    }

    async fn process_event(&self, _: &StepContext, event: &BusEvent) -> Result<(), StepError> {
        let value = event.text()?;
        if value.starts_with("bad") && !self.is_mended.load(Ordering::SeqCst) {
            return Err(StepError::failed("no"));
        }
        self.handled.lock().unwrap().push(value.to_owned());
        Ok(())
    }
}

fn keyed(offset: i64, key: &str, value: &str) -> BusEvent {
    BusEvent { offset, ..BusEvent::new("t", value).with_key(key) }
}

/// Returns a parked event as it is sent again.
fn again(bench: &Bench, record: usize, offset: i64) -> BusEvent {
    let Message { key, value, headers, topic, .. } = bench.parked.0.lock().unwrap()[record].clone();
    let record = BusEvent { topic: topic.into(), key, value, headers, ..BusEvent::default() };
    let Message { key, value, headers, .. } = ParkedEvent::read(&record).unwrap().replay();
    BusEvent { offset, key, value, headers, ..BusEvent::new("t", "") }
}

#[tokio::test]
async fn a_replayed_event_runs_once_also_if_that_can_be_noted_only_later() {
    let (is_mended, handled) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Vec<String>>>::default());
    let step =
        Noting { after_parked: AfterParked::Park, is_mended: Arc::clone(&is_mended), handled: Arc::clone(&handled) };
    let mut bench = Bench::new(step, Services::default());
    for (offset, key, value) in [(0, "a", "bad"), (1, "a", "next"), (2, "b", "other")] {
        bench.receive_event(keyed(offset, key, value), None);
    }
    bench.finish().await;
    assert_eq!(*handled.lock().unwrap(), ["other"]);
    assert_eq!(bench.parked.0.lock().unwrap().len(), 2, "the next one of its key is parked behind it");
    assert_eq!(header(&bench.parked.0.lock().unwrap()[1], REASON), "an earlier event of its key is parked: t/0/0");

    is_mended.store(true, Ordering::SeqCst);
    bench.parked.1.store(3, Ordering::SeqCst);
    // The second one before the first one, and both twice.
    for (offset, record) in [(3, 1), (4, 0), (5, 0)] {
        bench.receive_event(again(&bench, record, offset), None);
    }
    bench.finish().await;
    assert_eq!(*handled.lock().unwrap(), ["other", "bad"], "once, and not the one behind it");
    bench.receive_event(again(&bench, 1, 6), None);
    bench.receive_event(again(&bench, 1, 7), None);
    bench.receive_event(keyed(8, "a", "last"), None);
    bench.finish().await;
    assert_eq!(*handled.lock().unwrap(), ["other", "bad", "next", "last"]);
}

/// Takes in that the parked events of the key `a` are being replayed, since so long ago.
fn replaying(bench: &Bench, since: Duration) {
    let assignment = bench.tracker.lock().assignment(&bench.partition).unwrap();
    let since = Instant::now().checked_sub(since).unwrap();
    let known = bench.worker.parked.change(assignment, |log| log.replaying(1000, b"a", since));
    assert_eq!(known, Some(()));
}

#[tokio::test]
async fn events_that_come_while_those_of_their_key_are_replayed_are_handled_after_them() {
    let (is_mended, handled) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Vec<String>>>::default());
    let step =
        Noting { after_parked: AfterParked::Park, is_mended: Arc::clone(&is_mended), handled: Arc::clone(&handled) };
    let mut bench = Bench::new(step, Services::default());
    for (offset, value) in [(0, "bad"), (1, "next")] {
        bench.receive_event(keyed(offset, "a", value), Some(1));
    }
    bench.finish().await;
    is_mended.store(true, Ordering::SeqCst);
    replaying(&bench, Duration::ZERO);
    for (offset, value) in [(2, "later"), (3, "last")] {
        bench.receive_event(keyed(offset, "a", value), Some(1));
    }
    for _ in 0..100 {
        bench.attempts(16).await;
        bench.pass(Duration::from_secs(1));
    }
    assert_eq!((bench.parked.0.lock().unwrap().len(), handled.lock().unwrap().len()), (2, 0), "they wait");
    bench.receive_event(again(&bench, 0, 4), Some(1));
    bench.receive_event(again(&bench, 1, 5), Some(1));
    bench.finish().await;
    assert_eq!(*handled.lock().unwrap(), ["bad", "next", "later", "last"]);
    assert_eq!(bench.parked.0.lock().unwrap().len(), 4, "beside what was parked, that it was handled");
}

#[tokio::test]
async fn events_do_not_wait_longer_for_a_replay_than_their_time_nor_for_one_that_fails() {
    let (is_mended, handled) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Vec<String>>>::default());
    let step = Noting { after_parked: AfterParked::Park, is_mended, handled: Arc::clone(&handled) };
    let mut bench = Bench::new(step, Services::default());
    bench.receive_event(keyed(0, "a", "bad"), Some(1));
    bench.finish().await;
    replaying(&bench, PATIENCE);
    bench.receive_event(keyed(1, "a", "next"), Some(1));
    bench.finish().await;
    assert_eq!(bench.parked.0.lock().unwrap().len(), 2, "their time is over");
    replaying(&bench, Duration::ZERO);
    bench.receive_event(keyed(2, "a", "later"), Some(1));
    bench.receive_event(again(&bench, 0, 3), Some(1));
    bench.finish().await;
    let parked: Vec<_> = bench.parked.0.lock().unwrap().iter().map(|one| one.value.clone().unwrap()).collect();
    assert_eq!(parked, [&b"bad"[..], b"next", b"bad", b"later"], "it has failed once more");
    assert_eq!(*handled.lock().unwrap(), [] as [String; 0]);
}

#[tokio::test]
async fn a_step_that_does_not_mind_handles_what_comes_after_a_parked_event() {
    let (is_mended, handled) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Vec<String>>>::default());
    let step =
        Noting { after_parked: AfterParked::Handle, is_mended: Arc::clone(&is_mended), handled: Arc::clone(&handled) };
    let mut bench = Bench::new(step, Services::default());
    for (offset, value) in [(0, "bad"), (1, "next"), (2, "bad too"), (3, "last")] {
        bench.receive_event(keyed(offset, "a", value), None);
    }
    bench.finish().await;
    assert_eq!(*handled.lock().unwrap(), ["next", "last"]);
    is_mended.store(true, Ordering::SeqCst);
    bench.receive_event(again(&bench, 1, 4), None);
    bench.finish().await;
    assert_eq!(*handled.lock().unwrap(), ["next", "last", "bad too"]);
}

#[tokio::test]
async fn a_replay_for_another_step_is_skipped_and_a_strangers_header_is_none() {
    let (is_mended, handled) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Vec<String>>>::default());
    let step = Noting { after_parked: AfterParked::Park, is_mended, handled: Arc::clone(&handled) };
    let mut bench = Bench::new(step, Services::default());
    bench.receive_event(keyed(0, "a", "bad"), None);
    bench.finish().await;
    let mut other = again(&bench, 0, 1);
    other.headers[0].1 = Some(b"sync.Other".to_vec());
    bench.receive_event(other, None);
    let stranger = vec![("xos-replay".to_owned(), Some(b"sync.Other".to_vec()))];
    bench.receive_event(BusEvent { headers: stranger, ..keyed(2, "b", "stranger") }, None);
    bench.finish().await;
    assert_eq!(*handled.lock().unwrap(), ["stranger"]);
}
