//! A leader that ends in good order hands over at once; an Event and the Lease say who leads.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use xos_harness::{namespace, process};

use super::{Replicas, lease};

/// What is promised, from SIGTERM until the next one has synchronized an object.
const PROMISED: Duration = Duration::from_secs(2);

#[tokio::test]
async fn the_next_one_works_within_two_seconds_of_sigterm() {
    let test = namespace::with("hand-over", async |namespace| {
        let kubeconfig = namespace.cluster().kubeconfig().to_owned();
        // The default times: it is not the end of the Lease that is waited for.
        let mut replicas = Replicas::start(namespace, kubeconfig, 2, ["15s", "10s", "2s"]).await;
        let first = replicas.leader().await;
        replicas.all[1 - first].says("standing by: ").await;
        // The first object of a definition that was just made: the API server takes two seconds to create it.
        replicas.until_ready("site", Instant::now()).await;
        let mut took = vec![];
        for turn in 0..5 {
            let leader = replicas.leader().await;
            let before = lease(namespace).await;
            let since = Instant::now();
            process::signal(replicas.all[leader].pid(), Signal::TERM).unwrap();
            took.push(replicas.until_ready(&format!("site-{turn}"), since).await);
            assert_eq!(replicas.leader().await, 1 - leader);
            let after = lease(namespace).await;
            assert_ne!(before["spec"]["holderIdentity"], after["spec"]["holderIdentity"]);
            let transitions = |lease: &serde_json::Value| lease["spec"]["leaseTransitions"].as_i64().unwrap();
            assert_eq!(transitions(&after), transitions(&before) + 1, "{after:#}");
            assert!(replicas.all[leader].synchronizer.wait().await.unwrap().success());
            replicas.restart(leader).await;
        }
        eprintln!("measured: from SIGTERM to the next object synchronized: {took:?}");
        assert!(took.iter().all(|took| *took <= PROMISED), "{took:?}");
        let events = namespace.kubectl(&["get", "events", "-o", "json"]).await.unwrap();
        assert!(events.contains("LeaderElection") && events.contains(" leads, after "), "{events}");
        replicas.assert_no_overlap();
    });
    test.await.unwrap();
}
