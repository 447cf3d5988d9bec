//! What comes from Secrets is told nowhere.

use std::borrow::Cow;

use serde_json::Value as Json;
use xos_model::secret::Secrets;
use xos_steps::StepError;

/// Values that come from Secrets, to be kept out of errors.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hidden(Secrets);

impl Hidden {
    /// Adds a value.
    pub(crate) fn add(&mut self, text: &str) {
        self.0.add_text(text);
    }

    /// Adds the values of an object, or of all in a list, as far as they are Secrets.
    pub(crate) fn add_objects(&mut self, objects: &Json) {
        let all = objects.as_array().map_or(std::slice::from_ref(objects), Vec::as_slice);
        for secret in all.iter().filter(|one| one["kind"] == "Secret" && one["apiVersion"] == "v1") {
            for value in secret["data"].as_object().into_iter().flat_map(|data| data.values()) {
                let text = value.as_str().unwrap_or_default();
                self.add(text);
                let decoded = serde_json::from_value::<k8s_openapi::ByteString>(value.clone()).ok();
                if let Some(decoded) = decoded.and_then(|bytes| String::from_utf8(bytes.0).ok()) {
                    self.add(&decoded);
                }
            }
        }
    }

    /// Returns an error without the values.
    pub(crate) fn hide(&self, error: StepError) -> StepError {
        let text = error.to_string();
        let Cow::Owned(text) = self.0.hide(&text) else { return error };
        match error {
            StepError::Failed(_) if error.is_unreached() => StepError::unavailable(text),
            StepError::Failed(_) => StepError::failed(text),
            StepError::Deferred(_) => StepError::deferred(text),
            StepError::Awaits(_) => StepError::awaits(text),
            StepError::Innocuous(_) => StepError::innocuous(text),
            StepError::Unavailable(_) => StepError::unavailable(text),
            other @ StepError::WaitsFor(_) => other,
        }
    }
}
