//! A backend that answers with an empty list deletes nothing before that is confirmed.

use std::time::Duration;

use serde_json::{Value, json};
use xos_model::{NaturalKey, Object};
use xos_steps::{PullStep, StepContext, StepError, Steps};

use crate::stage::{Setup, Stage};

const MODELS: &str = "option app_label = \"heldlisting\";
    message Backend (XOSBase) { required string name = 1 [max_length = 32];
        required int32 things = 2; }
    message Thing (XOSBase) { required string serial = 1 [max_length = 32, tosca_key = True]; }";
const HELD: &str = "xos.opencord.org/held-pull";

/// Lists as many things as the object `Backend` says.
struct PullThings;

impl PullStep for PullThings {
    type Model = Object;
    fn observes(&self) -> &str {
        "Thing"
    }
    fn period(&self) -> Duration {
        Duration::from_millis(200)
    }
    async fn pull_records(&self, ctx: &StepContext) -> Result<(), StepError> {
        let backend = ctx.models_of("Backend").named("b")?.ok_or_else(|| StepError::failed("no backend"))?;
        let things = backend.fields.get("things").and_then(Value::as_u64).unwrap_or_default();
        let serials: Vec<_> = (0..things).map(|n| format!("s{n:02}")).collect();
        let new = |_: &String| Object::named("Thing", "", "");
        ctx.listing_of("Thing", NaturalKey).reconcile(&serials, new, |serial, o| o.set("serial", json!(serial))).await?;
        Ok(())
    }
}

pub(crate) fn setup() -> Setup {
    Setup::new("heldlisting", MODELS, |_| Steps::new().pull_step(PullThings))
}

fn held(object: &Value) -> Option<Value> {
    serde_json::from_str(object["metadata"]["annotations"][HELD].as_str()?).ok()
}

async fn count(stage: &Stage<'_>) -> usize {
    let mut count = 0;
    for n in 0..30 {
        count += usize::from(!stage.get("Thing", &format!("s{n:02}")).await.is_null());
    }
    count
}

pub(crate) async fn story(stage: &mut Stage<'_>) {
    stage.create("Backend", "b", json!({"name": "b", "things": 30})).await;
    stage.until("Thing", "s29", "made", |o| !o.is_null()).await;

    // A few are deleted at once.
    stage.edit("Backend", "b", json!({"things": 25})).await;
    stage.gone("Thing", "s25").await;
    stage.gone("Thing", "s29").await;

    stage.edit("Backend", "b", json!({"things": 0})).await;
    let bearer = stage.until("Thing", "s00", "held", |o| held(o).is_some()).await;
    let said = held(&bearer).unwrap();
    assert_eq!((&said["step"], &said["of"], &said["kinds"]), (&json!("PullThings"), &json!(25), &json!({"Thing": 25})));
    stage.pass(Duration::from_secs(2)).await;
    assert_eq!(count(stage).await, 25);

    // What it was held for is over, and so is the hold.
    stage.edit("Backend", "b", json!({"things": 25})).await;
    stage.until("Thing", "s00", "free", |o| held(o).is_none()).await;
    stage.edit("Backend", "b", json!({"things": 1})).await;
    let bearer = stage.until("Thing", "s01", "held", |o| held(o).is_some()).await;
    let confirm = |token: &Value| json!({"metadata": {"annotations": {"xos.opencord.org/confirm-pull": token}}});
    stage.patch("Thing", "s01", confirm(&said["token"])).await;
    stage.restart().await;
    stage.pass(Duration::from_secs(2)).await;
    assert_eq!(count(stage).await, 25, "it was confirmed of others");

    stage.patch("Thing", "s01", confirm(&held(&bearer).unwrap()["token"])).await;
    for n in 1..25 {
        stage.gone("Thing", &format!("s{n:02}")).await;
    }
    assert_eq!(count(stage).await, 1, "and what is listed stays");
}
