//! Pull steps.

use std::time::Duration;

use futures::FutureExt as _;
use serde_json::Value as Json;
use xos_expressions::{Template, Values};
use xos_model::{Fields, Object};
use xos_steps::{Act, DynPullStep, StepContext, StepError};

use super::kubernetes::list;
use super::{is_met, values};
use crate::compile::{CompiledCommand, CompiledRequest, CompiledSource, Target};
use crate::kinds::Vanished;

/// The time from one start to the next, if the document says none.
pub(super) const PERIOD: Duration = Duration::from_secs(5);

/// A pull step.
pub(crate) struct PullDocument {
    pub(crate) name: String,
    pub(crate) revision: String,
    pub(crate) model: String,
    pub(crate) every: Option<Duration>,
    pub(crate) source: Source,
    /// None: all objects of Kubernetes that were listed.
    pub(crate) items: Option<Template>,
    pub(crate) when: Option<Template>,
    pub(crate) key: Vec<String>,
    pub(crate) fields: Vec<Target>,
    pub(crate) namespace: Option<Template>,
    pub(crate) vanished: Vanished,
    pub(crate) yielding: bool,
}

/// Where the list comes from.
pub(crate) enum Source {
    Http(Box<CompiledRequest>),
    Exec(Box<CompiledCommand>),
    /// Objects of Kubernetes, and a label selector.
    Kubernetes(Box<(CompiledSource, Option<Template>)>),
}

/// An item of the list: the values of fields, and the namespace.
struct Item {
    fields: Fields,
    namespace: Option<String>,
}

impl DynPullStep for PullDocument {
    fn name(&self) -> &str {
        &self.name
    }

    fn revision(&self) -> Option<&str> {
        Some(&self.revision)
    }

    fn observes(&self) -> &str {
        &self.model
    }

    fn period(&self) -> Duration {
        self.every.unwrap_or(PERIOD)
    }

    fn time_limit(&self) -> Option<Duration> {
        None
    }

    fn pull<'a>(&'a self, ctx: &'a StepContext) -> Act<'a> {
        async move {
            let values = values(ctx);
            let mut whole = Json::Null;
            let values = match &self.source {
                Source::Http(request) => {
                    let answer = request.send(ctx, &values).await?;
                    let answered = request.judge(answer, &values, false)?.unwrap_or_default();
                    values.with("response", &answered)
                }
                Source::Exec(command) => {
                    let result = command.run(ctx, &values).await?;
                    values.with("result", &result)
                }
                Source::Kubernetes(of) => {
                    whole = Json::Array(listed(ctx, of, &values).await?);
                    values.with("objects", &whole)
                }
            };
            let all = match &self.items {
                Some(items) => items.value(&values)?,
                None => whole,
            };
            let items = match all {
                Json::Array(items) => items,
                other => {
                    let message = format!("`items` should be a list, and is {}", kind_of(&other));
                    return Err(StepError::failed(message));
                }
            };
            self.reconcile(ctx, &values, &items).await
        }
        .boxed()
    }
}

impl PullDocument {
    async fn reconcile(&self, ctx: &StepContext, values: &Values, items: &[Json]) -> Result<(), StepError> {
        let mut read = vec![];
        let mut faults: Vec<String> = vec![];
        for (at, item) in items.iter().enumerate() {
            match self.item(ctx, &values.clone().with("item", item)) {
                Ok(Some(item)) => read.push(item),
                Ok(None) => {}
                Err(error) => faults.push(format!("item {at}: {error}")),
            }
        }
        let mut listing = ctx.listing_of(&self.model, self.key.as_slice());
        // An object that one of the unread items is about must not be taken for vanished.
        if self.vanished == Vanished::Keep || !faults.is_empty() {
            listing = listing.keep_vanished();
        }
        if self.yielding {
            listing = listing.yielding();
        }
        let new = |_: &Item| Object::named(&self.model, "", "");
        let update = |item: &Item, object: &mut Object| {
            for target in &self.fields {
                object.set(&target.name, item.fields.get(&target.name).cloned().unwrap_or_default());
            }
        };
        if self.namespace.is_some() {
            let namespace = |item: &Item| item.namespace.clone().unwrap_or_default();
            listing.reconcile_by_namespace(&read, namespace, new, update).await?;
        } else {
            listing.reconcile(&read, new, update).await?;
        }
        match faults.first() {
            None => Ok(()),
            Some(first) => {
                let message =
                    format!("{} of {} items could not be read, the first one: {first}", faults.len(), items.len());
                Err(StepError::failed(message))
            }
        }
    }

    fn item(&self, ctx: &StepContext, values: &Values) -> Result<Option<Item>, xos_expressions::EvaluationError> {
        if !is_met(self.when.as_ref(), values)? {
            return Ok(None);
        }
        let namespace = self.namespace.as_ref().map(|namespace| namespace.text(values)).transpose()?;
        let here = namespace.as_deref().unwrap_or_else(|| ctx.namespace());
        let mut fields = Fields::new();
        for target in &self.fields {
            let value = target.value(values, here)?;
            if !value.is_null() {
                fields.insert(&target.name, value);
            }
        }
        Ok(Some(Item { fields, namespace }))
    }
}

/// Lists objects of Kubernetes: in the namespace that the document names, or in all that the synchronizer looks after.
async fn listed(
    ctx: &StepContext,
    (source, selector): &(CompiledSource, Option<Template>),
    values: &Values,
) -> Result<Vec<Json>, StepError> {
    let selector = selector.as_ref().map(|selector| selector.text(values)).transpose()?;
    let namespaces = match &source.namespace {
        Some(namespace) => vec![namespace.text(values)?],
        None if source.kind.is_namespaced => ctx.shared_store().namespaces(),
        None => vec![],
    };
    let client = ctx.kube()?;
    if namespaces.is_empty() {
        return Ok(list(client, &source.kind, None, selector.as_deref()).await?);
    }
    let mut all = vec![];
    for namespace in namespaces {
        all.extend(list(client, &source.kind, Some(&namespace), selector.as_deref()).await?);
    }
    Ok(all)
}

fn kind_of(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "a bool",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "a map",
    }
}
