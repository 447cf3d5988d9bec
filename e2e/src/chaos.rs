//! A service whose controller is killed and whose API server misbehaves: linked models, a policy that makes objects of
//! another model, and steps that save in every way.

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use xos_model::{NaturalKey, Object};
use xos_runtime::Synchronizer;
use xos_steps::store::Save;
use xos_steps::{Policy, StepContext, StepError, SyncStep};

/// The header with the process that calls the backend.
pub const PROCESS: &str = "x-process";

/// The models.
pub const MODELS: &str = r#"option app_label = "chaos";
message Site (XOSBase) {
    optional string region = 1 [max_length = 32];
    optional string code = 2 [max_length = 64, feedback_state = True];
}
message Slice (XOSBase) {
    required manytoone site->Site:slices = 1:1001;
    optional int32 size = 2;
    optional string label = 3 [max_length = 64];
    optional string handle = 4 [max_length = 64, feedback_state = True];
}
message Port (XOSBase) {
    required string name = 1 [max_length = 64, tosca_key = True];
    required manytoone slice->Slice:ports = 2:1001;
    optional int32 vlan = 3;
    optional string mac = 4 [max_length = 64, feedback_state = True];
}"#;

/// Returns the synchronizer of the service. Its setting `backend_url` is the URL of the backend.
pub fn synchronizer() -> Synchronizer {
    Synchronizer::new("xos-chaos-synchronizer")
        .models(&[("chaos.xproto", MODELS)])
        .policy(OnePort)
        .sync_step(SyncSite)
        .sync_step(SyncSlice)
        .sync_step(SyncPort)
}

async fn put(ctx: &StepContext, o: &Object, content: &Value) -> Result<(), StepError> {
    let url = url(ctx, o)?;
    let request = named(ctx, ctx.http().put(url)).json(content);
    request.send().await?.error_for_status()?;
    Ok(())
}

async fn delete(ctx: &StepContext, o: &Object) -> Result<(), StepError> {
    let request = named(ctx, ctx.http().delete(url(ctx, o)?));
    request.send().await?.error_for_status()?;
    Ok(())
}

/// Adds the headers that identify a repeated call and the calling process.
fn named(ctx: &StepContext, request: RequestBuilder) -> RequestBuilder {
    request.header("idempotency-key", ctx.idempotency_key()).header(PROCESS, std::process::id())
}

fn url(ctx: &StepContext, o: &Object) -> Result<String, StepError> {
    Ok(format!("{}/{}/{}", ctx.setting::<String>("backend_url")?, o.model, o.meta.name))
}

fn peer<'a>(o: &'a Object, port: &str) -> Result<&'a str, StepError> {
    let name = o.fields.get(port).and_then(|link| link["name"].as_str());
    name.ok_or_else(|| StepError::failed(format!("{port} leads nowhere")))
}

/// Saves a feedback field early; then touches its slices.
pub struct SyncSite;

impl SyncStep for SyncSite {
    type Model = Object;

    fn observes(&self) -> &str {
        "Site"
    }

    async fn sync_record(&self, ctx: &StepContext, o: &mut Object) -> Result<(), StepError> {
        put(ctx, o, &json!({"region": o.text("region")})).await?;
        o.set("code", json!(format!("code of {}", o.meta.name)));
        ctx.save_with(&mut o.clone(), &Save::default().only(["code"])).await?;
        for mut slice in ctx.back_by(o, "slices")? {
            ctx.touch(&mut slice).await?;
        }
        Ok(())
    }

    async fn delete_record(&self, ctx: &StepContext, o: &Object) -> Result<(), StepError> {
        delete(ctx, o).await
    }
}

/// Writes content that also depends on its site and its ports.
pub struct SyncSlice;

impl SyncStep for SyncSlice {
    type Model = Object;

    fn observes(&self) -> &str {
        "Slice"
    }

    async fn sync_record(&self, ctx: &StepContext, o: &mut Object) -> Result<(), StepError> {
        let site: Option<Object> = ctx.models_of("Site").named(peer(o, "site")?)?;
        let ports = ctx.back_by(o, "ports")?;
        let macs: Vec<_> = ports.iter().filter_map(|port| port.text("mac")).collect();
        let content = json!({
            "size": o.fields.get("size"), "label": o.text("label"), "macs": macs,
            "region": site.as_ref().and_then(|site| site.text("region")),
        });
        put(ctx, o, &content).await?;
        o.set("handle", json!(format!("{} at {}", o.meta.name, o.fields.get("size").unwrap_or(&Value::Null))));
        Ok(())
    }

    async fn delete_record(&self, ctx: &StepContext, o: &Object) -> Result<(), StepError> {
        delete(ctx, o).await
    }
}

/// Sets a declarative field, and touches its slice.
pub struct SyncPort;

impl SyncStep for SyncPort {
    type Model = Object;

    fn observes(&self) -> &str {
        "Port"
    }

    async fn sync_record(&self, ctx: &StepContext, o: &mut Object) -> Result<(), StepError> {
        put(ctx, o, &json!({"of": peer(o, "slice")?})).await?;
        o.set("vlan", json!(100 + o.meta.name.len()));
        // Saved before the slice is touched, so that its step sees the mac.
        o.set("mac", json!(format!("mac of {}", o.meta.name)));
        ctx.save(o).await?;
        let slice: Option<Object> = ctx.models_of("Slice").named(peer(o, "slice")?)?;
        if let Some(mut slice) = slice {
            ctx.touch(&mut slice).await?;
        }
        Ok(())
    }

    async fn delete_record(&self, ctx: &StepContext, o: &Object) -> Result<(), StepError> {
        delete(ctx, o).await
    }
}

/// Makes a port and a label for each slice.
pub struct OnePort;

impl Policy for OnePort {
    type Model = Object;

    fn observes(&self) -> &str {
        "Slice"
    }

    async fn handle_update(&self, ctx: &StepContext, o: &mut Object) -> Result<(), StepError> {
        let mut port = Object::named("Port", "", "");
        port.set("name", json!(format!("{}-port", o.meta.name)));
        port.set("slice", json!({"name": o.meta.name}));
        ctx.models_of("Port").find_or_create(port, NaturalKey).await?;
        o.set("label", json!(format!("{} of size {}", o.meta.name, o.fields.get("size").unwrap_or(&Value::Null))));
        Ok(())
    }
}
