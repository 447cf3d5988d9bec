//! A touch: it lets policies and the sync step run again, though no field has changed.

use jiff::Timestamp;
use serde_json::{Value, json};
use xos_model::names::TOUCH_ANNOTATION;

/// Returns the merge patch of a touch. `why` and the time make it another one than all before.
pub(crate) fn touch(why: &str, now: Timestamp) -> Value {
    json!({"metadata": {"annotations": {TOUCH_ANNOTATION: format!("{why} {now}")}}})
}
