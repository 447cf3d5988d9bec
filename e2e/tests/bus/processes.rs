//! A whole process: what a kill repeats, and how soon it ends while the broker does not answer.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::process::Signal;
use xos_e2e::ledger::{Entry, Numbered, Setup};
use xos_harness::kafka::{Broker, Client, Kafka};
use xos_harness::process::Child;
use xos_harness::{eventually, paths};

use crate::{SOON, unique};

/// The grace period of the process.
const GRACE: Duration = Duration::from_secs(10);
/// What may be handled again after a kill, in milliseconds: a second, and what writing the ledger takes.
const REPEATED: u128 = 1200;
const KEYS: usize = 50;

fn start(setup: &Setup) -> Child {
    let file = setup.folder.join("setup.json");
    std::fs::write(&file, serde_json::to_string(setup).unwrap()).unwrap();
    let program = paths::program("xos-e2e-ledger").unwrap();
    Child::start("xos-e2e-ledger", &setup.folder.join("log"), &program, |command| {
        command.arg(&file);
    })
    .unwrap()
}

fn setup(folder: &Path, endpoint: &str) -> Setup {
    let topics = vec![unique("process")];
    Setup { endpoint: endpoint.to_owned(), synchronizer: unique("sync"), topics, folder: folder.to_owned() }
}

/// Messages of all keys, each key's numbered.
fn messages(from: usize, to: usize) -> Vec<(String, String)> {
    let value = |number| serde_json::to_string(&Numbered { number, poison: None }).unwrap();
    (from..to).map(|n| (format!("k{}", n % KEYS), value(n / KEYS))).collect()
}

fn entries(setup: &Setup) -> Vec<Entry> {
    let text = std::fs::read_to_string(setup.ledger()).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| line.parse().unwrap()).collect()
}

/// Waits until so many different messages are handled.
async fn handled(setup: &Setup, count: usize) -> Vec<Entry> {
    let look = async || {
        let all = entries(setup);
        let mut different: Vec<_> = all.iter().map(|entry| (&entry.key, entry.number)).collect();
        different.sort_unstable();
        different.dedup();
        let there = different.len();
        if there >= count { Ok(all) } else { Err(format!("{there} of {count}")) }
    };
    eventually(2 * SOON, "messages to be handled", look).await.unwrap()
}

// The processes end with the thread that started them.
#[tokio::test(flavor = "current_thread")]
async fn a_kill_repeats_the_events_of_a_second_at_most() {
    const COUNT: usize = 20_000;
    let folder = tempfile::tempdir().unwrap();
    let kafka = Kafka::shared().await.unwrap();
    let client = kafka.client();
    let setup = setup(folder.path(), kafka.endpoint());
    client.create_topic(&setup.topics[0], 2).await.unwrap();
    let mut process = start(&setup);
    // So that the process is at work when it is killed.
    client.send(&setup.topics[0], &messages(0, COUNT)).await.unwrap();
    handled(&setup, COUNT / 4).await;
    process.kill().await.unwrap();
    let killed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let mut process = start(&setup);
    let all = handled(&setup, COUNT).await;
    assert!(process.stop(2 * GRACE).await.unwrap().is_some_and(|status| status.success()));
    let mut first: HashMap<(&str, usize), &Entry> = HashMap::new();
    let mut repeated = 0;
    for entry in &all {
        if let Some(before) = first.insert((&entry.key, entry.number), entry) {
            repeated += 1;
            let age = killed.saturating_sub(before.at);
            assert!(age <= REPEATED, "what was handled {age} ms before the kill is handled again: {before}");
        }
    }
    println!("{repeated} of {COUNT} events were handled again");
}

// The broker and the processes end with the thread that started them.
#[tokio::test(flavor = "current_thread")]
async fn a_process_ends_within_its_grace_period_whatever_the_broker_does() {
    let folder = tempfile::tempdir().unwrap();
    let mut broker = Broker::start(&folder.path().join("broker")).await.unwrap();
    let client = Client::new(&broker.endpoint());
    for is_frozen in [true, false] {
        let own = folder.path().join(unique("process"));
        std::fs::create_dir(&own).unwrap();
        let setup = setup(&own, &broker.endpoint());
        client.create_topic(&setup.topics[0], 2).await.unwrap();
        let mut process = start(&setup);
        client.send(&setup.topics[0], &messages(0, 1000)).await.unwrap();
        handled(&setup, 900).await;
        if is_frozen {
            broker.signal(Signal::STOP).unwrap();
        } else {
            broker.kill().await.unwrap();
        }
        let asked = Instant::now();
        let ended = process.stop(20 * GRACE).await.unwrap();
        let took = asked.elapsed();
        println!("frozen: {is_frozen}, it took {took:?}");
        assert!(ended.is_some_and(|status| status.success()) && took < GRACE, "frozen: {is_frozen}, it took {took:?}");
        if is_frozen {
            broker.signal(Signal::CONT).unwrap();
        } else {
            broker.start_again().await.unwrap();
        }
    }
    broker.kill().await.unwrap();
}
