//! Every step gets every message, in the order of its key, and commits what is done.

use std::sync::Arc;

use tokio::sync::Semaphore;
use xos_harness::kafka::Kafka;
use xos_steps::StepError;

use crate::{Noting, Running, committed, distinct, in_order, numbered, settings, unique};

#[tokio::test(flavor = "multi_thread")]
async fn two_steps_on_one_topic_both_see_every_message() {
    let kafka = Kafka::shared().await.unwrap();
    let topic = unique("both");
    let client = kafka.client();
    client.create_topic(&topic, 3).await.unwrap();
    // Before anybody listens: the first start is from the earliest.
    client.send(&topic, &numbered(10, 100)).await.unwrap();
    let one = Noting::on("One", &[&topic]);
    let other = Noting::on("Other", &[&topic]);
    let running = Running::start(&settings(kafka.endpoint()), &unique("sync"), &[&one, &other]);
    client.send(&topic, &numbered(10, 200)[100..]).await.unwrap();
    for step in [&one, &other] {
        step.notes.count(200).await;
    }
    running.stop().await;
    for step in [&one, &other] {
        let all = step.notes.all();
        assert_eq!((all.len(), distinct(&all).len()), (200, 200));
        assert!(in_order(&all));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_keep_their_order_also_where_attempts_fail() {
    let kafka = Kafka::shared().await.unwrap();
    let topic = unique("order");
    let client = kafka.client();
    client.create_topic(&topic, 2).await.unwrap();
    client.send(&topic, &numbered(20, 400)).await.unwrap();
    let tried = crate::Notes::default();
    let step = Noting::on("Step", &[&topic]).doing({
        let tried = tried.clone();
        move |event| {
            let text = event.text().unwrap().to_owned();
            let tried = tried.clone();
            async move {
                // One in seven fails at first.
                let number: usize = text.split_once(':').unwrap().1.parse().unwrap();
                if number.is_multiple_of(7) && !tried.all().contains(&text) {
                    tried.add(&text);
                    return Err(StepError::failed("not now"));
                }
                tokio::task::yield_now().await;
                Ok(())
            }
        }
    });
    let running = Running::start(&settings(kafka.endpoint()), &unique("sync"), &[&step]);
    step.notes.count(400).await;
    running.stop().await;
    let all = step.notes.all();
    assert_eq!(all.len(), 400);
    assert!(in_order(&all));
    // Other keys went on meanwhile.
    let numbers: Vec<usize> = all.iter().map(|value| value.split_once(':').unwrap().1.parse().unwrap()).collect();
    assert!(!numbers.is_sorted());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offset_is_committed_only_when_its_event_is_done() {
    let kafka = Kafka::shared().await.unwrap();
    let topic = unique("commit");
    let name = unique("sync");
    let client = kafka.client();
    client.create_topic(&topic, 1).await.unwrap();
    client.send(&topic, &numbered(3, 3)).await.unwrap();
    let gate = Arc::new(Semaphore::new(0));
    let step = Noting::on("Step", &[&topic]).doing({
        let gate = Arc::clone(&gate);
        move |event| {
            let gate = Arc::clone(&gate);
            let is_first = event.offset == 0;
            async move {
                if is_first {
                    gate.acquire().await.unwrap().forget();
                }
                Ok(())
            }
        }
    });
    let running = Running::start(&settings(kafka.endpoint()), &name, &[&step]);
    step.notes.count(2).await;
    // The second and third are done, the first is not: a stop now commits no more than that.
    running.abort().await;
    let group = format!("{name}.Step");
    assert_eq!(client.committed(&group, &topic).unwrap(), [Some(0)]);

    let running = Running::start(&settings(kafka.endpoint()), &name, &[&step]);
    step.notes.count(4).await;
    gate.add_permits(1);
    committed(&client, &group, &topic, &[Some(3)]).await;
    running.stop().await;
    let all = step.notes.all();
    assert_eq!((all.len(), distinct(&all).len()), (5, 3), "none is lost; two are handled again after the first run");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_events_end_and_commits_them() {
    let kafka = Kafka::shared().await.unwrap();
    let topic = unique("stop");
    let name = unique("sync");
    let client = kafka.client();
    client.create_topic(&topic, 2).await.unwrap();
    client.send(&topic, &numbered(50, 500)).await.unwrap();
    let step = Noting::on("Step", &[&topic]);
    let running = Running::start(&settings(kafka.endpoint()), &name, &[&step]);
    step.notes.count(50).await;
    running.stop().await;
    let first = step.notes.all();
    let running = Running::start(&settings(kafka.endpoint()), &name, &[&step]);
    step.notes.until("all of them", |all| distinct(all).len() == 500).await;
    running.stop().await;
    assert_eq!(step.notes.all().len(), 500, "{} were handled before the stop, and none of them again", first.len());
}
