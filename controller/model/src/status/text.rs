//! Bookkeeping and history as they are stored: a line of text each, so that `kubectl describe` shows them in few lines.
//! What earlier versions stored, with a member for each part, is read too.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::str::FromStr;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::{Attempt, PassState};
use crate::intent::{Intent, SpecHash};

/// What would end a word, or the name of a step.
const ENDS: &AsciiSet = &CONTROLS.add(b' ').add(b'%').add(b':');

/// A text that says something else.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` cannot be read")]
pub struct Unreadable(String);

/// A value as it is stored.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Stored<T> {
    /// As a line.
    Line(String),
    /// As earlier versions did it.
    Parts(T),
}

fn encoded(text: &str) -> impl fmt::Display + '_ {
    utf8_percent_encode(text, ENDS)
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// A pass's state as it is stored: `handled=9a0364b9e99bb480 generation=3 owner`. What follows from the rest is left out,
/// since it makes every write of the object more expensive.
impl fmt::Display for PassState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { handled, attempted, generation, failures, next_attempt, seen, ever, owner, pending, dropped } = self;
        // Left out if it is what was handled.
        let attempted = attempted.as_ref().filter(|attempted| handled.as_ref() != Some(attempted));
        let mut words: Vec<Cow<'static, str>> = vec![];
        let intents = [("handled", handled.as_ref()), ("attempted", attempted)];
        words.extend(intents.into_iter().filter_map(|(name, intent)| Some(format!("{name}={}", word(intent?)).into())));
        words.extend(generation.map(|generation| format!("generation={generation}").into()));
        words.extend((*failures > 0).then(|| format!("failures={failures}").into()));
        words.extend(next_attempt.map(|at| format!("next={at}").into()));
        words.extend(seen.map(|at| format!("seen={at}").into()));
        // Left out while something is handled.
        let flags =
            [("ever", *ever && handled.is_none()), ("owner", *owner), ("pending", *pending), ("dropped", *dropped)];
        words.extend(flags.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name.into()));
        f.write_str(&words.join(" "))
    }
}

impl FromStr for PassState {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let unreadable = || Unreadable(text.to_owned());
        let mut state = Self::default();
        for word in text.split_whitespace() {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let time = || value.parse().map(Some).map_err(|_| unreadable());
            match name {
                "handled" => state.handled = Some(intent(value).ok_or_else(unreadable)?),
                "attempted" => state.attempted = Some(intent(value).ok_or_else(unreadable)?),
                "generation" => state.generation = Some(value.parse().map_err(|_| unreadable())?),
                "failures" => state.failures = value.parse().map_err(|_| unreadable())?,
                "next" => state.next_attempt = time()?,
                "seen" => state.seen = time()?,
                "ever" => state.ever = true,
                "owner" => state.owner = true,
                "pending" => state.pending = true,
                "dropped" => state.dropped = true,
                // Of a later version.
                _ => {}
            }
        }
        Ok(state.completed())
    }
}

impl PassState {
    /// Returns the state with what is left out where it follows from the rest.
    pub(super) fn completed(self) -> Self {
        let attempted = self.attempted.or_else(|| self.handled.clone());
        Self { attempted, ever: self.ever || self.handled.is_some(), ..self }
    }
}

/// Returns an intent as a word: the hash of its spec, that of its Secrets, and its touch.
fn word(intent: &Intent) -> String {
    let mut word = intent.spec.to_string();
    // A text takes all that is written to it.
    if let Some(secrets) = &intent.secrets {
        let _ = write!(word, "~{secrets}");
    }
    if let Some(touch) = &intent.touch {
        let _ = write!(word, "/{}", encoded(touch));
    }
    word
}

fn intent(word: &str) -> Option<Intent> {
    let (hashes, touch) = word.split_once('/').map_or((word, None), |(hashes, touch)| (hashes, Some(decoded(touch))));
    let (spec, secrets) = hashes.split_once('~').map_or((hashes, None), |(spec, secrets)| (spec, Some(secrets)));
    let hash = |text: &str| SpecHash::try_from(text.to_owned()).ok();
    let secrets = secrets.map(|text| hash(text).ok_or(())).transpose().ok()?;
    Some(Intent { spec: hash(spec)?, touch, secrets })
}

/// An attempt as it is stored: `2026-01-01T12:00:00Z Sync Failed 12ms SyncMyModel: no route to host`.
impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, operation, outcome, message, at, duration } = self;
        write!(f, "{at} {} {} {} {}", encoded(operation), encoded(outcome), encoded(duration), encoded(step))?;
        message.as_ref().map_or(Ok(()), |message| write!(f, ": {message}"))
    }
}

impl FromStr for Attempt {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let read = || {
            let mut words = text.splitn(5, ' ');
            let at: Timestamp = words.next()?.parse().ok()?;
            let [operation, outcome, duration] = [words.next()?, words.next()?, words.next()?].map(decoded);
            let rest = words.next()?;
            let (step, message) = rest.split_once(": ").map_or((rest, None), |(step, message)| (step, Some(message)));
            Some(Self { step: decoded(step), operation, outcome, message: message.map(str::to_owned), at, duration })
        };
        read().ok_or_else(|| Unreadable(text.to_owned()))
    }
}

/// An attempt as earlier versions stored it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AttemptParts {
    step: String,
    operation: String,
    outcome: String,
    #[serde(default)]
    message: Option<String>,
    at: Timestamp,
    duration: String,
}

impl From<AttemptParts> for Attempt {
    fn from(parts: AttemptParts) -> Self {
        let AttemptParts { step, operation, outcome, message, at, duration } = parts;
        Self { step, operation, outcome, message, at, duration }
    }
}

/// A pass's state as earlier versions stored it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PassParts {
    handled: Option<Intent>,
    attempted: Option<Intent>,
    generation: Option<i64>,
    failures: u32,
    next_attempt: Option<Timestamp>,
    seen: Option<Timestamp>,
    ever: bool,
    owner: bool,
    pending: bool,
    dropped: bool,
}

impl From<PassParts> for PassState {
    fn from(parts: PassParts) -> Self {
        let PassParts { handled, attempted, generation, failures, next_attempt, seen, ever, owner, pending, dropped } =
            parts;
        let all = Self { handled, attempted, generation, failures, next_attempt, seen, ever, owner, pending, dropped };
        all.completed()
    }
}

/// Implements serde's traits for a value that is stored as a line, and was stored in parts.
macro_rules! stored_as_a_line {
    ($value:ty, $parts:ty) => {
        impl Serialize for $value {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $value {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                match Stored::<$parts>::deserialize(deserializer)? {
                    Stored::Line(line) => line.parse().map_err(serde::de::Error::custom),
                    Stored::Parts(parts) => Ok(parts.into()),
                }
            }
        }
    };
}

stored_as_a_line!(PassState, PassParts);
stored_as_a_line!(Attempt, AttemptParts);

#[cfg(test)]
mod tests {
    use proptest::option;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn times() -> impl Strategy<Value = Timestamp> {
        (0..4_000_000_000_i64, 0..1_000_000_000_i32).prop_map(|(second, nano)| Timestamp::new(second, nano).unwrap())
    }

    fn intents() -> impl Strategy<Value = Intent> {
        let hash = |text: String| SpecHash::of(&json!(text));
        (any::<String>(), option::of(any::<String>()), option::of(any::<String>()))
            .prop_map(move |(spec, touch, secrets)| Intent { spec: hash(spec), touch, secrets: secrets.map(hash) })
    }

    fn states() -> impl Strategy<Value = PassState> {
        let intents = (option::of(intents()), option::of(intents()), option::of(any::<i64>()), any::<u32>());
        let rest = (option::of(times()), option::of(times()), any::<[bool; 4]>());
        (intents, rest).prop_map(|((handled, attempted, generation, failures), (next_attempt, seen, flags))| {
            let [ever, owner, pending, dropped] = flags;
            let state = PassState {
                handled,
                attempted,
                generation,
                failures,
                next_attempt,
                seen,
                ever,
                owner,
                pending,
                dropped,
            };
            state.completed()
        })
    }

    proptest! {
        #[test]
        fn a_state_is_read_as_it_was_written(state in states()) {
            let stored = serde_json::to_value(&state).unwrap();
            prop_assert!(stored.is_string(), "{stored}");
            prop_assert_eq!(serde_json::from_value::<PassState>(stored).unwrap(), state);
        }

        #[test]
        fn an_attempt_is_read_as_it_was_written(
            texts in any::<[String; 4]>(), message in option::of(any::<String>()), at in times(),
        ) {
            let [step, operation, outcome, duration] = texts;
            let attempt = Attempt { step, operation, outcome, message, at, duration };
            let stored = serde_json::to_value(&attempt).unwrap();
            prop_assert_eq!(serde_json::from_value::<Attempt>(stored).unwrap(), attempt);
        }

        #[test]
        fn no_text_is_too_strange(text in any::<String>()) {
            let _ = (text.parse::<PassState>(), text.parse::<Attempt>());
        }
    }

    #[test]
    fn a_line_is_for_people_too() {
        let state: PassState = serde_json::from_value(json!({
            "handled": {"spec": "9a0364b9e99bb480", "touch": "by hand"}, "generation": 3, "owner": true,
        }))
        .unwrap();
        assert_eq!(state.to_string(), "handled=9a0364b9e99bb480/by%20hand generation=3 owner");
        let attempt: Attempt = serde_json::from_value(json!({
            "step": "SyncMyModel", "operation": "Sync", "outcome": "Failed", "message": "PUT: no route",
            "at": "2026-01-01T12:00:00Z", "duration": "12ms",
        }))
        .unwrap();
        assert_eq!(attempt.to_string(), "2026-01-01T12:00:00Z Sync Failed 12ms SyncMyModel: PUT: no route");
    }

    #[test]
    fn what_earlier_versions_stored_is_read() {
        let parts = json!({
            "attempted": {"spec": "9a0364b9e99bb480"}, "failures": 2, "nextAttempt": "2026-01-01T12:00:00Z",
            "seen": "2026-01-01T11:00:00Z", "ever": true, "pending": false, "dropped": true,
        });
        let state: PassState = serde_json::from_value(parts).unwrap();
        let line =
            "attempted=9a0364b9e99bb480 failures=2 next=2026-01-01T12:00:00Z seen=2026-01-01T11:00:00Z ever dropped";
        assert_eq!(state.to_string(), line);
        assert_eq!(line.parse::<PassState>().unwrap(), state);
        assert!("handled=9a".parse::<PassState>().is_err() && "next=soon".parse::<PassState>().is_err());
        assert_eq!("later=1 owner".parse::<PassState>().unwrap(), PassState { owner: true, ..PassState::default() });
    }
}
