//! `pull`: shows and confirms deletions of pull steps that are held.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, PartialObjectMeta};
use kube::{Client, ResourceExt as _};
use serde_json::json;
use xos_model::brake::HeldListing;
use xos_model::names::{CONFIRM_PULL, HELD_PULL, annotation};

use super::format::Format;
use super::{CommandError, Exit};
use crate::cluster::{self, ClusterError};
use crate::config::{Config, ConfigError};
use crate::content::{self, ContentError};
use crate::synchronizer::Synchronizer;

/// How many objects are read with one request.
const PAGE: u32 = 500;
/// The field manager of a confirmation.
const MANAGER: &str = "xos-pull-confirm";

#[derive(Debug, Args)]
pub(crate) struct PullArgs {
    #[command(subcommand)]
    command: PullCommand,
}

#[derive(Debug, Subcommand)]
enum PullCommand {
    /// List the deletions that are held
    Held(HeldArgs),
    /// Confirm the deletions of a step that are held now, and no later ones
    Confirm(ConfirmArgs),
}

#[derive(Debug, Args)]
struct HeldArgs {
    /// The synchronizer's configuration file; repeat the option for overlays, whose values win
    #[arg(long, value_name = "FILE", required = true)]
    config: Vec<PathBuf>,
    /// Output format: text for people, json (one object a line) for scripts
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A confirmation is the annotation xos.opencord.org/confirm-pull on the object that carries \
xos.opencord.org/held-pull. It is for exactly the objects that are held now: if others are held when the step \
runs next, nothing is deleted. The step runs at once.
Exit code: 0, or 1 if nothing of the step is held or the cluster does not answer.")]
struct ConfirmArgs {
    /// The pull step, as in the Event PullHeld and in the metric xos_pull_held
    #[arg(value_name = "STEP")]
    step: String,
    #[command(flatten)]
    common: HeldArgs,
}

/// Why held deletions could not be shown or confirmed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PullError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Content(#[from] ContentError),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error("cannot read or annotate objects of {model}: {source}")]
    Api { model: String, source: Box<kube::Error> },
    #[error("no deletion of {step} is held{others}")]
    NothingHeld { step: String, others: String },
    #[error(
        "what is held has changed meanwhile: {step} would delete {now}; nothing was confirmed, run the command again"
    )]
    Changed { step: String, now: String },
    #[error("cannot start, or cannot write to standard output: {0}")]
    System(#[from] io::Error),
}

impl CommandError for PullError {}

/// A hold, and the object that carries it.
struct Hold {
    held: HeldListing,
    api: Api<DynamicObject>,
    model: String,
    name: String,
    namespace: String,
    resource_version: Option<String>,
}

/// Shows or confirms held deletions.
pub(crate) fn run(synchronizer: &Synchronizer, args: &PullArgs, out: &mut dyn Write) -> Result<Exit, PullError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match &args.command {
        PullCommand::Held(args) => {
            for hold in runtime.block_on(holds(synchronizer, &args.config))? {
                print(&hold, "would delete", args.format, out)?;
            }
        }
        PullCommand::Confirm(ConfirmArgs { step, common }) => {
            let all = runtime.block_on(holds(synchronizer, &common.config))?;
            let (mine, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|hold| hold.held.step == *step);
            if mine.is_empty() {
                let mut others: Vec<_> = others.into_iter().map(|hold| hold.held.step).collect();
                others.dedup();
                let others = if others.is_empty() { String::new() } else { format!(", but of {}", others.join(", ")) };
                return Err(PullError::NothingHeld { step: step.clone(), others });
            }
            for hold in mine {
                let hold = runtime.block_on(confirm(hold))?;
                print(&hold, "deletes", common.format, out)?;
            }
        }
    }
    Ok(Exit::Success)
}

fn print(hold: &Hold, verb: &str, format: Format, out: &mut dyn Write) -> io::Result<()> {
    let held = &hold.held;
    if format == Format::Json {
        let object = format!("{} {}/{}", hold.model, hold.namespace, hold.name);
        return writeln!(out, "{}", json!({"held": held, "object": object}));
    }
    writeln!(out, "{} {verb} {}", held.step, held.what())
}

/// Returns all holds of a synchronizer.
async fn holds(synchronizer: &Synchronizer, files: &[PathBuf]) -> Result<Vec<Hold>, PullError> {
    let config = Config::load_with_environment(files)?.config;
    let registry = content::here(synchronizer, &config)?.registry;
    let client = cluster::client(config.api_timeout, Some(&config.name)).await?;
    let mut found = vec![];
    for model in registry.models.concrete() {
        let kind = xos_crds::api_resource(model);
        let watched = &config.engine.namespaces;
        let apis: Vec<Api<DynamicObject>> = if watched.is_empty() {
            vec![Api::all_with(client.clone(), &kind)]
        } else {
            watched.iter().map(|namespace| Api::namespaced_with(client.clone(), namespace, &kind)).collect()
        };
        for api in apis {
            found.extend(holds_among(&client, &api, (&model.name, &kind)).await?);
        }
    }
    Ok(found)
}

async fn holds_among(
    client: &Client,
    api: &Api<DynamicObject>,
    (model, kind): (&str, &ApiResource),
) -> Result<Vec<Hold>, PullError> {
    let mut found = vec![];
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let listed = api.list_metadata(&page).await;
        let listed = listed.map_err(|source| PullError::Api { model: model.to_owned(), source: Box::new(source) })?;
        let more = listed.metadata.continue_.clone().filter(|more| !more.is_empty());
        for object in listed.items {
            let namespace = object.namespace().unwrap_or_default();
            let Some(held) = held_by(&object) else { continue };
            found.push(Hold {
                held,
                api: Api::namespaced_with(client.clone(), &namespace, kind),
                model: model.to_owned(),
                name: object.name_any(),
                namespace,
                resource_version: object.resource_version(),
            });
        }
        match more {
            Some(more) => page.continue_token = Some(more),
            None => return Ok(found),
        }
    }
}

/// Returns what an object says is held, unless it is being deleted itself.
fn held_by(object: &PartialObjectMeta) -> Option<HeldListing> {
    let text = object.annotations().get(&annotation(HELD_PULL))?;
    serde_json::from_str(text).ok().filter(|_| object.metadata.deletion_timestamp.is_none())
}

/// Confirms a hold, as long as it is what was read.
async fn confirm(mut hold: Hold) -> Result<Hold, PullError> {
    let failed = |source| PullError::Api { model: hold.model.clone(), source: Box::new(source) };
    loop {
        let patch = json!({"metadata": {
            "resourceVersion": hold.resource_version,
            "annotations": {annotation(CONFIRM_PULL): hold.held.token},
        }});
        let parameters = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        match hold.api.patch_metadata(&hold.name, &parameters, &Patch::Merge(patch)).await {
            Ok(_) => return Ok(hold),
            Err(kube::Error::Api(status)) if status.is_conflict() => {}
            Err(error) => return Err(failed(error)),
        }
        // Something else of the object has changed, or what is held.
        let now = hold.api.get_metadata_opt(&hold.name).await.map_err(failed)?;
        match now.as_ref().and_then(held_by) {
            Some(held) if held == hold.held => hold.resource_version = now.and_then(|now| now.resource_version()),
            now => {
                let now = now.map_or_else(|| "nothing".to_owned(), |held| held.what());
                return Err(PullError::Changed { step: hold.held.step, now });
            }
        }
    }
}
