//! What stands still is found by positions: a consumer that has nothing to receive is not restarted, and one whose topic
//! is another one is.

use std::time::Duration;

use jiff::Timestamp;
use xos_bus::ConsumerState;
use xos_harness::kafka::{Broker, Client, Kafka};

use crate::{Noting, Running, distinct, numbered, settings, unique};

/// A later time without a lag: that is told by statistics, which come every 5 s.
fn is_later(than: Timestamp) -> impl Fn(&ConsumerState) -> bool {
    move |state| state.lag == 0 && state.last_poll.is_some_and(|last| last > than)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_consumer_behind_a_transaction_is_not_restarted() {
    let kafka = Kafka::shared().await.unwrap();
    let client = kafka.client();
    let topic = unique("transactions");
    client.create_topic(&topic, 1).await.unwrap();
    let mut settings = settings(kafka.endpoint());
    settings.stalled_after = Duration::from_secs(3);
    let step = Noting::on("Step", &[&topic]);
    let running = Running::start(&settings, &unique("sync"), &[&step]);
    client.send_in_transaction(&topic, &numbered(5, 50), true).await.unwrap();
    client.send_in_transaction(&topic, &numbered(5, 10), false).await.unwrap();
    step.notes.count(50).await;
    let idle = running.until("no lag", |state| state.lag == 0 && state.held == 0).await;
    let until = idle.last_poll.unwrap() + Duration::from_secs(10);
    let later = running.until("longer than that", is_later(until)).await;
    assert_eq!((later.restarts, later.missed), (0, 0), "{later:?}");
    // All of it is deleted: there is still nothing to receive, and nothing was missed.
    client.delete_before(&topic, 0, -1).await.unwrap();
    let until = later.last_poll.unwrap() + Duration::from_secs(10);
    let later = running.until("longer than that", is_later(until)).await;
    assert_eq!((later.restarts, later.missed), (0, 0), "{later:?}");
    running.stop().await;
    assert_eq!(step.notes.all().len(), 50, "what was aborted is not received");
}

// The broker ends with the thread that started it.
#[tokio::test(flavor = "current_thread")]
async fn a_broker_that_comes_back_empty_is_read_from_the_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let mut broker = Broker::start(folder.path()).await.unwrap();
    let client = Client::new(&broker.endpoint());
    let topic = unique("empty");
    client.create_topic(&topic, 1).await.unwrap();
    let mut settings = settings(&broker.endpoint());
    settings.stalled_after = Duration::from_secs(5);
    let step = Noting::on("Step", &[&topic]);
    let running = Running::start(&settings, "sync", &[&step]);
    client.send(&topic, &numbered(10, 50)).await.unwrap();
    step.notes.count(50).await;
    broker.kill().await.unwrap();
    // Another cluster, with the same address.
    broker.forget("b3RoZXItY2x1c3Rlci0wMQ").unwrap();
    broker.start_again().await.unwrap();
    client.create_topic(&topic, 1).await.unwrap();
    client.send(&topic, &numbered(10, 110)[50..]).await.unwrap();
    step.notes.until("the new ones", |all| distinct(all).len() == 110).await;
    running.until("no lag", |state| state.lag == 0 && state.partitions == 1).await;
    running.stop().await;
    broker.kill().await.unwrap();
}
