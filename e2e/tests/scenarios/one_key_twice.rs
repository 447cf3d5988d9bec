//! Several objects of one natural key: one has it, the others say so, and are handled in their order when it goes.

use serde_json::{Value, json};
use xos_harness::example::condition;
use xos_harness::inprocess::Scripted;
use xos_steps::Steps;

use crate::stage::{Setup, Stage};

const MODELS: &str = "option app_label = \"onekeytwice\";
    message Port (XOSBase) { required string card = 1 [max_length = 32, tosca_key = True];
        required int32 number = 2 [tosca_key = True]; optional string note = 3 [max_length = 32]; }";

pub(crate) fn setup() -> Setup {
    Setup::new("onekeytwice", MODELS, |calls| Steps::new().sync_step(Scripted::noting("step", "Port", calls)))
}

/// Returns those of the objects that are accepted, and checks that the others name one of them.
async fn accepted(stage: &mut Stage<'_>, names: &[String]) -> Vec<String> {
    let is_judged = |o: &Value| {
        let of_now = o["status"]["observedGeneration"] == o["metadata"]["generation"];
        of_now && (condition(o, "Accepted")["reason"] == "NotUnique" || condition(o, "Synced")["status"] == "True")
    };
    let mut accepted = vec![];
    let mut messages = vec![];
    for name in names {
        let o = stage.until("Port", name, "judged", is_judged).await;
        match condition(&o, "Accepted")["reason"].as_str() {
            Some("NotUnique") => messages.push(condition(&o, "Ready")["message"].as_str().unwrap().to_owned()),
            _ => accepted.push(name.clone()),
        }
    }
    let names_one = |message: &String| accepted.iter().any(|name| message.starts_with(&format!("Port {name} has card")));
    assert!(messages.iter().all(names_one), "{accepted:?}: {messages:?}");
    accepted
}

pub(crate) async fn story(stage: &mut Stage<'_>) {
    let mut names: Vec<_> = (0..12).map(|at| format!("p{at}")).collect();
    for name in &names {
        stage.create("Port", name, json!({"card": "c", "number": 1})).await;
    }
    for _ in 0..3 {
        let first = accepted(stage, &names).await;
        let [winner] = &first[..] else { panic!("{first:?} have it") };
        stage.restart().await;
        assert_eq!(accepted(stage, &names).await, first, "a restart changes nothing");
        let handled = |calls: &[String]| calls.iter().filter(|call| call.starts_with("step sync")).count();
        let before = handled(&stage.calls().all());
        stage.delete("Port", winner).await;
        stage.gone("Port", winner).await;
        names.retain(|name| name != winner);
        stage.until_calls("the next one", |calls| handled(calls) > before).await;
    }

    // One that is edited to the key of another one does not take it, and is handled when it has one of its own.
    stage.create("Port", "a", json!({"card": "d", "number": 1})).await;
    stage.ready("Port", "a").await;
    stage.create("Port", "b", json!({"card": "d", "number": 2})).await;
    stage.ready("Port", "b").await;
    stage.edit("Port", "a", json!({"number": 2})).await;
    let pair = ["a".to_owned(), "b".to_owned()];
    let lost = |o: &Value| condition(o, "Accepted")["reason"] == "NotUnique";
    stage.until("Port", "a", "refused", lost).await;
    stage.edit("Port", "b", json!({"note": "still mine"})).await;
    stage.until_calls("b again", |calls| calls.iter().filter(|call| *call == "step sync b").count() == 2).await;
    assert_eq!(accepted(stage, &pair).await, ["b"]);
    assert_eq!(stage.count("step delete a"), 0, "it stays as it was handled");
    stage.edit("Port", "b", json!({"number": 3})).await;
    stage.ready("Port", "a").await;
    stage.ready("Port", "b").await;
}
