//! Values as they are kept: as the definition of the model has them, and as an API server gives them back.

use serde_json::{Number, Value as Json};
use xos_xproto::ValueType;

/// The longest value, as JSON: an object has room for some of them.
const LONGEST: usize = 32 << 10;

/// Numbers up to here are whole ones exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Returns a value of a property as it is kept; nothing if it has none.
///
/// # Errors
/// Says why it cannot be kept.
pub(super) fn conform(ty: &ValueType, value: Json) -> Result<Option<Json>, String> {
    if value.is_null() {
        return Ok(None);
    }
    let value = fit(ty, value)?;
    let length = value.to_string().len();
    if length > LONGEST {
        return Err(format!("its value has {length} bytes, and may have {LONGEST}"));
    }
    Ok(Some(value))
}

fn fit(ty: &ValueType, value: Json) -> Result<Json, String> {
    let wrong = |value: &Json| Err(format!("its value is {}, and should be {}", kind(value), name(ty)));
    match (ty, value) {
        (ValueType::Any, value) => Ok(tidy(value)),
        (ValueType::List(_), Json::Array(items)) if items.iter().any(Json::is_null) && !is_any(ty) => {
            Err("an item of the list has no value (null)".to_owned())
        }
        (ValueType::List(of), Json::Array(items)) => items.into_iter().map(|item| fit(of, item)).collect(),
        (ValueType::Map(of), Json::Object(members)) => {
            let members = members.into_iter().filter(|(_, value)| !value.is_null());
            members.map(|(key, value)| Ok((key, fit(of, value)?))).collect()
        }
        (ValueType::Bool, value @ Json::Bool(_))
        | (ValueType::Text | ValueType::Timestamp | ValueType::Duration, value @ Json::String(_))
        | (ValueType::Object(_), value @ Json::Object(_)) => Ok(value),
        (ValueType::Int, Json::Number(number)) if number.is_i64() => Ok(Json::Number(number)),
        (ValueType::Double, value @ Json::Number(_)) => Ok(tidy(value)),
        (_, value) => wrong(&value),
    }
}

fn is_any(ty: &ValueType) -> bool {
    matches!(ty, ValueType::List(of) if **of == ValueType::Any)
}

/// Returns a value as an API server gives it back: 2 for 2.0, and no members of maps without a value.
fn tidy(value: Json) -> Json {
    match value {
        Json::Number(number) => Json::Number(whole(&number).unwrap_or(number)),
        Json::Array(items) => items.into_iter().map(tidy).collect(),
        Json::Object(members) => {
            let members = members.into_iter().filter(|(_, value)| !value.is_null());
            members.map(|(key, value)| (key, tidy(value))).collect()
        }
        value => value,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it is a whole number that fits")]
fn whole(number: &Number) -> Option<Number> {
    let float = number.as_f64().filter(|float| number.is_f64() && float.trunc() == *float && float.abs() < EXACT)?;
    Some(Number::from(float as i64))
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number that is too large, or no whole one",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "a map",
    }
}

fn name(ty: &ValueType) -> &'static str {
    match ty {
        ValueType::Any => "anything",
        ValueType::Bool => "true or false",
        ValueType::Int => "a whole number of 64 bits",
        ValueType::Double => "a number",
        ValueType::Text | ValueType::Timestamp | ValueType::Duration => "a text",
        ValueType::Object(_) => "an object",
        ValueType::List(_) => "a list",
        ValueType::Map(_) => "a map",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_kept_as_an_api_server_gives_them_back() {
        let list = |of| ValueType::List(Box::new(of));
        let table = [
            (ValueType::Double, json!(2.0), Ok(Some(json!(2)))),
            (ValueType::Double, json!(2.5), Ok(Some(json!(2.5)))),
            (ValueType::Int, json!(2), Ok(Some(json!(2)))),
            (ValueType::Text, json!(null), Ok(None)),
            (ValueType::Any, json!({"a": 1.0, "b": null, "c": [null]}), Ok(Some(json!({"a": 1, "c": [null]})))),
            (list(ValueType::Int), json!([1, 2]), Ok(Some(json!([1, 2])))),
            (list(ValueType::Text), json!(["a", null]), Err("an item of the list has no value (null)")),
            (ValueType::Map(Box::new(ValueType::Int)), json!({"a": 1, "b": null}), Ok(Some(json!({"a": 1})))),
            (
                ValueType::Int,
                json!(u64::MAX),
                Err(
                    "its value is a number that is too large, or no whole one, and should be a whole number of 64 bits",
                ),
            ),
        ];
        for (ty, value, expected) in table {
            assert_eq!(conform(&ty, value.clone()), expected.map_err(str::to_owned), "{value}");
        }
        let long = json!("x".repeat(LONGEST));
        assert!(conform(&ValueType::Text, long).is_err());
    }
}
