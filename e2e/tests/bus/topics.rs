//! Topics that come later, go, and come again.

use xos_harness::kafka::Kafka;

use crate::{Noting, Running, numbered, settings, unique};

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_may_come_later() {
    let kafka = Kafka::shared().await.unwrap();
    let topic = unique("later");
    let step = Noting::on("Step", &[&topic]);
    let running = Running::start(&settings(kafka.endpoint()), &unique("sync"), &[&step]);
    running.until("the first poll", |state| state.last_poll.is_some()).await;
    kafka.client().create_topic(&topic, 2).await.unwrap();
    kafka.client().send(&topic, &numbered(5, 50)).await.unwrap();
    step.notes.count(50).await;
    running.stop().await;
    assert_eq!(step.notes.all().len(), 50, "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_may_be_deleted_and_created_again() {
    let kafka = Kafka::shared().await.unwrap();
    let topic = unique("anew");
    let client = kafka.client();
    client.create_topic(&topic, 1).await.unwrap();
    let step = Noting::on("Step", &[&topic]);
    let running = Running::start(&settings(kafka.endpoint()), &unique("sync"), &[&step]);
    client.send(&topic, &numbered(5, 50)).await.unwrap();
    step.notes.count(50).await;
    client.delete_topic(&topic).await.unwrap();
    running.until("no partition", |state| state.partitions == 0).await;
    client.create_topic(&topic, 1).await.unwrap();
    client.send(&topic, &[("n".to_owned(), "n:1".to_owned()), ("n".to_owned(), "n:2".to_owned())]).await.unwrap();
    step.notes.until("the new ones", |all| all.ends_with(&["n:1".to_owned(), "n:2".to_owned()])).await;
    running.stop().await;
    assert_eq!(step.notes.all().len(), 52);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_finds_topics_and_not_what_was_parked() {
    let kafka = Kafka::shared().await.unwrap();
    let name = unique("sync");
    let prefix = unique("pattern");
    let client = kafka.client();
    client.create_topic(&format!("{prefix}.one"), 1).await.unwrap();
    client.create_topic(&format!("other.{prefix}.one"), 1).await.unwrap();
    let mut step = Noting::on("Step", &[]);
    step.pattern = Some(format!(r"{prefix}\..*"));
    let running = Running::start(&settings(kafka.endpoint()), &name, &[&step]);
    let message = |value: &str| [("k".to_owned(), value.to_owned())];
    client.send(&format!("{prefix}.one"), &message("one")).await.unwrap();
    client.send(&format!("other.{prefix}.one"), &message("other")).await.unwrap();
    step.notes.count(1).await;
    client.create_topic(&format!("{prefix}.one.{name}.parked"), 1).await.unwrap();
    client.send(&format!("{prefix}.one.{name}.parked"), &message("parked")).await.unwrap();
    client.create_topic(&format!("{prefix}.two"), 1).await.unwrap();
    client.send(&format!("{prefix}.two"), &message("two")).await.unwrap();
    assert_eq!(step.notes.count(2).await, ["one", "two"]);
    running.stop().await;
    assert_eq!(step.notes.all().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_means_what_rust_says_and_finds_no_events_parked_by_anybody() {
    let kafka = Kafka::shared().await.unwrap();
    let prefix = unique("rust");
    let client = kafka.client();
    // `\d` is a `d` for librdkafka.
    let [first, second, other] = ["1", "23", "d"].map(|end| format!("{prefix}.onu{end}"));
    for topic in [&first, &other] {
        client.create_topic(topic, 1).await.unwrap();
    }
    let mut step = Noting::on("Step", &[]);
    step.pattern = Some(format!(r"{}\.onu\d+(\..*)?", prefix.replace('-', r"\-")));
    let running = Running::start(&settings(kafka.endpoint()), &unique("sync"), &[&step]);
    let message = |value: &str| [("k".to_owned(), value.to_owned())];
    client.send(&first, &message("first")).await.unwrap();
    step.notes.count(1).await;
    let parked = format!("{first}.another-synchronizer.parked");
    for topic in [&parked, &second] {
        client.create_topic(topic, 1).await.unwrap();
    }
    client.send(&parked, &message("parked")).await.unwrap();
    client.send(&other, &message("other")).await.unwrap();
    client.send(&second, &message("second")).await.unwrap();
    assert_eq!(step.notes.count(2).await, ["first", "second"]);
    running.until("two partitions", |state| state.partitions == 2).await;
    running.stop().await;
    assert_eq!(step.notes.all().len(), 2);
}
