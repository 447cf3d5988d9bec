//! What is done is committed within a second.

use std::time::{Duration, Instant};

use xos_harness::kafka::Kafka;

use crate::{Noting, Running, committed, numbered, settings, unique};

/// What may be repeated after a kill.
const A_SECOND: Duration = Duration::from_secs(1);
/// What it takes to ask the broker what is committed.
const ASKING: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_is_committed_within_a_second_again_and_again() {
    const COUNT: usize = 200;
    let kafka = Kafka::shared().await.unwrap();
    let topic = unique("seconds");
    let name = unique("sync");
    let client = kafka.client();
    client.create_topic(&topic, 1).await.unwrap();
    let step = Noting::on("Step", &[&topic]);
    let running = Running::start(&settings(kafka.endpoint()), &name, &[&step]);
    let sent = numbered(10, 5 * COUNT);
    for (round, part) in (1..).zip(sent.chunks(COUNT)) {
        client.send(&topic, part).await.unwrap();
        step.notes.count(round * COUNT).await;
        let done = Instant::now();
        let offset = i64::try_from(round * COUNT).unwrap();
        committed(&client, &format!("{name}.Step"), &topic, &[Some(offset)]).await;
        let took = done.elapsed();
        assert!(took < A_SECOND + ASKING, "round {round}: committed after {took:?}");
    }
    running.stop().await;
}
