use std::time::Duration;

use xos_bus::ConsumerState;

use super::*;

fn monitored(engine: bool) -> Monitored {
    let engine = watch::channel(engine).1;
    Monitored { engine, pulls: PullStates::default(), consumers: ConsumerStates::default() }
}

fn consuming(state: ConsumerState) -> Monitored {
    let consumers = [ConsumerState { step: "Step".to_owned(), ..state }].into_iter().collect();
    Monitored { consumers, ..monitored(true) }
}

#[test]
fn readiness_says_what_is_missing() {
    let now = Timestamp::UNIX_EPOCH;
    assert_eq!(monitored(false).not_ready(now), ["the engine does not know all objects yet"]);
    assert!(monitored(true).not_ready(now).is_empty());
    let one = consuming(ConsumerState { last_poll: Some(now), ..ConsumerState::default() });
    assert!(one.not_ready(now).is_empty());
    let later = now.checked_add(Duration::from_secs(31)).unwrap();
    assert_eq!(one.not_ready(later), ["the consumer of event step Step does not poll for events"]);
}

#[test]
fn liveness_names_the_steps_that_fail() {
    let now = Timestamp::UNIX_EPOCH;
    let last_panic = Some("index out of bounds".to_owned());
    let one = consuming(ConsumerState { panics: 4, last_panic, ..ConsumerState::default() });
    assert!(one.failures(now).is_empty(), "it is restarted");
    let state = ConsumerState { panics: 5, ..one.consumers.all().remove(0) };
    let failures = consuming(state).failures(now);
    assert_eq!(failures, ["event step Step: its consumer panicked 5 times in a row: index out of bounds"]);
    let (status, text) = health(&failures);
    assert_eq!((status.as_u16(), text.as_str()), (503, format!("{}\n", failures[0]).as_str()));
}

#[test]
fn metrics_are_named_by_step() {
    let last_poll = Some(Timestamp::from_second(5).unwrap());
    let problem = Some("away".to_owned());
    let one = consuming(ConsumerState { handled: 7, lag: 3, last_poll, problem, ..ConsumerState::default() });
    let mut text = String::new();
    encode(&mut text, &metrics::registry(one)).unwrap();
    for line in [
        "# TYPE xos_events_handled counter",
        "xos_events_handled_total{step=\"Step\"} 7.0",
        "xos_events_lag{step=\"Step\"} 3.0",
        "xos_events_last_poll_timestamp_seconds{step=\"Step\"} 5.0",
        "xos_events_bus_up{step=\"Step\"} 0.0",
    ] {
        assert!(text.lines().any(|there| there == line), "no {line} in:\n{text}");
    }
    assert!(!text.contains("xos_pull"), "there is no pull step");
}

#[tokio::test]
async fn it_is_served() {
    let server = Server::listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = server.0.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let (ready, engine) = watch::channel(false);
    let serving = tokio::spawn(server.run(Monitored { engine, ..monitored(false) }, shutdown.clone()));
    let client = xos_steps::http_client().unwrap();
    let ask = async |path: &str| {
        let answer = client.get(format!("http://{address}{path}")).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(ask("/livez").await, (200, "ok\n".to_owned()));
    assert_eq!(ask("/readyz").await, (503, "the engine does not know all objects yet\n".to_owned()));
    ready.send_replace(true);
    assert_eq!(ask("/readyz").await, (200, "ok\n".to_owned()));
    assert_eq!(ask("/metrics").await, (200, "# EOF\n".to_owned()));
    shutdown.cancel();
    serving.await.unwrap();
}

#[tokio::test]
async fn an_address_in_use_is_an_error() {
    let first = Server::listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let error = Server::listen(first.0.local_addr().unwrap()).await.err().unwrap().to_string();
    assert!(error.contains("`monitoring_address`"), "{error}");
}
