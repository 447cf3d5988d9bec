//! Whether a value meets a condition of a request.

use std::cmp::Ordering;

use regex::{Regex, RegexBuilder};
use serde_json::Value as Json;
use xos_grpc::client::Operator;
use xos_grpc::messages::xos::QueryElement;
use xos_grpc::messages::xos::query_element::Value as Wanted;
use xos_model::Timestamp;

use crate::error::ApiError;

/// A condition on a value.
#[derive(Debug)]
pub(super) struct Condition {
    operator: Operator,
    wanted: String,
    invert: bool,
    /// For the operators that match.
    regex: Option<Regex>,
}

impl Condition {
    pub(super) fn read(element: &QueryElement) -> Result<Self, ApiError> {
        let operator = Operator::try_from(element.operator);
        let operator = operator.map_err(|_| ApiError::field(&element.name, "there is no such operator"))?;
        let wanted = match &element.value {
            Some(Wanted::SValue(text)) => text.clone(),
            Some(Wanted::IValue(number)) => number.to_string(),
            None => return Err(ApiError::field(&element.name, "it is compared with nothing: set sValue or iValue")),
        };
        let matched = matches!(operator, Operator::Regex | Operator::Iregex);
        let regex = matched.then(|| RegexBuilder::new(&wanted).case_insensitive(operator == Operator::Iregex).build());
        let regex = regex.transpose().map_err(|error| ApiError::field(&element.name, error.to_string()))?;
        Ok(Self { operator, wanted, invert: element.invert, regex })
    }

    /// Returns the value that it has to be, if that is all.
    pub(super) fn equals(&self) -> Option<&str> {
        (self.operator == Operator::Equal && !self.invert).then_some(self.wanted.as_str())
    }

    /// Returns whether any of these values meets it; the opposite, if that is asked.
    pub(super) fn accepts(&self, values: &[Json]) -> bool {
        values.iter().any(|value| self.meets(value)) != self.invert
    }

    fn meets(&self, value: &Json) -> bool {
        let text = || match value {
            Json::String(text) => Some(text.clone()),
            Json::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let wanted = &self.wanted;
        match self.operator {
            Operator::Equal => self.order(value) == Some(Ordering::Equal),
            Operator::GreaterThan => self.order(value) == Some(Ordering::Greater),
            Operator::LessThan => self.order(value) == Some(Ordering::Less),
            Operator::GreaterThanOrEqual => self.order(value).is_some_and(Ordering::is_ge),
            Operator::LessThanOrEqual => self.order(value).is_some_and(Ordering::is_le),
            Operator::Iexact => text().is_some_and(|text| text.to_lowercase() == wanted.to_lowercase()),
            Operator::Contains => text().is_some_and(|text| text.contains(wanted)),
            Operator::Icontains => text().is_some_and(|text| text.to_lowercase().contains(&wanted.to_lowercase())),
            Operator::Regex | Operator::Iregex => {
                text().is_some_and(|text| self.regex.as_ref().is_some_and(|regex| regex.is_match(&text)))
            }
        }
    }

    /// Returns how a value stands to the wanted one, which is read after the value's type.
    fn order(&self, value: &Json) -> Option<Ordering> {
        let wanted = self.wanted.as_str();
        match value {
            Json::Bool(value) => match wanted {
                "1" | "True" | "true" => Some(value.cmp(&true)),
                "0" | "False" | "false" => Some(value.cmp(&false)),
                _ => None,
            },
            Json::Number(number) => number.as_f64()?.partial_cmp(&wanted.parse().ok()?),
            Json::String(text) => match text.parse::<Timestamp>() {
                Ok(time) => Some(time.cmp(&moment(wanted)?)),
                Err(_) => Some(text.as_str().cmp(wanted)),
            },
            _ => None,
        }
    }
}

/// Returns a time that is written as such, or in seconds since 1970.
#[expect(clippy::cast_possible_truncation, reason = "what is out of range is no time")]
fn moment(text: &str) -> Option<Timestamp> {
    let seconds = || Timestamp::from_microsecond((text.parse::<f64>().ok()? * 1e6).round() as i64).ok();
    text.parse().ok().or_else(seconds)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn condition(operator: Operator, value: Wanted) -> Condition {
        let element = QueryElement { operator: operator.into(), invert: false, name: "f".into(), value: Some(value) };
        Condition::read(&element).unwrap()
    }

    #[test]
    fn values_are_compared_after_their_types() {
        use Operator::{
            Contains, Equal, GreaterThan, GreaterThanOrEqual, Icontains, Iexact, Iregex, LessThan, LessThanOrEqual,
            Regex,
        };
        let text = |text: &str| Wanted::SValue(text.to_owned());
        for (operator, value, wanted, is_met) in [
            (Equal, json!("a"), text("a"), true),
            (Equal, json!("a"), text("A"), false),
            (Equal, json!(3), text("3"), true),
            (Equal, json!(3), Wanted::IValue(3), true),
            (Equal, json!("3"), Wanted::IValue(3), true),
            (Equal, json!(true), Wanted::IValue(1), true),
            (Equal, json!(true), text("True"), true),
            (Equal, json!(false), Wanted::IValue(0), true),
            (Equal, json!(null), text(""), false),
            (GreaterThan, json!(10), text("9"), true),
            (GreaterThanOrEqual, json!(9), Wanted::IValue(9), true),
            (LessThan, json!(9.5), Wanted::IValue(9), false),
            (LessThanOrEqual, json!("a"), text("b"), true),
            (GreaterThan, json!("2026-01-01T00:00:00Z"), Wanted::IValue(1_767_225_599), true),
            (LessThan, json!("2026-01-01T00:00:00Z"), text("2026-01-01T01:00:00+00:30"), true),
            (Iexact, json!("BRCM"), text("brcm"), true),
            (Contains, json!("of:0001"), text("00"), true),
            (Icontains, json!("OF:0001"), text("of"), true),
            (Regex, json!("onu-12"), text("^onu-[0-9]+$"), true),
            (Iregex, json!("ONU-12"), text("^onu"), true),
            (Regex, json!("x"), text("y"), false),
        ] {
            let shown = format!("{value} {operator:?} {wanted:?}");
            assert_eq!(condition(operator, wanted).accepts(&[value]), is_met, "{shown}");
        }
    }

    #[test]
    fn many_values_and_none() {
        let one = condition(Operator::Equal, Wanted::IValue(1));
        assert!(one.accepts(&[json!(2), json!(1)]) && !one.accepts(&[]));
        let element =
            QueryElement { invert: true, name: "f".into(), value: Some(Wanted::IValue(1)), ..QueryElement::default() };
        let not_one = Condition::read(&element).unwrap();
        assert!(!not_one.accepts(&[json!(2), json!(1)]) && not_one.accepts(&[]) && not_one.equals().is_none());
    }

    #[test]
    fn what_cannot_be_asked_is_told_with_the_field() {
        let element = |operator: i32, value| QueryElement { operator, invert: false, name: "f".into(), value };
        for (element, told) in [
            (element(0, None), "`f`: it is compared with nothing: set sValue or iValue"),
            (element(77, Some(Wanted::IValue(1))), "`f`: there is no such operator"),
            (element(8, Some(Wanted::SValue("(".into()))), "`f`: regex parse error"),
        ] {
            let refused = Condition::read(&element).unwrap_err().to_string();
            assert!(refused.starts_with(told), "{refused}");
        }
    }
}
