//! A backend that goes away, events that wait, and a key that fails: what they hold up, and what they do not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use xos_bus::ConsumerState;
use xos_harness::kafka::Kafka;
use xos_steps::StepError;

use crate::{Noting, Running, committed, distinct, in_order, numbered, settings, unique};

/// How long the backend is away: XOS_E2E_OUTAGE_SECONDS, or some moments.
fn outage() -> Duration {
    let set = std::env::var("XOS_E2E_OUTAGE_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(set.unwrap_or(8))
}

/// Answers every request with 200, until it is aborted.
async fn backend(address: &str) -> JoinHandle<()> {
    let listener = TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(answer(connection));
        }
    })
}

async fn answer(connection: TcpStream) {
    let mut connection = BufReader::new(connection);
    let mut line = String::new();
    while connection.read_line(&mut line).await.is_ok_and(|read| read > 0) {
        if line == "\r\n" && connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.is_err() {
            return;
        }
        line.clear();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_is_away_parks_nothing_and_its_events_are_handled_when_it_is_back() {
    const COUNT: usize = 5000;
    let kafka = Kafka::shared().await.unwrap();
    let topic = unique("away");
    let client = kafka.client();
    client.create_topic(&topic, 3).await.unwrap();
    client.send(&topic, &numbered(100, COUNT)).await.unwrap();
    // A port that nobody listens at.
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let http = xos_steps::http_client().unwrap();
    let step = Noting::on("Step", &[&topic]).doing({
        let url = format!("http://{address}/");
        move |_| {
            let asked = http.get(&url).send();
            async move {
                asked.await?.error_for_status()?;
                Ok(())
            }
        }
    });
    let name = unique("sync");
    let running = Running::start(&settings(kafka.endpoint()), &name, &[&step]);
    let away = running.until("the outage", |state| state.away.is_some()).await;
    let message = &away.away.as_ref().unwrap().message;
    assert!(
        message.starts_with("the target of Step is away since ") && message.contains("onnection refused"),
        "{message}"
    );
    assert!(running.events.has("Warning TargetAway: the target of Step is away since "));
    running.until("the partitions paused", |state| state.paused == 3).await;
    let until = away.last_poll.unwrap() + outage();
    let still = running.until("all of the outage", |state| state.last_poll.is_some_and(|last| last > until)).await;
    assert_eq!((still.parked, still.failed, still.handled, still.restarts), (0, 0, 0, 0), "{still:?}");
    let serving = backend(&address).await;
    step.notes.count(COUNT).await;
    let is_back = |state: &ConsumerState| state.handled >= 5000 && state.lag == 0 && state.away.is_none();
    let back = running.until("no lag", is_back).await;
    assert_eq!((back.parked, back.failed), (0, 0), "{back:?}");
    assert!(running.events.has("Normal TargetBack: the target of Step is there again"));
    running.stop().await;
    serving.abort();
    let all = step.notes.all();
    assert_eq!((all.len(), distinct(&all).len(), in_order(&all)), (COUNT, COUNT, true), "each once, in order");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_waits_is_never_parked_and_holds_up_its_own_key_only() {
    let kafka = Kafka::shared().await.unwrap();
    let topic = unique("waits");
    let name = unique("sync");
    let client = kafka.client();
    client.create_topic(&topic, 1).await.unwrap();
    client.send(&topic, &numbered(5, 2000)).await.unwrap();
    let is_there = Arc::new(AtomicBool::new(false));
    let step = Noting::on("Step", &[&topic]).doing({
        let is_there = Arc::clone(&is_there);
        move |event| {
            let waits = event.offset == 1 && !is_there.load(Ordering::SeqCst);
            async move { if waits { Err(StepError::deferred("no OLT yet")) } else { Ok(()) } }
        }
    });
    let mut settings = settings(kafka.endpoint());
    settings.deferred_every = Duration::from_millis(100);
    // Fewer than there are events behind the one that waits.
    settings.buffer = 200;
    let running = Running::start(&settings, &name, &[&step]);
    step.notes.count(1600).await;
    let state = running.until("one that waits", |state| state.waiting == 1).await;
    assert!(state.waiting_since.is_some());
    committed(&client, &format!("{name}.Step"), &topic, &[Some(1)]).await;
    is_there.store(true, Ordering::SeqCst);
    step.notes.count(2000).await;
    let state = running.until("all handled", |state| state.handled == 2000 && state.lag == 0 && state.held == 0).await;
    assert_eq!((state.parked, state.failed, state.waiting), (0, 0, 0), "{state:?}");
    running.stop().await;
    let all = step.notes.all();
    assert!(all.len() == 2000 && in_order(&all));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_fails_holds_up_its_own_events_only() {
    const OTHERS: usize = 3000;
    let kafka = Kafka::shared().await.unwrap();
    let topic = unique("hot");
    let client = kafka.client();
    client.create_topic(&topic, 1).await.unwrap();
    let mut messages = vec![];
    for (number, other) in numbered(50, OTHERS).into_iter().enumerate() {
        messages.push(("hot".to_owned(), format!("hot:{number}")));
        messages.push(other);
    }
    client.send(&topic, &messages).await.unwrap();
    let step = Noting::on("Step", &[&topic]).doing(|event| async move {
        if event.key.as_deref() == Some(b"hot") { Err(StepError::failed("no such port")) } else { Ok(()) }
    });
    let mut settings = settings(kafka.endpoint());
    settings.buffer = 200;
    settings.attempts = 1000;
    let running = Running::start(&settings, &unique("sync"), &[&step]);
    let all = step.notes.count(OTHERS).await;
    assert!(in_order(&all));
    let state = running.state();
    assert_eq!((state.parked, state.restarts), (0, 0), "the hot key still waits: {state:?}");
    running.stop().await;
}
