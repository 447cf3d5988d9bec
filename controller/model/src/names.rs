//! The names that the controller uses in custom resources beside the models' own: finalizers, annotations, labels.

/// The domain of all qualified names.
pub const DOMAIN: &str = "xos.opencord.org";
/// The annotation that asks for another run when its value changes, with no field changed.
pub const TOUCH_ANNOTATION: &str = "xos.opencord.org/touch";
/// The annotation that holds the recent quiet saves, as JSON.
pub const QUIET_SAVES_ANNOTATION: &str = "xos.opencord.org/quiet-saves";
/// The label of a custom resource definition with the app label of its model.
pub const APP_LABEL: &str = "xos.opencord.org/app-label";
/// The label of what a synchronizer applies for itself, with its name.
pub const SYNCHRONIZER_LABEL: &str = "xos.opencord.org/synchronizer";

const SYNC_FINALIZERS: &str = "sync.xos.opencord.org/";
const POLICY_FINALIZERS: &str = "policy.xos.opencord.org/";
const LINKS_FINALIZERS: &str = "links.xos.opencord.org/";

/// Returns the finalizer with which a synchronizer holds objects until its sync step's `delete_record` succeeds.
pub fn sync_finalizer(synchronizer: &str) -> String {
    format!("{SYNC_FINALIZERS}{}", qualified(synchronizer))
}

/// Returns the finalizer with which a synchronizer holds objects until its policies' delete handlers succeed.
pub fn policy_finalizer(synchronizer: &str) -> String {
    format!("{POLICY_FINALIZERS}{}", qualified(synchronizer))
}

/// Returns the finalizer with which a synchronizer holds objects until those that cascade from them are gone.
pub fn links_finalizer(synchronizer: &str) -> String {
    format!("{LINKS_FINALIZERS}{}", qualified(synchronizer))
}

/// Returns the part after the slash of an annotation by which an operator tells the controller something of an object:
/// one of the domain, and neither the touch nor the quiet saves.
pub fn operator_annotation(annotation: &str) -> Option<&str> {
    if [TOUCH_ANNOTATION, QUIET_SAVES_ANNOTATION].contains(&annotation) {
        return None;
    }
    annotation.strip_prefix(DOMAIN)?.strip_prefix('/')
}

/// Returns whether a finalizer is that of a sync step, of any synchronizer.
pub fn is_sync_finalizer(finalizer: &str) -> bool {
    finalizer.starts_with(SYNC_FINALIZERS)
}

/// Returns the name as a part of a qualified name: characters that it may not have become `-`.
pub fn qualified(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '.' { c } else { '-' })
        .take(63)
        .collect();
    plain.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finalizers_are_qualified_names() {
        assert_eq!(sync_finalizer("example"), "sync.xos.opencord.org/example");
        assert_eq!(sync_finalizer("my service_2"), "sync.xos.opencord.org/my-service-2");
        assert_eq!(policy_finalizer("a"), "policy.xos.opencord.org/a");
        assert_eq!(links_finalizer("a"), "links.xos.opencord.org/a");
        assert!(is_sync_finalizer(&sync_finalizer("a")) && !is_sync_finalizer(&policy_finalizer("a")));
    }

    #[test]
    fn annotations_of_the_operator() {
        assert_eq!(operator_annotation("xos.opencord.org/resync"), Some("resync"));
        for other in [TOUCH_ANNOTATION, QUIET_SAVES_ANNOTATION, "xos.opencord.organ/x", "example.org/resync"] {
            assert_eq!(operator_annotation(other), None, "{other}");
        }
    }

    #[test]
    fn all_names_are_of_the_domain() {
        for name in [TOUCH_ANNOTATION, QUIET_SAVES_ANNOTATION, APP_LABEL, SYNCHRONIZER_LABEL, SYNC_FINALIZERS] {
            assert_eq!(name.split('/').next().unwrap().trim_start_matches("sync."), DOMAIN);
        }
    }
}
