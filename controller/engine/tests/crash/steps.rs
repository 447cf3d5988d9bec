//! A service with linked objects, a policy that makes some, steps that save in every way, and a backend that outlives
//! the controller.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use xos_model::{NaturalKey, Object};
use xos_steps::store::Save;
use xos_steps::{Policy, StepContext, StepError, SyncStep};

use crate::fuse::Fuse;

pub(crate) const MODELS: &str = r#"option app_label = "crash";
message Site (XOSBase) {
    required string name = 1 [max_length = 32];
    optional string region = 2 [max_length = 32];
    optional string code = 3 [max_length = 32, feedback_state = True];
    optional string remark = 4 [max_length = 64, feedback_state = True];
}
message Slice (XOSBase) {
    required string name = 1 [max_length = 32];
    required manytoone site->Site:slices = 2:1001;
    optional int32 size = 3;
    optional string label = 4 [max_length = 64];
    optional string note = 5 [max_length = 32];
    optional string handle = 6 [max_length = 64, feedback_state = True];
    optional int32 seen = 7 [feedback_state = True];
}
message Port (XOSBase) {
    required string name = 1 [max_length = 32, tosca_key = True];
    required manytoone slice->Slice:ports = 2:1001;
    optional int32 vlan = 3;
    optional string mac = 4 [max_length = 32, feedback_state = True];
}"#;

/// What the backend holds, and how often each step was begun, by idempotency key.
#[derive(Clone)]
pub(crate) struct Backend {
    fuse: Fuse,
    content: Arc<Mutex<BTreeMap<String, Value>>>,
    begun: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Backend {
    pub(crate) fn new(fuse: &Fuse) -> Self {
        Self { fuse: fuse.clone(), content: Arc::default(), begun: Arc::default() }
    }

    pub(crate) fn content(&self) -> BTreeMap<String, Value> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn begun(&self) -> BTreeMap<String, usize> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn begins(&self, ctx: &StepContext, o: &Object) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        *begun.entry(format!("{} {}", o.key(), ctx.idempotency_key())).or_default() += 1;
    }

    async fn put(&self, ctx: &StepContext, o: &Object, value: Value) -> Result<(), StepError> {
        let content = Arc::clone(&self.content);
        let key = o.key().to_string();
        let effect = async move { content.lock().unwrap_or_else(PoisonError::into_inner).insert(key, value) };
        self.fuse.call(ctx.setting("life")?, effect).await;
        Ok(())
    }

    async fn delete(&self, ctx: &StepContext, o: &Object) -> Result<(), StepError> {
        self.begins(ctx, o);
        let content = Arc::clone(&self.content);
        let key = o.key().to_string();
        let effect = async move { content.lock().unwrap_or_else(PoisonError::into_inner).remove(&key) };
        self.fuse.call(ctx.setting("life")?, effect).await;
        Ok(())
    }
}

/// Saves one field early and by name, the other by its end; then has its slices look again.
pub(crate) struct SyncSite(pub(crate) Backend);

impl SyncStep for SyncSite {
    type Model = Object;

    fn observes(&self) -> &str {
        "Site"
    }

    async fn sync_record(&self, ctx: &StepContext, o: &mut Object) -> Result<(), StepError> {
        self.0.begins(ctx, o);
        self.0.put(ctx, o, json!({"region": o.text("region")})).await?;
        o.set("code", json!(format!("code of {}", o.meta.name)));
        o.set("remark", json!(format!("in {}", o.text("region").unwrap_or("no region"))));
        let mut early = o.clone();
        ctx.save_with(&mut early, &Save::default().only(["code"])).await?;
        for mut slice in ctx.back_by(o, "slices")? {
            ctx.touch(&mut slice).await?;
        }
        Ok(())
    }

    async fn delete_record(&self, ctx: &StepContext, o: &Object) -> Result<(), StepError> {
        self.0.delete(ctx, o).await
    }
}

/// Its content is made of its site's and its ports' too.
pub(crate) struct SyncSlice(pub(crate) Backend);

impl SyncStep for SyncSlice {
    type Model = Object;

    fn observes(&self) -> &str {
        "Slice"
    }

    async fn sync_record(&self, ctx: &StepContext, o: &mut Object) -> Result<(), StepError> {
        self.0.begins(ctx, o);
        let site: Option<Object> = ctx.models_of("Site").named(peer(o, "site")?)?;
        let ports = ctx.back_by(o, "ports")?;
        let macs: Vec<_> = ports.iter().filter_map(|port| port.text("mac")).collect();
        let content = json!({
            "size": o.fields.get("size"), "label": o.text("label"),
            "region": site.as_ref().and_then(|site| site.text("region")), "macs": macs,
        });
        self.0.put(ctx, o, content).await?;
        o.set("handle", json!(format!("{} at {}", o.meta.name, o.fields.get("size").unwrap_or(&Value::Null))));
        Ok(())
    }

    async fn delete_record(&self, ctx: &StepContext, o: &Object) -> Result<(), StepError> {
        self.0.delete(ctx, o).await
    }
}

/// Sets a declarative field, and has its slice look again.
pub(crate) struct SyncPort(pub(crate) Backend);

impl SyncStep for SyncPort {
    type Model = Object;

    fn observes(&self) -> &str {
        "Port"
    }

    async fn sync_record(&self, ctx: &StepContext, o: &mut Object) -> Result<(), StepError> {
        self.0.begins(ctx, o);
        self.0.put(ctx, o, json!({"of": o.meta.name})).await?;
        o.set("vlan", json!(100 + o.meta.name.len()));
        // Saved before the slice is told: it is to see the mac.
        o.set("mac", json!(format!("mac of {}", o.meta.name)));
        ctx.save(o).await?;
        let slice: Option<Object> = ctx.models_of("Slice").named(peer(o, "slice")?)?;
        if let Some(mut slice) = slice {
            ctx.touch(&mut slice).await?;
        }
        Ok(())
    }

    async fn delete_record(&self, ctx: &StepContext, o: &Object) -> Result<(), StepError> {
        self.0.delete(ctx, o).await
    }
}

/// Each slice has a port, and a label.
pub(crate) struct OnePort;

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

fn peer<'a>(o: &'a Object, port: &str) -> Result<&'a str, StepError> {
    let name = o.fields.get(port).and_then(|link| link["name"].as_str());
    name.ok_or_else(|| StepError::failed(format!("{port} leads nowhere")))
}
