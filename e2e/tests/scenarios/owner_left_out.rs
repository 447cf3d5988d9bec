//! The owner of an object whose model says of which class it is (`owner_class_name`): where it is left out, it is set
//! before policies and steps see the object; where it cannot be known, or is of another class, the object says so.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use xos_harness::example::condition;
use xos_harness::inprocess::{Script, Scripted};
use xos_model::Object;
use xos_steps::{StepError, Steps};

use crate::stage::{Setup, Stage};

const MODELS: &str = "option app_label = \"ownerleftout\"; option name = \"ownerleftout\";
    message Cafe (Service) { option verbose_name = \"Cafe\"; }
    message Bakery (Service) { option verbose_name = \"Bakery\"; }
    message Order (ServiceInstance) { option owner_class_name = \"Cafe\"; required string drink = 1 [max_length = 20];
        optional manytoone slice->Slice:orders = 2:1030; }";

pub(crate) fn setup() -> Setup {
    let has_owner = |o: &Object| {
        let owner = o.fields.get("owner");
        owner.map(drop).ok_or_else(|| StepError::failed("it has no owner"))
    };
    let script: Script = Arc::new(move |what, _, o| {
        let outcome = if what == "delete" { Ok(()) } else { has_owner(o) };
        Box::pin(async move { outcome })
    });
    Setup::new("ownerleftout", MODELS, move |calls| {
        let policy = Scripted::doing("policy", "Order", calls, Arc::clone(&script));
        Steps::new().sync_step(Scripted::doing("step", "Order", calls, Arc::clone(&script))).policy(policy)
    })
}

fn refused(reason: &'static str) -> impl Fn(&Value) -> bool {
    move |o| condition(o, "Accepted")["reason"] == reason && condition(o, "Accepted")["status"] == "False"
}

pub(crate) async fn story(stage: &mut Stage<'_>) {
    // None that it could be: it waits for one, whoever creates it.
    stage.create("Order", "tea", json!({"drink": "tea"})).await;
    let tea = stage.until("Order", "tea", "refused", refused("NoOwner")).await;
    let message = condition(&tea, "Accepted")["message"].as_str().unwrap();
    assert!(message.contains("spec.owner is not given") && message.contains("has no Cafe: create one"), "{message}");
    stage.create("Cafe", "first", json!({"name": "first"})).await;
    let tea = stage.ready("Order", "tea").await;
    assert_eq!(tea["spec"]["owner"], json!({"name": "first", "kind": "Cafe"}));

    // A new one gets it at once. Setting it is nobody's change: nothing runs twice, also not after a restart.
    stage.create("Order", "water", json!({"drink": "water"})).await;
    stage.ready("Order", "water").await;
    stage.restart().await;
    stage.edit("Order", "water", json!({"drink": "sparkling water"})).await;
    stage.until_calls("the edit is handled", |calls| {
        calls.iter().filter(|call| *call == "step sync water").count() == 2
    })
    .await;
    stage.pass(Duration::from_millis(1500)).await;
    for (call, times) in [("step sync tea", 1), ("step sync water", 2)] {
        assert_eq!(stage.count(call), times, "{call}: {:?}", stage.calls().all());
    }

    // An owner of another class is refused, until it is corrected.
    stage.create("Bakery", "other", json!({"name": "other"})).await;
    stage.create("Order", "bread", json!({"drink": "none", "owner": {"name": "other"}})).await;
    let bread = stage.until("Order", "bread", "refused", refused("WrongOwner")).await;
    let message = "spec.owner: other is a Bakery, and has to be a Cafe to be the owner";
    assert_eq!(condition(&bread, "Accepted")["message"], message);
    stage.edit("Order", "bread", json!({"owner": {"name": "first"}})).await;
    stage.ready("Order", "bread").await;

    // Several that it could be: none is guessed. With one left it is that one.
    stage.create("Cafe", "second", json!({"name": "second"})).await;
    stage.create("Order", "coffee", json!({"drink": "coffee"})).await;
    let coffee = stage.until("Order", "coffee", "refused", refused("AmbiguousOwner")).await;
    let message = condition(&coffee, "Accepted")["message"].as_str().unwrap();
    assert!(message.ends_with("can be first, second: give it"), "{message}");
    stage.delete("Cafe", "second").await;
    let coffee = stage.ready("Order", "coffee").await;
    assert_eq!(coffee["spec"]["owner"]["name"], "first");

    // A slice without its creator is accepted: who applies it cannot be known.
    stage.create("Slice", "share", json!({"name": "share", "site": {"name": "nowhere"}})).await;
    stage.create("Order", "milk", json!({"drink": "milk", "slice": {"name": "share"}})).await;
    stage.ready("Order", "milk").await;
}
