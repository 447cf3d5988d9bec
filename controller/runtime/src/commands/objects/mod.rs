//! Objects that a person names on the command line, as for kubectl.

mod names;
mod touch;

use std::io;

use clap::Args;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::{Client, ResourceExt as _};
use serde_json::Value;
use xos_engine::api_error::explain;

use super::CommandError;
use crate::cluster::{ClusterError, Target};
use crate::kinds::{self, Kind, KindsError};

pub(crate) use names::{Named, NamesError, one, several};
pub(crate) use touch::touch;

/// In whose name objects are changed.
const MANAGER: &str = "kubectl-xos";

/// Objects, and the cluster that they are in.
#[derive(Args, Debug)]
pub(crate) struct ObjectsArgs {
    /// The objects: mymodel ada grace, or mymodel/ada team/engines
    #[arg(value_name = "KIND/NAME", required = true)]
    objects: Vec<String>,
    /// All objects of the kind in the namespace
    #[arg(long)]
    all: bool,
    /// Their namespace; by default the one that kubectl uses
    #[arg(short, long)]
    namespace: Option<String>,
    #[command(flatten)]
    target: Target,
}

/// Why objects could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ObjectsError {
    #[error(transparent)]
    Names(#[from] NamesError),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error(transparent)]
    Kinds(#[from] KindsError),
    #[error("`{name}` may be {known}: write one of these")]
    Ambiguous { name: String, known: String },
    #[error("there is no {kind} {name} in the namespace {namespace}")]
    NoObject { kind: String, name: String, namespace: String },
    #[error("cannot read {what}: {}", explain(.source))]
    Read { what: String, source: Box<kube::Error> },
    #[error("cannot start: {0}")]
    System(#[source] io::Error),
    #[error("cannot write to standard output: {0}")]
    Write(#[from] io::Error),
}

impl CommandError for ObjectsError {}

/// An object with its kind.
pub(crate) struct Found {
    pub(crate) kind: Kind,
    pub(crate) object: DynamicObject,
    api: Api<DynamicObject>,
}

impl Found {
    /// Returns `mymodel.example.xos.opencord.org/ada`, as kubectl calls it.
    pub(crate) fn shown(&self) -> String {
        let resource = &self.kind.resource;
        format!("{}.{}/{}", resource.kind.to_lowercase(), resource.group, self.object.name_any())
    }

    /// Returns the whole object.
    pub(crate) fn whole(&self) -> Value {
        serde_json::to_value(&self.object).unwrap_or_default()
    }

    /// Returns whether a field of spec is true.
    pub(crate) fn is_set(&self, field: &str) -> bool {
        self.object.data["spec"][field] == true
    }

    /// Returns whether the object is being deleted.
    pub(crate) fn is_deleting(&self) -> bool {
        self.object.metadata.deletion_timestamp.is_some()
    }

    /// Changes the object by a merge patch.
    pub(crate) async fn patch(&self, patch: &Value) -> Result<(), kube::Error> {
        let parameters = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        self.api.patch(&self.object.name_any(), &parameters, &Patch::Merge(patch)).await.map(drop)
    }
}

/// Reads the objects that a command is about.
pub(crate) async fn read(args: &ObjectsArgs) -> Result<Vec<Found>, ObjectsError> {
    let named = several(&args.objects, args.all)?;
    let client = args.target.client(xos_engine::API_TIMEOUT).await?;
    let kinds = kinds::of_models(&client).await?;
    let namespace = args.namespace.clone().unwrap_or_else(|| client.default_namespace().to_owned());
    let mut found = vec![];
    for Named { kind, name } in named {
        match name {
            Some(name) => {
                let (kind, object) = find(&client, &kinds, (&kind, &name), &namespace).await?;
                found.push(Found { api: kind.api(&client, Some(&namespace)), kind: kind.clone(), object });
            }
            None => {
                for kind in kinds::called(&kinds, &kind)? {
                    let api = kind.api(&client, Some(&namespace));
                    let each = |object: &DynamicObject| {
                        found.push(Found { api: api.clone(), kind: kind.clone(), object: object.clone() });
                    };
                    let listed = kinds::for_each(&api, each).await;
                    listed.map_err(|source| ObjectsError::Read { what: kind.full_name(), source: Box::new(source) })?;
                }
            }
        }
    }
    Ok(found)
}

/// Reads an object. Kinds of several groups may be called the same: one of them should have an object of the name.
pub(crate) async fn find<'a>(
    client: &Client,
    all: &'a [Kind],
    (kind, name): (&str, &str),
    namespace: &str,
) -> Result<(&'a Kind, DynamicObject), ObjectsError> {
    let called = kinds::called(all, kind)?;
    let mut found = vec![];
    for &kind in &called {
        let read = kind.api(client, Some(namespace)).get_opt(name).await;
        let object = read.map_err(|source| ObjectsError::Read {
            what: format!("{} {namespace}/{name}", kind.full_name()),
            source: Box::new(source),
        })?;
        found.extend(object.map(|object| (kind, object)));
    }
    let several: Vec<_> = found.iter().map(|(kind, _)| *kind).collect();
    match found.pop() {
        Some(one) if several.len() == 1 => Ok(one),
        Some(_) => Err(ObjectsError::Ambiguous { name: kind.to_owned(), known: kinds::full_names(several) }),
        None => Err(ObjectsError::NoObject {
            kind: kinds::full_names(called),
            name: name.to_owned(),
            namespace: namespace.to_owned(),
        }),
    }
}

/// Runs what a command does with the API server.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, ObjectsError>>) -> Result<T, ObjectsError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ObjectsError::System)?.block_on(work)
}
