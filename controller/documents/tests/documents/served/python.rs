//! Steps in Python: the service `config/reception`, in a world in memory.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use xos_documents::{Documents, Folder, read};
use xos_model::{Object, Outcome};
use xos_steps::{BusEvent, Steps};
use xos_testing::World;
use xos_xproto::{Sources, compile};

use super::super::{document, ready};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Starts a program in Python, and waits until it serves at a socket in the folder. Returns its address.
async fn start(program: &Path, folder: &Path) -> (Child, String) {
    let address = format!("unix:{}", folder.join("steps.sock").display());
    let mut command = Command::new(repository().join("e2e/python/python"));
    command.arg(program).arg(&address).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = vec![];
    while let Some(line) = lines.next_line().await.unwrap() {
        said.push(line);
        if said.last().is_some_and(|line| line.contains(": serving ")) {
            // What it says later is read, so that it does not block.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return (child, address);
        }
    }
    panic!("the server ended: {}", said.join("\n"))
}

fn world(models: &str, steps: impl FnOnce(&xos_xproto::ModelSet) -> Steps, settings: Value) -> World {
    let mut sources = Sources::new();
    sources.add("m.xproto", models);
    let compiled = compile(&sources);
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    World::of(&[("m.xproto", models)]).steps(steps(&compiled.models)).settings(settings).start().unwrap()
}

fn entry(folder: &Path, name: &str) -> Value {
    let text = std::fs::read(folder.join(format!("default.{name}.json"))).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn guest(name: &str, fields: Value) -> Object {
    let mut guest =
        Object { fields: serde_json::from_value(fields).unwrap(), ..Object::named("Guest", "default", name) };
    guest.set("name", json!(name));
    guest
}

#[tokio::test]
async fn a_service_in_python_has_steps_policies_pull_steps_and_event_steps() {
    let root = tempfile::tempdir().unwrap();
    let service = repository().join("config/reception");
    let models = std::fs::read_to_string(service.join("models/reception.xproto")).unwrap();
    let (mut server, address) = start(&service.join("server.py"), root.path()).await;
    let book = root.path().join("book");
    let calls = document("EventStep", "calls", "topics: [calls]\ngrpc: {address: \"${settings.server}\"}");
    let steps = |models: &xos_xproto::ModelSet| {
        let folder = Folder { key: "documents_dir", path: service.join("documents") };
        let steps = read(&[folder]).unwrap().compile(models).unwrap();
        steps.steps(Documents::of(&[("calls.yaml", &calls)]).compile(models).unwrap())
    };
    let mut world = world(&models, steps, json!({"server": address, "folder": book}));

    world.apply(&guest("ada", json!({"host": "Charles", "phone": u32::MAX}))).unwrap();
    world.settle().await;
    let (reason, message) = ready(&world, "ada");
    assert_eq!(reason, "TargetUnavailable");
    assert!(message.contains(&format!("there is no book in {}", book.display())), "{message}");

    std::fs::create_dir(&book).unwrap();
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(ready(&world, "ada").0, "SyncSucceeded");
    let phone = json!(u32::MAX);
    let badge = "ada, guest of Charles";
    assert_eq!(entry(&book, "ada"), json!({"name": "ada", "host": "Charles", "phone": phone, "badges": [badge]}));
    assert_eq!(world.object::<Object>("ada").unwrap().text("entry"), Some("default.ada.json"));

    world.apply(&guest("bob", json!({}))).unwrap();
    world.settle().await;
    assert_eq!(ready(&world, "bob"), ("Deferred".to_owned(), "nobody expects bob yet".to_owned()));

    // The policy changes its badge, and the step writes it.
    world.edit::<Object>("ada", |o| o.set("host", json!("Mary"))).unwrap();
    world.settle().await;
    assert_eq!(entry(&book, "ada")["badges"], json!(["ada, guest of Mary"]));

    std::fs::write(book.join("by-hand.1.json"), r#"{"name": "eve", "host": "Ada"}"#).unwrap();
    world.pass(Duration::from_secs(10)).await;
    let is_eve = |object: &Object| object.text("name") == Some("eve") && object.flag("no_sync");
    assert!(world.api().objects().iter().any(is_eve));

    let call = |guest: &str| BusEvent::new("calls", json!({"guest": guest, "phone": 7}).to_string()).with_key(guest);
    assert_eq!(world.send(&call("ada")).await[0].1, Outcome::Succeeded);
    world.settle().await;
    assert_eq!(entry(&book, "ada")["phone"], json!(7), "a touch lets the step run");
    let outcome = world.send(&call("tom")).await[0].1.clone();
    assert!(matches!(&outcome, Outcome::Deferred(why) if why.starts_with("waits for Guest tom")), "{outcome:?}");
    let outcome = world.send(&BusEvent::new("calls", "{")).await[0].1.clone();
    let words = "the event's value cannot be read as JSON: ";
    assert!(outcome.message().is_some_and(|why| why.starts_with(words)), "{outcome:?}");

    world.delete::<Object>("ada").unwrap();
    world.pass(Duration::from_secs(60)).await;
    assert!(!book.join("default.ada.json").exists());
    let badges = world.api().objects().iter().filter(|object| &*object.model == "Badge").count();
    assert_eq!(badges, 2, "bob's and eve's");

    // It ends when it is told to, and its objects wait.
    let pid = rustix::process::Pid::from_raw(i32::try_from(server.id().unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(server.wait().await.unwrap().success());
    world.edit::<Object>("bob", |o| o.set("host", json!("Mary"))).unwrap();
    world.settle().await;
    assert_eq!(ready(&world, "bob").0, "TargetUnavailable");
}

/// What goes wrong in Python is told in Python's words, and what is asked wrongly in the controller's.
#[tokio::test]
async fn an_exception_in_python_is_a_failure_with_its_words() {
    let program = r#"
import sys, time, threading
import xos_steps

class Person(xos_steps.SyncStep):
    def sync_record(self, ctx, o):
        o.state = "begun"
        getattr(self, o.metadata.name)(ctx, o)

    def bug(self, ctx, o):
        {}["key"]

    def unknown(self, ctx, o):
        ctx.filter("Persn")

    def nobody(self, ctx, o):
        try:
            ctx.get("Person", name="eve")
        except xos_steps.NotFound as error:
            raise xos_steps.Innocuous(f"nobody: {error}")

    def queries(self, ctx, o):
        found = [ctx.filter("Person", age__gt=17), ctx.first("Person", age=3), ctx.named("Person", "none")]
        assert [one.age for one in found[0]] == [36] and found[1] == o and found[2] is None, found
        new = xos_steps.Object("Account", {"login": "a", "person": o}, name="a")
        ctx.save(new)
        assert new.metadata.uid and ctx.peer(new, "person") == o
        o.title = "Dr"
        ctx.save(o)
        del o.title
        o.directory_id = "d"

    def wrong(self, ctx, o):
        o.title = object()

    def slow(self, ctx, o):
        assert 0 < ctx.time_remaining() <= 1
        ctx.stopping.wait(60)

xos_steps.serve(Person(), address=sys.argv[1])
"#;
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("server.py");
    std::fs::write(&path, program).unwrap();
    let (_server, address) = start(&path, root.path()).await;
    let step = "model: Person\ngrpc: {address: \"${settings.server}\", timeout: 1s}";
    let mut world = super::super::world(&[document("SyncStep", "person", step)], json!({"server": address}));
    for (name, age, reason, words) in [
        ("bug", 36, "SyncFailed", "KeyError: 'key'"),
        ("unknown", 1, "SyncFailed", "there is no model `Persn` among the loaded ones"),
        ("nobody", 1, "Innocuous", "nobody: there is no Person with name"),
        ("queries", 3, "SyncSucceeded", ""),
        ("wrong", 1, "SyncFailed", "cannot be saved: Object of type object is not JSON serializable"),
        ("slow", 1, "SyncFailed", "did not end the call within 1s"),
    ] {
        world.apply(&super::person(name, json!({"age": age}))).unwrap();
        world.settle().await;
        let (found, message) = ready(&world, name);
        assert_eq!(found, reason, "{name}: {message}");
        assert!(message.contains(words), "{message}");
    }
    let object = |name: &str| world.object::<Object>(name).unwrap();
    assert_eq!(object("bug").text("state"), Some("begun"), "what it has changed before is kept");
    assert_eq!((object("queries").text("directory_id"), object("queries").text("title")), (Some("d"), None));
}

/// The example's own tests: steps are tested without a server.
#[tokio::test]
async fn steps_in_python_are_tested_without_a_server() {
    let mut command = Command::new(repository().join("e2e/python/python"));
    command.args(["-B", "-m", "unittest", "discover"]).current_dir(repository().join("config/reception"));
    let run = command.output().await.unwrap();
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(run.status.success() && said.contains("Ran 3 tests"), "{said}");
}
