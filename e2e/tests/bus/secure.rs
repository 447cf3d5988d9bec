//! TLS and SASL, as the configuration says them, with the password in a file.

use std::fs;

use xos_e2e::kafka::{Broker, Client, USER};
use xos_runtime::config::Config;

use crate::{Noting, Running, numbered, unique};

// The broker is on the leash of this thread.
#[tokio::test(flavor = "current_thread")]
async fn a_broker_that_asks_who_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::start(folder.path()).await.unwrap();
    let topic = unique("secure");
    let client = Client::new(&broker.endpoint());
    client.create_topic(&topic, 1).await.unwrap();
    client.send(&topic, &numbered(2, 10)).await.unwrap();
    let settings = |password: &str| {
        fs::write(folder.path().join("password"), password).unwrap();
        let file = folder.path().join("config.yaml");
        let text = format!(
            "name: secure\nevent_bus:\n  endpoint: {}\n  tls: {{ca: {}}}\n  sasl: {{username: {}, password: '@password'}}\n",
            broker.secure_endpoint(),
            broker.authority().display(),
            USER.0
        );
        fs::write(&file, text).unwrap();
        Config::load(&[file], []).unwrap().config.event_bus.unwrap().settings()
    };
    let step = Noting::on("Step", &[&topic]);
    let running = Running::start(&settings("wrong"), "secure", &[&step]);
    let refused = running
        .until("a refusal", |state| state.problem.as_deref().is_some_and(|text| text.contains("uthentication")))
        .await;
    assert_eq!(refused.handled, 0);
    running.stop().await;
    let running = Running::start(&settings(USER.1), "secure", &[&step]);
    step.notes.count(10).await;
    running.stop().await;
}
