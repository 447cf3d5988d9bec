//! TLS and passwords, from the configuration file to a real broker.

use std::path::Path;

use xos_bus::parked::Selection;
use xos_bus::{KafkaProducer, ParkedEvents, Settings};
use xos_harness::kafka::{Broker, Client, Guard, Listener, USERNAME};
use xos_runtime::Renewing;
use xos_runtime::config::Config;
use xos_steps::{Message, Producer as _};

use crate::{Noting, Running, committed, distinct, settings, unique};

/// Certificates of both sides.
const TLS: &str = "  tls: {ca: ca.pem, certificate: client.pem, key: client.key}\n";

/// `event_bus.sasl` with a mechanism.
fn sasl(mechanism: &str) -> String {
    format!("  sasl: {{mechanism: {mechanism}, username: {USERNAME}, password: \"@kafka-password\"}}\n")
}

/// The settings as a synchronizer reads them from its file, and a test's quick ones for the rest.
fn configured(folder: &Path, endpoint: &str, guard: &Guard, sections: &str) -> Settings {
    guard.client(folder).unwrap();
    let file = folder.join("config.yaml");
    std::fs::write(&file, format!("name: sync\nevent_bus:\n  endpoint: {endpoint}\n{sections}")).unwrap();
    let read = Config::load(&[file], []).unwrap().config.event_bus.unwrap().settings();
    let mut settings = settings(endpoint);
    assert_eq!(settings.endpoints, read.endpoints);
    settings.properties.extend(read.properties);
    settings
}

async fn send(settings: &Settings, topic: &str, value: &str) {
    let producer = KafkaProducer::new(settings, "sync").unwrap();
    producer.send(Message::json(topic, "key", &value).unwrap()).await.unwrap();
}

// The broker ends with the thread that started it.
#[tokio::test(flavor = "current_thread")]
async fn events_come_through_every_kind_of_listener() {
    let folder = tempfile::tempdir().unwrap();
    let guard = Guard::make().unwrap();
    let mut broker = Broker::start_guarded(&folder.path().join("broker"), &guard).await.unwrap();
    let topic = unique("guarded");
    Client::new(&broker.endpoint()).create_topic(&topic, 1).await.unwrap();
    let unverified = TLS.replace("ca: ca.pem", "verify: false");
    let encrypted = TLS.replace("client.key", "encrypted.key, key_password: \"@key-password\"");
    for (listener, sections) in [
        (Listener::SaslSsl, format!("{TLS}{}", sasl("PLAIN"))),
        (Listener::SaslSsl, format!("{TLS}{}", sasl("SCRAM-SHA-512"))),
        (Listener::SaslSsl, format!("{unverified}{}", sasl("PLAIN"))),
        (Listener::Ssl, TLS.to_owned()),
        (Listener::Ssl, encrypted),
        (Listener::SaslPlaintext, sasl("SCRAM-SHA-512")),
    ] {
        let name = unique("sync");
        let settings = configured(&folder.path().join(&name), &broker.guarded_endpoint(listener), &guard, &sections);
        let step = Noting::on("Step", &[&topic]);
        let running = Running::start(&settings, &name, &[&step]);
        send(&settings, &topic, &name).await;
        let wanted = format!("\"{name}\"");
        step.notes.until("the message", |all| all.last() == Some(&wanted)).await;
        running.until("no problem", |state| state.problem.is_none()).await;
        running.stop().await;
        let all = step.notes.all();
        assert_eq!(all.len(), distinct(&all).len(), "each once: {all:?}");
    }
    broker.kill().await.unwrap();
}

#[tokio::test(flavor = "current_thread")]
async fn a_refusal_is_reported_with_its_reason_until_it_is_repaired() {
    let folder = tempfile::tempdir().unwrap();
    let guard = Guard::make().unwrap();
    let other = guard.with_other_password();
    let mut broker = Broker::start_guarded(&folder.path().join("broker"), &other).await.unwrap();
    let topic = unique("refused");
    Client::new(&broker.endpoint()).create_topic(&topic, 1).await.unwrap();
    let endpoint = broker.guarded_endpoint(Listener::SaslSsl);
    let sections = format!("{TLS}{}", sasl("PLAIN"));
    let settings = configured(&folder.path().join("client"), &endpoint, &guard, &sections);
    let step = Noting::on("Step", &[&topic]);
    let running = Running::start(&settings, "sync", &[&step]);
    reports(&running, &["Authentication failure", "SASL authentication error", "Invalid username or password"]).await;
    let mut impatient = settings.clone();
    impatient.properties.insert("message.timeout.ms".to_owned(), "5000".to_owned());
    let producer = KafkaProducer::new(&impatient, "sync").unwrap();
    let refused = producer.send(Message::json(&topic, "key", &"lost").unwrap()).await.unwrap_err().to_string();
    assert!(refused.contains("Invalid username or password"), "the error of a step that sends says so, too: {refused}");
    let reader = ParkedEvents::new(&settings, "sync").unwrap();
    let unread =
        tokio::task::spawn_blocking(move || reader.list(&Selection::default())).await.unwrap().unwrap_err().to_string();
    assert!(unread.contains("Invalid username or password"), "the error of `xos events parked` says so, too: {unread}");

    // The broker's certificate is another authority's now.
    broker.stop().await.unwrap();
    broker.guard(&Guard::make().unwrap()).unwrap();
    broker.start_again().await.unwrap();
    reports(&running, &["SSL error", "certificate could not be verified", "ssl.ca.location"]).await;

    // The broker has the certificate and the password that the client expects.
    broker.stop().await.unwrap();
    broker.guard(&guard).unwrap();
    broker.start_again().await.unwrap();
    send(&settings, &topic, "at last").await;
    step.notes.until("the message", |all| all == ["\"at last\""]).await;
    let state = running.until("no problem", |state| state.problem.is_none()).await;
    running.stop().await;
    assert_eq!((state.restarts, step.notes.all().len()), (0, 1));
    broker.kill().await.unwrap();
}

#[tokio::test(flavor = "current_thread")]
async fn a_new_password_is_taken_up_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("client");
    let guard = Guard::make().unwrap();
    let mut broker = Broker::start_guarded(&folder.path().join("broker"), &guard).await.unwrap();
    let topic = unique("renewed");
    Client::new(&broker.endpoint()).create_topic(&topic, 1).await.unwrap();
    let sections = format!("{TLS}{}", sasl("PLAIN"));
    let mut settings = configured(&files, &broker.guarded_endpoint(Listener::SaslSsl), &guard, &sections);
    let config = Config::load(&[files.join("config.yaml")], []).unwrap().config;
    let renewing = Renewing::of(config.event_bus.as_ref().unwrap()).unwrap();
    settings.renewals = renewing.renewals();
    let step = Noting::on("Step", &[&topic]);
    let running = Running::start(&settings, "sync", &[&step]);
    let watching = tokio::spawn(renewing.run(running.shutdown.clone()));
    let producer = KafkaProducer::new(&settings, "sync").unwrap();
    let say = async |value: &str| producer.send(Message::json(&topic, "key", &value).unwrap()).await;
    say("before").await.unwrap();
    step.notes.count(1).await;
    committed(&Client::new(&broker.endpoint()), "sync.Step", &topic, &[Some(1)]).await;

    // The broker has another password first, and then the file.
    let renewed = guard.with_other_password();
    broker.stop().await.unwrap();
    broker.guard(&renewed).unwrap();
    broker.start_again().await.unwrap();
    reports(&running, &["Invalid username or password"]).await;
    renewed.client(&files).unwrap();
    running.until("no problem", |state| state.problem.is_none()).await;
    say("after").await.unwrap();
    let all = step.notes.count(2).await;
    let state = running.state();
    running.stop().await;
    watching.await.unwrap();
    assert_eq!((all, state.restarts), (vec!["\"before\"".to_owned(), "\"after\"".to_owned()], 0));
    broker.kill().await.unwrap();
}

/// Waits for a problem with these words, and then for some more attempts, which do not hide it.
async fn reports(running: &Running, words: &[&str]) {
    let is_reported =
        |problem: Option<&String>| problem.is_some_and(|text| words.iter().all(|word| text.contains(word)));
    let reported = running.until(&words.join(", "), |state| is_reported(state.problem.as_ref())).await;
    let until = reported.last_poll.unwrap() + std::time::Duration::from_secs(3);
    let still = running.until("some more attempts", |state| state.last_poll.is_some_and(|last| last > until)).await;
    assert!(is_reported(still.problem.as_ref()), "{still:?}");
}
