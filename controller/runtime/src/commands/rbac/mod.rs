//! `rbac`: prints the rights that a synchronizer needs, and no more.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::json;
use xos_crds::names::Names;
use xos_crds::yaml::{YamlError, to_yaml};
use xos_engine::installation::object_name;
use xos_engine::{Registry, RegistryError as StepsError};
use xos_model::names::DOMAIN;
use xos_xproto::Model;

use super::{CommandError, Exit};
use crate::config::{Config, ConfigError, Definitions};
use crate::content::{self, ContentError};
use crate::models::{self, ModelsError};
use crate::rights::{Account, Extent, Group, InCluster, Rights, foreign_values, kinds, manifest};
use crate::synchronizer::Synchronizer;

#[derive(Debug, Args)]
#[command(after_help = "\
The rights follow from the models, the steps and the configuration: exactly their kinds, and no wildcard.
  my-service rbac --config config.yaml | kubectl apply -f -
With namespaces (of the configuration, or --namespace) objects are in Roles there, without any in a ClusterRole. \
Definitions, `Synchronizer` objects and admission policies belong to the whole cluster and are in another ClusterRole. \
--namespaced leaves that out: then somebody else applies the definitions (`crds`), and the configuration says \
`definitions: provided`.
With --values it prints the values of the Helm chart for a service's own image:
  my-service rbac --values > kinds.yaml && helm install my-service charts/xos-controller -f kinds.yaml
What the service's code does with the Kubernetes client itself is not known: add it by hand.
Exit code: 0 printed, 1 errors in models or configuration, 2 wrong usage or unreadable files.")]
pub(crate) struct RbacArgs {
    /// An .xproto file or a folder of such files; a synchronizer's own program has its models built in
    #[arg(value_name = "PATH", conflicts_with = "config")]
    paths: Vec<PathBuf>,
    /// The synchronizer's configuration file; repeat the option for overlays, whose values win
    #[arg(long, value_name = "FILE", required_unless_present = "values")]
    config: Vec<PathBuf>,
    /// Nothing for the whole cluster: only Roles, in the namespaces of the configuration or of --namespace
    #[arg(long)]
    namespaced: bool,
    /// A namespace whose objects it looks after, in place of those of the configuration; repeat the option for several
    #[arg(short, long = "namespace", value_name = "NAMESPACE")]
    namespaces: Vec<String>,
    /// The ServiceAccount that gets the rights, as NAME or NAMESPACE/NAME [default: the synchronizer's name, in the
    /// first namespace or in `default`]
    #[arg(long, value_name = "ACCOUNT")]
    service_account: Option<String>,
    /// Also the right to make the admission policy that sets finalizers at creation, which `admission` prints
    #[arg(long, conflicts_with = "namespaced")]
    admission: bool,
    /// A group whose kinds ModelSets in the cluster may define, as `voip.xos.opencord.org`, or with its resources, as
    /// `voip.xos.opencord.org=phones,lines`; repeat the option for several. Only with `cluster_documents`
    #[arg(long = "group", value_name = "GROUP", value_parser = group, conflicts_with = "values")]
    groups: Vec<Group>,
    /// Print the kinds as values of the Helm chart instead
    #[arg(long, conflicts_with_all = ["namespaced", "namespaces", "service_account", "admission"])]
    values: bool,
}

/// Why the rights could not be printed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RbacError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Models(#[from] ModelsError),
    #[error(transparent)]
    Content(#[from] ContentError),
    #[error(transparent)]
    Steps(#[from] StepsError),
    #[error("--namespaced: which namespaces? name them with --namespace, or in the configuration (`namespaces`)")]
    NoNamespaces,
    #[error(
        "--group is about models that are objects in the cluster, and the configuration takes none: set `cluster_documents`"
    )]
    NoObjects,
    #[error(transparent)]
    Yaml(#[from] YamlError),
    #[error("cannot write to standard output: {0}")]
    Write(#[from] io::Error),
}

impl CommandError for RbacError {
    fn exit(&self) -> Exit {
        match self {
            Self::Models(error) => error.exit(),
            Self::NoNamespaces | Self::NoObjects => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}

/// Prints the rights.
pub(crate) fn run(synchronizer: &Synchronizer, args: &RbacArgs, out: &mut dyn Write) -> Result<Exit, RbacError> {
    if args.values {
        write!(out, "{}", values(synchronizer, args)?)?;
        return Ok(Exit::Success);
    }
    let config = Config::load_with_environment(&args.config)?.config;
    let service = content::here(synchronizer, &config)?;
    let (registry, steps) = (service.registry, service.steps);
    let namespaces =
        if args.namespaces.is_empty() { config.engine.namespaces.clone() } else { args.namespaces.clone() };
    if args.namespaced && namespaces.is_empty() {
        return Err(RbacError::NoNamespaces);
    }
    let extent = Extent {
        everywhere: namespaces.is_empty(),
        finalizers_at_creation: config.finalizers_at_creation,
        admission: args.admission,
        // As in a pod.
        elects: config.leader_election.unwrap_or(true),
        in_cluster: in_cluster(&config, args)?,
        serves_api: config.api.is_some(),
    };
    let rights = Rights::of(&config.name, &registry.models, &extent).with(&steps.uses);
    let name = object_name(&config.name);
    let account = account(args.service_account.as_deref(), &name, &namespaces);
    let namespaced = args.namespaced || config.definitions == Definitions::Provided;
    write!(out, "{}", manifest(&format!("xos-{name}"), &rights, &account, &namespaces, namespaced))?;
    Ok(Exit::Success)
}

/// Returns what is allowed of models and documents in the cluster.
fn in_cluster(config: &Config, args: &RbacArgs) -> Result<Option<InCluster>, RbacError> {
    match &config.cluster_documents {
        Some(of) => Ok(Some(InCluster { namespace: of.namespace.clone(), groups: args.groups.clone() })),
        None if args.groups.is_empty() => Ok(None),
        None => Err(RbacError::NoObjects),
    }
}

/// Reads a group, with or without its resources.
fn group(text: &str) -> Result<Group, String> {
    let (name, resources) = text.split_once('=').unwrap_or((text, ""));
    if !name.ends_with(&format!(".{DOMAIN}")) {
        return Err(format!("the groups of models end with .{DOMAIN}"));
    }
    let resources = resources.split(',').filter(|one| !one.is_empty()).map(str::to_owned);
    Ok(Group { name: name.to_owned(), resources: resources.collect() })
}

fn account(given: Option<&str>, synchronizer: &str, namespaces: &[String]) -> Account {
    let home = namespaces.first().map_or("default", String::as_str);
    let (namespace, name) = match given {
        Some(given) => given.split_once('/').unwrap_or((home, given)),
        None => (home, synchronizer),
    };
    Account { name: name.to_owned(), namespace: namespace.to_owned() }
}

/// Returns the kinds as values of the chart, each group with whether finalizers are set on its objects, and whether they
/// may take values from Secrets.
fn values(synchronizer: &Synchronizer, args: &RbacArgs) -> Result<String, RbacError> {
    let (registry, uses) = if args.config.is_empty() {
        let models = models::named(synchronizer, "rbac --values", &args.paths)?;
        // The name is in no kind.
        (Arc::new(Registry::new("any", &models, &synchronizer.steps)?), synchronizer.steps.uses.clone())
    } else {
        let service = content::here(synchronizer, &Config::load_with_environment(&args.config)?.config)?;
        (service.registry, service.steps.uses)
    };
    let models = Arc::clone(&registry.models);
    let groups = kinds(&models).into_iter().map(|(group, resources)| {
        let handled = registry.entries().filter(|entry| entry.resource.group == group);
        let held = handled
            .into_iter()
            .any(|entry| entry.step.is_some() || !entry.policies.is_empty() || entry.finalizers.all().next().is_some());
        let mut of_group = json!({"group": group, "held": held, "resources": resources});
        let is_of_it = |model: &&Model| Names::of(model).group == group;
        // Only then, as the right to read Secrets is a great one.
        if models.concrete().filter(is_of_it).any(|model| model.secret_sources().next().is_some()) {
            of_group["secrets"] = json!(true);
        }
        of_group
    });
    let mut values = json!({"kinds": groups.collect::<Vec<_>>()});
    let uses = foreign_values(&uses);
    if !uses.is_empty() {
        values["uses"] = json!(uses);
    }
    Ok(to_yaml(&values)?)
}

#[cfg(test)]
mod tests;
