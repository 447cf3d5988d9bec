//! The formats that models' schemas use, as the API server checks them (kube-openapi's `strfmt` and number ranges).

use serde_json::Value;

use super::values::{is_type, number};

/// Returns whether a value is of a format. No value is of a format that is not known here.
pub(super) fn complies(format: &str, value: &Value) -> bool {
    match (format, value) {
        ("int32", Value::Number(_)) => {
            number(value).is_some_and(|n| (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&n))
        }
        ("int64", Value::Number(_)) => is_type("integer", value),
        ("float", Value::Number(_)) => number(value).is_some_and(|n| n.abs() <= f64::from(f32::MAX)),
        ("date-time" | "datetime", Value::String(text)) => is_date_time(text),
        ("date", Value::String(text)) => is_date(text),
        ("byte", Value::String(text)) => is_base64(text),
        (_, Value::String(_)) => ignored(format),
        _ => true,
    }
}

/// Returns whether a text is of a format of a model's schema, as the API server sees it.
#[must_use]
pub fn has_format(format: &str, text: &str) -> bool {
    complies(format, &Value::String(text.to_owned()))
}

/// Formats that ask nothing of a text.
fn ignored(format: &str) -> bool {
    matches!(format, "password" | "int32" | "int64" | "float" | "double")
}

/// Returns whether every number of the format `before` is of the format `after` too. Without a format, all numbers are
/// allowed.
pub(super) fn is_wider(before: Option<&str>, after: &str) -> bool {
    match after {
        "double" => true,
        "float" => matches!(before, Some("int32" | "int64")),
        "int64" => matches!(before, Some("int32")),
        _ => false,
    }
}

/// Returns whether a text is a date of RFC 3339 or another that the API server accepts: any character before the
/// fraction, lower-case letters, seconds up to 59.
fn is_date_time(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let Some((date, time)) = text.split_once('t') else {
        return false;
    };
    is_date(date) && is_time(time)
}

fn is_date(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else {
        return false;
    };
    let (Some(year), Some(month), Some(day)) = (digits(year, 4), digits(month, 2), digits(day, 2)) else {
        return false;
    };
    (1..=12).contains(&month) && (1..=days(year, month)).contains(&day)
}

fn days(year: u32, month: u32) -> u32 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn is_time(text: &str) -> bool {
    let Some((clock, rest)) = text.split_at_checked(8) else {
        return false;
    };
    let parts: Vec<_> = clock.split(':').map(|part| digits(part, 2)).collect();
    let [Some(hour), Some(minute), Some(second)] = parts.as_slice() else {
        return false;
    };
    *hour <= 23 && *minute <= 59 && *second <= 59 && (is_zone(rest) || fraction_end(rest).is_some_and(is_zone))
}

/// Returns what follows a fraction such as `.123`.
fn fraction_end(text: &str) -> Option<&str> {
    let mut characters = text.chars();
    characters.next()?;
    let after = characters.as_str();
    let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    (rest.len() < after.len()).then_some(rest)
}

fn is_zone(text: &str) -> bool {
    let offset = || text.strip_prefix(['+', '-'])?.split_once(':');
    text == "z" || offset().is_some_and(|(h, m)| digits(h, 2).is_some() && digits(m, 2).is_some())
}

fn digits(text: &str, count: usize) -> Option<u32> {
    let are_digits = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| are_digits)
}

/// Returns whether a text is base64 with padding, and not empty.
fn is_base64(text: &str) -> bool {
    let bytes = text.trim_end_matches('=');
    let padding = text.len() - bytes.len();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    !text.is_empty() && text.len().is_multiple_of(4) && padding <= 2 && bytes.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn formats_are_the_api_server_s() {
        let table = [
            ("int32", json!(2_147_483_647), true),
            ("int32", json!(2_147_483_648_i64), false),
            ("int64", json!(u64::MAX), false),
            ("float", json!(1e39), false),
            ("double", json!(1e300), true),
            ("date-time", json!("2026-02-28T23:59:59Z"), true),
            ("date-time", json!("2026-02-28t23:59:59.123+01:00"), true),
            ("date-time", json!("2026-02-29T23:59:59Z"), false),
            ("date-time", json!("2026-02-28T23:59:60Z"), false),
            ("date-time", json!("2026-02-28 23:59:59Z"), false),
            ("date-time", json!("2026-02-28T23:59:59"), false),
            ("date-time", json!("Tuesday"), false),
            ("date-time", json!(""), false),
            ("date-time", json!("2026-02-28T2ä:59:59Z"), false),
            ("date", json!("2024-02-29"), true),
            ("date", json!("2100-02-29"), false),
            ("date", json!("24-02-29"), false),
            ("byte", json!("YQ=="), true),
            ("byte", json!("YQ"), false),
            ("byte", json!(""), false),
            ("byte", json!("===="), false),
            ("uuid", json!("anything"), false),
            ("password", json!("anything"), true),
        ];
        for (format, value, expected) in table {
            assert_eq!(complies(format, &value), expected, "{format} {value}");
        }
    }
}
