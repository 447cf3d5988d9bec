//! Selectors of objects in lists and watches. Pure.

use serde_json::Value as Json;

/// What an object has to be.
#[derive(Clone, Debug, Default)]
pub(super) struct Selector(Vec<Rule>);

#[derive(Clone, Debug)]
enum Rule {
    /// The label has one of the values.
    In(String, Vec<String>),
    /// It has none of them, or is not there.
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
    /// The field `metadata.name` or `metadata.namespace`.
    Field(&'static str, String),
}

impl Selector {
    /// Reads the selectors of a request; none if one of them cannot be read.
    pub(super) fn read(labels: Option<&str>, fields: Option<&str>) -> Option<Self> {
        let mut rules = vec![];
        for part in parts(labels.unwrap_or_default()) {
            rules.push(label(part)?);
        }
        for part in parts(fields.unwrap_or_default()) {
            let (name, value) = part.split_once('=')?;
            let name = ["name", "namespace"].into_iter().find(|one| name == format!("metadata.{one}"))?;
            rules.push(Rule::Field(name, value.trim_start_matches('=').to_owned()));
        }
        Some(Self(rules))
    }

    pub(super) fn selects(&self, object: &Json) -> bool {
        let label = |name: &String| object["metadata"]["labels"][name].as_str();
        self.0.iter().all(|rule| match rule {
            Rule::In(name, values) => label(name).is_some_and(|value| values.iter().any(|one| one == value)),
            Rule::NotIn(name, values) => label(name).is_none_or(|value| values.iter().all(|one| one != value)),
            Rule::Exists(name) => label(name).is_some(),
            Rule::Missing(name) => label(name).is_none(),
            Rule::Field(name, value) => object["metadata"][name] == value.as_str(),
        })
    }
}

/// Returns the parts between commas that are not in parentheses.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    let split = text.split(move |letter: char| {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        letter == ',' && depth == 0
    });
    split.map(str::trim).filter(|part| !part.is_empty())
}

fn label(part: &str) -> Option<Rule> {
    for (word, is_in) in [(" notin ", false), (" in ", true)] {
        if let Some((name, values)) = part.split_once(word) {
            let values = values.trim().strip_prefix('(')?.strip_suffix(')')?;
            let values = values.split(',').map(|value| value.trim().to_owned()).collect();
            let name = name.trim().to_owned();
            return Some(if is_in { Rule::In(name, values) } else { Rule::NotIn(name, values) });
        }
    }
    let of = |(name, value): (&str, &str)| (name.trim().to_owned(), vec![value.trim().to_owned()]);
    if let Some((name, values)) = part.split_once("!=").map(of) {
        return Some(Rule::NotIn(name, values));
    }
    if let Some((name, values)) = part.split_once("==").or_else(|| part.split_once('=')).map(of) {
        return Some(Rule::In(name, values));
    }
    match part.strip_prefix('!') {
        Some(name) => Some(Rule::Missing(name.trim().to_owned())),
        None => (!part.contains(' ')).then(|| Rule::Exists(part.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_are_selected_by_labels_and_fields() {
        let object = json!({"metadata": {"name": "a", "namespace": "n", "labels": {"x": "1", "y": "2"}}});
        for (labels, fields, is_selected) in [
            ("", "", true),
            ("x=1", "", true),
            ("x=1,y==2", "metadata.name=a", true),
            ("x=2", "", false),
            ("x!=2,z!=1", "", true),
            ("x in (1, 3),y", "", true),
            ("x notin (1,3)", "", false),
            ("z notin (1)", "", true),
            ("!z", "", true),
            ("!x", "", false),
            ("z", "", false),
            ("", "metadata.name=b", false),
            ("", "metadata.namespace=n", true),
        ] {
            let selector = Selector::read(Some(labels), Some(fields)).unwrap();
            assert_eq!(selector.selects(&object), is_selected, "{labels} {fields}");
        }
        for (labels, fields) in [("x in 1", ""), ("", "status.phase=Up"), ("a b", "")] {
            assert!(Selector::read(Some(labels), Some(fields)).is_none(), "{labels} {fields}");
        }
    }
}
