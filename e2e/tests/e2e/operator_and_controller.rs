//! An operator's `kubectl apply` and the saves of a controller do not overwrite each other.

use std::sync::Arc;

use serde_json::{Value, json};
use xos_harness::inprocess::{Calls, Controller, Objects, Script, Scripted};
use xos_harness::namespace;
use xos_runtime::Synchronizer;
use xos_steps::Save;

const MODELS: &str = "option app_label = \"saves\";
    message Port (XOSBase) { required string name = 1 [max_length = 32]; optional string admin = 2 [max_length = 32];
        optional int32 vlan = 3; }";

/// Returns a synchronizer that sets both fields, but leaves `admin` to an operator who has set it.
fn synchronizer(calls: &Calls) -> Synchronizer {
    let script: Script = Arc::new(|what, ctx, o| {
        Box::pin(async move {
            if what == "sync" {
                let mut own = o.clone();
                own.set("admin", json!("enabled"));
                own.set("vlan", json!(222));
                ctx.save_with(&mut own, &Save::quietly().yielding()).await?;
                *o = own;
            }
            Ok(())
        })
    });
    Synchronizer::new("saves")
        .models(&[("saves.xproto", MODELS)])
        .sync_step(Scripted::doing("step", "Port", calls, script))
}

#[tokio::test]
async fn an_apply_keeps_what_a_controller_set_and_may_win() {
    namespace::with("saves", async |namespace| {
        let calls = Calls::default();
        let controller = Controller::start(namespace, "saves", synchronizer(&calls), &Value::Null).unwrap();
        let objects = Objects::new(namespace, MODELS).unwrap();
        objects.served("Port").await.unwrap();
        let manifest = |name: &str, spec: Value| {
            json!({"apiVersion": "saves.xos.opencord.org/v1", "kind": "Port", "metadata": {"name": name}, "spec": spec})
                .to_string()
        };
        namespace.apply(&manifest("free", json!({"name": "a"}))).await.unwrap();
        namespace.apply(&manifest("held", json!({"name": "b", "admin": "disabled"}))).await.unwrap();
        let free = objects.ready("Port", "free").await.unwrap();
        assert_eq!((&free["spec"]["admin"], &free["spec"]["vlan"]), (&json!("enabled"), &json!(222)));
        let held = objects.ready("Port", "held").await.unwrap();
        assert_eq!((&held["spec"]["admin"], &held["spec"]["vlan"]), (&json!("disabled"), &json!(222)));

        // Applying the same file again changes nothing, client-side and server-side; a new value changes only that
        // field.
        let same = namespace.apply(&manifest("held", json!({"name": "b", "admin": "disabled"}))).await.unwrap();
        assert!(same.contains("unchanged"), "{same}");
        let arguments = ["apply", "--server-side", "-f", "-"];
        let input = manifest("free", json!({"name": "renamed"}));
        let applied = namespace.feed(&[&arguments[..], &["--force-conflicts"]].concat(), &input).await.unwrap();
        assert!(applied.status.success(), "{}", applied.all());
        let free = objects
            .until("Port", "free", "renamed", |o| o["spec"]["name"] == "renamed" && xos_harness::example::is_ready(o));
        let free = free.await.unwrap();
        assert_eq!((&free["spec"]["admin"], &free["spec"]["vlan"]), (&json!("enabled"), &json!(222)));
        let mut all = calls.all();
        all.sort();
        assert_eq!(all, ["step sync free", "step sync free", "step sync held"], "its own saves run nobody");

        // The operator may change what the controller set, and owns it from then on.
        objects.edit("Port", "free", json!({"admin": "disabled"})).await.unwrap();
        let taken = objects.until("Port", "free", "handled", |o| {
            o["spec"]["admin"] == "disabled" && xos_harness::example::is_ready(o)
        });
        assert_eq!(taken.await.unwrap()["spec"]["admin"], "disabled");
        controller.stop().await.unwrap();
        assert_eq!(calls.all().len(), 4, "and once for this edit: {:?}", calls.all());
    })
    .await
    .unwrap();
}
