//! A controller that is killed again and again while events come, some of them poison: none is lost, and each has its effect once.
//!
//! Small here; `make kills` does it with 20,000 messages and 50 kills.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use xos_e2e::{eventually, kafka::Kafka};

use super::{bus, unique};
use crate::with_configured_example;

/// One in so many cannot be read.
const POISON: usize = 20;

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[tokio::test]
async fn nothing_is_lost_by_kills() {
    let (count, kills) = (number("XOS_E2E_KILL_MESSAGES", 400), number("XOS_E2E_KILLS", 4));
    let kafka = Kafka::shared().await.unwrap();
    let (name, client) = (unique("killed"), kafka.client());
    let mut config = bus(kafka);
    config["name"] = Value::from(name.as_str());
    with_configured_example("killed", &config, async |example| {
        let messages: Vec<_> = (0..count).map(|n| (format!("k{n}"), message(&name, n))).collect();
        client.send("MyTopic", &messages).await.unwrap();
        let good = (0..count).filter(|n| n % POISON != 0).count();
        for kill in 1..=kills {
            // Somewhere in between: a kill after so many objects more.
            let wanted = good * kill / (kills + 1);
            progress(example, &name, wanted).await;
            example.synchronizer.kill().await.unwrap();
            example.synchronizer = example.launch.start().unwrap();
        }
        progress(example, &name, good).await;
        let parked = eventually(60 * xos_e2e::example::SOON, "all poison to be parked", async || {
            let parked = parked(&client, &name).await;
            if parked.len() == count - good { Ok(parked) } else { Err(format!("{}", parked.len())) }
        });
        let parked = parked.await.unwrap();
        // A kill between parking and the commit parks one again; it is the same message.
        assert!(parked.values().all(|times| *times <= 1 + kills), "{parked:?}");

        let people = people(example, &name).await;
        assert_eq!(people.len(), good, "each good one has its object");
        assert!(people.values().all(|times| *times == 1), "and one only");
    })
    .await;
}

fn message(last: &str, n: usize) -> String {
    if n % POISON == 0 {
        return format!("{last} {n}");
    }
    json!({"first_name": format!("p{n}"), "last_name": last}).to_string()
}

/// How many objects there are of each first name.
async fn people(example: &xos_e2e::example::Example<'_>, last: &str) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for one in example.people.all().await.unwrap().iter().filter(|one| one["spec"]["lastName"] == last) {
        *times.entry(one["spec"]["firstName"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    times
}

async fn progress(example: &xos_e2e::example::Example<'_>, last: &str, wanted: usize) {
    eventually(60 * xos_e2e::example::SOON, format!("{wanted} objects"), async || {
        let there = people(example, last).await.len();
        if there >= wanted { Ok(()) } else { Err(there) }
    })
    .await
    .unwrap();
}

/// The parked messages of this test, and how often each.
async fn parked(client: &xos_e2e::kafka::Client, name: &str) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for one in client.all(&format!("MyTopic.{name}.parked")).await.unwrap_or_default() {
        if one.value.starts_with(name) {
            *times.entry(one.value).or_default() += 1;
        }
    }
    times
}
