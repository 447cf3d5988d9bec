//! What an object becomes when somebody applies one, or merges into it. Pure.
//!
//! Source: Kubernetes' documentation of server-side apply, and RFC 7386. Without the schemas of kinds a list is one value.

use serde_json::{Map, Value as Json};

/// Applies `body` for one manager, who applied `before` the last time; `others` is what others have applied. What the
/// manager applies no more goes, unless one of them has it.
pub(super) fn apply(object: &mut Json, before: Option<&Json>, others: &[&Json], body: &Json) {
    if let Some(before) = before {
        let kept: Vec<_> = others.iter().copied().chain([body]).collect();
        leave(object, before, &kept);
    }
    put(object, body);
}

/// Removes what is in `before` and in none of `kept`.
fn leave(object: &mut Json, before: &Json, kept: &[&Json]) {
    let (Some(members), Some(before)) = (object.as_object_mut(), before.as_object()) else { return };
    for (name, before) in before {
        let kept: Vec<_> = kept.iter().filter_map(|kept| kept.get(name)).collect();
        let Some(member) = members.get_mut(name) else { continue };
        leave(member, before, &kept);
        // A map may have members of others.
        let is_empty = member.as_object().is_none_or(Map::is_empty);
        if kept.is_empty() && is_empty {
            members.remove(name);
        }
    }
}

/// Sets all that `from` has.
fn put(object: &mut Json, from: &Json) {
    match (object, from) {
        (Json::Object(members), Json::Object(from)) => {
            for (name, value) in from {
                put(members.entry(name).or_insert(Json::Null), value);
            }
        }
        (object, from) => *object = from.clone(),
    }
}

/// Merges a patch into an object: null removes a member.
pub(super) fn merge(object: &mut Json, patch: &Json) {
    let Json::Object(patch) = patch else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = Json::Object(Map::new());
    }
    let Some(members) = object.as_object_mut() else { return };
    for (name, value) in patch {
        if value.is_null() {
            members.remove(name);
        } else {
            merge(members.entry(name).or_insert(Json::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_applied_no_more_goes_unless_others_have_it() {
        let table = [
            (json!({}), None, json!({"a": 1}), json!({"a": 1})),
            (json!({"a": 1, "b": 2}), Some(json!({"a": 1, "b": 2})), json!({"a": 3}), json!({"a": 3})),
            // Never applied: it stays.
            (json!({"a": 1, "z": 9}), Some(json!({"a": 1})), json!({}), json!({"z": 9})),
            // Another one applies it, too.
            (json!({"kept": 1}), Some(json!({"kept": 1})), json!({}), json!({"kept": 1})),
            // Of a map only its own members go.
            (json!({"m": {"a": 1, "z": 9}}), Some(json!({"m": {"a": 1}})), json!({}), json!({"m": {"z": 9}})),
            (json!({"m": {"a": 1}}), Some(json!({"m": {"a": 1}})), json!({}), json!({})),
            // A list is one value.
            (json!({"l": [1, 2]}), Some(json!({"l": [1, 2]})), json!({"l": [2]}), json!({"l": [2]})),
            (json!({"l": [1]}), Some(json!({"l": [1]})), json!({}), json!({})),
        ];
        let other = json!({"kept": 1});
        for (mut object, before, body, expected) in table {
            let shown = format!("{object} {before:?} {body}");
            apply(&mut object, before.as_ref(), &[&other], &body);
            assert_eq!(object, expected, "{shown}");
        }
    }

    #[test]
    fn null_removes_in_a_patch() {
        let mut object = json!({"a": 1, "m": {"x": 1, "y": 2}});
        merge(&mut object, &json!({"a": null, "m": {"x": 3}, "n": {"z": null}}));
        assert_eq!(object, json!({"m": {"x": 3, "y": 2}, "n": {}}));
    }
}
