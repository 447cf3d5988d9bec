//! Values of a configuration that JSON has no type for.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use jiff::SignedDuration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::SecretString;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};
use xos_model::names::{SYNCHRONIZER_LENGTH, SYNCHRONIZER_PATTERN};
use xos_model::resync::OFF;
use xos_yaml::DURATION;

/// `format` of addresses with a port.
pub(in crate::config) const ADDRESS: &str = "socket-address";

/// `format` of durations that may be `off`.
pub(in crate::config) const PERIOD: &str = "time-span-or-off";

/// `format` of durations that may be `forever`.
pub(in crate::config) const RETENTION: &str = "time-span-or-forever";
/// What is never over.
const FOREVER: &str = "forever";

/// What the messages and the schema say of durations.
const DURATIONS: &str = "a duration such as `30s`, `5m` or `1h 30m`";

/// What the messages and the schema say of synchronizers' names.
const NAMES: &str = "a name of letters, digits, `-` and `.`, with a letter or a digit at both ends and beside each `.`, \
                     as it becomes a part of finalizers";

/// Returns the schema of a synchronizer's name.
pub(super) fn name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "pattern": SYNCHRONIZER_PATTERN,
        "patternErrorMessage": NAMES,
        "allOf": [{
            "pattern": format!("^.{{0,{SYNCHRONIZER_LENGTH}}}$"),
            "patternErrorMessage": format!("a name of at most {SYNCHRONIZER_LENGTH} characters"),
        }],
    })
}

/// Returns the schema of a list of the core's models.
pub(super) fn core_models(_: &mut SchemaGenerator) -> Schema {
    let names: Vec<_> = [xos_xproto::ALL_OF_CORE].into_iter().chain(xos_xproto::core_names()).collect();
    json_schema!({ "type": "array", "items": { "type": "string", "enum": names } })
}

/// Returns the pattern of durations: units from the largest to the smallest, with a fraction at most in the last.
fn duration_pattern() -> String {
    const WHOLE: &str = "[0-9]{1,9} ?";
    const FRACTION: &str = "[0-9]{1,9}\\.[0-9]{1,9} ?";
    const HOURS: &str = "(h|hrs?|hours?)";
    const MINUTES: &str = "(m|mins?|minutes?)";
    const SECONDS: &str = "(s|secs?|seconds?)";
    const MILLIS: &str = "(ms|msecs?|millis|milliseconds?)";
    let larger = format!("^({WHOLE}{HOURS})?( ?{WHOLE}{MINUTES})?");
    format!(
        "{larger}( ?{WHOLE}{SECONDS})?( ?{WHOLE}{MILLIS})?$|{larger} ?{FRACTION}{SECONDS}$|\
         ^{FRACTION}({HOURS}|{MINUTES}|{MILLIS})$"
    )
}

/// Returns the schema of a duration.
pub(super) fn duration(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "format": DURATION,
        "pattern": duration_pattern(),
        "patternErrorMessage": DURATIONS,
        "allOf": [{"pattern": "^[0-9]", "patternErrorMessage": DURATIONS}],
    })
}

/// Returns the schema of a duration that is longer than nothing.
pub(super) fn positive_duration(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = duration(generator);
    let positive = json!({"pattern": "[1-9]", "patternErrorMessage": "a duration longer than 0s"});
    if let Some(all) = schema.get_mut("allOf").and_then(Value::as_array_mut) {
        all.push(positive);
    }
    schema
}

/// Reads a duration.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    text.parse::<SignedDuration>().ok().and_then(|duration| Duration::try_from(duration).ok())
}

/// Durations as texts, for `#[serde(with)]`.
pub(super) mod span {
    use super::{Deserialize, Deserializer, Duration, Serializer, SignedDuration, parse_duration};
    use serde::de::Error as _;

    pub(in crate::config::keys) fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        let signed = SignedDuration::try_from(*value).map_err(serde::ser::Error::custom)?;
        to.collect_str(&format_args!("{signed:#}"))
    }

    pub(in crate::config::keys) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(from)?;
        parse_duration(&text).ok_or_else(|| D::Error::custom("not a duration"))
    }
}

/// Returns the schema of a duration, or a word for none.
fn duration_or(word: &str, format: &str, examples: &str) -> Schema {
    let expected = format!("`{word}`, or a duration such as {examples}");
    json_schema!({
        "type": "string",
        "format": format,
        "pattern": format!("^{word}$|{}", duration_pattern()),
        "patternErrorMessage": expected,
        "allOf": [{"pattern": format!("^{word}$|^[0-9]"), "patternErrorMessage": expected},
            {"pattern": format!("^{word}$|[1-9]"),
                "patternErrorMessage": format!("`{word}`, or a duration longer than 0s")}],
    })
}

fn serialize_or<S: Serializer>(word: &str, value: Option<&Duration>, to: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => span::serialize(value, to),
        None => to.serialize_str(word),
    }
}

fn deserialize_or<'de, D: Deserializer<'de>>(word: &str, from: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(from)?;
    if text == word {
        return Ok(None);
    }
    parse_duration(&text).map(Some).ok_or_else(|| D::Error::custom(format!("neither a duration nor `{word}`")))
}

/// Returns the schema of a period that may be turned off.
pub(super) fn resync_schema(_: &mut SchemaGenerator) -> Schema {
    duration_or(OFF, PERIOD, "`10h` or `1h 30m`")
}

/// Periods that may be turned off, as texts, for `#[serde(with)]`.
pub(super) mod resync {
    use super::{Deserializer, Duration, OFF, Serializer, deserialize_or, serialize_or};

    pub(in crate::config::keys) fn serialize<S: Serializer>(
        value: &Option<Duration>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        serialize_or(OFF, value.as_ref(), to)
    }

    pub(in crate::config::keys) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Duration>, D::Error> {
        deserialize_or(OFF, from)
    }
}

/// Returns the schema of a time that something is kept.
pub(super) fn retention_schema(_: &mut SchemaGenerator) -> Schema {
    duration_or(FOREVER, RETENTION, "`720h`")
}

/// Times that something is kept, as texts, for `#[serde(with)]`.
pub(super) mod retention {
    use super::{Deserializer, Duration, FOREVER, Serializer, deserialize_or, serialize_or};

    pub(in crate::config::keys) fn serialize<S: Serializer>(
        value: &Option<Duration>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        serialize_or(FOREVER, value.as_ref(), to)
    }

    pub(in crate::config::keys) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Duration>, D::Error> {
        deserialize_or(FOREVER, from)
    }
}

/// Optional durations as texts, for `#[serde(with)]`.
pub(super) mod optional_span {
    use super::{Deserialize, Deserializer, Duration, Serializer, span};

    pub(in crate::config::keys) fn serialize<S: Serializer>(
        value: &Option<Duration>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => span::serialize(value, to),
            None => to.serialize_none(),
        }
    }

    pub(in crate::config::keys) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Duration>, D::Error> {
        #[derive(Deserialize)]
        struct Span(#[serde(with = "span")] Duration);
        Ok(Option::<Span>::deserialize(from)?.map(|span| span.0))
    }
}

/// Returns the schema of an IP address with a port.
pub(super) fn address(_: &mut SchemaGenerator) -> Schema {
    const BYTE: &str = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
    const PORT: &str = "([0-9]|[1-9][0-9]{1,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])";
    json_schema!({
        "type": "string",
        "format": ADDRESS,
        "pattern": format!("^({BYTE}(\\.{BYTE}){{3}}|\\[[0-9A-Fa-f:.]+\\]):{PORT}$"),
        "patternErrorMessage": "an IP address and a port, as `0.0.0.0:9100`",
    })
}

/// Returns whether a text has one of the formats that only this program knows. Other formats are not checked.
pub(in crate::config) fn has_format(text: &str, format: &str) -> bool {
    match format {
        DURATION => parse_duration(text).is_some(),
        RETENTION => text == FOREVER || parse_duration(text).is_some(),
        PERIOD => text == OFF || parse_duration(text).is_some(),
        ADDRESS => text.parse::<SocketAddr>().is_ok(),
        _ => true,
    }
}

/// Returns the schema of a secret: a text, or `@` and the path of the file that holds it.
pub(super) fn secret(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "password", "writeOnly": true})
}

/// Reads a secret.
pub(super) fn read_secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.map(SecretString::from))
}

/// Returns the schema of settings that librdkafka gets as texts.
pub(super) fn properties(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}})
}

/// Reads settings of librdkafka. Any of them may be a secret.
pub(super) fn read_properties<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, SecretString>, D::Error> {
    let values = BTreeMap::<String, Value>::deserialize(from)?;
    let text = |(key, value): (String, Value)| match value {
        Value::String(text) => Ok((key, SecretString::from(text))),
        Value::Number(number) => Ok((key, SecretString::from(number.to_string()))),
        Value::Bool(flag) => Ok((key, SecretString::from(flag.to_string()))),
        _ => Err(D::Error::custom("neither a text nor a number nor true or false")),
    };
    values.into_iter().map(text).collect()
}

/// One text, or several.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in crate::config) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl OneOrMany {
    /// Returns all texts. Each may itself be several, between commas.
    pub(in crate::config) fn all(self) -> Vec<String> {
        let texts = match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        };
        let parts = texts.iter().flat_map(|text| text.split(',')).map(str::trim).filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    }
}
