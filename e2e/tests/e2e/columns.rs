//! `kubectl get` says of every object whether it is Ready and why: STATUS is never empty, and never `OK` where READY is
//! not True; `-o wide` shows what the model's author chose.

use std::sync::Arc;

use serde_json::{Value, json};
use xos_harness::example::condition;
use xos_harness::inprocess::{Calls, Controller, Objects, Script, Scripted};
use xos_harness::namespace;
use xos_runtime::Synchronizer;
use xos_steps::StepError;

const MODELS: &str = "option app_label = \"columns\";
    message Site (XOSBase) { required string name = 1 [max_length = 32, tosca_key = True]; }
    message Base (XOSBase) { option abstract = True; optional string rack = 1 [max_length = 9];
        optional string row = 2 [max_length = 9]; }
    message Thing (Base) { option columns = \"row, site\";
        required string name = 1 [max_length = 32, tosca_key = True];
        optional manytoone site->Site:things = 2:1001; optional int32 port = 3; }";

#[tokio::test]
async fn kubectl_get_says_what_an_object_is_ready_or_not_for() {
    namespace::with("columns", async |namespace| {
        let calls = Calls::default();
        let script: Script = Arc::new(|what, _, o| {
            let fails = what == "create" && o.text("name") == Some("failing");
            Box::pin(async move { if fails { Err(StepError::failed("no policy today")) } else { Ok(()) } })
        });
        let synchronizer = Synchronizer::new("columns")
            .models(&[("columns.xproto", MODELS)])
            .sync_step(Scripted::noting("step", "Thing", &calls))
            .policy(Scripted::doing("policy", "Thing", &calls, script));
        let controller = Controller::start(namespace, "columns", synchronizer, &json!({})).unwrap();
        let objects = Objects::new(namespace, MODELS).unwrap();
        for model in ["Site", "Thing"] {
            objects.served(model).await.unwrap();
        }
        objects.create("Thing", "fine", json!({"name": "fine"})).await.unwrap();
        objects.create("Thing", "failing", json!({"name": "failing"})).await.unwrap();
        objects.create("Thing", "waiting", json!({"name": "waiting", "site": {"name": "rome"}})).await.unwrap();
        objects.create("Thing", "held", json!({"name": "held", "noSync": true})).await.unwrap();
        objects.ready("Thing", "fine").await.unwrap();
        objects.create("Thing", "second", json!({"name": "fine"})).await.unwrap();
        // Nobody handles sites.
        objects.create("Site", "paris", json!({"name": "paris"})).await.unwrap();
        objects.ready("Site", "paris").await.unwrap();
        let expected = [
            ("fine", "True", "SyncSucceeded", "OK"),
            ("failing", "False", "PolicyFailed", "no policy today"),
            ("waiting", "False", "WaitingForDependency", "waits for Site rome, which does not exist"),
            ("held", "True", "NoSync", "spec.noSync is set: there is nothing to do"),
            ("second", "False", "NotUnique", "Thing fine has name \"fine\" already; change or delete one of them"),
        ];
        for (name, ready, reason, _) in expected {
            let told =
                |o: &Value| condition(o, "Ready")["reason"] == reason && condition(o, "Ready")["status"] == ready;
            objects.until("Thing", name, reason, told).await.unwrap();
        }
        // The step of the failing one has succeeded by now.
        let synced = |o: &Value| condition(o, "Synced")["status"] == "True";
        objects.until("Thing", "failing", "synced", synced).await.unwrap();
        let table = async |what: &str| namespace.kubectl(&["get", what]).await.unwrap();
        let things = table("things.columns.xos.opencord.org").await;
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&things)[..7], ["NAME", "XOS", "NAME", "READY", "REASON", "STATUS", "AGE"]);
        for (name, ready, reason, status) in expected {
            let line = things.lines().find(|line| line.starts_with(name)).unwrap();
            let at = |part: &str| line.find(part).unwrap_or_else(|| panic!("{part} in {line}"));
            assert!(at(&format!(" {ready} ")) < at(reason) && at(reason) < at(&format!(" {status} ")), "{things}");
        }
        let wide = namespace.kubectl(&["get", "things.columns.xos.opencord.org", "-o", "wide"]).await.unwrap();
        assert_eq!(words(&wide)[7..11], ["SYNCED", "CODE", "ROW", "SITE"], "{wide}");
        assert!(!wide.contains("RACK") && !wide.contains("PORT"), "{wide}");
        let described = namespace.kubectl(&["describe", "things.columns.xos.opencord.org", "fine"]).await.unwrap();
        let line = |start: &str| described.lines().map(str::trim).find(|line| line.starts_with(start));
        assert!(line("Sync:").is_some_and(|line| line.contains("handled=")), "{described}");
        assert!(line("Policy:").is_some_and(|line| line.contains("handled=")), "{described}");
        assert!(
            described.lines().any(|line| line.contains(" Sync Succeeded ") && line.ends_with(" step")),
            "{described}"
        );
        let bookkeeping = described.lines().skip_while(|line| line.trim() != "Synchronizers:").skip(1);
        let bookkeeping: Vec<_> = bookkeeping.take_while(|line| line.starts_with("    ")).collect();
        assert!(bookkeeping.len() <= 4, "{bookkeeping:?}");
        let sites = table("sites.columns.xos.opencord.org").await;
        assert!(sites.contains("True    NothingToDo   no synchronizer has anything to do with it"), "{sites}");
        controller.stop().await.unwrap();
        objects.create("Site", "oslo", json!({"name": "oslo"})).await.unwrap();
        let sites = table("sites.columns.xos.opencord.org").await;
        assert!(sites.contains("no synchronizer has handled the object yet"), "{sites}");
    })
    .await
    .unwrap();
}
