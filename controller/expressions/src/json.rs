//! Values of expressions as JSON, and back.

use std::collections::HashMap;

use cel::common::types::{
    CelBool, CelBytes, CelDouble, CelDuration, CelInt, CelList, CelMap, CelMapKey, CelNull, CelOptional, CelString,
    CelTimestamp, CelUInt,
};
use cel::common::value::Val;
use serde_json::{Map, Number, Value as Json, json};

use crate::metadata::MetadataVal;
use crate::object::ObjectVal;

/// Returns a JSON value as a value of expressions: whole numbers are `int`.
pub(crate) fn from_json<'v>(json: &Json) -> Box<dyn Val + 'v> {
    match json {
        Json::Null => Box::new(CelNull),
        Json::Bool(flag) => Box::new(CelBool::from(*flag)),
        Json::Number(number) => from_number(number),
        Json::String(text) => Box::new(CelString::from(text.clone())),
        Json::Array(items) => Box::new(CelList::from(items.iter().map(from_json).collect::<Vec<_>>())),
        Json::Object(members) => {
            let entry = |(key, value): (&String, &Json)| (CelMapKey::from(key.clone()), from_json(value));
            Box::new(CelMap::from(members.iter().map(entry).collect::<HashMap<_, _>>()))
        }
    }
}

fn from_number<'v>(number: &Number) -> Box<dyn Val + 'v> {
    match (number.as_i64(), number.as_u64()) {
        (Some(whole), _) => Box::new(CelInt::from(whole)),
        (None, Some(large)) => Box::new(CelUInt::from(large)),
        (None, None) => Box::new(CelDouble::from(number.as_f64().unwrap_or_default())),
    }
}

/// Returns a value as JSON: a time as RFC 3339 has it, a duration in seconds with the unit `s`, bytes as Base64, an object
/// as a link to it.
///
/// # Errors
/// Says of what there is no JSON.
pub(crate) fn to_json(value: &dyn Val) -> Result<Json, String> {
    if let Some(object) = value.downcast_ref::<ObjectVal>() {
        return Ok(object.reference());
    }
    if let Some(metadata) = value.downcast_ref::<MetadataVal>() {
        return Ok(metadata.all());
    }
    if value.downcast_ref::<CelNull>().is_some() {
        return Ok(Json::Null);
    }
    if let Some(flag) = value.downcast_ref::<CelBool>() {
        return Ok(Json::Bool(*flag.inner()));
    }
    if let Some(text) = value.downcast_ref::<CelString<'_>>() {
        return Ok(Json::String(text.inner().to_owned()));
    }
    if let Some(number) = number(value) {
        return number;
    }
    if let Some(list) = value.downcast_ref::<CelList<'_>>() {
        return list.inner().iter().map(|item| to_json(item.as_ref())).collect();
    }
    if let Some(map) = value.downcast_ref::<CelMap<'_>>() {
        return members(map).map(Json::Object);
    }
    if let Some(optional) = value.downcast_ref::<CelOptional<'_>>() {
        return optional.option().map_or(Ok(Json::Null), to_json);
    }
    if let Some(bytes) = value.downcast_ref::<CelBytes<'_>>() {
        return cel::Value::Bytes(bytes.inner().to_vec().into()).json().map_err(|error| error.to_string());
    }
    if let Some(time) = value.downcast_ref::<CelTimestamp>() {
        return Ok(json!(time.inner().to_utc().to_rfc3339().replace("+00:00", "Z")));
    }
    if let Some(duration) = value.downcast_ref::<CelDuration>() {
        let (whole, rest) = (duration.inner().num_seconds(), duration.inner().subsec_nanos());
        let seconds =
            if rest == 0 { format!("{whole}s") } else { format!("{:.3}s", duration.inner().as_seconds_f64()) };
        return Ok(json!(seconds));
    }
    Err(format!("a value of type {} has no JSON form", value.get_type().name()))
}

fn number(value: &dyn Val) -> Option<Result<Json, String>> {
    if let Some(whole) = value.downcast_ref::<CelInt>() {
        return Some(Ok(json!(whole.inner())));
    }
    if let Some(whole) = value.downcast_ref::<CelUInt>() {
        return Some(Ok(json!(whole.inner())));
    }
    let number = value.downcast_ref::<CelDouble>()?.inner();
    Some(Number::from_f64(*number).map(Json::Number).ok_or_else(|| format!("{number} is no number in JSON")))
}

fn members(map: &CelMap<'_>) -> Result<Map<String, Json>, String> {
    let mut members = Map::new();
    for (key, value) in map.inner() {
        let key = match key {
            CelMapKey::Bool(flag) => flag.inner().to_string(),
            CelMapKey::Int(number) => number.inner().to_string(),
            CelMapKey::UInt(number) => number.inner().to_string(),
            CelMapKey::String(text) => text.inner().to_owned(),
        };
        members.insert(key, to_json(value.as_ref())?);
    }
    Ok(members)
}
