//! What the API server refuses of every kind. Pure. Source: Kubernetes' documentation of names, labels and annotations.

use serde_json::Value as Json;

use super::status::Refused;

/// The longest name, and the longest value of a label.
const LONGEST: [usize; 2] = [253, 63];

/// Checks that an object that replaces another one is the same, and was made of its present version.
pub(super) fn agrees(resource: &str, name: &str, before: &Json, after: &Json) -> Result<(), Refused> {
    let of = |object: &Json, key: &str| object["metadata"][key].as_str().map(str::to_owned);
    for (key, what) in [("uid", "the uid is another one"), ("resourceVersion", "the object has been modified")] {
        let said = of(after, key);
        if said.is_some() && said != of(before, key) {
            let why = format!("{what}; please apply your changes to the latest version and try again");
            return Err(Refused::conflict(resource, name, &why));
        }
    }
    Ok(())
}

/// Checks the preconditions of a deletion.
pub(super) fn preconditions(resource: &str, name: &str, asked: &Json, there: &Json) -> Result<(), Refused> {
    for key in ["uid", "resourceVersion"] {
        let is = &there["metadata"][key];
        if !asked[key].is_null() && asked[key] != *is {
            let why = format!("Precondition failed: {key} in precondition: {}, in object meta: {is}", asked[key]);
            return Err(Refused::conflict(resource, name, &why));
        }
    }
    Ok(())
}

/// Checks the name and the labels of an object.
pub(super) fn complies(object: &Json) -> Result<(), Refused> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let kind = object["kind"].as_str().unwrap_or_default();
    let invalid = |why: String| Err(Refused::invalid(kind, name, &why));
    let is_of_rights = object["apiVersion"].as_str().is_some_and(|it| it.starts_with("rbac.authorization.k8s.io/"));
    if !is_of_rights && !is_subdomain(name) {
        return invalid(format!(
            "metadata.name: Invalid value: {name:?}: a lowercase RFC 1123 subdomain must consist of lower case \
             alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"
        ));
    }
    let labels = object["metadata"]["labels"].as_object();
    for (label, value) in labels.into_iter().flatten() {
        let Some(text) = value.as_str() else {
            return invalid(format!("metadata.labels.{label}: Invalid value: {value}: must be a string"));
        };
        if !is_label(text) {
            return invalid(format!(
                "metadata.labels: Invalid value: {text:?}: a valid label must be an empty string or consist of \
                 alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character, and \
                 must be no more than 63 characters"
            ));
        }
    }
    Ok(())
}

fn is_subdomain(name: &str) -> bool {
    let is_part = |part: &str| {
        let is_allowed = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'-';
        !part.is_empty() && part.bytes().all(is_allowed) && !part.starts_with('-') && !part.ends_with('-')
    };
    name.len() <= LONGEST[0] && name.split('.').all(is_part)
}

fn is_label(value: &str) -> bool {
    let is_allowed = |letter: u8| letter.is_ascii_alphanumeric() || b"-_.".contains(&letter);
    let is_end = |letter: Option<u8>| letter.is_none_or(|letter| letter.is_ascii_alphanumeric());
    value.len() <= LONGEST[1]
        && value.bytes().all(is_allowed)
        && is_end(value.bytes().next())
        && is_end(value.bytes().last())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_and_labels_are_checked() {
        for (version, name, label, expected) in [
            ("v1", "a.b-1", "", None),
            ("v1", "a", "A_b.c-1", None),
            ("rbac.authorization.k8s.io/v1", "system:a", "", None),
            ("v1", "Ada", "", Some("metadata.name")),
            ("v1", "a_b", "", Some("metadata.name")),
            ("v1", "a.", "", Some("metadata.name")),
            ("v1", "", "", Some("metadata.name")),
            ("v1", "a", "Ada Lovelace", Some("metadata.labels")),
            ("v1", "a", "-", Some("metadata.labels")),
        ] {
            let object =
                json!({"apiVersion": version, "kind": "K", "metadata": {"name": name, "labels": {"x": label}}});
            let refused = complies(&object).err().map(|refused| refused.message);
            assert_eq!(refused.is_some(), expected.is_some(), "{name} {label}: {refused:?}");
            assert!(refused.unwrap_or_default().contains(expected.unwrap_or_default()), "{name} {label}");
        }
        let number = json!({"metadata": {"name": "a", "labels": {"x": 1}}});
        assert!(complies(&number).unwrap_err().message.ends_with("must be a string"));
    }
}
