//! Twenty fail-overs of every sort while objects are created, changed and deleted lose nothing, and no step runs twice
//! at once.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use rustix::process::Signal;
use xos_e2e::chaos::MODELS;
use xos_harness::inprocess::Objects;
use xos_harness::{eventually, namespace, process};

use super::Replicas;
use crate::chaos::churn::Churn;
use crate::chaos::{number, seed};

/// How long it may take after the last change until everything is as expected.
const SETTLED: Duration = Duration::from_secs(120);

#[tokio::test]
async fn twenty_fail_overs_lose_nothing_and_run_nothing_twice_at_once() {
    let seed = seed();
    let times = number("XOS_LEADER_FAILOVERS", 20);
    let test = namespace::with("fail-overs", async |namespace| {
        let kubeconfig = namespace.cluster().kubeconfig().to_owned();
        let mut replicas = Replicas::start(namespace, kubeconfig, 3, ["2s", "1200ms", "300ms"]).await;
        let mut churn = Churn::new(Objects::new(namespace, MODELS).unwrap(), seed);
        churn.fill(40).await.unwrap();
        replicas.backend.takes(Duration::from_millis(40));
        let over = Cell::new(false);
        let mut sorts = BTreeMap::<&str, usize>::new();
        let failing = async {
            let mut random = StdRng::seed_from_u64(seed);
            for _ in 0..times {
                tokio::time::sleep(Duration::from_millis(random.random_range(50..1500))).await;
                let leader = replicas.leader().await;
                let sort = ["SIGTERM", "kill -9", "SIGSTOP"][random.random_range(0..3)];
                *sorts.entry(sort).or_default() += 1;
                match sort {
                    "SIGTERM" => drop(replicas.all[leader].synchronizer.stop().await.unwrap()),
                    "kill -9" => replicas.all[leader].synchronizer.kill().await.unwrap(),
                    _ => {
                        let pid = replicas.all[leader].pid();
                        process::signal(pid, Signal::STOP).unwrap();
                        // Another one leads, and is at work, when it wakes up.
                        replicas.leader_but(leader).await;
                        tokio::time::sleep(Duration::from_millis(random.random_range(0..500))).await;
                        process::signal(pid, Signal::CONT).unwrap();
                        continue;
                    }
                }
                replicas.leader_but(leader).await;
                replicas.restart(leader).await;
            }
            over.set(true);
        };
        let churning = async {
            let mut random = StdRng::seed_from_u64(seed);
            while !over.get() {
                // It deletes more than it creates.
                churn.fill(40).await.unwrap();
                churn.act().await.unwrap();
                tokio::time::sleep(Duration::from_millis(random.random_range(0..60))).await;
            }
        };
        tokio::join!(failing, churning);
        let settled = async || churn.check(&replicas.backend).await;
        eventually(SETTLED, "all to be as it should", settled).await.unwrap();
        let calls: usize = replicas.backend.calls().values().sum();
        let repeated: usize = replicas.backend.calls().values().map(|times| times - 1).sum();
        eprintln!(
            "measured: {:?}, {} objects, {calls} calls, {repeated} of them repeated, {:?}",
            sorts,
            churn.len(),
            churn.edits()
        );
        replicas.assert_no_overlap();
    });
    test.await.unwrap();
}

impl Replicas {
    /// Waits until another one than this leads.
    async fn leader_but(&self, before: usize) -> usize {
        loop {
            let leader = self.leader().await;
            if leader != before {
                return leader;
            }
            tokio::task::yield_now().await;
        }
    }
}
