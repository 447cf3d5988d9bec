//! Queries over objects, with the operators of XOS's `Query`.

use std::cmp::Ordering;
use std::fmt;

use jiff::Timestamp;
use regex::Regex;
use serde_json::Value;
use xos_xproto::{Model, ModelSet};

use crate::reference::Reference;

/// How a field is compared. The names and their meaning are those of XOS's `QueryElement`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// The same value.
    Equal,
    /// Greater: numbers as numbers, dates as dates, texts by their characters.
    GreaterThan,
    /// Less.
    LessThan,
    /// Greater or equal.
    GreaterThanOrEqual,
    /// Less or equal.
    LessThanOrEqual,
    /// The same text, ignoring case.
    IEqual,
    /// A text that contains this one.
    Contains,
    /// The same, ignoring case.
    IContains,
    /// A text that matches this regular expression somewhere.
    Regex,
    /// The same, ignoring case.
    IRegex,
}

/// One condition on a field.
#[derive(Clone, Debug)]
pub struct Criterion {
    field: String,
    test: Test,
    inverted: bool,
}

#[derive(Clone, Debug)]
enum Test {
    Equal(Value),
    Order(Operator, Value),
    IEqual(String),
    Contains(String),
    IContains(String),
    Regex(Regex),
}

/// A query that is not valid.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the names of the fields say what they are")]
pub enum QueryError {
    /// Not a regular expression.
    #[error("`{field}` is compared with an invalid regular expression: {source}")]
    Regex {
        field: String,
        /// What is wrong with it.
        source: Box<regex::Error>,
    },
    /// The operator compares texts.
    #[error("`{field}` is compared as text with {value}, which is not a text")]
    NoText { field: String, value: Value },
    /// The model has no such field.
    #[error("model {model} has no field or link `{field}`")]
    UnknownField { model: String, field: String },
    /// There is no such model.
    #[error("there is no model `{0}` among the loaded ones")]
    UnknownModel(String),
    /// It is one of the core's models that the synchronizer only refers to.
    #[error("{}", not_named(.0))]
    NotNamed(String),
}

/// Returns the model that a query names.
///
/// # Errors
/// When there is none, or nothing names it, so that its objects are not known.
pub fn queried<'m>(models: &'m ModelSet, class: &str) -> Result<&'m Model, QueryError> {
    match models.get(class) {
        None => Err(QueryError::UnknownModel(class.to_owned())),
        Some(model) if model.is_referred => Err(QueryError::NotNamed(class.to_owned())),
        Some(model) => Ok(model),
    }
}

/// Returns what is to be done about a model of the core whose objects are asked for, and that nothing names.
pub(crate) fn not_named(model: &str) -> String {
    format!(
        "no {model} is known here, as nothing names this model of XOS's core: write `option uses = \"{model}\";` at the \
         beginning of an .xproto file, or `uses: [{model}]` in the configuration"
    )
}

impl Criterion {
    /// Makes a criterion. A link is compared with a reference, or with the name of a peer.
    ///
    /// # Errors
    /// When the operator compares texts and the value is none, or no regular expression.
    pub fn new(field: &str, operator: Operator, value: Value) -> Result<Self, QueryError> {
        let field = field.to_owned();
        let text = |value: Value| match value {
            Value::String(text) => Ok(text),
            value => Err(QueryError::NoText { field: field.clone(), value }),
        };
        let test = match operator {
            Operator::Equal => Test::Equal(value),
            Operator::IEqual => Test::IEqual(text(value)?.to_lowercase()),
            Operator::Contains => Test::Contains(text(value)?),
            Operator::IContains => Test::IContains(text(value)?.to_lowercase()),
            Operator::Regex => Test::Regex(regex(&field, &text(value)?)?),
            Operator::IRegex => Test::Regex(regex(&field, &format!("(?i){}", text(value)?))?),
            order => Test::Order(order, value),
        };
        Ok(Self { field, test, inverted: false })
    }

    /// Makes a criterion for a field that has exactly this value.
    pub fn equal(field: &str, value: Value) -> Self {
        Self { field: field.to_owned(), test: Test::Equal(value), inverted: false }
    }

    /// Inverts the criterion.
    #[must_use]
    pub fn inverted(self) -> Self {
        Self { inverted: !self.inverted, ..self }
    }

    /// Returns the field.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Returns the value that the field has to equal, if that is the whole criterion: an index can answer it.
    pub fn equals(&self) -> Option<&Value> {
        match &self.test {
            Test::Equal(value) if !self.inverted => Some(value),
            _ => None,
        }
    }

    /// Returns whether a value of an object in `namespace` meets the criterion. Null only equals null.
    pub fn accepts(&self, value: &Value, namespace: &str) -> bool {
        self.test.accepts(value, namespace) != self.inverted
    }
}

impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = if self.inverted { "not " } else { "" };
        let (sign, value) = match &self.test {
            Test::Equal(value) => ("=", value.to_string()),
            Test::Order(operator, value) => (operator.sign(), value.to_string()),
            Test::IEqual(text) => ("=*", format!("{text:?}")),
            Test::Contains(text) => ("contains", format!("{text:?}")),
            Test::IContains(text) => ("contains, in any case,", format!("{text:?}")),
            Test::Regex(regex) => ("~", format!("{:?}", regex.as_str())),
        };
        write!(f, "{not}{} {sign} {value}", self.field)
    }
}

impl Test {
    fn accepts(&self, value: &Value, namespace: &str) -> bool {
        match self {
            Self::Equal(wanted) => is_equal(value, wanted, namespace),
            Self::Order(operator, wanted) => compare(value, wanted).is_some_and(|order| operator.holds(order)),
            Self::IEqual(wanted) => value.as_str().is_some_and(|text| text.to_lowercase() == *wanted),
            Self::Contains(wanted) => value.as_str().is_some_and(|text| text.contains(wanted)),
            Self::IContains(wanted) => value.as_str().is_some_and(|text| text.to_lowercase().contains(wanted)),
            Self::Regex(wanted) => value.as_str().is_some_and(|text| wanted.is_match(text)),
        }
    }
}

impl Operator {
    fn sign(self) -> &'static str {
        match self {
            Self::GreaterThan => ">",
            Self::LessThan => "<",
            Self::GreaterThanOrEqual => ">=",
            Self::LessThanOrEqual => "<=",
            _ => "=",
        }
    }

    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::GreaterThan => order.is_gt(),
            Self::LessThan => order.is_lt(),
            Self::GreaterThanOrEqual => order.is_ge(),
            Self::LessThanOrEqual => order.is_le(),
            _ => order.is_eq(),
        }
    }
}

fn regex(field: &str, text: &str) -> Result<Regex, QueryError> {
    Regex::new(text).map_err(|source| QueryError::Regex { field: field.to_owned(), source: Box::new(source) })
}

fn is_equal(value: &Value, wanted: &Value, namespace: &str) -> bool {
    let is_same = value == wanted || compare(value, wanted).is_some_and(Ordering::is_eq);
    is_same || leads_to(value, wanted, namespace)
}

/// Returns whether a link leads to what a reference or a name means; kinds are compared if both have one.
fn leads_to(value: &Value, wanted: &Value, namespace: &str) -> bool {
    if let Value::Array(links) = value {
        return links.iter().any(|link| leads_to(link, wanted, namespace));
    }
    let Some(link) = reference(value) else { return false };
    let Some(wanted) = reference(wanted).or_else(|| Some(Reference::to(wanted.as_str()?))) else { return false };
    let of = |reference: &Reference| reference.namespace.clone().unwrap_or_else(|| namespace.to_owned());
    let same_kind = link.kind.is_none() || wanted.kind.is_none() || link.kind == wanted.kind;
    link.name == wanted.name && of(&link) == of(&wanted) && same_kind
}

fn reference(value: &Value) -> Option<Reference> {
    if value.is_object() { serde_json::from_value(value.clone()).ok() } else { None }
}

/// Returns the order of two values of the same type, if they have one.
fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
        },
        (Value::String(a), Value::String(b)) => match (a.parse::<Timestamp>(), b.parse::<Timestamp>()) {
            (Ok(a), Ok(b)) => Some(a.cmp(&b)),
            _ => Some(a.cmp(b)),
        },
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// A query for the objects of a class (a model or one derived from it) that meet all criteria.
#[derive(Clone, Debug)]
pub struct Query {
    /// The class.
    pub class: String,
    /// The namespace, or all.
    pub namespace: Option<String>,
    /// The criteria, all of which must be met.
    pub criteria: Vec<Criterion>,
    /// Also objects that are being deleted.
    pub with_deleted: bool,
}

impl Query {
    /// Makes a query for all objects of a class that are not being deleted.
    pub fn of(class: &str, namespace: Option<&str>) -> Self {
        let class = class.to_owned();
        let namespace = namespace.map(str::to_owned);
        Self { class, namespace, criteria: vec![], with_deleted: false }
    }

    /// Adds a criterion.
    #[must_use]
    pub fn and(mut self, criterion: Criterion) -> Self {
        self.criteria.push(criterion);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn operators() {
        use Operator::{
            Contains, Equal, GreaterThan, GreaterThanOrEqual, IContains, IEqual, IRegex, LessThan, LessThanOrEqual,
            Regex,
        };
        let table = [
            (Equal, json!("a"), json!("a"), true),
            (Equal, json!("a"), json!("A"), false),
            (Equal, json!(2), json!(2.0), true),
            (Equal, json!(null), json!(null), true),
            (Equal, json!(null), json!(""), false),
            (Equal, json!("2026-01-01T00:00:00Z"), json!("2026-01-01T01:00:00+01:00"), true),
            (GreaterThan, json!(10), json!(9), true),
            (GreaterThan, json!("10"), json!("9"), false),
            (GreaterThan, json!(9), json!("9"), false),
            (GreaterThanOrEqual, json!(9), json!(9), true),
            (LessThan, json!("2026-01-01T00:00:00Z"), json!("2026-01-01T00:00:00.5Z"), true),
            (LessThan, json!(null), json!(1), false),
            (LessThanOrEqual, json!(9.5), json!(9), false),
            (IEqual, json!("BRCM"), json!("brcm"), true),
            (Contains, json!("of:0001"), json!("00"), true),
            (IContains, json!("OF:0001"), json!("of"), true),
            (Regex, json!("onu-12"), json!("^onu-[0-9]+$"), true),
            (IRegex, json!("ONU-12"), json!("^onu"), true),
            (Regex, json!(12), json!("1"), false),
        ];
        for (operator, value, wanted, expected) in table {
            let text = format!("{value} {operator:?} {wanted}");
            let criterion = Criterion::new("f", operator, wanted).unwrap();
            assert_eq!(criterion.accepts(&value, "n"), expected, "{text}");
            assert_eq!(criterion.inverted().accepts(&value, "n"), !expected, "not {text}");
        }
    }

    #[test]
    fn links_are_compared_by_what_they_mean() {
        let here = json!({"name": "a"});
        let table = [
            (json!({"name": "a", "namespace": "n"}), here.clone(), true),
            (json!({"name": "a", "namespace": "m"}), here.clone(), false),
            (json!({"name": "a", "kind": "X"}), here.clone(), true),
            (json!({"name": "a", "kind": "X"}), json!({"name": "a", "kind": "Y"}), false),
            (json!([{"name": "b"}, {"name": "a"}]), here, true),
            (json!({"name": "a"}), json!("a"), true),
            (json!({"name": "a"}), json!("b"), false),
        ];
        for (value, wanted, expected) in table {
            assert_eq!(Criterion::equal("f", wanted.clone()).accepts(&value, "n"), expected, "{value} {wanted}");
        }
    }

    #[test]
    fn what_cannot_be_asked() {
        assert!(matches!(Criterion::new("f", Operator::Regex, json!("(")), Err(QueryError::Regex { .. })));
        assert!(matches!(Criterion::new("f", Operator::Contains, json!(1)), Err(QueryError::NoText { .. })));
    }
}
