//! The rules, as pure functions. A rule that is broken is a sentence.

use std::collections::BTreeSet;

use serde_json::Value;
use xos_model::message::LONGEST;

/// Types that are present only while they are true, also qualified ones.
const ABNORMAL: [&str; 3] = ["Reconciling", "Stalled", "Abandoned"];
/// What the definition gives to new objects: no controller has written it.
const INITIAL: &str = "Initial";

/// What kstatus makes of an object (`sigs.k8s.io/cli-utils`, the rules for kinds that it does not know).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Computed {
    /// It is being deleted.
    Terminating,
    /// It is on its way.
    InProgress,
    /// It does not get there by itself.
    Failed,
    /// It is as it is wanted.
    Current,
}

/// Returns what kstatus makes of an object.
#[must_use]
pub fn computed(object: &Value) -> Computed {
    let is = |kind: &str, status: &str| find(object, kind).is_some_and(|one| one["status"] == status);
    let observed = &object["status"]["observedGeneration"];
    if object["metadata"]["deletionTimestamp"].is_string() {
        Computed::Terminating
    } else if observed.is_i64() && *observed != object["metadata"]["generation"] || is("Reconciling", "True") {
        Computed::InProgress
    } else if is("Stalled", "True") {
        Computed::Failed
    } else if is("Ready", "False") || is("Ready", "Unknown") {
        Computed::InProgress
    } else {
        Computed::Current
    }
}

/// Returns whether a controller of ours wrote the status of an object last. Where nobody says who did, it did.
#[must_use]
pub fn is_ours(object: &Value) -> bool {
    let managers = object["metadata"]["managedFields"].as_array();
    let mut of_status = managers.into_iter().flatten().filter(|entry| !entry["fieldsV1"]["f:status"].is_null());
    let is_ours = |entry: &Value| entry["manager"].as_str().is_some_and(|manager| manager.starts_with("xos/"));
    managers.is_none() || of_status.any(is_ours)
}

/// Returns what is wrong with an object, if its status is ours.
#[must_use]
pub fn of(object: &Value) -> Vec<String> {
    let written: Vec<_> = conditions(object).filter(|one| one["type"] != INITIAL).collect();
    if written.is_empty() || !is_ours(object) {
        return vec![];
    }
    let mut found: Vec<_> = written.iter().flat_map(|one| of_condition(one, object)).collect();
    found.extend(twice(object));
    found.extend(together(object));
    found.extend(generations(object));
    found
}

fn conditions(object: &Value) -> impl Iterator<Item = &Value> {
    object["status"]["conditions"].as_array().into_iter().flatten()
}

fn find<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    conditions(object).find(|one| one["type"] == kind)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn is_camel_case(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_uppercase()) && word.chars().all(|c| c.is_ascii_alphanumeric())
}

fn of_condition(one: &Value, object: &Value) -> Vec<String> {
    let kind = text(one, "type");
    let (qualifier, name) = kind.rsplit_once('/').map_or((None, kind), |(before, name)| (Some(before), name));
    let (status, reason, message) = (text(one, "status"), text(one, "reason"), text(one, "message"));
    let since = text(one, "lastTransitionTime");
    let is_domain = |text: &str| text.contains('.') && !text.contains('/');
    let rules = [
        (
            is_camel_case(name) && qualifier.is_none_or(is_domain),
            "its type is a CamelCase word, with a domain or without",
        ),
        (["True", "False", "Unknown"].contains(&status), "its status is True, False or Unknown"),
        (is_camel_case(reason), "its reason is a CamelCase word"),
        (!message.trim().is_empty(), "its message says something"),
        (message.chars().count() <= LONGEST, "its message is not longer than allowed"),
        (since.parse::<k8s_openapi::jiff::Timestamp>().is_ok(), "its lastTransitionTime is a time"),
        (!since.contains('.'), "its lastTransitionTime is in whole seconds, as metav1.Time is"),
        (
            !ABNORMAL.contains(&name) || status == "True",
            "a condition that tells what is abnormal is only there while true",
        ),
        (one["observedGeneration"].is_i64(), "it says of which generation it speaks"),
        (
            one["observedGeneration"].as_i64() <= object["metadata"]["generation"].as_i64(),
            "it speaks of no generation that is still to come",
        ),
    ];
    let broken = rules.into_iter().filter(|(holds, _)| !holds);
    broken.map(|(_, rule)| format!("{kind} ({status}, {reason}): {rule}")).collect()
}

fn twice(object: &Value) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let again = conditions(object).map(|one| text(one, "type")).filter(|kind| !seen.insert(*kind));
    again.map(|kind| format!("{kind}: there is one condition of a type")).collect()
}

/// Rules on conditions that go together.
fn together(object: &Value) -> Vec<String> {
    let status = |kind: &str| find(object, kind).map(|one| text(one, "status"));
    let (ready, reconciling, stalled) = (status("Ready"), status("Reconciling"), status("Stalled"));
    let is_abnormal = reconciling.is_some() || stalled.is_some();
    let is_deleting = object["metadata"]["deletionTimestamp"].is_string();
    let is_observed = object["status"]["observedGeneration"] == object["metadata"]["generation"];
    let is_current = computed(object) == Computed::Current;
    let rules = [
        (!(reconciling.is_some() && stalled.is_some()), "at most one of Reconciling and Stalled is there"),
        (!(is_abnormal && ready == Some("True")), "what is Ready is neither Reconciling nor Stalled"),
        (!is_abnormal || ready.is_some(), "what is Reconciling or Stalled says whether it is Ready"),
        (is_deleting || ready != Some("False") || is_abnormal, "what is not Ready is Reconciling or Stalled"),
        (ready.is_none() || conditions(object).next().is_some_and(|one| one["type"] == "Ready"), "Ready is the first"),
        (
            ready.is_none() || is_deleting || is_current == (ready == Some("True") && is_observed),
            "kstatus sees it as Current when it is Ready in its present generation, and only then",
        ),
    ];
    let reason = find(object, "Ready").map(|one| text(one, "reason")).unwrap_or_default();
    let broken = rules.into_iter().filter(|(holds, _)| !holds);
    broken.map(|(_, rule)| format!("Ready ({}, {reason}): {rule}", ready.unwrap_or("none"))).collect()
}

/// Rules on the generation that status speaks of.
fn generations(object: &Value) -> Vec<String> {
    let observed = object["status"]["observedGeneration"].as_i64();
    let ready = find(object, "Ready");
    let rules = [
        (ready.is_none() || observed.is_some(), "a status says of which generation it speaks"),
        (observed <= object["metadata"]["generation"].as_i64(), "status speaks of no generation that is still to come"),
        (
            ready.is_none_or(|ready| ready["status"] != "True" || ready["observedGeneration"].as_i64() == observed),
            "Ready is true of the generation that the whole status speaks of",
        ),
    ];
    let reason = ready.map(|one| text(one, "reason")).unwrap_or_default();
    let broken = rules.into_iter().filter(|(holds, _)| !holds);
    broken.map(|(_, rule)| format!("observedGeneration ({reason}): {rule}")).collect()
}

/// Returns what is wrong with two states of an object that follow each other, if both statuses are ours.
#[must_use]
pub fn of_change(before: &Value, after: &Value) -> Vec<String> {
    let is_same = before["metadata"]["uid"] == after["metadata"]["uid"];
    if !is_same || !is_ours(before) || !is_ours(after) {
        return vec![];
    }
    let mut found = vec![];
    for new in conditions(after) {
        let kind = text(new, "type");
        let Some(old) = find(before, kind) else { continue };
        let (since, since_before) = (text(new, "lastTransitionTime"), text(old, "lastTransitionTime"));
        let told = format!("{kind} ({} {} to {} {})", old["status"], old["reason"], new["status"], new["reason"]);
        if new["status"] == old["status"] && since != since_before {
            found.push(format!("{told}: lastTransitionTime changes only with the status"));
        }
        // Times of one form, in whole seconds of one zone, are in the order of their texts.
        if new["status"] != old["status"] && since < since_before {
            found.push(format!("{told}: lastTransitionTime does not go back"));
        }
    }
    let observed = |object: &Value| object["status"]["observedGeneration"].as_i64();
    if observed(before).is_some() && observed(after) < observed(before) {
        found.push("observedGeneration does not go back".to_owned());
    }
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use serde_json::json;

    use super::*;

    fn condition(kind: &str, status: &str) -> Value {
        json!({"type": kind, "status": status, "reason": "SyncSucceeded", "message": "OK", "observedGeneration": 2,
            "lastTransitionTime": "2026-01-01T12:00:00Z"})
    }

    fn object(conditions: &[Value]) -> Value {
        json!({"metadata": {"uid": "u", "generation": 2},
            "status": {"observedGeneration": 2, "conditions": conditions}})
    }

    #[test]
    fn what_is_as_it_should_be_is_not_mentioned() {
        let good = [
            object(&[condition("Ready", "True"), condition("Synced", "True")]),
            object(&[condition("Ready", "False"), condition("Synced", "False"), condition("Reconciling", "True")]),
            object(&[condition("Ready", "False"), condition("Stalled", "True")]),
            object(&[condition("Ready", "Unknown"), condition("other.xos.opencord.org/Synced", "True")]),
            json!({"metadata": {"generation": 1}, "status": {"conditions": [{"type": "Initial", "status": "True"}]}}),
            json!({"metadata": {"generation": 1}}),
        ];
        for object in good {
            assert_eq!(of(&object), Vec::<String>::new(), "{object:#}");
        }
    }

    #[test]
    fn each_rule_finds_what_breaks_it() {
        let with = |key: &str, value: Value| {
            let mut one = condition("Ready", "True");
            one[key] = value;
            object(&[one])
        };
        let at = |pointer: &str, value: Value| {
            let mut object = object(&[condition("Ready", "True")]);
            *object.pointer_mut(pointer).unwrap() = value;
            object
        };
        let deleting = |mut object: Value| {
            object["metadata"]["deletionTimestamp"] = "2026-01-01T12:00:00Z".into();
            object
        };
        let table = [
            (with("reason", "sync failed".into()), "its reason is a CamelCase word"),
            (with("reason", Value::Null), "its reason is a CamelCase word"),
            (with("message", " ".into()), "its message says something"),
            (with("message", "x".repeat(LONGEST + 1).into()), "its message is not longer than allowed"),
            (with("status", "Maybe".into()), "its status is True, False or Unknown"),
            (with("lastTransitionTime", "soon".into()), "its lastTransitionTime is a time"),
            (with("lastTransitionTime", "2026-01-01T12:00:00.5Z".into()), "is in whole seconds"),
            (with("observedGeneration", Value::Null), "it says of which generation it speaks"),
            (with("observedGeneration", 3.into()), "it speaks of no generation that is still to come"),
            (with("observedGeneration", 1.into()), "Ready is true of the generation that the whole status speaks of"),
            (at("/status/observedGeneration", Value::Null), "a status says of which generation it speaks"),
            (at("/status/observedGeneration", 3.into()), "status speaks of no generation that is still to come"),
            (object(&[condition("Ready", "False"), condition("Reconciling", "False")]), "is only there while true"),
            (
                object(&[condition("Ready", "True"), condition("me.example.org/Abandoned", "False")]),
                "only there while true",
            ),
            (object(&[condition("Ready", "True"), condition("synced", "True")]), "its type is a CamelCase word"),
            (object(&[condition("Ready", "True"), condition("Ready", "True")]), "there is one condition of a type"),
            (object(&[condition("Synced", "True"), condition("Ready", "True")]), "Ready is the first"),
            (object(&[condition("Ready", "False")]), "what is not Ready is Reconciling or Stalled"),
            (object(&[condition("Ready", "True"), condition("Stalled", "True")]), "neither Reconciling nor Stalled"),
            (object(&[condition("Reconciling", "True")]), "says whether it is Ready"),
            (
                object(&[condition("Ready", "False"), condition("Reconciling", "True"), condition("Stalled", "True")]),
                "at most one of Reconciling and Stalled",
            ),
            (object(&[condition("Ready", "True"), condition("Reconciling", "True")]), "kstatus sees it as Current"),
        ];
        for (object, expected) in table {
            let found = of(&object);
            assert!(found.iter().any(|rule| rule.contains(expected)), "{expected}: {found:?} of {object:#}");
        }
        assert_eq!(of(&deleting(object(&[condition("Ready", "False")]))), Vec::<String>::new());
    }

    #[test]
    fn what_others_write_is_not_ours() {
        let mut bad = object(&[condition("Ready", "False")]);
        let by = |manager: &str| json!([{"manager": manager, "subresource": "status", "fieldsV1": {"f:status": {}}}]);
        bad["metadata"]["managedFields"] = by("kubectl");
        assert!(of(&bad).is_empty());
        bad["metadata"]["managedFields"] = by("xos/people/status");
        assert_eq!(of(&bad).len(), 1);
    }

    #[test]
    fn times_move_with_the_status_and_forward() {
        let at = |status: &str, second: u8| {
            let mut one = condition("Ready", status);
            one["lastTransitionTime"] = format!("2026-01-01T12:00:0{second}Z").into();
            object(&[one])
        };
        assert!(of_change(&at("True", 1), &at("True", 1)).is_empty());
        assert!(of_change(&at("True", 1), &at("False", 2)).is_empty());
        assert!(of_change(&at("True", 1), &at("False", 1)).is_empty(), "in the same second");
        assert!(of_change(&at("True", 1), &at("True", 2))[0].contains("changes only with the status"));
        assert!(of_change(&at("True", 2), &at("False", 1))[0].contains("does not go back"));
        let mut back = at("True", 1);
        back["status"]["observedGeneration"] = 1.into();
        assert_eq!(of_change(&at("True", 1), &back), ["observedGeneration does not go back"]);
        back["metadata"]["uid"] = "another".into();
        assert!(of_change(&at("True", 1), &back).is_empty());
    }

    #[test]
    fn kstatus_is_computed_as_its_library_does() {
        let mut edited = object(&[condition("Ready", "True")]);
        edited["metadata"]["generation"] = 3.into();
        let table = [
            (object(&[condition("Ready", "True")]), Computed::Current),
            (edited, Computed::InProgress),
            (object(&[condition("Ready", "False"), condition("Stalled", "True")]), Computed::Failed),
            (object(&[condition("Ready", "False"), condition("Reconciling", "True")]), Computed::InProgress),
            (object(&[condition("Ready", "Unknown")]), Computed::InProgress),
        ];
        for (object, expected) in table {
            assert_eq!(computed(&object), expected, "{object:#}");
        }
    }
}
