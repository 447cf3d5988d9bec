//! A step that is slower than its topic: what waits in memory is bounded, and the group's membership is kept.

use std::sync::Arc;

use tokio::sync::Semaphore;
use xos_harness::kafka::Kafka;

use crate::{Noting, Running, numbered, settings, unique};

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_waits_on_the_broker() {
    const COUNT: usize = 10_000;
    const LAG: i64 = 10_000;
    let kafka = Kafka::shared().await.unwrap();
    let topic = unique("slow");
    kafka.client().create_topic(&topic, 2).await.unwrap();
    kafka.client().send(&topic, &numbered(100, COUNT)).await.unwrap();
    let gate = Arc::new(Semaphore::new(0));
    let step = Noting::on("Step", &[&topic]).doing({
        let gate = Arc::clone(&gate);
        move |_| {
            let gate = Arc::clone(&gate);
            async move {
                gate.acquire().await.unwrap().forget();
                Ok(())
            }
        }
    });
    let mut settings = settings(kafka.endpoint());
    settings.buffer = 200;
    // A consumer that does not poll for this long is removed from the group.
    settings.properties.insert("max.poll.interval.ms".to_owned(), "6000".to_owned());
    let running = Running::start(&settings, &unique("sync"), &[&step]);
    let full = running.until("both partitions paused", |state| state.paused == 2 && state.lag == LAG).await;
    assert!(full.held <= 2 * 200, "{full:?}");
    // Longer than that time.
    let until = full.last_poll.unwrap() + std::time::Duration::from_secs(8);
    let still = running.until("longer than that", |state| state.last_poll.is_some_and(|last| last > until)).await;
    assert_eq!((still.partitions, still.paused, still.restarts), (2, 2, 0), "{still:?}");
    gate.add_permits(COUNT);
    step.notes.count(COUNT).await;
    running.until("no lag", |state| state.lag == 0).await;
    running.stop().await;
    assert_eq!(step.notes.all().len(), COUNT, "each once");
}
