//! What would delete much at once is held: the example's own program confirms a listing, kubectl a deletion, and a
//! namespace that is deleted waits for no confirmation.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;
use xos_harness::example::{SOON, condition};
use xos_harness::inprocess::{Calls, Controller, Objects, Scripted};
use xos_harness::{eventually, namespace};
use xos_runtime::Synchronizer;

use crate::monitoring::Monitoring;
use crate::with_configured_example;

/// A directory that answers every request with the same people.
struct Backend {
    url: String,
    people: Arc<Mutex<String>>,
    _serving: AbortOnDropHandle<()>,
}

impl Backend {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let people = Arc::new(Mutex::new("{}".to_owned()));
        let body = Arc::clone(&people);
        let serving = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let body = body.lock().unwrap().clone();
                tokio::spawn(async move {
                    let mut request = vec![];
                    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
                            return;
                        }
                    }
                    let length = body.len();
                    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
                    // The client may have closed the connection.
                    let _sent = stream.write_all(format!("{head}{body}").as_bytes()).await;
                });
            }
        });
        Self { url, people, _serving: AbortOnDropHandle::new(serving) }
    }

    fn set(&self, count: usize) {
        let person = |n: usize| (format!("desk.{n}"), json!({"first_name": n.to_string(), "last_name": "Doe"}));
        let people: serde_json::Map<_, _> = (0..count).map(person).collect();
        *self.people.lock().unwrap() = Value::Object(people).to_string();
    }
}

/// The first names of the people that the directory of the test has.
const FIRST: &str = "0-doe-beb969731e, 1-doe-198961a828, 10-doe-19d83ef285, 11-doe-77a148eee1, 2-doe-62732a8f50";

#[tokio::test]
async fn the_program_confirms_what_a_pull_step_holds() {
    let backend = Backend::start().await;
    backend.set(12);
    let monitoring = Monitoring::new();
    let more = json!({"settings": {"directory_url": backend.url}, "monitoring_address": monitoring.address});
    with_configured_example("pull-held", &more, async |example| {
        let people = async |count: usize| {
            let look = async || match example.people.count().await {
                Ok(there) if there == count => Ok(()),
                there => Err(format!("{there:?}")),
            };
            eventually(SOON, format!("{count} people"), look).await.unwrap();
        };
        people(12).await;
        let nothing = example.launch.command(&["pull", "confirm", "PullFromDesk"]).await.unwrap();
        assert_eq!(nothing, ("error: no deletion of PullFromDesk is held\n".to_owned(), false));

        backend.set(0);
        let held = example.namespace.one_event("Warning", "PullHeld").await.unwrap();
        let all = example.people.all().await.unwrap();
        let first: Vec<_> = all.iter().take(5).filter_map(|one| one["metadata"]["name"].as_str()).collect();
        assert_eq!(first.join(", "), FIRST, "as docs/pull-and-events.md shows them");
        assert_eq!(
            held["message"],
            format!(
                "PullFromDesk would delete 12 of 12 objects (12 MyModel): {} and 7 more. They are kept until the backend \
                 lists them again, or `xos pull confirm PullFromDesk`",
                first.join(", ")
            )
        );
        let (_, metrics) = monitoring.get("/metrics").await.unwrap();
        assert!(metrics.contains("xos_pull_held{step=\"PullFromDesk\"} 12.0"), "{metrics}");
        assert!(metrics.contains("xos_pull_up{step=\"PullFromDesk\"} 1.0"), "{metrics}");
        people(12).await;

        let (shown, _) = example.launch.command(&["pull", "held"]).await.unwrap();
        assert!(shown.starts_with("PullFromDesk would delete 12 of 12 objects (12 MyModel): "), "{shown}");
        let (other, succeeded) = example.launch.command(&["pull", "confirm", "Other"]).await.unwrap();
        assert_eq!((other.as_str(), succeeded), ("error: no deletion of Other is held, but of PullFromDesk\n", false));
        let (confirmed, succeeded) = example.launch.command(&["pull", "confirm", "PullFromDesk"]).await.unwrap();
        assert!(succeeded && confirmed.starts_with("PullFromDesk deletes 12 of 12 objects"), "{confirmed}");
        people(0).await;
        example.namespace.one_event("Normal", "PullReleased").await.unwrap();
        assert_eq!(example.launch.command(&["pull", "held"]).await.unwrap(), (String::new(), true));
    })
    .await;
}

#[tokio::test]
async fn the_command_in_the_condition_confirms_a_deletion() {
    with_configured_example("cascade-held", &Value::Null, async |example| {
        let namespace = example.namespace;
        let mut manifest =
            json!({"apiVersion": "example.xos.opencord.org/v1", "kind": "Team", "metadata": {"name": "big"},
            "spec": {"name": "big"}})
            .to_string();
        for n in 0..120 {
            let mut person = xos_harness::example::person(&format!("p{n}"), &n.to_string(), "Doe");
            person["spec"]["team"] = json!({"name": "big"});
            manifest = format!("{manifest}\n---\n{person}");
        }
        namespace.apply(&manifest).await.unwrap();
        example.people.ready("p119").await.unwrap();
        example.people.ready("p0").await.unwrap();
        namespace.kubectl(&["delete", "team", "big", "--wait=false"]).await.unwrap();
        let message = async || {
            let path = "jsonpath={.status.conditions[?(@.type==\"Ready\")].message}";
            let message = namespace.kubectl(&["get", "team", "big", "-o", path]).await.unwrap_or_default();
            if message.contains("takes 120 other objects along") { Ok(message) } else { Err(message) }
        };
        let message = eventually(SOON, "the hold to be told", message).await.unwrap();
        let expected = format!(
            "the deletion takes 120 other objects along (120 MyModel), more than 100: they stay, and go on as before, \
             until it is confirmed. kubectl annotate --overwrite -n {} teams.example.xos.opencord.org big \
             xos.opencord.org/confirm-deletion=120",
            namespace.name()
        );
        assert_eq!(message, expected);
        assert_eq!(namespace.one_event("Warning", "DeletionHeld").await.unwrap()["message"], message);
        assert_eq!(example.people.count().await.unwrap(), 120);
        let command: Vec<_> = message.split("kubectl ").nth(1).unwrap().split(' ').collect();
        namespace.kubectl(&command).await.unwrap();
        let gone = async || match example.people.count().await {
            Ok(0) => Ok(()),
            there => Err(format!("{there:?}")),
        };
        eventually(SOON, "all to be gone", gone).await.unwrap();
        namespace.kubectl(&["wait", "--for=delete", "team/big", "--timeout=60s"]).await.unwrap();
    })
    .await;
}

const MODELS: &str = "option app_label = \"nsgone\";
    message Switch (XOSBase) { required string name = 1 [max_length = 32]; }
    message Line (XOSBase) { required string name = 1 [max_length = 32];
        required manytoone on_switch->Switch:lines = 2:1001; }";

#[tokio::test]
async fn a_namespace_that_is_deleted_waits_for_no_confirmation() {
    // That it cannot be deleted a second time is no error of this test.
    let done = std::cell::Cell::new(false);
    let ended = namespace::with("ns-gone", async |namespace| {
        let calls = Calls::default();
        let step = |model| Scripted::noting(model, model, &calls);
        let synchronizer = Synchronizer::new("nsgone").models(&[("nsgone.xproto", MODELS)]);
        let synchronizer = synchronizer.sync_step(step("Switch")).sync_step(step("Line"));
        let more = json!({"brakes": {"cascade": 5}});
        let controller = Controller::start(namespace, "nsgone", synchronizer, &more).unwrap();
        let objects = Objects::new(namespace, MODELS).unwrap();
        objects.served("Switch").await.unwrap();
        objects.served("Line").await.unwrap();
        objects.create("Switch", "s", json!({"name": "s"})).await.unwrap();
        for n in 0..20 {
            let spec = json!({"name": n.to_string(), "onSwitch": {"name": "s"}});
            objects.create("Line", &format!("l{n}"), spec).await.unwrap();
        }
        for n in 0..20 {
            objects.ready("Line", &format!("l{n}")).await.unwrap();
        }
        namespace.kubectl(&["delete", "namespace", namespace.name(), "--wait=false"]).await.unwrap();
        for n in 0..20 {
            objects.gone("Line", &format!("l{n}")).await.unwrap();
        }
        objects.gone("Switch", "s").await.unwrap();
        assert_eq!(calls.all().last().map(String::as_str), Some("Switch delete s"));
        controller.stop().await.unwrap();
        done.set(true);
    });
    let ended = ended.await;
    assert!(done.get(), "{:?}", ended.err());
}

#[tokio::test]
async fn what_leads_elsewhere_is_not_deleted_and_no_longer_counts() {
    namespace::with("few-left", async |namespace| {
        let models = MODELS.replace("nsgone", "fewleft");
        let calls = Calls::default();
        let step = |model| Scripted::noting(model, model, &calls);
        let synchronizer = Synchronizer::new("fewleft").models(&[("fewleft.xproto", &models)]);
        let synchronizer = synchronizer.sync_step(step("Switch")).sync_step(step("Line"));
        let more = json!({"brakes": {"cascade": 2}});
        let controller = Controller::start(namespace, "fewleft", synchronizer, &more).unwrap();
        let objects = Objects::new(namespace, &models).unwrap();
        objects.served("Switch").await.unwrap();
        objects.served("Line").await.unwrap();
        objects.create("Switch", "s", json!({"name": "s"})).await.unwrap();
        for n in 0..3 {
            let spec = json!({"name": n.to_string(), "onSwitch": {"name": "s"}});
            objects.create("Line", &format!("l{n}"), spec).await.unwrap();
            objects.ready("Line", &format!("l{n}")).await.unwrap();
        }
        objects.delete("Switch", "s").await.unwrap();
        let is_held = |o: &Value| condition(o, "Ready")["reason"] == "DeletionHeld";
        objects.until("Switch", "s", "held", is_held).await.unwrap();
        // Who does not want it lets the others lead elsewhere.
        objects.create("Switch", "other", json!({"name": "other"})).await.unwrap();
        objects.edit("Line", "l0", json!({"onSwitch": {"name": "other"}})).await.unwrap();
        objects.gone("Switch", "s").await.unwrap();
        assert!(!objects.get("Line", "l0").await.unwrap().is_null());
        controller.stop().await.unwrap();
    })
    .await
    .unwrap();
}
