//! The sync step: puts people into the directory, and takes them out.

use serde_json::json;
use xos_controller::model::Meta;
use xos_controller::{StepContext, StepError, SyncStep};

use crate::models::{FullName as _, MyModel};

/// Keeps the directory at setting `directory_url` in step with the objects of MyModel.
pub struct SyncMyModel;

impl SyncStep for SyncMyModel {
    type Model = MyModel;

    async fn sync_record(&self, ctx: &StepContext, o: &mut MyModel) -> Result<(), StepError> {
        let person = json!({"first_name": o.first_name, "last_name": o.last_name, "full_name": o.full_name()});
        let url = person_url(ctx, &o.meta)?;
        let answer = ctx.http().put(&url).json(&person).send().await?;
        accept("PUT", answer).await?;
        o.backend_handle = Some(url);
        Ok(())
    }

    async fn delete_record(&self, ctx: &StepContext, o: &MyModel) -> Result<(), StepError> {
        let answer = ctx.http().delete(person_url(ctx, &o.meta)?).send().await?;
        // Already gone is as good.
        if answer.status() == reqwest::StatusCode::NOT_FOUND {
            return Ok(());
        }
        accept("DELETE", answer).await
    }
}

/// A person's id in the directory is namespace and name: unique, and known without asking.
fn person_url(ctx: &StepContext, meta: &Meta) -> Result<String, StepError> {
    let directory: String = ctx.setting("directory_url")?;
    Ok(format!("{}/people/{}.{}", directory.trim_end_matches('/'), meta.namespace, meta.name))
}

/// Anything but success is an error with the directory's own words.
async fn accept(method: &str, answer: reqwest::Response) -> Result<(), StepError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let text = answer.text().await.unwrap_or_default();
    Err(StepError::failed(format!("{method}: the directory answered {status}: {text}")))
}
