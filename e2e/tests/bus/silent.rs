//! A consumer that receives nothing, though there is something, is noticed and made anew.

use std::time::Duration;

use xos_e2e::kafka::Kafka;

use crate::{Noting, Running, distinct, numbered, settings, unique};

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_has_stopped_receiving_is_made_anew() {
    let (kafka, topic) = (Kafka::shared().await.unwrap(), unique("silent"));
    kafka.client().create_topic(&topic, 1).await.unwrap();
    let mut settings = settings(kafka.endpoint());
    settings.stalled_after = Duration::from_secs(3);
    // The broker answers no fetch before there is so much: to the consumer that is a fetch without end.
    for (key, value) in [("fetch.min.bytes", "100000"), ("fetch.wait.max.ms", "60000"), ("socket.timeout.ms", "90000")]
    {
        settings.properties.insert(key.to_owned(), value.to_owned());
    }
    let step = Noting::on("Step", &[&topic]);
    let running = Running::start(&settings, &unique("sync"), &[&step]);
    // With nothing to receive it is not silent.
    let there = running.until("its partition", |state| state.partitions == 1).await;
    let until = there.last_poll.unwrap() + Duration::from_secs(5);
    let quiet = running.until("longer than that", |state| state.last_poll.is_some_and(|last| last > until)).await;
    assert_eq!(quiet.restarts, 0, "{quiet:?}");

    kafka.client().send(&topic, &numbered(10, 100)).await.unwrap();
    running.until("another consumer", |state| state.restarts >= 1).await;
    running.until("its partition again", |state| state.partitions == 1).await;
    kafka.client().send(&topic, &numbered(10, 20_000)[100..]).await.unwrap();
    let all = step.notes.until("all of them", |all| distinct(all).len() == 20_000).await;
    assert_eq!(all.len(), 20_000, "each once");
    running.stop().await;
}
