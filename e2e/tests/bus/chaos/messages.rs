//! The messages of the campaign: they are numbered for each key, and a key stays in its partition.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::task::JoinHandle;
use xos_e2e::ledger::Numbered;
use xos_harness::kafka::{Client, Placed};

/// How many keys a partition has.
const KEYS: usize = 6;
/// One of this many messages is poison.
const POISON: usize = 150;
/// How many messages are sent at once to a topic, and how often.
const BATCH: usize = 60;
const PAUSE: Duration = Duration::from_millis(100);

/// A topic that messages are sent to.
#[derive(Clone, Debug)]
pub(super) struct Topic {
    pub(super) name: String,
    pub(super) partitions: usize,
    /// How often it was made anew.
    pub(super) generation: usize,
    pub(super) is_paused: bool,
}

impl Topic {
    pub(super) fn new(name: &str, partitions: usize) -> Self {
        Self { name: name.to_owned(), partitions, generation: 0, is_paused: false }
    }

    /// Keys of another topic, or of the topic before it was made anew, are other keys.
    fn key(&self, partition: usize, key: usize) -> String {
        format!("{}.{}/{partition}/{key}", self.name, self.generation)
    }
}

/// What was sent, and what is to be.
#[derive(Debug, Default)]
struct State {
    topics: Vec<Topic>,
    /// How many messages of each key are stored.
    sent: BTreeMap<String, usize>,
    round: u32,
    is_ended: bool,
    /// Whether a batch is being sent.
    is_sending: bool,
}

/// Sends messages until it is ended.
#[derive(Clone, Debug)]
pub(super) struct Sender(Arc<Mutex<State>>);

impl Sender {
    pub(super) fn start(client: &Client, topics: Vec<Topic>, seed: u64) -> (Self, JoinHandle<()>) {
        let sender = Self(Arc::new(Mutex::new(State { topics, ..State::default() })));
        let sending = {
            let sender = sender.clone();
            let client = client.clone();
            tokio::spawn(async move {
                let mut random = StdRng::seed_from_u64(seed);
                while sender.send_some(&client, &mut random).await {
                    tokio::time::sleep(PAUSE).await;
                }
            })
        };
        (sender, sending)
    }

    /// Sends a batch to each topic. Returns whether there is more to send.
    async fn send_some(&self, client: &Client, random: &mut StdRng) -> bool {
        let topics = {
            let mut state = self.0.lock().unwrap();
            state.is_sending = !state.is_ended;
            if state.is_ended {
                return false;
            }
            state.topics.clone()
        };
        for topic in topics.iter().filter(|topic| !topic.is_paused) {
            let batch = self.batch(topic, random);
            client.send_placed(&topic.name, &batch).await.unwrap();
            let mut state = self.0.lock().unwrap();
            for Placed { key, .. } in batch {
                *state.sent.entry(key).or_default() += 1;
            }
        }
        self.0.lock().unwrap().is_sending = false;
        true
    }

    fn batch(&self, topic: &Topic, random: &mut StdRng) -> Vec<Placed> {
        let state = self.0.lock().unwrap();
        let mut next: BTreeMap<String, usize> = BTreeMap::new();
        let mut batch = vec![];
        for _ in 0..BATCH {
            let partition = random.random_range(0..topic.partitions);
            let key = topic.key(partition, random.random_range(0..KEYS));
            let number = next.entry(key.clone()).or_insert_with(|| state.sent.get(&key).copied().unwrap_or_default());
            let poison = (random.random_range(0..POISON) == 0).then_some(state.round + 1);
            let value = serde_json::to_string(&Numbered { number: *number, poison }).unwrap();
            *number += 1;
            batch.push(Placed { partition: i32::try_from(partition).unwrap(), key, value });
        }
        batch
    }

    /// Returns how many messages of each key are stored.
    pub(super) fn sent(&self) -> BTreeMap<String, usize> {
        self.0.lock().unwrap().sent.clone()
    }

    pub(super) fn end(&self) {
        self.0.lock().unwrap().is_ended = true;
    }

    /// From now on messages are poison until the round after this one.
    pub(super) fn begin_round(&self, round: u32) {
        self.0.lock().unwrap().round = round;
    }

    /// Changes a topic, between two batches.
    pub(super) fn change(&self, name: &str, change: impl FnOnce(&mut Topic)) {
        let mut state = self.0.lock().unwrap();
        if let Some(topic) = state.topics.iter_mut().find(|topic| topic.name == name) {
            change(topic);
        }
    }

    /// Whether nothing is being sent.
    pub(super) fn is_quiet(&self) -> bool {
        !self.0.lock().unwrap().is_sending
    }
}
