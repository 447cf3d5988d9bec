//! Checks of an API: what can be invalid although the models are valid.

use std::collections::HashMap;
use std::fmt;

use super::{Api, Field, Message};

/// The names that XOS's own files define in the package of the API, and the service itself.
const TAKEN: [&str; 8] = [
    "FieldRules",
    "ForeignKeyRule",
    "ID",
    "ManyToManyForeignKeyRule",
    "Query",
    "QueryElement",
    "ReverseForeignKeyRule",
    "xos",
];

/// The models have no API, for these reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// All problems.
    pub problems: Vec<Problem>,
}

impl std::error::Error for ApiError {}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.problems.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

/// A problem that makes an API invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the names of the fields say what they are")]
pub enum Problem {
    /// Two messages have the same name.
    #[error("two messages are called `{name}`, for {first} and for {second}; set option `plural`, or rename a model")]
    DuplicateMessage {
        name: String,
        /// What the first message is for.
        first: String,
        /// What the second message is for.
        second: String,
    },
    /// A message has a name that XOS's own files define.
    #[error("`{name}`, the message for {model}, is the name of something in XOS's own .proto files; choose another")]
    Taken {
        name: String,
        /// What the message is for.
        model: String,
    },
    /// Two fields of a message have the same number.
    #[error("`{first}` and `{second}` of `{message}` both have the number {number}")]
    DuplicateNumber { message: String, first: String, second: String, number: u32 },
    /// Two fields of a message have the same name, or names that clash: for protobuf `a_b` and `aB` are the same, and a
    /// field that can be unset uses its name with `_present` appended too.
    #[error("the names `{first}` and `{second}` clash in the message of `{message}`")]
    DuplicateField { message: String, first: String, second: String },
}

/// Finds all problems of an API.
pub(super) fn check(api: &Api) -> Result<(), ApiError> {
    let mut problems = Vec::new();
    names(api, &mut problems);
    for message in &api.messages {
        numbers(message, &mut problems);
        field_names(message, &mut problems);
    }
    if problems.is_empty() { Ok(()) } else { Err(ApiError { problems }) }
}

fn names(api: &Api, problems: &mut Vec<Problem>) {
    let mut there: HashMap<&str, String> = HashMap::new();
    for message in &api.messages {
        let object = format!("an object of `{}`", message.name);
        let list = format!("a list of `{}`", message.name);
        for (name, purpose) in [(message.name.as_str(), object), (&message.plural, list)] {
            if TAKEN.contains(&name) {
                problems.push(Problem::Taken { name: name.to_owned(), model: purpose.clone() });
            }
            if let Some(first) = there.insert(name, purpose.clone()) {
                problems.push(Problem::DuplicateMessage { name: name.to_owned(), first, second: purpose });
            }
        }
    }
}

fn numbers(message: &Message, problems: &mut Vec<Problem>) {
    let mut there: HashMap<u32, &Field> = HashMap::new();
    for field in &message.fields {
        if let Some(first) = there.insert(field.number, field) {
            problems.push(Problem::DuplicateNumber {
                message: message.name.clone(),
                first: first.name.clone(),
                second: field.name.clone(),
                number: field.number,
            });
        }
    }
}

/// Checks the names of fields and oneofs, which share them; protobuf also compares the names that fields have in JSON.
fn field_names(message: &Message, problems: &mut Vec<Problem>) {
    let mut fields: HashMap<String, &Field> = HashMap::new();
    let mut oneofs: HashMap<String, &Field> = HashMap::new();
    let mut clash = |first: &Field, second: &Field| {
        let first = first.name.clone();
        let second = second.name.clone();
        problems.push(Problem::DuplicateField { message: message.name.clone(), first, second });
    };
    for field in &message.fields {
        let same = fields.insert(json_name(&field.name), field);
        let other = field.presence().and_then(|presence| oneofs.insert(presence, field));
        if let Some(first) = same.or(other) {
            clash(first, field);
        }
    }
    for field in &message.fields {
        if let Some(first) = oneofs.get(&field.name) {
            clash(first, field);
        }
    }
}

/// Returns the name that protobuf gives a field in JSON: without underscores, and the letter after one as a capital.
fn json_name(name: &str) -> String {
    let mut capital = false;
    let mut json = String::with_capacity(name.len());
    for c in name.chars() {
        if c == '_' {
            capital = true;
        } else {
            json.push(if capital { c.to_ascii_uppercase() } else { c });
            capital = false;
        }
    }
    json
}

#[cfg(test)]
mod tests {
    use super::super::{Api, FieldKind, FieldOptions};
    use super::*;

    fn message(name: &str, plural: &str, fields: &[(u32, &str)]) -> Message {
        let field = |&(number, name): &(u32, &str)| Field {
            number,
            name: name.to_owned(),
            kind: FieldKind::Date,
            options: FieldOptions::default(),
        };
        let name = name.to_owned();
        let plural = plural.to_owned();
        let service = "a".to_owned();
        Message { name, plural, service, content_type: String::new(), fields: fields.iter().map(field).collect() }
    }

    fn problems(messages: Vec<Message>) -> Vec<String> {
        let error = check(&Api { messages }).err();
        error.map(|error| error.to_string().lines().map(str::to_owned).collect()).unwrap_or_default()
    }

    #[test]
    fn a_valid_api_has_no_problems() {
        let fields = [(1, "id"), (2, "a_b"), (3, "ab"), (4, "b")];
        assert!(problems(vec![message("Site", "Sites", &fields), message("Node", "Nodes", &fields)]).is_empty());
    }

    #[test]
    fn every_problem_is_reported() {
        let site = message("Site", "Query", &[(1, "a_b"), (1, "aB"), (2, "c"), (3, "c"), (4, "c_present")]);
        let sites = message("Sites", "Site", &[]);
        assert_eq!(
            problems(vec![site, sites]),
            [
                "`Query`, the message for a list of `Site`, is the name of something in XOS's own .proto files; choose \
                 another",
                "two messages are called `Site`, for an object of `Site` and for a list of `Sites`; \
                 set option `plural`, or rename a model",
                "`a_b` and `aB` of `Site` both have the number 1",
                "the names `a_b` and `aB` clash in the message of `Site`",
                "the names `c` and `c` clash in the message of `Site`",
                "the names `c` and `c_present` clash in the message of `Site`",
            ]
        );
    }
}
