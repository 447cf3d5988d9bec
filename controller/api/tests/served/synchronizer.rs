//! A synchronizer that works through the API, as those of XOS do: of Sites, which nobody else looks after.

use serde_json::json;
use xos_grpc::client::{Filter, Kind};
use xos_grpc::{Client, Record, Saving};
use xos_model::condition::{self, ConditionStatus};

use crate::support::{Site, site_and_node};

async fn due(client: &Client, kind: Kind) -> Vec<Record> {
    client.filter("Site", &Filter::of(kind)).await.unwrap()
}

/// Does what XOS's synchronizer does with an object before its step is called, and after it.
async fn begin(client: &Client, site: &mut Record) {
    site.set("backend_need_delete", true);
    client.update(site, &Saving::only(["backend_need_delete"]).of_step()).await.unwrap();
}

async fn end(client: &Client, site: &mut Record) {
    let enacted = site.float("updated").into_iter().chain(site.float("changed_by_policy")).fold(0.0, f64::max);
    site.set("enacted", enacted);
    site.set("backend_status", "OK");
    site.set("backend_code", 1);
    site.set("backend_register", "{}");
    let fields = ["enacted", "backend_status", "backend_register", "backend_code"];
    client.update(site, &Saving::only(fields).of_step()).await.unwrap();
}

fn ready(here: &Site, model: &str, name: &str) -> Option<(ConditionStatus, String)> {
    let object = here.shown(model, name).unwrap();
    condition::find(&object.status.conditions, condition::READY).map(|ready| (ready.status, ready.message.clone()))
}

#[tokio::test]
async fn it_handles_each_change_once_and_kubectl_shows_that() {
    let mut here = Site::start().await;
    let (operator, synchronizer) = (here.operator().await, here.synchronizer().await);
    site_and_node(&operator).await;
    let mut found = due(&synchronizer, Kind::SynchronizerDirtyObjects).await;
    let mut site = found.remove(0);
    begin(&synchronizer, &mut site).await;
    assert_eq!(here.shown("Site", "rome").unwrap().meta.finalizers[1..], ["sync.xos.opencord.org/xos-api"]);

    assert_eq!(here.settle().await, 0, "the node leads to it, and waits");

    // The step saves something itself.
    site.set("url", "http://rome");
    synchronizer.update(&site, &Saving::only(["url"]).of_step()).await.unwrap();
    end(&synchronizer, &mut site).await;
    assert_eq!(due(&synchronizer, Kind::SynchronizerDirtyObjects).await, []);
    assert_eq!(here.settle().await, 1, "now the node's step runs");
    assert_eq!(ready(&here, "Site", "rome").unwrap().0, ConditionStatus::True);

    // Two edits within the same second.
    for size in [6, 7] {
        operator.update(&Record::of("Site").with("id", 1).with("size", size), &Saving::all()).await.unwrap();
        let mut found = due(&synchronizer, Kind::SynchronizerDirtyObjects).await;
        assert_eq!(found.len(), 1, "{size}");
        end(&synchronizer, &mut found[0]).await;
        assert_eq!(due(&synchronizer, Kind::SynchronizerDirtyObjects).await, [], "{size}");
    }
    // One that comes while the step works.
    operator.update(&Record::of("Site").with("id", 1).with("size", 8), &Saving::all()).await.unwrap();
    let mut found = due(&synchronizer, Kind::SynchronizerDirtyObjects).await;
    operator.update(&Record::of("Site").with("id", 1).with("size", 9), &Saving::all()).await.unwrap();
    end(&synchronizer, &mut found[0]).await;
    assert_eq!(due(&synchronizer, Kind::SynchronizerDirtyObjects).await.len(), 1, "it is not lost");
}

#[tokio::test]
async fn a_failure_is_shown_and_tried_again() {
    let mut here = Site::start().await;
    let (operator, synchronizer) = (here.operator().await, here.synchronizer().await);
    site_and_node(&operator).await;
    let mut site = due(&synchronizer, Kind::SynchronizerDirtyObjects).await.remove(0);
    begin(&synchronizer, &mut site).await;
    site.set("backend_status", "Provisioning in progress // no route");
    site.set("backend_register", json!({"exponent": 1}).to_string());
    let how = Saving::only(["backend_status", "backend_register"]).of_step().and_touch();
    synchronizer.update(&site, &how).await.unwrap();
    here.settle().await;
    let (status, message) = ready(&here, "Site", "rome").unwrap();
    assert_eq!(status, ConditionStatus::False);
    assert!(message.contains("no route"), "{message}");
    let again = due(&synchronizer, Kind::SynchronizerDirtyObjects).await;
    assert_eq!(again[0].text("backend_register"), Some(r#"{"exponent":1}"#));
}

#[tokio::test]
async fn an_object_goes_when_it_has_reaped_it() {
    let mut here = Site::start().await;
    let (operator, synchronizer) = (here.operator().await, here.synchronizer().await);
    site_and_node(&operator).await;
    let mut site = due(&synchronizer, Kind::SynchronizerDirtyObjects).await.remove(0);
    begin(&synchronizer, &mut site).await;
    end(&synchronizer, &mut site).await;
    here.settle().await;
    operator.delete("Site", 1).await.unwrap();
    here.settle().await;
    assert!(here.shown("Node", "n1").is_none(), "what leads to it goes first");
    let mut leaving = due(&synchronizer, Kind::SynchronizerDeletedObjects).await;
    assert!(leaving.len() == 1 && here.shown("Site", "rome").is_some());
    leaving[0].set("backend_need_reap", true);
    synchronizer.update(&leaving[0], &Saving::only(["backend_need_reap"]).of_step()).await.unwrap();
    here.settle().await;
    assert!(here.shown("Site", "rome").is_none());
    assert_eq!(due(&synchronizer, Kind::SynchronizerDeletedObjects).await, []);
}

#[tokio::test]
async fn its_policies_are_called_for_what_comes_changes_and_goes() {
    let mut here = Site::start().await;
    let (operator, synchronizer) = (here.operator().await, here.synchronizer().await);
    site_and_node(&operator).await;
    let policed = async |site: &Record| {
        let policed = site.float("updated").into_iter().chain(site.float("changed_by_step")).fold(0.0, f64::max);
        let site = site.clone().with("policed", policed).with("policy_status", "done").with("policy_code", 1);
        let how = Saving::only(["policed", "policy_status", "policy_code"]).of_policy();
        synchronizer.update(&site, &how).await.unwrap();
    };
    let new = due(&synchronizer, Kind::SynchronizerDirtyPolicies).await;
    assert_eq!(new[0].float("policed"), None, "it is to be created");
    policed(&new[0]).await;
    assert_eq!(due(&synchronizer, Kind::SynchronizerDirtyPolicies).await, []);
    assert_eq!(due(&synchronizer, Kind::SynchronizerDirtyObjects).await.len(), 1, "the other pass has its own");
    operator.update(&Record::of("Site").with("id", 1).with("size", 6), &Saving::all()).await.unwrap();
    let changed = due(&synchronizer, Kind::SynchronizerDirtyPolicies).await;
    assert!(changed[0].float("policed").is_some(), "it is to be updated");
    policed(&changed[0]).await;

    operator.delete("Site", 1).await.unwrap();
    here.settle().await;
    let leaving = due(&synchronizer, Kind::SynchronizerDeletedPolicies).await;
    assert!(leaving.len() == 1 && here.shown("Site", "rome").is_some());
    policed(&leaving[0]).await;
    here.settle().await;
    assert!(here.shown("Site", "rome").is_none());
}

#[tokio::test]
async fn its_step_and_its_policies_let_an_object_go_whichever_is_first() {
    let mut here = Site::start().await;
    let (operator, synchronizer) = (here.operator().await, here.synchronizer().await);
    operator.create(&Record::of("Site").with("name", "rome")).await.unwrap();
    let mut site = due(&synchronizer, Kind::SynchronizerDirtyObjects).await.remove(0);
    begin(&synchronizer, &mut site).await;
    let policed = Saving::only(["policed"]).of_policy();
    let done = site.float("updated").unwrap();
    synchronizer.update(&site.clone().with("policed", done), &policed).await.unwrap();
    operator.delete("Site", 1).await.unwrap();
    here.settle().await;
    // Another process has let it go by the step, and this one has not seen that yet.
    let mut seen = here.shown("Site", "rome").unwrap();
    seen.meta.finalizers.retain(|finalizer| !finalizer.starts_with("sync."));
    here.world.api().replace(&seen).unwrap();
    synchronizer.update(&Record::of("Site").with("id", 1).with("policed", done), &policed).await.unwrap();
    here.settle().await;
    assert!(here.shown("Site", "rome").is_none());
}

#[tokio::test]
async fn bookkeeping_of_what_others_look_after_is_theirs() {
    let mut here = Site::start().await;
    let (operator, synchronizer) = (here.operator().await, here.synchronizer().await);
    site_and_node(&operator).await;
    here.settle().await;
    let before = here.shown("Node", "n1").unwrap();
    let node = Record::of("Node").with("id", 1).with("enacted", 1.0).with("backend_need_reap", true);
    synchronizer.update(&node, &Saving::all()).await.unwrap();
    assert_eq!(here.shown("Node", "n1").unwrap().fields, before.fields);
}
