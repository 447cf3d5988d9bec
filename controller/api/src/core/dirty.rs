//! Objects that are due for their steps, and how they are made so.

use regex::Regex;
use xos_grpc::messages::xos::{ModelList, ModelListEntry};
use xos_model::{Fields, Object, Query as Asked};
use xos_steps::Save;

use super::Core;
use super::filter::of_kind;
use crate::caller::Caller;
use crate::error::ApiError;

impl Core {
    /// Returns the objects that are due for their sync step and that the caller may read, of all models whose names
    /// match a pattern; an empty one matches all.
    ///
    /// # Errors
    /// When a model cannot be queried.
    pub fn dirty(&self, caller: &Caller, pattern: &str) -> Result<ModelList, ApiError> {
        let is_due = |object: &Object| of_kind(xos_grpc::client::Kind::SynchronizerDirtyObjects, object);
        let mut due = self.matching(pattern)?;
        due.retain(|object| is_due(object));
        self.leave_readable(caller, &mut due)?;
        let items = due.iter().map(|object| entry(object, String::new()));
        Ok(ModelList { items: items.collect() })
    }

    /// Makes all objects of some models due for their steps, and returns them: those that could not be made so with
    /// why.
    ///
    /// # Errors
    /// When a model cannot be queried.
    pub async fn make_dirty(&self, caller: &Caller, pattern: &str) -> Result<ModelList, ApiError> {
        let how = Save::quietly().and_touch();
        let mut items = vec![];
        for object in self.matching(pattern)? {
            let saved = self.store.save(&caller.saver(), object.clone(), Fields::new(), &how).await;
            items.push(entry(&object, saved.err().map(|error| error.to_string()).unwrap_or_default()));
        }
        Ok(ModelList { items })
    }

    /// Returns the objects of the models whose names match a pattern of `*` and `?`.
    fn matching(&self, pattern: &str) -> Result<Vec<std::sync::Arc<Object>>, ApiError> {
        let served = self.served();
        let pattern = regex::escape(pattern).replace("\\*", ".*").replace("\\?", ".");
        let pattern =
            Regex::new(&format!("^{pattern}$")).map_err(|error| ApiError::field("class_name", error.to_string()))?;
        let is_asked = |name: &str| pattern.as_str() == "^$" || pattern.is_match(name);
        let mut all = vec![];
        for model in served.models.concrete().filter(|model| model.has_objects() && is_asked(&model.name)) {
            let of_model = self.store.query(&Asked::of(&model.name, None))?;
            all.extend(of_model.into_iter().filter(|object| *object.model == model.name));
        }
        all.sort_by(|one, other| (&one.model, one.status.id).cmp(&(&other.model, other.status.id)));
        Ok(all)
    }
}

fn entry(object: &Object, info: String) -> ModelListEntry {
    ModelListEntry { class_name: object.model.to_string(), id: object.status.id.unwrap_or_default(), info }
}
