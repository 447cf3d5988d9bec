//! Which records are taken for late ones of a process that is gone.

use std::time::Instant;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use jiff::Timestamp;
use rdkafka::message::OwnedHeaders;
use xos_steps::{Message, Services};

use super::super::topics::StoreError;
use super::*;
use crate::kafka::notifier::Notifier;
use crate::kafka::tracker::{Limits, Received, Task};
use crate::parked::record::Entry;

const LIMITS: Limits = Limits { high: 10, low: 5, high_bytes: 1000, stuck: 10, stuck_bytes: 1000 };

/// What was written into topics of parked events.
#[derive(Default)]
struct Written(Mutex<Vec<Message>>);

impl Store for Written {
    fn append<'a>(
        &'a self,
        _: &'a str,
        _: i32,
        message: Message,
        _: Option<OwnedHeaders>,
    ) -> BoxFuture<'a, Result<i64, StoreError>> {
        self.0.lock().unwrap().push(message);
        ready(Ok(1)).boxed()
    }
}

/// An event in hand, the log of its partition, and the record that parks it, as it is read at offset 0.
struct Bench {
    logs: Logs,
    tracker: Arc<SharedTracker>,
    task: Task,
    record: BusEvent,
    written: Arc<Written>,
}

impl Bench {
    fn new() -> Self {
        let settings = Settings::default();
        let tracker = Arc::new(SharedTracker::new(LIMITS, settings.retry));
        let from = TopicPartition { topic: "t".into(), partition: 0 };
        let assignment = tracker.assign(&from);
        let event = Arc::new(BusEvent { offset: 5, ..BusEvent::new("t", "v").with_key("k") });
        let received =
            Received { assignment, order_key: Some(1), event: Arc::clone(&event), park_reason: None, replayed: None };
        assert!(tracker.accept([received]).is_empty());
        let task = tracker.lock().take(Instant::now(), 1).pop().unwrap();
        let written = Arc::new(Written::default());
        let notifier =
            Notifier { events: Services::default().events, namespace: "default".to_owned(), step: "Step".to_owned() };
        let of = OfStep {
            step: "Step".to_owned(),
            group: "sync.Step".to_owned(),
            synchronizer: "sync".to_owned(),
            settings: settings.clone(),
            topics: Arc::new(ParkedTopics::new(settings, "sync".to_owned())),
            store: Arc::<Written>::clone(&written),
            notices: Notices::new(notifier),
            states: ConsumerStates::default(),
        };
        let entry = Entry { reason: "no", attempts: 1, order_key: Some(b"k"), first: None };
        let Message { topic, key, value, headers, .. } =
            of.parking().record("t.sync.parked", &event, &entry, Timestamp::UNIX_EPOCH);
        let record = BusEvent { topic: topic.into(), key, value, headers, ..BusEvent::default() };
        let logs = Logs::of_one(of, &tracker, assignment, from);
        Self { logs, tracker, task, record, written }
    }

    /// Reads the record. Returns what is written for it.
    async fn read(self, meanwhile: impl FnOnce(&Self) + Send + 'static) -> Vec<Message> {
        let reading = move || {
            let shared = Arc::clone(&self.logs.0);
            shared.take_in_by(&self.record, |read| {
                assert!(shared.logs.try_lock().is_ok(), "a worker that waits for the logs would not be seen");
                meanwhile(&self);
                shared.is_done(&self.record, read)
            });
            std::mem::take(&mut *self.written.0.lock().unwrap())
        };
        tokio::task::spawn_blocking(reading).await.unwrap()
    }
}

#[tokio::test]
async fn an_event_that_is_parked_here_just_now_is_not_taken_for_one_that_somebody_else_has_parked_too_late() {
    let written = Bench::new().read(|bench| {
        // The worker learns that its record is stored, and the event is done, while the record is read.
        bench.logs.stored(bench.task.assignment, 0, Record::read(&bench.record).unwrap());
        bench.tracker.lock().complete(&bench.task, false);
    });
    assert_eq!(written.await, [], "it stays parked");
}

#[tokio::test]
async fn what_a_process_that_is_gone_has_parked_too_late_is_taken_back() {
    let written = Bench::new().read(|bench| bench.tracker.lock().complete(&bench.task, true)).await;
    assert_eq!(written.len(), 1, "the event was handled here");
    assert!(written[0].headers.iter().any(|(_, value)| value.as_deref() == Some(b"dropped")), "{written:?}");
    assert_eq!(Bench::new().read(|_| ()).await, [], "an event that is not done here is parked");
}
