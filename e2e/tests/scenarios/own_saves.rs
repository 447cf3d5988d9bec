//! What a step saves of its own object is no news for it, whatever it returns: it does not run again for that.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use xos_harness::inprocess::{Script, Scripted};
use xos_steps::{StepError, Steps};

use crate::stage::{Setup, Stage};

const MODELS: &str = "option app_label = \"ownsaves\";
    message Thing (XOSBase) { required string name = 1 [max_length = 32]; optional int32 wish = 2;
        optional int32 turn = 3 [feedback_state = True]; }";

/// The names of the objects, after what their step does; `often` saves more often than an object remembers.
const ALL: [&str; 6] = ["defers", "fails", "soothes", "succeeds", "often", "feeds"];

pub(crate) fn setup() -> Setup {
    let script: Script = Arc::new(|what, ctx, o| {
        Box::pin(async move {
            if what != "sync" {
                return Ok(());
            }
            let name = o.meta.name.clone();
            let times = if name == "often" { 12 } else { 1 };
            for _ in 0..times {
                let field = if name == "feeds" { "turn" } else { "wish" };
                let next = o.fields.get(field).and_then(Value::as_i64).unwrap_or_default() + 1;
                o.set(field, json!(next));
                ctx.save(o).await?;
            }
            match name.as_str() {
                "fails" => Err(StepError::failed("not yet")),
                "soothes" => Err(StepError::innocuous("not yet")),
                "succeeds" => Ok(()),
                _ => Err(StepError::deferred("not yet")),
            }
        })
    });
    let setup = Setup::new("ownsaves", MODELS, move |calls| {
        Steps::new().sync_step(Scripted::doing("step", "Thing", calls, Arc::clone(&script)))
    });
    setup.config(json!({"deferred_every": "2s", "backoff": {"initial": "2s", "max": "2s", "jitter": 0}}))
}

pub(crate) async fn story(stage: &mut Stage<'_>) {
    for name in ALL {
        stage.create("Thing", name, json!({"name": name})).await;
    }
    stage.until_calls("each ran", |calls| ALL.iter().all(|name| calls.contains(&format!("step sync {name}")))).await;
    stage.pass(Duration::from_secs(5)).await;
    for name in ALL {
        let runs = stage.count(&format!("step sync {name}"));
        let expected = if name == "succeeds" { 1..=1 } else { 2..=4 };
        assert!(expected.contains(&runs), "{name} ran {runs} times");
    }
}
