//! A leader that is stopped for longer than the Lease lasts, and wakes up, writes nothing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use rustix::process::Signal;
use serde_json::Value;
use xos_e2e::chaos::MODELS;
use xos_harness::control::ServeOptions;
use xos_harness::inprocess::Objects;
use xos_harness::{Cluster, eventually, namespace, process};

use super::{Replicas, SHORT, SOON};
use crate::chaos::churn::Churn;
use crate::chaos::{number, seed};

/// Returns what a process has written since, by the audit log: verb, resource and code. What belongs to no leader is
/// left out: a standby stands for election, and answers when others start.
fn written(cluster: &Cluster, pid: u32, since: Timestamp) -> BTreeMap<String, usize> {
    let log = std::fs::read_to_string(cluster.kubeconfig().with_file_name("audit.log")).unwrap();
    let mut writes = BTreeMap::new();
    for line in log.lines() {
        let Ok(entry) = serde_json::from_str::<Value>(line) else { continue };
        let is_its = entry["userAgent"].as_str().is_some_and(|agent| agent.ends_with(&format!("/{pid})")));
        let at: Timestamp = entry["requestReceivedTimestamp"].as_str().unwrap().parse().unwrap();
        let resource = &entry["objectRef"]["resource"];
        if is_its && at >= since && resource != "leases" {
            let code = &entry["responseStatus"]["code"];
            *writes.entry(format!("{} {resource} {code}", entry["verb"])).or_default() += 1;
        }
    }
    writes
}

#[tokio::test]
async fn it_wakes_up_and_writes_nothing() {
    let seed = seed();
    let rounds = number("XOS_LEADER_STOPS", 6);
    let cluster = Cluster::start(ServeOptions::audited()).await.unwrap();
    let test = namespace::with_in(cluster.clone(), "stopped", async |namespace| {
        let kubeconfig = namespace.cluster().kubeconfig().to_owned();
        let replicas = Replicas::start(namespace, kubeconfig, 2, SHORT).await;
        let mut churn = Churn::new(Objects::new(namespace, MODELS).unwrap(), seed);
        replicas.backend.takes(Duration::from_millis(20));
        let mut random = StdRng::seed_from_u64(seed);
        for round in 0..rounds {
            churn.fill(40).await.unwrap();
            let leader = replicas.leader().await;
            let pid = replicas.all[leader].pid();
            let before = Timestamp::now();
            // It is stopped while it has much to do, at any moment of that.
            let until = Instant::now() + Duration::from_millis(random.random_range(300..900));
            while Instant::now() < until {
                churn.act().await.unwrap();
            }
            process::signal(pid, Signal::STOP).unwrap();
            assert!(!written(namespace.cluster(), pid, before).is_empty(), "it worked until then");
            let awaited = format!("awaited-{round}");
            let took = replicas.until_ready(&awaited, Instant::now()).await;
            assert_eq!(replicas.leader().await, 1 - leader);
            for _ in 0..20 {
                churn.act().await.unwrap();
            }
            let woken = Timestamp::now();
            process::signal(pid, Signal::CONT).unwrap();
            for _ in 0..20 {
                churn.act().await.unwrap();
            }
            // It has noticed, and answers again.
            replicas.all[leader].says("standing by: ").await;
            replicas.objects.delete("Site", &awaited).await.unwrap();
            let settled = async || churn.check(&replicas.backend).await;
            eventually(SOON, "all to be as it should", settled).await.unwrap();
            let writes = written(namespace.cluster(), pid, woken);
            eprintln!("round {round}: the other one led after {took:?}; written after waking up: {writes:?}");
            assert_eq!(writes, BTreeMap::new(), "round {round}");
        }
        replicas.assert_no_overlap();
    });
    test.await.unwrap();
}
