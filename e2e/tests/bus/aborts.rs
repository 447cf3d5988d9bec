//! An event that ends the whole process is found and parked; an end that is not its fault costs little.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rand::RngExt as _;
use tokio::process::{Child, Command};
use xos_bus::ParkedEvents;
use xos_bus::parked::{ParkedEvent, Selection};
use xos_harness::eventually;
use xos_harness::kafka::{Client, Kafka};

use crate::{SOON, numbered, settings, unique};

/// A process with an event step, which is started again and again.
struct Process {
    endpoint: String,
    name: String,
    topic: String,
    log: PathBuf,
    _folder: tempfile::TempDir,
}

impl Process {
    async fn new(kafka: &Kafka, what: &str, partitions: i32, messages: &[(String, String)]) -> Self {
        let topic = unique(what);
        kafka.client().create_topic(&topic, partitions).await.unwrap();
        kafka.client().send(&topic, messages).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        Self { endpoint: kafka.endpoint().to_owned(), name: unique("sync"), topic, log, _folder: folder }
    }

    fn start(&self) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xos-e2e-bus"));
        command.args([&self.endpoint, &self.name, &self.topic]).arg(&self.log);
        command.stdin(Stdio::piped()).kill_on_drop(true).spawn().unwrap()
    }

    /// Starts it until it no longer ends by itself, with all of these done, and parked. Returns how often it was started.
    async fn until_done(&self, count: usize, parked: usize) -> usize {
        for starts in 1.. {
            assert!(starts < 9, "it ends again and again: {:?}", self.noted("start"));
            let mut process = self.start();
            // To wait for a process ends its input, which shuts it down.
            let input = process.stdin.take();
            let done = eventually(SOON, "all done", async || {
                let done = self.noted("done").into_iter().collect::<BTreeSet<_>>().len();
                if done < count {
                    return Err(format!("{done}"));
                }
                let there = self.parked().await.len();
                if there == parked { Ok(()) } else { Err(format!("{there} parked")) }
            });
            tokio::select! {
                done = done => {
                    done.unwrap();
                    drop(input);
                    shut_down(process).await;
                    return starts;
                }
                status = process.wait() => assert!(!status.unwrap().success()),
            }
        }
        unreachable!()
    }

    fn noted(&self, what: &str) -> Vec<String> {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines = log.lines().filter_map(|line| line.strip_prefix(what)?.strip_prefix(' '));
        lines.map(str::to_owned).collect()
    }

    fn started(&self, value: &str) -> usize {
        self.noted("start").iter().filter(|one| *one == value).count()
    }

    async fn parked(&self) -> Vec<ParkedEvent> {
        let reader = ParkedEvents::new(&settings(&self.endpoint), &self.name).unwrap();
        tokio::task::spawn_blocking(move || reader.list(&Selection::default())).await.unwrap().unwrap()
    }

    async fn until_parked(&self, count: usize) -> Vec<ParkedEvent> {
        let look = async || {
            let parked = self.parked().await;
            if parked.len() == count { Ok(parked) } else { Err(format!("{} parked", parked.len())) }
        };
        eventually(SOON, "the event parked", look).await.unwrap()
    }
}

/// Waits for a process to end that is shut down.
async fn shut_down(mut process: Child) {
    let ended = tokio::time::timeout(SOON, process.wait()).await.unwrap().unwrap();
    assert!(ended.success(), "{ended}");
}

const ENDED: &str = "the process ended 3 times while this event was handled, without a shutdown";

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_ends_the_process_is_parked_after_its_third_start() {
    let kafka = Kafka::shared().await.unwrap();
    let mut messages = numbered(5, 40);
    messages.insert(0, ("bad".to_owned(), "k1:abort".to_owned()));
    let process = Process::new(kafka, "aborts-first", 1, &messages).await;
    assert_eq!(process.until_done(40, 1).await, 4);
    assert_eq!(process.started("k1:abort"), 3);
    let parked = process.until_parked(1).await;
    assert_eq!(parked[0].event.value.as_deref(), Some(&b"k1:abort"[..]));
    assert!(parked[0].reason.starts_with(ENDED), "{}", parked[0].reason);
}

#[tokio::test(flavor = "multi_thread")]
async fn among_thousands_in_several_partitions_it_is_found_too_and_nothing_else_is_parked() {
    let kafka = Kafka::shared().await.unwrap();
    let mut messages = numbered(30, 6000);
    messages.insert(4000, ("bad".to_owned(), "k7:abort".to_owned()));
    messages.insert(2000, ("worse".to_owned(), "k8:slow abort".to_owned()));
    let process = Process::new(kafka, "aborts-later", 3, &messages).await;
    let starts = process.until_done(6000, 2).await;
    assert!(starts <= 8, "{starts}");
    let parked = process.until_parked(2).await;
    assert!(parked.iter().all(|event| event.reason.starts_with(ENDED)));
    let values: BTreeSet<_> = parked.iter().map(|event| event.event.text().unwrap().to_owned()).collect();
    assert_eq!(values, BTreeSet::from(["k7:abort".to_owned(), "k8:slow abort".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_under_load_costs_moments_and_parks_nothing() {
    const COUNT: usize = 30_000;
    let kafka = Kafka::shared().await.unwrap();
    let process = Process::new(kafka, "killed", 3, &numbered(100, COUNT)).await;
    let mut times = vec![];
    for _ in 0..4 {
        let mut child = process.start();
        let before = process.noted("done").len();
        let started = Instant::now();
        let more = rand::rng().random_range(500..4000);
        let look = async || {
            let done = process.noted("done").len();
            if done > before + more { Ok(()) } else { Err(format!("{done} done")) }
        };
        eventually(SOON, "some more", look).await.unwrap();
        times.push(started.elapsed());
        child.kill().await.unwrap();
    }
    assert_eq!(process.until_done(COUNT, 0).await, 1);
    assert!(times.iter().all(|time| *time < Duration::from_secs(20)), "{times:?}");
    assert_eq!(process.parked().await.len(), 0, "nothing is parked");
    let client = Client::new(&process.endpoint);
    let committed = client.committed(&format!("{}.Step", process.name), &process.topic).unwrap();
    assert_eq!(committed.into_iter().flatten().sum::<i64>(), i64::try_from(COUNT).unwrap());
}
