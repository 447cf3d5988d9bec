//! Event steps.

use serde_json::{Map, Value as Json, json};
use xos_expressions::Template;
use xos_model::Object;
use xos_steps::{BusEvent, EventStep, StepContext, StepError};

use super::{is_met, set_all, values};
use crate::compile::Target;
use crate::kinds::SaveMode;

/// How many messages are handled at the same time, if the document does not say it.
pub(super) const CONCURRENCY: usize = 16;

/// An event step.
pub(crate) struct EventDocument {
    pub(crate) name: String,
    pub(crate) revision: String,
    pub(crate) topics: Vec<String>,
    pub(crate) pattern: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) concurrency: Option<usize>,
    pub(crate) when: Option<Template>,
    pub(crate) model: String,
    pub(crate) key: Vec<String>,
    pub(crate) fields: Vec<Target>,
    pub(crate) create: bool,
    pub(crate) save: SaveMode,
}

impl EventStep for EventDocument {
    fn topics(&self) -> Vec<String> {
        self.topics.clone()
    }

    fn pattern(&self) -> Option<String> {
        self.pattern.clone()
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn revision(&self) -> Option<&str> {
        Some(&self.revision)
    }

    fn group(&self, synchronizer: &str) -> String {
        self.group.clone().unwrap_or_else(|| format!("{synchronizer}.{}", self.name))
    }

    fn concurrency(&self) -> usize {
        self.concurrency.unwrap_or(CONCURRENCY)
    }

    async fn process_event(&self, ctx: &StepContext, event: &BusEvent) -> Result<(), StepError> {
        let values = values(ctx).with("event", &seen(event));
        if !is_met(self.when.as_ref(), &values)? {
            return Ok(());
        }
        let mut new = Object::named(&self.model, ctx.namespace(), "");
        // What one event lacks it lacks for ever.
        set_all(&self.fields, &mut new, &values).map_err(|error| BusEvent::unusable(error.to_string()))?;
        let mut object = match self.found(ctx, &new).await? {
            Some((object, true)) => {
                if self.save == SaveMode::Quietly {
                    return Ok(());
                }
                object
            }
            Some((mut object, false)) => {
                for target in &self.fields {
                    object.set(&target.name, new.fields.get(&target.name).cloned().unwrap_or_default());
                }
                object
            }
            None => {
                let key: Vec<_> =
                    self.key.iter().map(|field| format!("{field} {}", new.fields[field.as_str()])).collect();
                return Err(StepError::deferred(format!("there is no {} with {}", self.model, key.join(", "))));
            }
        };
        match self.save {
            SaveMode::Quietly => ctx.save(&mut object).await?,
            SaveMode::Touch => ctx.touch(&mut object).await?,
        }
        Ok(())
    }
}

impl EventDocument {
    /// Returns the object, and whether it was made.
    async fn found(&self, ctx: &StepContext, new: &Object) -> Result<Option<(Object, bool)>, StepError> {
        let mut models = ctx.models_of(&self.model);
        if self.create {
            return Ok(Some(models.find_or_create(new.clone(), self.key.as_slice()).await?));
        }
        for field in &self.key {
            models = models.filter(field.as_str(), new.fields.get(field).cloned().unwrap_or_default());
        }
        Ok(models.first()?.map(|object| (object, false)))
    }
}

/// Returns a message as expressions see it: its value is null if it is no JSON.
pub(super) fn seen(event: &BusEvent) -> Json {
    let text = |bytes: Option<&Vec<u8>>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let value: Json = event.value.as_ref().and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default();
    let headers: Map<_, _> =
        event.headers.iter().map(|(name, value)| (name.clone(), json!(text(value.as_ref())))).collect();
    json!({
        "topic": event.topic.as_ref(), "key": text(event.key.as_ref()), "text": text(event.value.as_ref()),
        "value": value, "headers": headers,
    })
}
