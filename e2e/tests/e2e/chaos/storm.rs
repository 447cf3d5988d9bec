use std::time::{Duration, Instant};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use xos_harness::namespace;

use super::{Chaos, number, proxy::Proxy, seed, served};

/// The probability of a fault.
const RATE: f64 = 0.2;

#[tokio::test]
async fn whatever_the_api_server_does_nothing_is_missed() {
    let seed = seed();
    let seconds = number("XOS_CHAOS_SECONDS", 12);
    let objects = number("XOS_CHAOS_OBJECTS", 60);
    let test = namespace::with("storm", async |namespace| {
        let proxy = Proxy::start(namespace.client(), seed, RATE).await.unwrap();
        let mut chaos = Chaos::new(namespace, proxy.kubeconfig(namespace.folder()).unwrap(), seed).await;
        let mut synchronizer = chaos.launch.start().unwrap();
        served(namespace).await;
        chaos.churn.fill(10).await.unwrap();
        // No faults at the start: a controller that cannot install its kinds ends.
        chaos.settles().await;
        proxy.storm(true);
        chaos.churn.fill(objects.try_into().unwrap()).await.unwrap();
        let start = Instant::now();
        let mut random = StdRng::seed_from_u64(seed);
        while start.elapsed() < Duration::from_secs(seconds) {
            chaos.churn.act().await.unwrap();
            tokio::time::sleep(Duration::from_millis(random.random_range(0..120))).await;
        }
        proxy.storm(false);
        let calm = Instant::now();
        chaos.settles().await;
        eprintln!(
            "{seconds} s of {:?}; {} objects, {:?}; settled {:?} after it",
            proxy.faults(),
            chaos.churn.len(),
            chaos.churn.edits(),
            calm.elapsed(),
        );
        assert!(synchronizer.id().is_some(), "it never ended");
        synchronizer.stop().await.unwrap();
    });
    test.await.unwrap();
}
