//! An object that a backup tool has created anew, with another uid, is handled once more, with or without the status that
//! was saved, and keeps its entry in the backend.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use xos_harness::inprocess::{Script, Scripted};
use xos_steps::Steps;

use crate::stage::{Setup, Stage};

const MODELS: &str = "option app_label = \"restored\";
    message Thing (XOSBase) { required string name = 1 [max_length = 32]; optional string wish = 2 [max_length = 32]; }";

/// The backend: it gives each new entry a number.
#[derive(Default)]
struct Backend {
    made: usize,
    entries: BTreeMap<String, String>,
}

/// The backend of the scenario that plays in this thread.
fn backend() -> Arc<Mutex<Backend>> {
    thread_local! { static BACKEND: Arc<Mutex<Backend>> = Arc::default(); }
    BACKEND.with(Arc::clone)
}

pub(crate) fn setup() -> Setup {
    let backend = backend();
    let script: Script = Arc::new(move |what, _, o| {
        let mut backend = backend.lock().unwrap();
        let handle = o.text("backend_handle").map(str::to_owned);
        if what == "delete" {
            handle.map(|handle| backend.entries.remove(&handle));
        } else {
            let handle = handle.unwrap_or_else(|| {
                backend.made += 1;
                format!("entry-{}", backend.made)
            });
            backend.entries.insert(handle.clone(), o.meta.name.clone());
            o.set("backend_handle", json!(handle));
            // It is saved quietly, so that the annotation that remembers this is restored, too.
            o.set("wish", json!("granted"));
        }
        Box::pin(async { Ok(()) })
    });
    Setup::new("restored", MODELS, move |calls| {
        let policy = Scripted::noting("policy", "Thing", calls);
        Steps::new().sync_step(Scripted::doing("step", "Thing", calls, Arc::clone(&script))).policy(policy)
    })
}

fn counts(stage: &Stage<'_>) -> [usize; 3] {
    ["policy create a", "policy update a", "step sync a"].map(|call| stage.count(call))
}

pub(crate) async fn story(stage: &mut Stage<'_>) {
    let backend = backend();
    stage.create("Thing", "a", json!({"name": "a"})).await;
    stage.ready("Thing", "a").await;
    for _ in 0..3 {
        let version = stage.get("Thing", "a").await["metadata"]["generation"].clone();
        stage.edit("Thing", "a", json!({"wish": null})).await;
        let granted = |o: &Value| o["metadata"]["generation"] != version && o["spec"]["wish"] == "granted";
        stage.until("Thing", "a", "granted", granted).await;
        stage.ready("Thing", "a").await;
    }
    let saved = stage.ready("Thing", "a").await;
    assert_eq!(saved["status"]["backendHandle"], "entry-1");

    for (with_status, is_empty) in [(false, false), (true, false), (false, true), (true, true)] {
        let what = format!("with status: {with_status}, backend empty: {is_empty}");
        stage.kill().await;
        stage.patch("Thing", "a", json!({"metadata": {"finalizers": null}})).await;
        stage.delete("Thing", "a").await;
        stage.gone("Thing", "a").await;
        if is_empty {
            backend.lock().unwrap().entries.clear();
        }
        let before = counts(stage);
        stage.create_whole("Thing", saved.clone()).await;
        if with_status {
            stage.replace_status("Thing", "a", saved["status"].clone()).await;
        }
        stage.start();
        let expected = [before[0] + 1, before[1] + 1, before[2] + 1];
        stage.until_calls(&what, |calls| calls.iter().filter(|call| *call == "step sync a").count() >= expected[2]).await;
        let ready = |o: &Value| xos_harness::example::is_ready(o) && o["status"]["backendHandle"] == "entry-1";
        let restored = stage.until("Thing", "a", "Ready with its handle", ready).await;
        assert_ne!(restored["metadata"]["uid"], saved["metadata"]["uid"]);
        assert_eq!(backend.lock().unwrap().entries, [("entry-1".to_owned(), "a".to_owned())].into(), "{what}");

        // That was once.
        stage.restart().await;
        stage.create("Thing", "mark", json!({"name": "mark"})).await;
        stage.ready("Thing", "mark").await;
        let [create, update, sync] = counts(stage);
        assert_eq!((create, update, sync), (expected[0], before[1], expected[2]), "{what}");
        stage.delete("Thing", "mark").await;
        stage.gone("Thing", "mark").await;
    }

    // A copy under another name is another object.
    let mut copy = saved.clone();
    copy["metadata"]["name"] = json!("copy");
    stage.create_whole("Thing", copy).await;
    let copy = stage.ready("Thing", "copy").await;
    assert_ne!(copy["status"]["backendHandle"], "entry-1");
    assert_eq!(backend.lock().unwrap().entries.len(), 2);

    // An edit to what an earlier quiet save has made of the same spec is an edit.
    let before = stage.count("step sync a");
    stage.edit("Thing", "a", json!({"wish": null})).await;
    stage.until_calls("handled", |calls| calls.iter().filter(|call| *call == "step sync a").count() > before).await;
}
