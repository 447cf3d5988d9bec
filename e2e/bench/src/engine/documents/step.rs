//! One step twice: as a document, and in Rust.

use serde_json::json;
use xos_model::Object;
use xos_steps::{Resync, StepContext, StepError, SyncStep};

/// The step as a document.
pub const DOCUMENT: &str = include_str!("thing.yaml");

/// The same step in Rust.
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpThing;

impl HttpThing {
    fn url(ctx: &StepContext, o: &Object) -> Result<String, StepError> {
        let url = ctx.settings()["backend_url"].as_str().ok_or_else(|| StepError::failed("backend_url is not set"))?;
        Ok(format!("{url}/things/{}", o.meta.name))
    }
}

impl SyncStep for HttpThing {
    type Model = Object;

    fn observes(&self) -> &str {
        "Thing"
    }

    fn resync(&self) -> Resync {
        Resync::Never
    }

    async fn sync_record(&self, ctx: &StepContext, o: &mut Object) -> Result<(), StepError> {
        let (first, last) = (o.text("first_name"), o.text("last_name"));
        let label = match (first, last) {
            (Some(first), Some(last)) => format!("{first} {last}"),
            (first, _) => first.unwrap_or_default().to_owned(),
        };
        let body = json!({"first_name": first, "last_name": last, "label": label});
        let request = ctx.http().put(Self::url(ctx, o)?).header("X-Generation", o.meta.generation.to_string());
        let answer = request.json(&body).send().await?.error_for_status()?;
        // As the document does, for what it does with the answer.
        answer.json::<serde_json::Value>().await?;
        Ok(())
    }

    async fn delete_record(&self, ctx: &StepContext, o: &Object) -> Result<(), StepError> {
        ctx.http().delete(Self::url(ctx, o)?).send().await?.error_for_status()?;
        Ok(())
    }
}
