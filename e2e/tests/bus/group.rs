//! Several controllers in one group: partitions move, nothing is lost, and nothing stands still.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use xos_harness::{eventually, kafka::Kafka};

use crate::{Noting, Running, SOON, distinct, numbered, settings, unique};

#[tokio::test(flavor = "multi_thread")]
async fn three_that_come_and_go_handle_all() {
    three("range,roundrobin").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_that_come_and_go_handle_all_where_partitions_move_one_by_one() {
    three("cooperative-sticky").await;
}

async fn three(strategy: &str) {
    const COUNT: usize = 3000;
    let kafka = Kafka::shared().await.unwrap();
    let topic = unique("three");
    let name = unique("sync");
    let client = kafka.client();
    client.create_topic(&topic, 6).await.unwrap();
    // A key that two have at once would be out of order.
    let at_once: Arc<std::sync::Mutex<std::collections::HashSet<Vec<u8>>>> = Arc::default();
    let overlaps = Arc::new(AtomicUsize::new(0));
    let step = Noting::on("Step", &[&topic]).doing({
        let at_once = Arc::clone(&at_once);
        let overlaps = Arc::clone(&overlaps);
        move |event| {
            let at_once = Arc::clone(&at_once);
            let overlaps = Arc::clone(&overlaps);
            async move {
                let key = event.key.unwrap();
                if !at_once.lock().unwrap().insert(key.clone()) {
                    overlaps.fetch_add(1, Ordering::SeqCst);
                }
                // Commits and rebalances are to meet.
                tokio::time::sleep(Duration::from_millis(1)).await;
                at_once.lock().unwrap().remove(&key);
                Ok(())
            }
        }
    });
    let mut settings = settings(kafka.endpoint());
    settings.properties.insert("partition.assignment.strategy".to_owned(), strategy.to_owned());
    let start = || Running::start(&settings, &name, &[&step]);
    let first = start();
    let sending = {
        let client = client.clone();
        let topic = topic.clone();
        tokio::spawn(async move {
            for part in numbered(60, COUNT).chunks(100) {
                client.send(&topic, part).await.unwrap();
            }
        })
    };
    step.notes.count(100).await;
    let second = start();
    second.until("partitions of its own", |state| state.partitions > 0).await;
    let third = start();
    third.until("partitions of its own", |state| state.partitions > 0).await;
    first.stop().await;
    step.notes.count(1000).await;
    let fourth = start();
    fourth.until("partitions of its own", |state| state.partitions > 0).await;
    second.stop().await;
    sending.await.unwrap();
    step.notes.until("all of them", |all| distinct(all).len() == COUNT).await;
    let group = format!("{name}.Step");
    let look = async || {
        let committed = client.committed(&group, &topic).unwrap();
        let sum: i64 = committed.iter().flatten().sum();
        if sum == i64::try_from(COUNT).unwrap() { Ok(()) } else { Err(format!("{committed:?}")) }
    };
    eventually(SOON, "all to be committed", look).await.unwrap();
    third.stop().await;
    fourth.stop().await;
    // All of them left the group in good order, so nothing had to be handled again.
    assert_eq!(step.notes.all().len(), COUNT);
    assert_eq!(overlaps.load(Ordering::SeqCst), 0, "no key was handled by two at the same time");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_had_that_vanished_is_taken_over() {
    let kafka = Kafka::shared().await.unwrap();
    let topic = unique("vanished");
    let name = unique("sync");
    let client = kafka.client();
    client.create_topic(&topic, 4).await.unwrap();
    let step = Noting::on("Step", &[&topic]);
    let settings = settings(kafka.endpoint());
    let one = Running::start(&settings, &name, &[&step]);
    let other = Running::start(&settings, &name, &[&step]);
    for running in [&one, &other] {
        running.until("half of the partitions", |state| state.partitions == 2).await;
    }
    client.send(&topic, &numbered(40, 400)).await.unwrap();
    step.notes.count(50).await;
    one.abort().await;
    other.until("all partitions", |state| state.partitions == 4).await;
    step.notes.until("all of them", |all| distinct(all).len() == 400).await;
    other.stop().await;
    assert_eq!(distinct(&step.notes.all()).len(), 400, "and nothing else");
}
