//! The sync steps: put teams and people into the directory, and remove them from it.

use xos_controller::model::Meta;
use xos_controller::reqwest::{Response, StatusCode};
use xos_controller::serde_json::json;
use xos_controller::{StepContext, StepError, SyncStep};

use crate::models::{MyModel, Team};

/// Pushes the objects of Team to the directory.
pub struct SyncTeam;

impl SyncStep for SyncTeam {
    type Model = Team;

    async fn sync_record(&self, ctx: &StepContext, o: &mut Team) -> Result<(), StepError> {
        let url = url(ctx, "teams", &o.meta.namespace, &o.meta.name)?;
        accept("PUT", ctx.http().put(&url).json(&json!({"name": o.name})).send().await?).await?;
        o.backend_handle = Some(url);
        Ok(())
    }

    async fn delete_record(&self, ctx: &StepContext, o: &Team) -> Result<(), StepError> {
        remove(ctx, url(ctx, "teams", &o.meta.namespace, &o.meta.name)?).await
    }
}

/// Pushes the objects of MyModel to the directory, whose URL is the setting `directory_url`.
pub struct SyncMyModel;

impl SyncStep for SyncMyModel {
    type Model = MyModel;

    async fn sync_record(&self, ctx: &StepContext, o: &mut MyModel) -> Result<(), StepError> {
        let full_name = o.full_name(ctx)?;
        let mut person = json!({"first_name": o.first_name, "last_name": o.last_name, "full_name": full_name});
        if let Some(team) = &o.team {
            let namespace = team.namespace.as_deref().unwrap_or(&o.meta.namespace);
            person["team"] = id(namespace, &team.name).into();
        }
        let url = person_url(ctx, &o.meta)?;
        let answer = ctx.http().put(&url).json(&person).send().await?;
        accept("PUT", answer).await?;
        o.backend_handle = Some(url);
        Ok(())
    }

    async fn delete_record(&self, ctx: &StepContext, o: &MyModel) -> Result<(), StepError> {
        remove(ctx, person_url(ctx, &o.meta)?).await
    }
}

async fn remove(ctx: &StepContext, url: String) -> Result<(), StepError> {
    let answer = ctx.http().delete(url).send().await?;
    // It is no error if it was removed before.
    if answer.status() == StatusCode::NOT_FOUND {
        return Ok(());
    }
    accept("DELETE", answer).await
}

fn person_url(ctx: &StepContext, meta: &Meta) -> Result<String, StepError> {
    url(ctx, "people", &meta.namespace, &meta.name)
}

fn url(ctx: &StepContext, what: &str, namespace: &str, name: &str) -> Result<String, StepError> {
    Ok(format!("{}/{what}/{}", directory(ctx)?, id(namespace, name)))
}

/// Returns the directory's URL.
pub(crate) fn directory(ctx: &StepContext) -> Result<String, StepError> {
    let url: String = ctx.setting("directory_url")?;
    Ok(url.trim_end_matches('/').to_owned())
}

/// Returns the id of an object in the directory. It consists of namespace and name, so it is unique and known in
/// advance.
fn id(namespace: &str, name: &str) -> String {
    format!("{namespace}.{name}")
}

/// Returns an error with the directory's message unless it answered with success.
async fn accept(method: &str, answer: Response) -> Result<(), StepError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let text = answer.text().await.unwrap_or_default();
    Err(StepError::failed(format!("{method}: the directory answered {status}: {text}")))
}
