//! The leader is killed: another one leads when the Lease has ended.

use std::time::{Duration, Instant};

use xos_harness::namespace;

use super::{Replicas, SHORT};

/// The Lease, and what is promised beside it.
const PROMISED: Duration = Duration::from_secs(3 + 2);

#[tokio::test]
async fn the_next_one_works_within_the_time_of_the_lease_and_two_seconds() {
    let test = namespace::with("leader-killed", async |namespace| {
        let kubeconfig = namespace.cluster().kubeconfig().to_owned();
        let mut replicas = Replicas::start(namespace, kubeconfig, 3, SHORT).await;
        let mut took = vec![];
        for turn in 0..5 {
            let leader = replicas.leader().await;
            let since = Instant::now();
            replicas.all[leader].synchronizer.kill().await.unwrap();
            took.push(replicas.until_ready(&format!("site-{turn}"), since).await);
            replicas.restart(leader).await;
        }
        eprintln!("measured: from kill -9, with a Lease of 3 s, to the next object synchronized: {took:?}");
        assert!(took.iter().all(|took| *took <= PROMISED), "{took:?}");
        replicas.assert_no_overlap();
    });
    test.await.unwrap();
}
