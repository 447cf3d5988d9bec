//! `plan`: what an apply would do.

mod present;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use serde_json::Value as Json;
use xos_engine::api_error::explain;
use xos_model::ObjectKey;
use xos_plan::{Change, Given, PlanError, Service};
use xos_xproto::{ModelSet, Section, nearest};

use super::folder::{Folder, FolderError};
use super::format::Format;
use super::{CommandError, Exit, validate};
use crate::cluster::{ClusterError, Target};
use crate::synchronizer::Synchronizer;
use present::{Present, Stored};

#[derive(Debug, Args)]
#[command(after_help = "\
It takes the objects as they are now (of the cluster that kubectl uses, or those of --objects), applies the files to \
a copy of them in memory, and tells what becomes of it: objects, policies, steps in their order, deletions, brakes. Nothing is \
written, and no backend is asked: steps only note that they are called, and succeed. So what they set from answers is not known, \
nor what follows from that. Policies that are documents are run; what is compiled into the program is not, and is named.
  xos plan objects.yaml --config config.yaml
  xos plan --delete Team/engines --objects now.yaml
Exit code: 0 nothing would be done, 1 something would, 2 any error.")]
pub(crate) struct PlanArgs {
    /// A file of objects (.yaml) that would be applied, with `---` between them
    #[arg(value_name = "FILE", required_unless_present = "delete")]
    files: Vec<PathBuf>,
    /// An object that would be deleted; repeat the option for others
    #[arg(long, value_name = "KIND/NAME")]
    delete: Vec<String>,
    /// Delete what was applied by kubectl, is of a kind and a namespace of the files, and is in none of them
    #[arg(long, requires = "files")]
    prune: bool,
    /// The objects as they are now, as `kubectl get -o yaml` prints them, in place of those of the cluster
    #[arg(long, value_name = "FILE", num_args = 1..)]
    objects: Vec<PathBuf>,
    /// The configuration file [default: the config.yaml in the folder of the first file, or in the nearest one above it];
    /// repeat the option for overlays
    #[arg(long, value_name = "FILE")]
    config: Vec<PathBuf>,
    /// The namespace of objects that name none; by default the one that kubectl uses
    #[arg(short, long)]
    namespace: Option<String>,
    /// Output format: text for people, json (one object) for scripts
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    target: Target,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanCommandError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("the objects have errors:\n{0}")]
    Objects(String),
    #[error("cannot read {}: {why}", path.display())]
    Read { path: PathBuf, why: String },
    #[error("cannot list {what}: {}", explain(.source))]
    List { what: String, source: Box<kube::Error> },
    #[error("`{0}` is no KIND/NAME")]
    NoObject(String),
    #[error("there is no model `{kind}`{}", .suggestion.as_ref().map(|name| format!("; did you mean `{name}`?")).unwrap_or_default())]
    NoModel { kind: String, suggestion: Option<String> },
    #[error("cannot start: {0}")]
    System(#[source] io::Error),
    #[error("cannot write the plan: {0}")]
    Output(#[from] io::Error),
}

impl CommandError for PlanCommandError {
    fn exit(&self) -> Exit {
        Exit::Usage
    }
}

/// Makes a plan, and prints it to `out`.
pub(crate) fn run(synchronizer: &Synchronizer, args: &PlanArgs, out: &mut dyn Write) -> Result<Exit, PlanCommandError> {
    let first = args.files.first().map_or(Path::new("."), PathBuf::as_path);
    let folder = Folder::read(synchronizer, &args.config, first)?;
    let present = present::read(args, &folder)?;
    let change = change(args, &folder.models, &present)?;
    let service = Service {
        name: folder.config.name.clone(),
        models: folder.models,
        properties: folder.properties,
        declared: folder.documents,
        compiled: synchronizer.steps.clone(),
        settings: folder.config.settings.clone(),
        options: folder.options,
    };
    let objects: Vec<_> = present.objects.iter().map(|stored| stored.object.clone()).collect();
    let plan = xos_plan::plan(&service, &objects, &change, Timestamp::now())?;
    match args.format {
        Format::Text => write!(out, "{plan}")?,
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, &plan).map_err(io::Error::from)?;
            writeln!(out)?;
        }
    }
    Ok(if plan.is_empty() { Exit::Success } else { Exit::Failed })
}

/// Reads what would be applied and deleted.
fn change(args: &PlanArgs, models: &ModelSet, present: &Present) -> Result<Change, PlanCommandError> {
    let mut change = Change::default();
    for (model, resource) in validate::read_objects(models, &args.files).map_err(PlanCommandError::Objects)? {
        let mut object = present::object(model, &resource).ok_or_else(|| no_name(args))?;
        if object.meta.namespace.is_empty() {
            object.meta.namespace.clone_from(&present.namespace);
        }
        let key = object.key();
        let applied = present.of(&key).map(Stored::applied).unwrap_or_default();
        let is_given = |name: &str| resource["spec"].get(name).is_some_and(|value| !value.is_null());
        let members = model.members_in(Section::Spec).map(|member| (member.camel_name(), member.name()));
        let unset = members.filter(|(camel, _)| applied.contains(camel) && !is_given(camel));
        let unset = unset.map(|(_, name)| name.to_owned()).collect();
        change.apply.push(Given { object, unset });
    }
    for text in &args.delete {
        change.delete.push(named(models, text, &present.namespace)?);
    }
    if args.prune {
        change.delete.extend(pruned(&change, present));
    }
    Ok(change)
}

fn no_name(args: &PlanArgs) -> PlanCommandError {
    let path = args.files.first().cloned().unwrap_or_default();
    PlanCommandError::Read { path, why: "an object has no name".to_owned() }
}

/// Returns the object that a text names, `Team/engines`; the kind as kubectl takes it, without its group.
fn named(models: &ModelSet, text: &str, namespace: &str) -> Result<ObjectKey, PlanCommandError> {
    let parts = text.split_once('/').filter(|(kind, name)| !kind.is_empty() && !name.is_empty());
    let (kind, name) = parts.ok_or_else(|| PlanCommandError::NoObject(text.to_owned()))?;
    let lower = kind.to_lowercase();
    let is_called = |names: &xos_crds::names::Names| lower == names.plural || lower == names.singular;
    let model = models.concrete().find(|model| is_called(&xos_crds::names::Names::of(model)));
    let Some(model) = model else {
        let suggestion = nearest(kind, models.concrete().map(|model| &model.name));
        return Err(PlanCommandError::NoModel { kind: kind.to_owned(), suggestion });
    };
    Ok(ObjectKey::new(&model.name, namespace, name))
}

/// Returns what kubectl has applied of the kinds and namespaces of a change, and is not in it.
fn pruned(change: &Change, present: &Present) -> Vec<ObjectKey> {
    let applied: Vec<_> = change.apply.iter().map(|given| given.object.key()).collect();
    let is_meant = |key: &ObjectKey| {
        let is_there = applied.contains(key) || change.delete.contains(key);
        !is_there && applied.iter().any(|one| one.model == key.model && one.namespace == key.namespace)
    };
    let live = present.objects.iter().filter(|stored| stored.object.meta.deleting.is_none() && stored.is_applied());
    live.map(|stored| stored.object.key()).filter(is_meant).collect()
}

/// Returns the text of a JSON value at a path of keys.
fn text<'a>(value: &'a Json, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests;
