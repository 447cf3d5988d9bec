//! Intent: what the operator wants of an object, and which changes were saved quietly.
//!
//! A pass (sync, policy) remembers the intent that it last handled. It has work when the present intent is another one,
//! unless the present one was reached from the handled one by saves that are quiet for that pass. Generations are not
//! counted: a quiet write that changes nothing does not raise the generation, and the operator's next edit would then
//! be taken for the quiet one.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The number of quiet saves that an object remembers; losing an older one only causes an extra run.
pub const QUIET_SAVES_KEPT: usize = 8;

/// A short hash of a spec, equal for equal content whatever the order of its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SpecHash(u64);

/// A text that is no hash of a spec.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no hash of a spec: it has not 16 hexadecimal digits")]
pub struct NoSpecHash(String);

impl SpecHash {
    /// Hashes a spec; null members count as absent. 64 bits of SHA-256, in hex.
    pub fn of(spec: &Value) -> Self {
        let mut canonical = String::new();
        write_canonical(spec, &mut canonical);
        let digest = Sha256::digest(canonical.as_bytes());
        Self(digest.iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte)))
    }
}

impl fmt::Display for SpecHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl From<SpecHash> for String {
    fn from(hash: SpecHash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for SpecHash {
    type Error = NoSpecHash;

    fn try_from(text: String) -> Result<Self, NoSpecHash> {
        match u64::from_str_radix(&text, 16) {
            Ok(bits) if text.len() == 16 => Ok(Self(bits)),
            _ => Err(NoSpecHash(text)),
        }
    }
}

/// Writes JSON with sorted keys and without null members.
fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().filter(|(_, v)| !v.is_null()).collect();
            members.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (key, member) in members {
                let _ = write!(out, "{}:", Value::String(key.clone()));
                write_canonical(member, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for item in items {
                write_canonical(item, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let _ = write!(out, "{value}");
        }
    }
}

/// What is wanted: the spec, and the last touch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    /// The spec's hash.
    pub spec: SpecHash,
    /// The value of the annotation `xos.opencord.org/touch`: another value asks for another run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub touch: Option<String>,
    /// The hash of the versions of the Secrets that it takes values from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub secrets: Option<SpecHash>,
}

impl Intent {
    /// Returns a number of microseconds, below a second, that is hardly ever the same for two intents.
    pub(crate) fn microseconds(&self) -> i64 {
        let parts = [
            Value::String(self.spec.to_string()),
            self.touch.clone().map_or(Value::Null, Value::String),
            self.secrets.map_or(Value::Null, |secrets| Value::String(secrets.to_string())),
        ];
        i64::try_from(SpecHash::of(&Value::Array(parts.into())).0 % 1_000_000).unwrap_or_default()
    }
}

/// The kinds of work on an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pass {
    /// Sync steps.
    Sync,
    /// Model policies.
    Policy,
    /// Pull steps.
    Pull,
    /// Event steps.
    Event,
}

/// A quiet save: a write to spec that does not count as the operator's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietSave {
    /// The spec that the save was based on.
    pub from: SpecHash,
    /// The spec that it made.
    pub to: SpecHash,
    /// Who made it.
    pub by: Pass,
}

impl QuietSave {
    /// Returns whether a pass ignores the save: a policy's save is news for sync, and a sync step's for policy; all
    /// others are quiet for both.
    fn is_quiet_for(&self, pass: Pass) -> bool {
        !matches!((self.by, pass), (Pass::Policy, Pass::Sync) | (Pass::Sync, Pass::Policy))
    }
}

/// Returns whether only quiet saves lie between the two intents: no operator's change, no touch.
pub fn is_same(then: &Intent, now: &Intent, saves: &[QuietSave]) -> bool {
    then.touch == now.touch && then.secrets == now.secrets && reaches(&then.spec, &now.spec, saves.iter())
}

/// Returns whether `pass`, which handled `handled`, has nothing new in `current`.
pub fn is_handled(handled: &Intent, current: &Intent, saves: &[QuietSave], pass: Pass) -> bool {
    handled.touch == current.touch
        && handled.secrets == current.secrets
        && reaches(&handled.spec, &current.spec, saves.iter().filter(|save| save.is_quiet_for(pass)))
}

/// Returns whether quiet saves lead from one spec to the other. Each save is used once, so that this ends even if saves
/// go in a circle.
fn reaches<'a>(from: &'a SpecHash, to: &SpecHash, saves: impl Iterator<Item = &'a QuietSave>) -> bool {
    let mut at = vec![from];
    let mut unused: Vec<_> = saves.collect();
    while let Some(here) = at.pop() {
        if here == to {
            return true;
        }
        let (next, rest) = unused.into_iter().partition(|s| &s.from == here);
        let next: Vec<&QuietSave> = next;
        unused = rest;
        at.extend(next.into_iter().map(|s| &s.to));
    }
    false
}

/// Adds a save to the remembered ones, dropping the oldest beyond [`QUIET_SAVES_KEPT`].
pub fn remember(saves: &[QuietSave], new: QuietSave) -> Vec<QuietSave> {
    let keep = QUIET_SAVES_KEPT - 1;
    let skip = saves.len().saturating_sub(keep);
    saves.iter().skip(skip).cloned().chain([new]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn hash(text: &str) -> SpecHash {
        SpecHash::of(&serde_json::Value::String(text.to_owned()))
    }
    fn intent(spec: &str, touch: Option<&str>) -> Intent {
        Intent { spec: hash(spec), touch: touch.map(str::to_owned), secrets: None }
    }
    fn save(from: &str, to: &str, by: Pass) -> QuietSave {
        QuietSave { from: hash(from), to: hash(to), by }
    }

    #[test]
    fn the_hash_is_of_the_content() {
        assert_eq!(
            SpecHash::of(&json!({"a": 1, "b": [true, "x"], "c": null})),
            SpecHash::of(&json!({"b": [true, "x"], "a": 1}))
        );
        assert_ne!(SpecHash::of(&json!({"a": "1"})), SpecHash::of(&json!({"a": 1})));
        assert_ne!(SpecHash::of(&json!({"a": ["b,c"]})), SpecHash::of(&json!({"a": ["b", "c"]})));
    }

    #[test]
    fn what_counts_as_handled() {
        use Pass::{Event, Policy, Pull, Sync};
        let table = [
            ("the same", "a", "a", vec![], Sync, true),
            ("an operator's edit", "a", "b", vec![], Sync, false),
            ("own quiet save", "a", "b", vec![save("a", "b", Sync)], Sync, true),
            ("a policy's save is news for sync", "a", "b", vec![save("a", "b", Policy)], Sync, false),
            ("a step's save is news for policy", "a", "b", vec![save("a", "b", Sync)], Policy, false),
            ("own quiet save of a policy", "a", "b", vec![save("a", "b", Policy)], Policy, true),
            ("two in a row", "a", "c", vec![save("a", "b", Pull), save("b", "c", Event)], Policy, true),
            ("an edit between two", "a", "d", vec![save("a", "b", Pull), save("c", "d", Pull)], Sync, false),
            ("edited back by the operator", "a", "a", vec![save("a", "b", Pull)], Sync, true),
            ("round and round", "a", "z", vec![save("a", "b", Pull), save("b", "a", Pull)], Sync, false),
        ];
        for (what, from, to, saves, pass, expected) in table {
            let got = is_handled(&intent(from, None), &intent(to, None), &saves, pass);
            assert_eq!(got, expected, "{what}");
        }
        assert!(!is_handled(&intent("a", None), &intent("a", Some("1")), &[], Sync));
    }

    #[test]
    fn the_newest_saves_are_kept() {
        let mut saves = vec![];
        for n in 0..20 {
            saves = remember(&saves, save(&n.to_string(), &(n + 1).to_string(), Pass::Pull));
        }
        assert_eq!(saves.len(), QUIET_SAVES_KEPT);
        assert_eq!(saves.last(), Some(&save("19", "20", Pass::Pull)));
    }

    proptest! {
        /// Forgetting records may cause an extra run, never a missed one.
        #[test]
        fn fewer_records_never_make_more_handled(
            edges in proptest::collection::vec((0u8..5, 0u8..5, any::<bool>()), 0..8),
            drop in 0usize..8, from in 0u8..5, to in 0u8..5,
        ) {
            let pass = |is_policy: bool| if is_policy { Pass::Policy } else { Pass::Sync };
            let saves: Vec<_> =
                edges.iter().map(|(a, b, policy)| save(&a.to_string(), &b.to_string(), pass(*policy))).collect();
            let fewer: Vec<_> = saves.iter().enumerate().filter(|(i, _)| *i != drop).map(|(_, s)| s.clone()).collect();
            let a = intent(&from.to_string(), None);
            let b = intent(&to.to_string(), None);
            prop_assert!(!is_handled(&a, &b, &fewer, Pass::Sync) || is_handled(&a, &b, &saves, Pass::Sync));
        }
    }
}
