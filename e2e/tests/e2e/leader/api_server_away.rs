//! The API server is away for a while: the leader ceases to work in time, and goes on after it.

use std::time::{Duration, Instant};

use serde_json::json;
use xos_harness::{eventually, namespace};

use super::{Replicas, SHORT, SOON};
use crate::chaos::proxy::Proxy;
use crate::chaos::seed;

#[tokio::test]
async fn the_leader_ceases_to_work_in_time_and_goes_on_after() {
    let test = namespace::with("api-away", async |namespace| {
        let proxy = Proxy::start(namespace.client(), seed(), 0.0).await.unwrap();
        let kubeconfig = proxy.kubeconfig(namespace.folder()).unwrap();
        let replicas = Replicas::start(namespace, kubeconfig, 2, SHORT).await;
        for number in 0..60 {
            replicas.objects.create("Site", &format!("site-{number}"), json!({"region": "r"})).await.unwrap();
        }
        // Much is to be done: each call takes a second, and there are 16 at once.
        replicas.backend.takes(Duration::from_secs(1));
        let leader = replicas.leader().await;
        let since = Instant::now();
        proxy.keep_silent(true);
        let stands_by = async || match replicas.all[leader].leads().await? {
            true => Err("it leads".to_owned()),
            false => Ok(()),
        };
        eventually(SOON, "the leader to lead no more", stands_by).await.unwrap();
        let told = since.elapsed();
        // The Lease was renewed before that; so long has nothing begun after its end.
        tokio::time::sleep(Duration::from_secs(3).saturating_sub(since.elapsed())).await;
        let end = Instant::now();
        tokio::time::sleep(Duration::from_secs(3)).await;
        let last = replicas.backend.last().unwrap();
        assert!(last < end, "a step began {:?} after the end of the Lease", last - end);
        eprintln!("measured: it led for {told:?} after the API server was away");
        replicas.backend.takes(Duration::ZERO);
        proxy.keep_silent(false);
        replicas.leader().await;
        for number in 0..60 {
            replicas.objects.ready("Site", &format!("site-{number}")).await.unwrap();
        }
        replicas.assert_no_overlap();
    });
    test.await.unwrap();
}
