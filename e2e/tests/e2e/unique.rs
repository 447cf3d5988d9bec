//! Objects of one key that are created at the same time: one is handled, and no other ever is.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use serde_json::{Value, json};
use xos_harness::example::{SOON, condition};
use xos_harness::inprocess::{Calls, Controller, Objects, Scripted};
use xos_harness::{eventually, namespace};
use xos_runtime::Synchronizer;

const PAIRS: usize = 30;
const OF_ONE: usize = 12;
const MODELS: &str = "option app_label = \"uniqueatonce\";
    message Card (XOSBase) { required string serial = 1 [max_length = 32, tosca_key = True]; }";

/// Returns the names of all objects by serial number: those that are Ready, and those that are not unique. Nothing if
/// one is neither.
async fn by_serial(objects: &Objects) -> Result<BTreeMap<String, (Vec<String>, Vec<String>)>, String> {
    let mut found: BTreeMap<String, (Vec<String>, Vec<String>)> = BTreeMap::new();
    for object in objects.all("Card").await.map_err(|error| error.to_string())? {
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        let (ready, refused) = found.entry(object["spec"]["serial"].as_str().unwrap().to_owned()).or_default();
        match condition(&object, "Ready")["reason"].as_str() {
            Some("NotUnique") => refused.push(name),
            Some("SyncSucceeded") => ready.push(name),
            _ => return Err(format!("{object:#}")),
        }
    }
    Ok(found)
}

#[tokio::test]
async fn of_those_that_come_at_once_one_is_handled() {
    namespace::with("unique-at-once", async |namespace| {
        let calls = Calls::default();
        let start = || {
            let step = Scripted::noting("step", "Card", &calls);
            let synchronizer = Synchronizer::new("uniqueatonce").models(&[("cards.xproto", MODELS)]).sync_step(step);
            Controller::start(namespace, "uniqueatonce", synchronizer, &Value::Null).unwrap()
        };
        let controller = start();
        let objects = Objects::new(namespace, MODELS).unwrap();
        objects.served("Card").await.unwrap();
        let pairs = (0..PAIRS).flat_map(|at| ["x", "y"].map(|twin| (format!("{twin}{at}"), format!("s{at}"))));
        let all: Vec<_> = pairs.chain((0..OF_ONE).map(|at| (format!("z{at}"), "of-one".to_owned()))).collect();
        let create = all.iter().map(async |(name, serial)| {
            objects.create("Card", name, json!({ "serial": serial })).await.unwrap();
        });
        futures::stream::iter(create).buffer_unordered(24).collect::<Vec<_>>().await;
        let judged = eventually(SOON, "all to be judged", async || by_serial(&objects).await).await.unwrap();
        let twice: Vec<_> = judged.iter().filter(|(_, (ready, _))| ready.len() != 1).collect();
        assert_eq!(twice, [], "each has one");
        assert_eq!(calls.all().len(), PAIRS + 1, "the others were never given to the step: {:?}", calls.all());

        controller.kill().await;
        let controller = start();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(by_serial(&objects).await.unwrap(), judged, "a restart changes nothing");

        for (ready, _) in judged.values() {
            objects.delete("Card", &ready[0]).await.unwrap();
        }
        let next = async || {
            let now = by_serial(&objects).await?;
            let is_next = |(serial, (ready, refused)): (&String, &(Vec<String>, Vec<String>))| {
                let before = &judged[serial];
                ready.len() == 1 && ready != &before.0 && refused.len() + 1 == before.1.len()
            };
            if now.iter().all(is_next) && now.len() == judged.len() { Ok(()) } else { Err(format!("{now:?}")) }
        };
        eventually(SOON, "the next ones to follow", next).await.unwrap();
        controller.stop().await.unwrap();
    })
    .await
    .unwrap();
}
