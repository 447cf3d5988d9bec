//! Objects of Kubernetes that belong to objects of ours.

mod api;
mod apply;
mod index;
mod owned;
mod ready;
mod remove;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json};
use xos_expressions::Values;
use xos_model::Object;
use xos_steps::{ForeignKind, StepContext, StepError};

use super::hidden::Hidden;
use crate::compile::{By, CompiledObject, CompiledRead, CompiledSource, Target};
use crate::run::set_all;

use api::{called, get, version_of};
pub(crate) use api::{explain, list};
use apply::Applied;
use index::{Id, Watched};
use owned::Owner;
use ready::Readiness;
use watch::Looking;

/// Objects of Kubernetes that a step makes for an object of ours, and others that it reads.
#[derive(Clone, Debug)]
pub(crate) struct KubernetesDocument {
    pub(crate) reads: Vec<CompiledRead>,
    pub(crate) objects: Vec<CompiledObject>,
    pub(crate) fields: Vec<Target>,
}

impl KubernetesDocument {
    pub(crate) async fn sync(&self, ctx: &StepContext, object: &mut Object, values: Values) -> Result<(), StepError> {
        let client = ctx.kube()?;
        let mut looking = Looking::begin(ctx, client, object.key());
        let mut hidden = Hidden::default();
        let done = self.sync_with(ctx, object, values, (&mut looking, &mut hidden)).await;
        done.map_err(|error| hidden.hide(error))
    }

    async fn sync_with(
        &self,
        ctx: &StepContext,
        object: &mut Object,
        values: Values,
        (looking, hidden): (&mut Looking, &mut Hidden),
    ) -> Result<(), StepError> {
        let client = ctx.kube()?;
        let mut read = Map::new();
        for one in &self.reads {
            let value = one.read(ctx, (client, &object.meta.namespace), &values, looking).await?;
            hidden.add_objects(&value);
            read.insert(one.name.clone(), value);
        }
        let values = values.with("read", &Json::Object(read));
        let Applied { values, pending } = self.apply(ctx, object, values, looking).await?;
        let set = set_all(&self.fields, object, &values);
        match pending.into_iter().next() {
            // What is known already is shown while the rest is waited for.
            Some(first) => Err(first),
            None => Ok(set?),
        }
    }

    pub(crate) async fn delete(&self, ctx: &StepContext, object: &Object) -> Result<(), StepError> {
        let mut looking = Looking::begin(ctx, ctx.kube()?, object.key());
        self.remove_all(ctx, object, &mut looking).await
    }
}

/// Returns what shows objects of a kind in a namespace: one watch for all of them, if the synchronizer looks after all
/// namespaces. A namespace that the document names has a watch, and rights, of its own.
fn watched(ctx: &StepContext, source: &CompiledSource, namespace: &str) -> Watched {
    let is_limited = source.constant_namespace().is_some() || !ctx.shared_store().namespaces().is_empty();
    watched_kind(&source.kind, is_limited.then_some(namespace))
}

fn watched_kind(kind: &Arc<ForeignKind>, namespace: Option<&str>) -> Watched {
    let namespace = namespace.filter(|_| kind.is_namespaced).map(str::to_owned);
    Watched { kind: Arc::clone(kind), namespace, labels: None, name: None }
}

/// Returns the namespace and name of an object, as watches show them.
fn id(kind: &ForeignKind, namespace: &str, name: &str) -> Id {
    let namespace = if kind.is_namespaced { namespace } else { "" };
    (namespace.to_owned(), name.to_owned())
}

impl CompiledRead {
    /// Reads the object, or the list of them, and notes what was seen.
    async fn read(
        &self,
        ctx: &StepContext,
        (client, here): (&kube::Client, &str),
        values: &Values,
        looking: &mut Looking,
    ) -> Result<Json, StepError> {
        let kind = &self.source.kind;
        let namespace = match &self.source.namespace {
            Some(namespace) => namespace.text(values)?,
            None => here.to_owned(),
        };
        let watched = watched(ctx, &self.source, &namespace);
        match &self.by {
            By::Name(by) => {
                let name = by.text(values)?;
                let name_of_all = by.constant().map(str::to_owned);
                let found = get(client, kind, (&namespace, &name)).await?;
                let version = found.as_ref().and_then(version_of);
                looking.saw(Watched { name: name_of_all, ..watched }, id(kind, &namespace, &name), version);
                match found {
                    Some(found) => Ok(found),
                    None if self.optional => Ok(Json::Null),
                    None => {
                        let what = called(kind, &namespace, &name);
                        Err(StepError::awaits(format!("waits for {what}, which is not there (`read.{}`)", self.name)))
                    }
                }
            }
            By::Selector(selector) => {
                let selector = selector.as_ref().map(|selector| selector.text(values)).transpose()?;
                let found = list(client, kind, Some(&namespace), selector.as_deref()).await?;
                let id_of = |object: &Json| {
                    let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default().to_owned();
                    (text("namespace"), text("name"))
                };
                let all: BTreeMap<_, _> =
                    found.iter().map(|object| (id_of(object), version_of(object).unwrap_or_default())).collect();
                let namespace = kind.is_namespaced.then_some(namespace);
                looking.saw_all(Watched { labels: selector, ..watched }, namespace, all);
                Ok(Json::Array(found))
            }
        }
    }
}

/// Returns what has to be waited for until an object is ready; nothing if it is.
fn waits_for(what: &str, readiness: Readiness) -> Option<StepError> {
    match readiness {
        Readiness::Ready => None,
        Readiness::InProgress(why) => Some(StepError::awaits(format!("waits for {what}: {why}"))),
        Readiness::Failed(why) => Some(api::KubernetesError::Failed { what: what.to_owned(), why }.into()),
    }
}
