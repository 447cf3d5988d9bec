//! `self-test`: makes an object, waits until it is Ready, deletes it, and waits until it is gone.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use kube::api::{Api, DeleteParams, DynamicObject, PostParams};
use kube::core::GroupVersionKind;
use kube::discovery::pinned_kind;
use kube::{Client, ResourceExt as _};
use serde_json::Value;
use tokio::time::{Instant, sleep};
use xos_engine::api_error::explain;
use xos_model::condition::READY;

use super::{CommandError, Exit};
use crate::cluster::{self, ClusterError};
use crate::config::parse_duration;

/// How often the object is looked at.
const MOMENT: Duration = Duration::from_millis(250);
/// The field manager of the object.
const MANAGER: &str = "xos/self-test";

#[derive(Debug, Args)]
#[command(after_help = "\
The object is a manifest, as for kubectl; with `generateName` in place of a name it disturbs no other object. It is \
deleted in any case. `helm test` runs this command with the object of the chart's values.
  xos self-test -f object.yaml -n default
Exit code: 0, or 1 if the object is not Ready, or not gone, in time.")]
pub(crate) struct SelfTestArgs {
    /// The manifest of an object
    #[arg(short, long = "filename", value_name = "FILE")]
    file: PathBuf,
    /// The namespace, if the manifest has none
    #[arg(short, long)]
    namespace: Option<String>,
    /// How long each of the two may take: to be Ready, and to be gone
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = limit)]
    limit: Duration,
}

fn limit(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "a duration such as `30s` or `5m`".to_owned())
}

/// Why the test did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SelfTestError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} is not the manifest of one object: {reason}", path.display())]
    Manifest { path: PathBuf, reason: String },
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error("cannot {what}: {}", explain(.source))]
    Api { what: String, source: Box<kube::Error> },
    #[error("{name} is not Ready after {limit:?}: {state}")]
    NotReady { name: String, limit: Duration, state: String },
    #[error("{name} is not gone {limit:?} after its deletion: {state}")]
    NotGone { name: String, limit: Duration, state: String },
    #[error("cannot start: {0}")]
    System(#[source] io::Error),
    #[error("cannot write to standard output: {0}")]
    Write(#[from] io::Error),
}

impl CommandError for SelfTestError {
    fn exit(&self) -> Exit {
        match self {
            Self::Read { .. } | Self::Manifest { .. } => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}

fn api_error(what: impl Into<String>) -> impl FnOnce(kube::Error) -> SelfTestError {
    let what = what.into();
    move |source| SelfTestError::Api { what, source: Box::new(source) }
}

/// Runs the test.
pub(crate) fn run(args: &SelfTestArgs, out: &mut dyn Write) -> Result<Exit, SelfTestError> {
    let object = read(args)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(SelfTestError::System)?;
    runtime.block_on(async {
        let client = cluster::client(xos_engine::API_TIMEOUT, None).await?;
        test(&client, object, args, out).await
    })
}

fn read(args: &SelfTestArgs) -> Result<DynamicObject, SelfTestError> {
    let path = &args.file;
    let text = fs::read_to_string(path).map_err(|source| SelfTestError::Read { path: path.clone(), source })?;
    let wrong = |reason: String| SelfTestError::Manifest { path: path.clone(), reason };
    let value: Value = serde_saphyr::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let object: DynamicObject = serde_json::from_value(value).map_err(|error| wrong(error.to_string()))?;
    if object.types.is_none() {
        return Err(wrong("it has no apiVersion and kind".to_owned()));
    }
    if object.metadata.name.is_none() && object.metadata.generate_name.is_none() {
        return Err(wrong("it has neither a name nor a generateName".to_owned()));
    }
    Ok(object)
}

async fn test(
    client: &Client,
    object: DynamicObject,
    args: &SelfTestArgs,
    out: &mut dyn Write,
) -> Result<Exit, SelfTestError> {
    let types = object.types.clone().unwrap_or_default();
    let kind = GroupVersionKind::try_from(types)
        .map_err(|error| SelfTestError::Manifest { path: args.file.clone(), reason: error.to_string() })?;
    let (resource, _) = pinned_kind(client, &kind).await.map_err(api_error(format!("find the kind {}", kind.kind)))?;
    let given = object.namespace().or_else(|| args.namespace.clone());
    let namespace = given.unwrap_or_else(|| client.default_namespace().to_owned());
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &namespace, &resource);
    let parameters = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
    let made = api.create(&parameters, &object).await.map_err(api_error(format!("create a {}", kind.kind)))?;
    let name = made.name_any();
    let whole = format!("{} {namespace}/{name}", kind.kind);
    writeln!(out, "made {whole}")?;
    let start = Instant::now();
    let ready = wait(&api, &name, args.limit, is_ready).await;
    if let Ok(Seen::Yes) = ready {
        writeln!(out, "{whole} is Ready after {:.1} s", start.elapsed().as_secs_f64())?;
    }
    let delete = api.delete(&name, &DeleteParams::default()).await.map_err(api_error(format!("delete {whole}")));
    if let Seen::No(state) = ready? {
        return Err(SelfTestError::NotReady { name: whole, limit: args.limit, state });
    }
    delete?;
    let start = Instant::now();
    if let Seen::No(state) = wait(&api, &name, args.limit, |object| object.is_none()).await? {
        return Err(SelfTestError::NotGone { name: whole, limit: args.limit, state });
    }
    writeln!(out, "{whole} is gone after {:.1} s", start.elapsed().as_secs_f64())?;
    Ok(Exit::Success)
}

/// Whether what was waited for came about; if not, the last state.
enum Seen {
    Yes,
    No(String),
}

async fn wait(
    api: &Api<DynamicObject>,
    name: &str,
    limit: Duration,
    is_done: impl Fn(Option<&DynamicObject>) -> bool,
) -> Result<Seen, SelfTestError> {
    let end = Instant::now() + limit;
    loop {
        let object = api.get_opt(name).await.map_err(api_error(format!("read {name}")))?;
        if is_done(object.as_ref()) {
            return Ok(Seen::Yes);
        }
        if Instant::now() >= end {
            return Ok(Seen::No(object.as_ref().map_or_else(|| "there is no such object".to_owned(), state)));
        }
        sleep(MOMENT).await;
    }
}

fn ready_of(object: &DynamicObject) -> Option<&Value> {
    object.data["status"]["conditions"].as_array()?.iter().find(|one| one["type"] == READY)
}

fn is_ready(object: Option<&DynamicObject>) -> bool {
    object.is_some_and(|object| {
        let is_current = object.data["status"]["observedGeneration"].as_i64() == object.metadata.generation;
        is_current && ready_of(object).is_some_and(|ready| ready["status"] == "True")
    })
}

/// Returns what an object says of itself.
fn state(object: &DynamicObject) -> String {
    match ready_of(object) {
        Some(ready) => format!(
            "Ready is {}, {}: {}",
            ready["status"].as_str().unwrap_or_default(),
            ready["reason"].as_str().unwrap_or_default(),
            ready["message"].as_str().unwrap_or_default()
        ),
        None => "it has no condition Ready: no synchronizer has seen it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(status: &Value) -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": "a.b/v1", "kind": "A", "metadata": {"name": "a", "generation": 2}, "status": status,
        }))
        .unwrap()
    }

    #[test]
    fn an_object_is_ready_when_its_present_generation_is() {
        let ready = json!([{"type": "Ready", "status": "True", "reason": "SyncSucceeded", "message": "OK"}]);
        assert!(is_ready(Some(&object(&json!({"observedGeneration": 2, "conditions": ready})))));
        assert!(!is_ready(Some(&object(&json!({"observedGeneration": 1, "conditions": ready})))));
        assert!(!is_ready(Some(&object(&json!({"observedGeneration": 2})))) && !is_ready(None));
        let failed = json!([{"type": "Ready", "status": "False", "reason": "SyncFailed", "message": "away"}]);
        assert_eq!(state(&object(&json!({"conditions": failed}))), "Ready is False, SyncFailed: away");
    }

    #[test]
    fn a_manifest_has_a_kind_and_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("object.yaml");
        let args = SelfTestArgs { file: file.clone(), namespace: None, limit: Duration::ZERO };
        for (text, reason) in
            [("metadata: {name: a}", "no apiVersion"), ("apiVersion: v1\nkind: A\nmetadata: {}", "neither")]
        {
            fs::write(&file, text).unwrap();
            let error = read(&args).unwrap_err();
            assert!(error.to_string().contains(reason) && error.exit() == Exit::Usage, "{error}");
        }
        fs::write(&file, "apiVersion: v1\nkind: A\nmetadata: {generateName: a-}").unwrap();
        assert!(read(&args).is_ok());
    }
}
