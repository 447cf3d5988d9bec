//! A stop is quick, also where the broker does not answer; a client that cannot be used any more is replaced.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::sync::Semaphore;
use xos_harness::kafka::{Broker, Client, Kafka};

use crate::{Noting, Running, distinct, numbered, settings, unique};

/// The grace period of the tests' controllers.
const GRACE: Duration = Duration::from_secs(10);

// The broker ends with the thread that started it.
#[tokio::test(flavor = "current_thread")]
async fn a_stop_is_quick_while_the_broker_is_frozen_or_away() {
    let folder = tempfile::tempdir().unwrap();
    let mut broker = Broker::start(folder.path()).await.unwrap();
    let client = Client::new(&broker.endpoint());
    let topic = unique("frozen");
    client.create_topic(&topic, 2).await.unwrap();
    let mut count = 0;
    for is_frozen in [true, false] {
        let step = Noting::on("Step", &[&topic]);
        let running = Running::start(&settings(&broker.endpoint()), &unique("sync"), &[&step]);
        client.send(&topic, &numbered(10, 100)).await.unwrap();
        count += 100;
        step.notes.count(count).await;
        // What is done after the last commit cannot be committed.
        client.send(&topic, &numbered(10, 100)).await.unwrap();
        count += 100;
        if is_frozen {
            broker.signal(Signal::STOP).unwrap();
        } else {
            broker.kill().await.unwrap();
        }
        let asked = Instant::now();
        running.stop().await;
        let took = asked.elapsed();
        assert!(took < GRACE, "frozen: {is_frozen}, it took {took:?}");
        if is_frozen {
            broker.signal(Signal::CONT).unwrap();
        } else {
            broker.start_again().await.unwrap();
        }
    }
    broker.kill().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_static_member_that_another_one_replaces_does_not_hang() {
    let kafka = Kafka::shared().await.unwrap();
    let client = kafka.client();
    let topic = unique("static");
    let name = unique("sync");
    client.create_topic(&topic, 2).await.unwrap();
    let mut settings = settings(kafka.endpoint());
    settings.properties.insert("group.instance.id".to_owned(), "the-one".to_owned());
    let step = Noting::on("Step", &[&topic]);
    let first = Running::start(&settings, &name, &[&step]);
    client.send(&topic, &numbered(10, 100)).await.unwrap();
    step.notes.count(100).await;
    let second = Running::start(&settings, &name, &[&step]);
    first.until("another client", |state| state.restarts > 0).await;
    let asked = Instant::now();
    first.stop().await;
    assert!(asked.elapsed() < GRACE, "it took {:?}", asked.elapsed());
    client.send(&topic, &numbered(10, 200)[100..]).await.unwrap();
    step.notes.until("all of them", |all| distinct(all).len() == 200).await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_takes_long_holds_its_own_partition_only_while_another_joins() {
    let kafka = Kafka::shared().await.unwrap();
    let client = kafka.client();
    let topics = [unique("joins-a"), unique("joins-b")];
    for topic in &topics {
        client.create_topic(topic, 2).await.unwrap();
    }
    let name = unique("sync");
    let gate = Arc::new(Semaphore::new(0));
    let step = Noting::on("Step", &[&topics[0], &topics[1]]).doing({
        let gate = Arc::clone(&gate);
        move |event| {
            let gate = Arc::clone(&gate);
            let is_long = event.text().unwrap().starts_with("long");
            async move {
                if is_long {
                    gate.acquire().await.unwrap().forget();
                }
                Ok(())
            }
        }
    });
    let mut settings = settings(kafka.endpoint());
    settings.buffer = 100;
    let first = Running::start(&settings, &name, &[&step]);
    first.until("all partitions", |state| state.partitions == 4).await;
    // One that takes long in each partition, so that it is in those that move, too.
    for topic in &topics {
        let long: Vec<_> = (0..6).map(|n| (format!("long{n}"), format!("long:{topic}:{n}"))).collect();
        client.send(topic, &long).await.unwrap();
    }
    // Of the 16 that may be handled at once.
    first.until("they are in hand", |state| state.held == 12).await;
    let second = Running::start(&settings, &name, &[&step]);
    // The rebalance waits for those in flight, for the grace period at most. The others go on, with more than what was
    // in memory when it began.
    for topic in &topics {
        client.send(topic, &numbered(50, 2000)).await.unwrap();
    }
    let asked = Instant::now();
    step.notes.count(500).await;
    let took = asked.elapsed();
    assert!(took < GRACE / 2, "the other partitions stood still for {took:?}");
    gate.add_permits(1000);
    second.until("partitions of its own", |state| state.partitions == 2).await;
    step.notes.count(2 * (2000 + 6)).await;
    first.stop().await;
    second.stop().await;
    assert_eq!(step.notes.all().len(), 2 * (2000 + 6), "each once, also what two clients have received");
}
