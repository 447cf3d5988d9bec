//! Events that retention deletes before they were received are told, and what then happens is configured.

use std::sync::Arc;

use tokio::sync::Semaphore;
use xos_bus::{Missed, Settings};
use xos_harness::kafka::{Client, Kafka};

use crate::{Noting, Running, committed, numbered, settings, unique};

/// A topic of which 20 of 100 events are done when retention deletes 60; then one more comes.
async fn with_a_gap(client: &Client, settings: &Settings, name: &str, step: &Noting) {
    let topic = &step.topics[0];
    client.create_topic(topic, 1).await.unwrap();
    client.send(topic, &numbered(5, 20)).await.unwrap();
    let running = Running::start(settings, name, &[step]);
    step.notes.count(20).await;
    committed(client, &format!("{name}.Step"), topic, &[Some(20)]).await;
    running.stop().await;
    client.send(topic, &numbered(5, 100)[20..]).await.unwrap();
    client.delete_before(topic, 0, 60).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_were_deleted_unread_are_told() {
    let kafka = Kafka::shared().await.unwrap();
    let client = kafka.client();
    let name = unique("sync");
    let step = Noting::on("Step", &[&unique("deleted")]);
    let settings = settings(kafka.endpoint());
    with_a_gap(&client, &settings, &name, &step).await;
    let running = Running::start(&settings, &name, &[&step]);
    let state = running.until("the gap to be told", |state| state.missed > 0).await;
    assert_eq!((state.missed, state.stopped), (40, None));
    let told = format!(
        "EventsMissed: event step Step has missed events of {}/0: the retention of the topic has deleted the offsets \
         from 20 to 59; make it longer (`retention.ms`, `retention.bytes`)",
        step.topics[0]
    );
    assert!(running.events.has(&told), "{:?}", running.events.events.lock().unwrap());
    step.notes.count(60).await;
    running.stop().await;
    assert_eq!(step.notes.all().len(), 60, "20 before, and the 40 that are left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_goes_on_with_what_comes_then_if_it_is_set_so() {
    let kafka = Kafka::shared().await.unwrap();
    let client = kafka.client();
    let name = unique("sync");
    let step = Noting::on("Step", &[&unique("latest")]);
    let settings = Settings { missed: Missed::Latest, ..settings(kafka.endpoint()) };
    with_a_gap(&client, &settings, &name, &step).await;
    let running = Running::start(&settings, &name, &[&step]);
    let state = running.until("the gap to be told", |state| state.missed > 0).await;
    assert_eq!(state.missed, 80, "also what is left is skipped");
    client.send(&step.topics[0], &numbered(5, 101)[100..]).await.unwrap();
    step.notes.count(21).await;
    running.stop().await;
    assert_eq!(step.notes.all()[20..], ["k0:100"]);
    // It is told once.
    let running = Running::start(&settings, &name, &[&step]);
    let state = running.until("the partition", |state| state.partitions == 1 && state.last_poll.is_some()).await;
    running.stop().await;
    assert_eq!(state.missed, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_stands_still_if_it_is_set_so_until_somebody_decides() {
    let kafka = Kafka::shared().await.unwrap();
    let client = kafka.client();
    let name = unique("sync");
    let step = Noting::on("Step", &[&unique("stop")]);
    let stop = Settings { missed: Missed::Stop, ..settings(kafka.endpoint()) };
    with_a_gap(&client, &stop, &name, &step).await;
    let running = Running::start(&stop, &name, &[&step]);
    let state = running.until("the step to stand still", |state| state.stopped.is_some()).await;
    let stopped = state.stopped.unwrap();
    let expected = format!("{}/0 from 20 to 60; set the offsets of the group {name}.Step", step.topics[0]);
    assert!(stopped.contains(&expected), "{stopped}");
    assert!(running.events.has("Warning EventsStopped"), "people hear of it");
    running.stop().await;
    assert_eq!(step.notes.all().len(), 20, "nothing was skipped");
    assert_eq!(client.committed(&format!("{name}.Step"), &step.topics[0]).unwrap(), [Some(20)]);

    let earliest = Settings { missed: Missed::Earliest, ..stop };
    let running = Running::start(&earliest, &name, &[&step]);
    step.notes.count(60).await;
    assert_eq!(running.state().stopped, None);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_that_comes_up_while_the_step_is_slow_is_told() {
    let kafka = Kafka::shared().await.unwrap();
    let client = kafka.client();
    let topic = unique("overtaken");
    client.create_topic(&topic, 1).await.unwrap();
    client.send(&topic, &numbered(5, 5000)).await.unwrap();
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
    let mut settings = Settings { buffer: 10, ..settings(kafka.endpoint()) };
    settings.properties.insert("queued.min.messages".to_owned(), "1".to_owned());
    settings.properties.insert("fetch.message.max.bytes".to_owned(), "1000".to_owned());
    let running = Running::start(&settings, &unique("sync"), &[&step]);
    running.until("the partition to be full", |state| state.paused == 1).await;
    client.delete_before(&topic, 0, 4000).await.unwrap();
    gate.add_permits(5000);
    // The keys are handled side by side: each has a last one.
    let is_done = |all: &[String], number: u64| all.iter().any(|one| one.ends_with(&format!(":{number}")));
    step.notes.until("the last ones", |all| (4995..5000).all(|number| is_done(all, number))).await;
    let handled = u64::try_from(step.notes.all().len()).unwrap();
    let state = running.until("the gap to be told", |state| state.missed > 0).await;
    assert_eq!(state.missed + handled, 5000, "each was handled or told");
    assert!(running.events.has("Warning EventsMissed"), "people hear of it");
    running.stop().await;
}
