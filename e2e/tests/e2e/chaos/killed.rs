use std::{cell::Cell, time::Duration};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use xos_harness::namespace;

use super::{CONCURRENCY, Chaos, number, seed, served};

#[tokio::test]
async fn a_controller_that_is_killed_again_and_again_misses_nothing() {
    let seed = seed();
    let kills = number("XOS_CHAOS_KILLS", 10);
    let objects = number("XOS_CHAOS_OBJECTS", 60);
    let test = namespace::with("killed", async |namespace| {
        let kubeconfig = namespace.cluster().kubeconfig().to_owned();
        let mut chaos = Chaos::new(namespace, kubeconfig, seed).await;
        let mut synchronizer = chaos.launch.start().unwrap();
        served(namespace).await;
        chaos.churn.fill(objects.try_into().unwrap()).await.unwrap();
        let over = Cell::new(false);
        let killing = async {
            let mut random = StdRng::seed_from_u64(seed);
            for _ in 0..kills {
                // At a random time, maybe before it has begun to work.
                tokio::time::sleep(Duration::from_millis(random.random_range(50..2500))).await;
                synchronizer.kill().await.unwrap();
                synchronizer = chaos.launch.start().unwrap();
            }
            over.set(true);
        };
        let churning = async {
            let mut random = StdRng::seed_from_u64(seed);
            while !over.get() {
                chaos.churn.act().await.unwrap();
                tokio::time::sleep(Duration::from_millis(random.random_range(0..60))).await;
            }
        };
        tokio::join!(killing, churning);
        chaos.settles().await;
        let repeated = chaos.repeated();
        let taken_back = chaos.churn.edits().get("slice resized and back").copied().unwrap_or_default();
        eprintln!("{kills} kills, {} objects, {repeated} calls repeated, {:?}", chaos.churn.len(), chaos.churn.edits());
        let kills = usize::try_from(kills).unwrap();
        assert!(repeated <= kills * CONCURRENCY + 2 * taken_back, "{repeated}");
        // After a kill a step runs once more, not twice: a process never repeats a call, unless an edit that was taken
        // back made the same value wanted again.
        let again = chaos.backend.repeated_by_a_process();
        assert!(again.len() <= taken_back, "{taken_back} edits taken back, {again:?}");
        let most = chaos.backend.calls().into_iter().max_by_key(|(_, times)| *times).unwrap();
        assert!(most.1 <= 1 + kills, "{most:?}");
    });
    test.await.unwrap();
}
