//! A controller is killed again and again while it handles events, some of which cannot be read: no event is lost, and
//! each takes effect once.
//!
//! `make kills` does it with 20,000 messages and 50 kills.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use xos_harness::{
    TestNamespace, eventually,
    example::{People, SOON},
    kafka::Kafka,
    namespace, paths,
    synchronizer::{Access, Launch},
};

use super::{bus, unique};

const TOPIC: &str = "people";

/// One of this many messages cannot be read.
const POISON: usize = 20;

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[tokio::test]
async fn nothing_is_lost_by_kills() {
    let count = number("XOS_E2E_KILL_MESSAGES", 400);
    let kills = number("XOS_E2E_KILLS", 4);
    let kafka = Kafka::shared().await.unwrap();
    let name = unique("killed");
    let client = kafka.client();
    client.create_topic(TOPIC, 6).await.unwrap();
    namespace::with("killed", async |namespace| {
        let launch = launch(namespace, kafka, &name).await;
        let people = People::new(namespace.client(), namespace.name());
        let mut synchronizer = launch.start().unwrap();
        people.established().await.unwrap();
        let messages: Vec<_> = (0..count).map(|n| (format!("k{n}"), message(&name, n))).collect();
        client.send(TOPIC, &messages).await.unwrap();
        let good = (0..count).filter(|n: &usize| !n.is_multiple_of(POISON)).count();
        for kill in 1..=kills {
            // Kills are spread over the objects.
            progress(&people, good * kill / (kills + 1)).await;
            synchronizer.kill().await.unwrap();
            synchronizer = launch.start().unwrap();
        }
        progress(&people, good).await;
        let parked = eventually(60 * SOON, "all poison to be parked", async || {
            let parked = parked(&client, &name).await;
            if parked.len() == count - good { Ok(()) } else { Err(format!("{}", parked.len())) }
        });
        parked.await.unwrap();
        // Events that were handled before a kill and not committed come again, maybe after all objects exist.
        let all = i64::try_from(count).unwrap();
        eventually(60 * SOON, "all to be committed", async || {
            let committed: i64 = client.committed(&format!("{name}.MakePeople"), TOPIC).unwrap().iter().flatten().sum();
            if committed == all { Ok(()) } else { Err(committed) }
        })
        .await
        .unwrap();
        assert_eq!(synchronizer.stop().await.unwrap().map(|status| status.success()), Some(true));
        let there = by_first_name(&people).await;
        assert_eq!(there.len(), good, "each good one has its object");
        assert!(there.values().all(|times| *times == 1), "and one only");
        let parked = self::parked(&client, &name).await;
        assert_eq!(parked.len(), count - good);
        // A kill between parking and the commit parks one again; it is the same message.
        assert!(parked.values().all(|times| *times <= 1 + kills), "{parked:?}");
    })
    .await
    .unwrap();
}

/// Returns how a synchronizer is started that has only an event step.
pub(super) async fn launch(namespace: &TestNamespace, kafka: &Kafka, name: &str) -> Launch {
    let example = paths::repository().join("config/example");
    let cluster = namespace.cluster();
    let folder = namespace.folder();
    let admin = cluster.admin().await.unwrap();
    let access =
        Access::grant(cluster.kubectl(), &admin, &example.join("rbac.yaml"), namespace.name(), folder).await.unwrap();
    let mut config = bus(kafka);
    config["name"] = Value::from(name);
    config["models_dir"] = Value::from(example.to_str().unwrap());
    config["namespaces"] = json!([namespace.name()]);
    let base = folder.join("base.yaml");
    std::fs::write(&base, "name: overlaid").unwrap();
    Launch::new("xos-e2e-events", &base, &config, folder, &namespace.log("synchronizer"), &access).unwrap()
}

fn message(last: &str, n: usize) -> String {
    if n.is_multiple_of(POISON) {
        return format!("{last} {n}");
    }
    json!({"first_name": format!("p{n}"), "last_name": last}).to_string()
}

/// Returns how many objects there are of each first name.
async fn by_first_name(people: &People) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for one in people.all().await.unwrap() {
        *times.entry(one["spec"]["firstName"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    times
}

async fn progress(people: &People, wanted: usize) {
    eventually(60 * SOON, format!("{wanted} objects"), async || {
        let there = people.count().await.map_err(|error| error.to_string())?;
        if there >= wanted { Ok(()) } else { Err(there.to_string()) }
    })
    .await
    .unwrap();
}

/// Returns the parked messages of this test, and how often each is there.
async fn parked(client: &xos_harness::kafka::Client, name: &str) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for one in client.all(&format!("{TOPIC}.{name}.parked")).await.unwrap_or_default() {
        if one.value.starts_with(name) {
            *times.entry(one.value).or_default() += 1;
        }
    }
    times
}
