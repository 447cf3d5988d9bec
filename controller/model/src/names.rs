//! The names that the controller uses in custom resources beside the models' own: finalizers, annotations, labels.

/// The domain of all qualified names.
pub const DOMAIN: &str = "xos.opencord.org";
/// The annotation that asks for another run when its value changes, with no field changed.
pub const TOUCH_ANNOTATION: &str = "xos.opencord.org/touch";
/// The annotation that holds the recent quiet saves, as JSON.
pub const QUIET_SAVES_ANNOTATION: &str = "xos.opencord.org/quiet-saves";
/// The annotation by which an operator confirms the deletion of an object and of so many others, by the part after the
/// slash.
pub const CONFIRM_DELETION: &str = "confirm-deletion";
/// The annotation by which an operator confirms the deletions of a pull step's listing, by the part after the slash.
pub const CONFIRM_PULL: &str = "confirm-pull";
/// The annotation by which a pull step says, on one of the objects, that their deletion is held, by the part after the
/// slash.
pub const HELD_PULL: &str = "held-pull";
/// The annotation that keeps what status says of the backend, as JSON: backup tools keep annotations, and not status.
pub const KEPT_STATUS_ANNOTATION: &str = "xos.opencord.org/kept-status";
/// The annotation with the id of an object in XOS's API, by the part after the slash. The API writes it as it makes the
/// object; `status.id` shows it, and counts where there are both.
pub const ID: &str = "id";
/// What the field managers of XOS's API begin with: its users are operators, and no synchronizers.
pub const API_MANAGERS: &str = "xos-api/";
/// What the names of synchronizers that work through XOS's API begin with, where they save: after `xos/<synchronizer>/` of
/// their field managers.
pub const API_CLIENTS: &str = "api/";
/// The label of a custom resource definition with the app label of its model.
pub const APP_LABEL: &str = "xos.opencord.org/app-label";
/// The label of what a synchronizer applies for itself, with its name.
pub const SYNCHRONIZER_LABEL: &str = "xos.opencord.org/synchronizer";

const SYNC_FINALIZERS: &str = "sync.xos.opencord.org/";
const POLICY_FINALIZERS: &str = "policy.xos.opencord.org/";
const LINKS_FINALIZERS: &str = "links.xos.opencord.org/";
const MODELS_FINALIZERS: &str = "models.xos.opencord.org/";

/// The pattern of synchronizers' names. A name is a part of finalizers, labels, conditions, field managers and names in
/// Kafka, unchanged in each, so that no two synchronizers share any of them.
pub const SYNCHRONIZER_PATTERN: &str =
    "^[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*$";
/// The largest number of characters in a synchronizer's name: Kubernetes allows no more in finalizers and labels.
pub const SYNCHRONIZER_LENGTH: usize = 63;

/// Why a text cannot be the name of a synchronizer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is empty.
    #[error("a synchronizer needs a name, such as `my-service`")]
    Empty,
    /// It is too long.
    #[error(
        "the synchronizer's name `{0}` has more than {SYNCHRONIZER_LENGTH} characters: \
         Kubernetes allows no more in finalizers"
    )]
    TooLong(String),
    /// It has other characters, or some of them in the wrong place.
    #[error(
        "`{name}` cannot be a synchronizer's name: it is a part of finalizers, so it has letters, digits, `-` and `.` \
         only, and a letter or a digit at both ends and beside each `.`{}",
        .nearest.as_ref().map(|name| format!("; try `{name}`")).unwrap_or_default()
    )]
    Characters {
        /// The name.
        name: String,
        /// A similar name that is allowed. Versions that changed names by themselves used this one in finalizers.
        nearest: Option<String>,
    },
}

/// Checks the name of a synchronizer.
///
/// # Errors
/// When it cannot be a part of finalizers, labels and conditions as it is.
pub fn check_synchronizer(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if !is_plain(name) {
        return Err(NameError::Characters { name: name.to_owned(), nearest: nearest(name) });
    }
    if name.len() > SYNCHRONIZER_LENGTH {
        return Err(NameError::TooLong(name.to_owned()));
    }
    Ok(())
}

/// Returns whether a name matches [`SYNCHRONIZER_PATTERN`].
fn is_plain(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let is_part = |part: &str| {
        let ends_well = |end: Option<char>| end.is_some_and(|c| c.is_ascii_alphanumeric());
        part.chars().all(is_allowed) && ends_well(part.chars().next()) && ends_well(part.chars().last())
    };
    name.split('.').all(is_part)
}

fn nearest(name: &str) -> Option<String> {
    let dashed: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' })
        .take(SYNCHRONIZER_LENGTH)
        .collect();
    let parts = dashed.split('.').map(|part| part.trim_matches('-')).filter(|part| !part.is_empty());
    let nearest = parts.collect::<Vec<_>>().join(".");
    (!nearest.is_empty()).then_some(nearest)
}

/// Returns the finalizer with which a synchronizer holds objects until its sync step's `delete_record` succeeds.
pub fn sync_finalizer(synchronizer: &str) -> String {
    format!("{SYNC_FINALIZERS}{synchronizer}")
}

/// Returns the finalizer with which a synchronizer holds objects until its policies' delete handlers succeed.
pub fn policy_finalizer(synchronizer: &str) -> String {
    format!("{POLICY_FINALIZERS}{synchronizer}")
}

/// Returns the finalizer with which a synchronizer holds objects until those that cascade from them are gone.
pub fn links_finalizer(synchronizer: &str) -> String {
    format!("{LINKS_FINALIZERS}{synchronizer}")
}

/// Returns the finalizer with which a synchronizer holds a `ModelSet` until its models are unloaded.
pub fn models_finalizer(synchronizer: &str) -> String {
    format!("{MODELS_FINALIZERS}{synchronizer}")
}

/// Returns the whole name of an annotation of the domain.
pub fn annotation(name: &str) -> String {
    format!("{DOMAIN}/{name}")
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

/// Returns the synchronizer whose finalizer this is, and what has to happen before it is removed.
pub fn finalizer_owner(finalizer: &str) -> Option<(&str, Holds)> {
    let kinds = [
        (SYNC_FINALIZERS, Holds::Sync),
        (POLICY_FINALIZERS, Holds::Policy),
        (LINKS_FINALIZERS, Holds::Links),
        (MODELS_FINALIZERS, Holds::Models),
    ];
    kinds.into_iter().find_map(|(prefix, holds)| Some((finalizer.strip_prefix(prefix)?, holds)))
}

/// What has to happen before a finalizer is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// The sync step's `delete_record` has to succeed.
    Sync,
    /// The policies' delete handlers have to succeed.
    Policy,
    /// The objects that are deleted together with it have to be gone.
    Links,
    /// Its models have to be unloaded.
    Models,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finalizers_are_qualified_names() {
        assert_eq!(sync_finalizer("example"), "sync.xos.opencord.org/example");
        assert_eq!(policy_finalizer("a"), "policy.xos.opencord.org/a");
        assert_eq!(links_finalizer("a"), "links.xos.opencord.org/a");
        assert!(is_sync_finalizer(&sync_finalizer("a")) && !is_sync_finalizer(&policy_finalizer("a")));
        assert_eq!(finalizer_owner(&links_finalizer("a.b")), Some(("a.b", Holds::Links)));
        assert_eq!(finalizer_owner(&models_finalizer("a")), Some(("a", Holds::Models)));
        assert_eq!(finalizer_owner("foregroundDeletion"), None);
    }

    #[test]
    fn names_that_cannot_be_finalizers_are_refused() {
        let long = "a".repeat(64);
        let table = [
            ("", Err("a synchronizer needs a name")),
            ("---", Err("`---` cannot be a synchronizer's name")),
            ("my service_2", Err("; try `my-service-2`")),
            ("a_b", Err("; try `a-b`")),
            ("é", Err("a letter or a digit at both ends and beside each `.`")),
            ("a..b", Err("; try `a.b`")),
            ("a.-b", Err("; try `a.b`")),
            ("-a", Err("; try `a`")),
            ("a\n", Err("; try `a`")),
            (&long, Err("has more than 63 characters")),
            (&long[..63], Ok(())),
            ("example", Ok(())),
            ("My-Service.v2", Ok(())),
        ];
        let pattern = regex::Regex::new(SYNCHRONIZER_PATTERN).unwrap();
        for (name, expected) in table {
            let checked = check_synchronizer(name);
            assert_eq!(checked.is_ok(), pattern.is_match(name) && name.len() <= SYNCHRONIZER_LENGTH, "{name}");
            match (checked, expected) {
                (Ok(()), Ok(())) => {}
                (Err(error), Err(text)) => assert!(error.to_string().contains(text), "{error}"),
                (checked, _) => panic!("{name}: {checked:?}"),
            }
        }
    }

    #[test]
    fn two_names_never_share_a_finalizer() {
        // What two of all short texts share, one of the two is refused for.
        let letters = ['a', 'A', '-', '_', '.', ' ', '0', 'é'];
        let one = || letters.iter().map(char::to_string);
        let two = || one().flat_map(|a| one().map(move |b| a.clone() + &b));
        let three = two().flat_map(|a| one().map(move |b| a.clone() + &b));
        let names: Vec<_> = one().chain(two()).chain(three).filter(|name| check_synchronizer(name).is_ok()).collect();
        let finalizers: std::collections::HashSet<_> = names.iter().map(|name| sync_finalizer(name)).collect();
        assert_eq!(finalizers.len(), names.len());
        for name in &names {
            assert_eq!(finalizer_owner(&sync_finalizer(name)), Some((name.as_str(), Holds::Sync)));
        }
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
