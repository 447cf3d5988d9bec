//! A consumer that receives nothing, although the broker has events for it, is restarted.

use std::time::Duration;

use xos_harness::kafka::{Broker, Client, Guard};

use crate::rights::of_user;
use crate::{Noting, Running, distinct, numbered, unique};

// The broker ends with the thread that started it.
#[tokio::test(flavor = "current_thread")]
async fn a_consumer_that_has_stopped_receiving_is_restarted() {
    let folder = tempfile::tempdir().unwrap();
    let guard = Guard::make().unwrap();
    let mut broker = Broker::start_guarded(folder.path(), &guard).await.unwrap();
    let client = Client::new(&broker.endpoint());
    let topic = unique("silent");
    client.create_topic(&topic, 1).await.unwrap();
    let mut settings = of_user(&broker, &guard);
    settings.stalled_after = Duration::from_secs(5);
    // After a fetch that was denied librdkafka asks for nothing for ten times as long: as good as a consumer that hangs.
    settings.properties.insert("fetch.error.backoff.ms".to_owned(), "100000".to_owned());
    let step = Noting::on("Step", &[&topic]);
    let running = Running::start(&settings, "sync", &[&step]);
    client.send(&topic, &numbered(10, 100)).await.unwrap();
    step.notes.count(100).await;
    // With nothing to receive it is not silent.
    let idle = running.until("no lag", |state| state.lag == 0).await;
    let until = idle.last_poll.unwrap() + Duration::from_secs(8);
    let idle = running.until("longer than that", |state| state.last_poll.is_some_and(|last| last > until)).await;
    assert_eq!(idle.restarts, 0, "{idle:?}");

    broker.deny("Read", ("topic", &topic), true).unwrap();
    running.until("a problem", |state| state.problem.is_some()).await;
    client.send(&topic, &numbered(10, 200)[100..]).await.unwrap();
    broker.deny("Read", ("topic", &topic), false).unwrap();
    running.until("another consumer", |state| state.restarts >= 1).await;
    assert!(running.events.has("Warning ConsumerRestarted"), "people hear of it");
    step.notes.until("all of them", |all| distinct(all).len() == 200).await;
    running.stop().await;
    assert_eq!(distinct(&step.notes.all()).len(), 200, "and nothing else");
    broker.kill().await.unwrap();
}
