//! Steps of step servers.

mod access;
mod away;
mod python;
mod server;
mod sources;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use xos_documents::Documents;
use xos_model::{Object, Pass};
use xos_step_server::v1::{Kind, Outcome};
use xos_steps::{Call, Services, StepContext};

use super::{document, person, ready, world};
use server::{Plan, done, ended};

/// Returns a sync step of a server.
fn step(more: &str) -> String {
    document("SyncStep", "person", &format!("model: Person\ngrpc:\n  address: ${{settings.server}}\n{more}"))
}

fn fields(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Returns a server with one sync step, `person`, that always ends so.
fn ending(outcome: Outcome, message: &'static str) -> Plan {
    Plan::of(&[(Kind::SyncStep, "person")], move |_, _| std::future::ready(Ok(ended(outcome, message))))
}

#[tokio::test]
async fn an_object_is_synchronized_and_what_the_step_changes_is_saved() {
    let server = Plan::of(&[(Kind::SyncStep, "person")], async |begin, _| {
        let object = begin.object.unwrap();
        let told = fields(&object.fields);
        assert_eq!((object.model.as_str(), begin.namespace.as_str()), ("Person", "default"));
        assert_eq!((told["age"].as_i64(), told["title"].is_null()), (Some(36), told["directory_id"].is_null()));
        assert_eq!(fields(&begin.input), json!({"label": "Dr ada", "age": 36}));
        assert!(begin.idempotency_key.starts_with(&object.uid), "{}", begin.idempotency_key);
        Ok(done(&json!({"directory_id": "d-1", "title": "Dr"})))
    })
    .start();
    let step = step("  input: {label: \"Dr ${self.name}\", age: \"${self.age}\"}");
    let mut world = world(&[step], server.settings());
    world.apply(&person("ada", json!({"age": 36}))).unwrap();
    world.settle().await;
    assert_eq!(ready(&world, "ada").0, "SyncSucceeded");
    let ada = world.object::<Object>("ada").unwrap();
    assert_eq!((ada.text("directory_id"), ada.text("title")), (Some("d-1"), Some("Dr")));
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(server.take(), ["SyncRecord person ada"], "a quiet save does not let it run again");
    world.delete::<Object>("ada").unwrap();
    world.settle().await;
    assert_eq!(server.take(), ["DeleteRecord person ada"]);
    assert!(world.object::<Object>("ada").is_err());
}

#[tokio::test]
async fn outcomes_are_those_of_a_step_in_rust() {
    for (outcome, reason) in [
        (Outcome::Failed, "SyncFailed"),
        (Outcome::Deferred, "Deferred"),
        (Outcome::Innocuous, "Innocuous"),
        (Outcome::Unavailable, "TargetUnavailable"),
    ] {
        let server = ending(outcome, "the directory says no").start();
        let mut world = world(&[step("")], server.settings());
        world.apply(&person("ada", json!({}))).unwrap();
        world.settle().await;
        let (found, message) = ready(&world, "ada");
        assert_eq!(found, reason, "{message}");
        assert!(message.contains("the directory says no"), "{message}");
    }
}

#[tokio::test]
async fn what_a_step_has_changed_before_it_fails_is_kept_and_a_password_is_told_nowhere() {
    let server = Plan::of(&[(Kind::SyncStep, "person")], async |begin, _| {
        let password = fields(&begin.object.unwrap().fields)["password"].clone();
        let mut result = ended(Outcome::Failed, &format!("no {password}"));
        result.changed = json!({"state": "half"}).to_string();
        Ok(result)
    })
    .start();
    let mut world = world(&[step("")], server.settings());
    world.apply(&person("ada", json!({"password": "letmein"}))).unwrap();
    world.settle().await;
    assert_eq!(world.object::<Object>("ada").unwrap().text("state"), Some("half"));
    let (_, message) = ready(&world, "ada");
    assert!(message.contains("no \"***\"") && !message.contains("letmein"), "{message}");
}

#[tokio::test]
async fn an_answer_that_is_no_result_is_a_failure_with_its_words() {
    let server = Plan::of(&[(Kind::SyncStep, "person")], async |begin, _| match begin.object.unwrap().name.as_str() {
        "status" => Err(tonic::Status::unknown("Exception calling application: 'name'")),
        _ => {
            let mut result = done(&json!({}));
            result.changed = "[1]".to_owned();
            Ok(result)
        }
    })
    .start();
    let mut world = world(&[step("")], server.settings());
    for (name, words) in [
        ("status", "answered Unknown: Exception calling application: 'name'"),
        ("list", "cannot be read: `changed` is no JSON object"),
    ] {
        world.apply(&person(name, json!({}))).unwrap();
        world.settle().await;
        let (reason, message) = ready(&world, name);
        assert_eq!(reason, "SyncFailed");
        assert!(message.contains(words) && message.contains("the step server at 127.0.0.1:"), "{message}");
    }
}

#[tokio::test]
async fn a_step_that_the_server_has_not_is_said_in_its_objects() {
    let server = Plan::of(&[(Kind::SyncStep, "people"), (Kind::Policy, "person")], async |_, _| Ok(done(&json!({}))));
    let server = server.start();
    let mut world = world(&[step("")], server.settings());
    world.apply(&person("ada", json!({}))).unwrap();
    world.settle().await;
    let (reason, message) = ready(&world, "ada");
    assert_eq!(reason, "SyncFailed");
    let words = format!("the step server at {} has no sync step `person`, but `people`", server.address);
    assert!(message.starts_with(&words), "{message}");
    let mut world = super::world(&[step("  step: people")], server.settings());
    world.apply(&person("ada", json!({}))).unwrap();
    world.settle().await;
    assert_eq!(ready(&world, "ada").0, "SyncSucceeded");
}

#[tokio::test]
async fn what_is_missing_is_known_when_the_program_starts() {
    let server = Plan::of(&[(Kind::SyncStep, "other")], async |_, _| Ok(done(&json!({})))).start();
    let policy = "model: Person\ngrpc: {address: \"127.0.0.1:1\"}";
    let texts = [step(""), document("ModelPolicy", "p", policy), document("ModelPolicy", "q", policy)];
    let texts: Vec<_> = texts.iter().map(|text| ("steps.yaml", text.as_str())).collect();
    let steps = Documents::of(&texts).compile(&super::models()).unwrap();
    let services = Services { settings: Arc::new(server.settings()), ..Services::default() };
    let ctx = StepContext::new(&Arc::new(services), Call::new("", Pass::Sync, ""));
    let [at_start] = steps.at_start.as_slice() else { panic!("there is one") };
    let wrong = at_start.start(&ctx).await;
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert!(wrong[0].contains("has no sync step `person`, but `other`"), "{wrong:?}");
    assert!(wrong[1].starts_with("the step server at 127.0.0.1:1 cannot be used: "), "{wrong:?}");
}

#[tokio::test]
async fn policies_handle_new_changed_and_deleted_objects() {
    let plan = Plan::of(&[(Kind::Policy, "titles")], async |begin, _| {
        let old = fields(&begin.object.unwrap().fields)["title"].as_str().map_or(0, str::len);
        Ok(done(&json!({"title": "x".repeat(old + 1)})))
    });
    let server = plan.handling_deletions().start();
    let policy = |more: &str| {
        let spec =
            format!("model: Person\nwhen: ${{self.age != 3}}\ngrpc: {{address: \"${{settings.server}}\"{more}}}");
        document("ModelPolicy", "titles", &spec)
    };
    let mut world = world(&[policy(", handlesDelete: true")], server.settings());
    world.apply(&person("ada", json!({}))).unwrap();
    world.apply(&person("bob", json!({"age": 3}))).unwrap();
    world.settle().await;
    assert_eq!(world.object::<Object>("ada").unwrap().text("title"), Some("x"));
    world.edit::<Object>("ada", |o| o.set("age", json!(1))).unwrap();
    world.settle().await;
    assert_eq!(world.object::<Object>("ada").unwrap().text("title"), Some("xx"));
    world.delete::<Object>("ada").unwrap();
    world.settle().await;
    let expected = ["HandleCreate titles ada", "HandleUpdate titles ada", "HandleDelete titles ada"];
    assert_eq!(server.take(), expected);
    assert!(world.object::<Object>("ada").is_err());

    let mut world = super::world(&[policy("")], server.settings());
    world.apply(&person("ada", json!({}))).unwrap();
    world.settle().await;
    let (_, message) = ready(&world, "ada");
    assert!(message.contains("handles deletions: write `handlesDelete: true` into the document"), "{message}");
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_cancelled() {
    let (sender, mut dropped) = tokio::sync::mpsc::unbounded_channel();
    struct OnDrop(tokio::sync::mpsc::UnboundedSender<()>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let server = Plan::of(&[(Kind::SyncStep, "person")], move |_, mut talk: server::Talk| {
        let guard = OnDrop(sender.clone());
        async move {
            let _guard = guard;
            // The stream from the controller ends when the call is cancelled.
            talk.is_cancelled().await;
            Ok(done(&json!({})))
        }
    })
    .start();
    let mut world = world(&[step("  timeout: 200ms")], server.settings());
    world.apply(&person("ada", json!({}))).unwrap();
    world.settle().await;
    let (reason, message) = ready(&world, "ada");
    assert_eq!(reason, "SyncFailed");
    assert!(message.contains("did not end the call within 200ms (`grpc.timeout`)"), "{message}");
    tokio::time::timeout(Duration::from_secs(10), dropped.recv()).await.unwrap().unwrap();
}
