//! Who changed an object last.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// Returns the field manager that changed an object last, beside status: as far as the times of managedFields tell.
pub(super) fn last_writer(meta: &ObjectMeta) -> Option<Arc<str>> {
    let entries = meta.managed_fields.iter().flatten().filter(|entry| entry.subresource.is_none());
    let last = entries.max_by_key(|entry| entry.time.as_ref().map(|time| time.0))?;
    last.manager.as_deref().map(Arc::from)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_last_writer_is_known_by_time() {
        let entry = |manager: &str, minute: u8, subresource: Option<&str>| {
            let time = format!("2026-01-01T00:0{minute}:00Z");
            json!({"manager": manager, "time": time, "subresource": subresource})
        };
        let all = [entry("kubectl", 1, None), entry("argocd", 3, None), entry("xos/a/status", 5, Some("status"))];
        let meta: ObjectMeta = serde_json::from_value(json!({"managedFields": all})).unwrap();
        assert_eq!(last_writer(&meta).as_deref(), Some("argocd"));
        assert_eq!(last_writer(&ObjectMeta::default()), None);
    }
}
