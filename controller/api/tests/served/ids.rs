//! Ids are given once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use xos_api::ids::{Assigner, Sequences, SharedIds};
use xos_grpc::Record;
use xos_model::Object;
use xos_testing::{Cluster, TestClock};

use crate::support::Site;

#[tokio::test]
async fn processes_never_give_an_id_twice() {
    let cluster = Cluster::new(&TestClock::default());
    let (models, none) = (xos_xproto::ModelSet::default(), SharedIds::default());
    let mut given = BTreeSet::new();
    // Each takes its block, ends without having used it, and another one comes.
    for _ in 0..3 {
        let processes = [0; 4].map(|_| Sequences::new(cluster.client(), "default"));
        for _ in 0..130 {
            for process in &processes {
                let id = process.next(&models, "Site", &none).await.unwrap();
                assert!(given.insert(id), "{id} was given twice");
            }
        }
    }
    assert_eq!(given.len(), 3 * 4 * 130);
    assert_eq!(Sequences::new(cluster.client(), "default").next(&models, "Node", &none).await.unwrap(), 1);
}

#[tokio::test]
async fn objects_of_kubectl_get_ids_and_restored_ones_keep_theirs() {
    let mut here = Site::start().await;
    let mut oslo = Object::named("Site", "default", "oslo");
    oslo.set("name", json!("Oslo"));
    here.world.apply_as(&oslo, &[]).unwrap();
    let mut kept = oslo.clone();
    kept.meta.name = "kept".to_owned();
    kept.set("name", json!("Kept"));
    here.world.apply_as(&kept, &[]).unwrap();
    kept.status.id = Some(7);
    here.world.api().replace_status(&kept.key(), &kept).unwrap();
    here.settle().await;
    let sequences = Arc::new(Sequences::new(here.cluster.client(), "default"));
    let leads = Arc::new(|| true);
    let assigner = Assigner { store: here.world.store(), ids: here.ids.clone(), sequences, leads };
    let assigning = tokio::spawn(assigner.run());
    let done = async {
        while here.shown("Site", "oslo").unwrap().status.id.is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), done).await.unwrap();
    assigning.abort();
    assert_eq!(here.shown("Site", "oslo").unwrap().status.id, Some(8), "not one that is in use");
    let client = here.operator().await;
    let names: Vec<_> =
        client.list("Site").await.unwrap().iter().map(|one| (one.id(), one.text("name").unwrap().to_owned())).collect();
    assert_eq!(names, [(7, "Kept".to_owned()), (8, "Oslo".to_owned())]);
    let next = client.create(&Record::of("Site").with("name", "x")).await.unwrap();
    assert!(next.id() > 8, "{}", next.id());
}
