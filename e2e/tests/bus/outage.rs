//! A broker that goes away, and comes back.

use std::time::Duration;

use xos_harness::kafka::{Broker, Client};

use crate::{Noting, Running, distinct, numbered, settings, unique};

/// How long the broker is away: XOS_E2E_OUTAGE_SECONDS, or a moment.
fn outage() -> Duration {
    let set = std::env::var("XOS_E2E_OUTAGE_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(set.unwrap_or(3))
}

// The broker ends with the thread that started it.
#[tokio::test(flavor = "current_thread")]
async fn events_go_on_when_a_broker_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut broker = Broker::start(folder.path()).await.unwrap();
    let client = Client::new(&broker.endpoint());
    let topic = unique("outage");
    client.create_topic(&topic, 2).await.unwrap();
    let step = Noting::on("Step", &[&topic]);
    let running = Running::start(&settings(&broker.endpoint()), "sync", &[&step]);
    client.send(&topic, &numbered(10, 100)).await.unwrap();
    step.notes.count(100).await;

    broker.stop().await.unwrap();
    let away = running.until("a problem", |state| state.problem.is_some()).await;
    assert!(running.events.has("Warning EventBusDown"), "people hear of it");
    let until = away.last_poll.unwrap() + outage();
    running.until("all of the outage", |state| state.last_poll.is_some_and(|last| last > until)).await;
    broker.start_again().await.unwrap();
    client.send(&topic, &numbered(10, 200)[100..]).await.unwrap();
    step.notes.until("the new ones", |all| distinct(all).len() == 200).await;
    running.until("no problem", |state| state.problem.is_none()).await;
    assert!(running.events.has("Normal EventBusUp"), "and of its end");

    // Killed and started while messages flow.
    let sent = numbered(10, 1200);
    client.send(&topic, &sent[200..700]).await.unwrap();
    broker.kill().await.unwrap();
    broker.start_again().await.unwrap();
    client.send(&topic, &sent[700..]).await.unwrap();
    step.notes.until("all of them", |all| distinct(all).len() == 1200).await;
    running.stop().await;
    assert_eq!(distinct(&step.notes.all()).len(), 1200, "and nothing else");
    broker.kill().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_without_a_broker_is_no_error() {
    let step = Noting::on("Step", &["nobody"]);
    let running = Running::start(&settings("127.0.0.1:1"), "sync", &[&step]);
    let state = running.until("a problem", |state| state.problem.is_some()).await;
    running.stop().await;
    assert_eq!((state.restarts, step.notes.all().len()), (0, 0));
}
