//! Servers that are away, not well, or have much to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use xos_model::{Object, Pass};
use xos_step_server::v1::{Kind, Outcome};
use xos_step_server::{Address, Call, Method, Servers, Subject, Target, Wanted};
use xos_steps::{Services, StepContext};
use xos_testing::World;

use super::super::{person, ready, world};
use super::server::{Plan, done, ended};
use super::{ending, step};

/// Lets time pass until an object has this reason: what happens on a connection comes in its own time.
async fn until(world: &mut World, name: &str, reason: &str) -> String {
    for _ in 0..100 {
        let (found, message) = ready(world, name);
        if found == reason {
            return message;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        world.pass(Duration::from_secs(31)).await;
    }
    panic!("{name} is not {reason}: {:?}", ready(world, name))
}

fn synced() -> Plan {
    Plan::of(&[(Kind::SyncStep, "person")], async |_, _| Ok(done(&json!({}))))
}

#[tokio::test]
async fn objects_wait_while_the_server_is_away_and_go_on_when_it_is_back() {
    let server = synced().start();
    let (address, settings) = (server.address, server.settings());
    let mut world = world(&[step("")], settings);
    world.apply(&person("ada", json!({}))).unwrap();
    world.settle().await;
    assert_eq!(ready(&world, "ada").0, "SyncSucceeded");
    server.kill();
    for name in ["bob", "eve"] {
        world.apply(&person(name, json!({}))).unwrap();
    }
    world.settle().await;
    let message = until(&mut world, "eve", "TargetUnavailable").await;
    let words = format!("the step server at {address} ");
    assert!(message.contains(&words) && message.contains("refused"), "{message}");
    // It comes back as another one, which is asked again what it has.
    let steps = [(Kind::SyncStep, "other"), (Kind::SyncStep, "person")];
    let server = Plan::of(&steps, async |_, _| Ok(done(&json!({"state": "new"})))).start_at(address);
    until(&mut world, "eve", "SyncSucceeded").await;
    until(&mut world, "bob", "SyncSucceeded").await;
    assert_eq!(world.object::<Object>("bob").unwrap().text("state"), Some("new"));
    let mut seen = server.take();
    seen.sort();
    assert_eq!(seen, ["SyncRecord person bob", "SyncRecord person eve"]);
}

#[tokio::test]
async fn a_server_that_is_not_well_is_away() {
    let server = synced().start();
    let mut world = world(&[step("")], server.settings());
    world.apply(&person("ada", json!({}))).unwrap();
    world.settle().await;
    server.take();
    server.is_well(false).await;
    // The controller is told by the watch on the connection that it has.
    let mut n = 0;
    let message = loop {
        n += 1;
        let name = format!("bob-{n}");
        world.apply(&person(&name, json!({}))).unwrap();
        world.settle().await;
        let (reason, message) = ready(&world, &name);
        if reason == "TargetUnavailable" {
            break message;
        }
        assert!(n < 100, "{reason}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(message.contains("is not serving: its health says so"), "{message}");
    server.take();
    world.pass(Duration::from_secs(120)).await;
    assert_eq!(server.take(), [""; 0], "it is not called");
    // Nor does a new connection lead around it.
    let mut other = super::world(&[step("")], server.settings());
    other.apply(&person("eve", json!({}))).unwrap();
    other.settle().await;
    let (_, message) = ready(&other, "eve");
    assert!(message.contains("it is not serving: its health is NOT_SERVING"), "{message}");
    server.is_well(true).await;
    until(&mut world, &format!("bob-{n}"), "SyncSucceeded").await;
    until(&mut other, "eve", "SyncSucceeded").await;
}

#[tokio::test]
async fn what_is_no_step_server_is_told() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_, health) = tonic_health::server::health_reporter();
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    tokio::spawn(tonic::transport::Server::builder().add_service(health).serve_with_incoming(incoming));
    let mut world = world(&[step("")], json!({"server": address.to_string()}));
    world.apply(&person("ada", json!({}))).unwrap();
    world.settle().await;
    let (reason, message) = ready(&world, "ada");
    assert_eq!(reason, "TargetUnavailable");
    assert!(message.contains("it is no step server: it has no xos.steps.v1.StepServer/Describe"), "{message}");
}

#[tokio::test]
async fn a_server_gets_no_more_calls_at_the_same_time_than_it_takes() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&most);
    let server = Plan::of(&[(Kind::SyncStep, "person")], move |_, _| {
        let (now, most) = (Arc::clone(&now), Arc::clone(&counted));
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(30)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(done(&json!({})))
        }
    })
    .limited(2)
    .start();
    let mut world = world(&[step("")], server.settings());
    for n in 0..6 {
        world.apply(&person(&format!("p{n}"), json!({}))).unwrap();
    }
    world.settle().await;
    for n in 0..6 {
        assert_eq!(ready(&world, &format!("p{n}")).0, "SyncSucceeded");
    }
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_server_that_has_too_much_to_do_defers() {
    let work = async |_, _| Err(tonic::Status::resource_exhausted("Concurrent RPC limit exceeded!"));
    let server = Plan::of(&[(Kind::SyncStep, "person")], work).start();
    let mut world = world(&[step("")], server.settings());
    world.apply(&person("ada", json!({}))).unwrap();
    world.settle().await;
    let (reason, message) = ready(&world, "ada");
    assert_eq!(reason, "Deferred");
    assert!(message.contains("has too much to do: Concurrent RPC limit exceeded!"), "{message}");
}

#[tokio::test]
async fn a_call_is_told_when_the_controller_stops() {
    let (begun, is_begun) = tokio::sync::oneshot::channel();
    let begun = Arc::new(std::sync::Mutex::new(Some(begun)));
    let server = Plan::of(&[(Kind::PullStep, "pull")], move |_, mut talk: super::server::Talk| {
        begun.lock().unwrap().take().unwrap().send(()).unwrap();
        async move {
            let message = if talk.stopped().await { "I stop, too" } else { "what?" };
            Ok(ended(Outcome::Deferred, message))
        }
    })
    .start();
    let services = Arc::new(Services::default());
    let ctx = StepContext::new(&services, xos_steps::Call::new("pull", Pass::Pull, "default"));
    let wanted =
        Wanted { kind: xos_step_server::Kind::PullStep, step: "pull".to_owned(), model: None, handles_delete: false };
    let target = Target { address: Address::Tcp(server.address.to_string()), tls: None };
    let call = || Call {
        ctx: &ctx,
        wanted: &wanted,
        method: Method::PullRecords,
        input: String::new(),
        timeout: Duration::from_secs(30),
    };
    let servers = Servers::default();
    let at = servers.at(&target);
    let (called, _) = tokio::join!(at.call(call(), Subject::Nothing), async {
        is_begun.await.unwrap();
        services.cancellation.cancel();
    });
    assert_eq!(called.unwrap_err().to_string(), "I stop, too");
    let late = at.call(call(), Subject::Nothing).await.unwrap_err();
    assert_eq!(late.to_string(), "the controller stops", "no call begins any more");
}

#[tokio::test]
async fn a_connection_may_be_protected() {
    let folder = tempfile::tempdir().unwrap();
    let certified = rcgen::generate_simple_self_signed(["people.example".to_owned()]).unwrap();
    let ca = folder.path().join("ca.crt");
    std::fs::write(&ca, certified.cert.pem()).unwrap();
    let plan = ending(Outcome::Succeeded, "");
    let server = plan.with_tls(certified.cert.pem(), certified.signing_key.serialize_pem()).start();
    let mut settings = server.settings();
    settings["ca"] = json!(ca);
    let tls = |more: &str| step(&format!("  tls: {{serverName: people.example{more}}}"));
    for (step, reason) in [
        (tls(", ca: \"${settings.ca}\""), "SyncSucceeded"),
        (tls(""), "TargetUnavailable"),
        (tls(", ca: /no/such/ca.crt"), "TargetUnavailable"),
        (super::step(""), "TargetUnavailable"),
    ] {
        let mut world = world(&[step], settings.clone());
        world.apply(&person("ada", json!({}))).unwrap();
        world.settle().await;
        let (found, message) = ready(&world, "ada");
        assert_eq!(found, reason, "{message}");
    }
}
