//! A broker, processes, and messages that flow all the time.

use std::path::Path;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::task::JoinHandle;
use xos_e2e::ledger::{STEP, Setup};
use xos_harness::eventually;
use xos_harness::kafka::{Broker, Client};

use super::check::{Verdict, judge};
use super::fleet::{Fleet, write_round};
use super::messages::{Sender, Topic};

/// How many processes there are.
const PROCESSES: usize = 3;
/// The topic that gets more partitions, and the one that is made anew.
const GROWING: &str = "growing";
const RENEWED: &str = "renewed";
/// The most partitions that it gets.
const MOST_PARTITIONS: usize = 9;
/// How long what is due may take.
const LONG: Duration = Duration::from_secs(240);

pub(super) struct Campaign {
    pub(super) broker: Broker,
    pub(super) fleet: Fleet,
    pub(super) random: StdRng,
    client: Client,
    sender: Sender,
    sending: JoinHandle<()>,
    round: u32,
    partitions: usize,
}

impl Campaign {
    pub(super) async fn start(folder: &Path, seed: u64) -> Self {
        let broker = Broker::start(&folder.join("broker")).await.unwrap();
        let client = Client::new(&broker.endpoint());
        let topics = [Topic::new(GROWING, 4), Topic::new(RENEWED, 2)];
        for topic in &topics {
            client.create_topic(&topic.name, i32::try_from(topic.partitions).unwrap()).await.unwrap();
        }
        let setup = Setup {
            endpoint: broker.endpoint(),
            synchronizer: "chaos".to_owned(),
            topics: topics.iter().map(|topic| topic.name.clone()).collect(),
            folder: folder.to_owned(),
        };
        let mut fleet = Fleet::new(setup, PROCESSES);
        fleet.start_all();
        let partitions = topics[0].partitions;
        let mut random = StdRng::seed_from_u64(seed);
        let (sender, sending) = Sender::start(&client, topics.to_vec(), random.random());
        fleet.goes_on(100, "the start").await;
        Self { broker, fleet, random, client, sender, sending, round: 0, partitions }
    }

    /// Heals what is poison, and has all that is parked replayed.
    pub(super) async fn mend(&mut self) {
        self.round += 1;
        write_round(&self.fleet.setup().round(), self.round);
        // A broker that has just come back, or a group that is just being shared out, may be asked again.
        let replay = async || self.fleet.events(&["replay"]).await;
        eventually(LONG, "what is parked to be replayed", replay).await.unwrap();
        // Only now there is poison again: a replay says if something was parked once more.
        self.sender.begin_round(self.round);
    }

    /// Adds a partition, and then keys to it.
    pub(super) async fn grow(&mut self) {
        if self.partitions < MOST_PARTITIONS {
            self.partitions += 1;
            self.client.grow_topic(GROWING, self.partitions).await.unwrap();
            let partitions = self.partitions;
            self.sender.change(GROWING, |topic| topic.partitions = partitions);
        }
    }

    /// Deletes a topic of which everything is handled, and creates it again with the same name.
    pub(super) async fn make_anew(&mut self) {
        self.sender.change(RENEWED, |topic| topic.is_paused = true);
        self.is_quiet().await;
        self.drain(&format!("{RENEWED}.")).await;
        self.client.delete_topic(RENEWED).await.unwrap();
        self.client.create_topic(RENEWED, 2).await.unwrap();
        self.sender.change(RENEWED, |topic| {
            topic.is_paused = false;
            topic.generation += 1;
        });
    }

    /// Deletes what is committed from the broker, as retention does.
    pub(super) async fn delete_handled(&mut self) {
        let look = async || {
            let committed =
                self.client.committed(&format!("chaos.{STEP}"), GROWING).map_err(|error| error.to_string())?;
            self.client.delete_records(GROWING, &committed).await.map_err(|error| error.to_string())
        };
        eventually(LONG, "what is handled to be deleted", look).await.unwrap();
    }

    async fn is_quiet(&self) {
        let look = async || if self.sender.is_quiet() { Ok(()) } else { Err("sending") };
        eventually(LONG, "nothing to be sent", look).await.unwrap();
    }

    /// Waits until all messages of these keys are handled; what is parked meanwhile is replayed.
    async fn drain(&mut self, keys: &str) {
        let mut sent = self.sender.sent();
        sent.retain(|key, _| key.starts_with(keys));
        for _ in 0..10 {
            self.mend().await;
            let look = async || match judge(&self.fleet.entries(), &sent).lost.as_slice() {
                [] => Ok(()),
                lost => Err(format!("{} are missing: {:?}", lost.len(), &lost[..lost.len().min(5)])),
            };
            if eventually(LONG / 10, "all to be handled", look).await.is_ok() {
                return;
            }
        }
        let lost = judge(&self.fleet.entries(), &sent).lost;
        let parked = self.fleet.events(&["parked"]).await;
        let committed = [GROWING, RENEWED].map(|topic| self.client.committed(&format!("chaos.{STEP}"), topic));
        panic!(
            "{} were not handled: {:?}\nparked: {parked:?}\ncommitted: {committed:?}",
            lost.len(),
            &lost[..lost.len().min(20)]
        );
    }

    /// Ends the sending, has all that was sent handled, and judges. Returns how many messages there were, too.
    pub(super) async fn end(mut self) -> (usize, Verdict) {
        self.sender.end();
        (&mut self.sending).await.unwrap();
        self.fleet.start_all();
        self.drain("").await;
        let parked = self.fleet.events(&["parked"]).await;
        assert_eq!(parked.as_deref(), Ok(""), "nothing is parked any more");
        self.fleet.stop_all().await;
        let sent = self.sender.sent();
        let verdict = judge(&self.fleet.entries(), &sent);
        self.broker.kill().await.unwrap();
        (sent.values().sum(), verdict)
    }
}
