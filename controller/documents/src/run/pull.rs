//! Pull steps.

use std::time::Duration;

use futures::FutureExt as _;
use serde_json::Value as Json;
use xos_expressions::{Template, Values};
use xos_model::{Fields, Object};
use xos_steps::{Act, DynPullStep, StepContext, StepError};

use super::{is_met, values};
use crate::compile::{CompiledCommand, CompiledRequest, Target};
use crate::kinds::Vanished;

/// The time from one start to the next, if the document says none.
const PERIOD: Duration = Duration::from_secs(5);

/// A pull step.
pub(crate) struct PullDocument {
    pub(crate) name: String,
    pub(crate) model: String,
    pub(crate) every: Option<Duration>,
    pub(crate) source: Source,
    pub(crate) items: Template,
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
            };
            let items = match self.items.value(&values)? {
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
