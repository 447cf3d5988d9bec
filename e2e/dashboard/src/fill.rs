//! What Grafana puts in the place of a dashboard's variables, `$name` or `${name}`.

use std::{collections::BTreeMap, time::Duration};

/// A variable that has no value here.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the dashboard's variable `{name}` has no value, in: {expression}")]
pub(crate) struct Unknown {
    name: String,
    expression: String,
}

/// Variables with their values.
pub(crate) struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Returns the given variables, and those of Grafana that depend on the step between two points of a line and on
    /// how often Prometheus scrapes.
    ///
    /// As in Grafana, `$__interval` is the step, and `$__rate_interval` the longer of step + scrape interval and four
    /// scrape intervals.
    pub(crate) fn new(
        chosen: impl IntoIterator<Item = (String, String)>,
        step: Duration,
        scraped_every: Duration,
    ) -> Self {
        let rate = (step + scraped_every).max(4 * scraped_every);
        let mut all: BTreeMap<_, _> = chosen.into_iter().collect();
        for (name, value) in [("__interval", step), ("__rate_interval", rate)] {
            all.insert(name.to_owned(), format!("{}ms", value.as_millis()));
        }
        Self(all)
    }

    /// Returns an expression with the values in it.
    ///
    /// # Errors
    /// When a variable has no value.
    pub(crate) fn fill(&self, expression: &str) -> Result<String, Unknown> {
        let mut parts = expression.split('$');
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = split(part);
            let value = self.0.get(name).ok_or_else(|| Unknown { name: name.into(), expression: expression.into() })?;
            filled.push_str(value);
            filled.push_str(rest);
        }
        Ok(filled)
    }
}

/// Splits what comes after a `$` in the name and the rest.
fn split(part: &str) -> (&str, &str) {
    if let Some(braced) = part.strip_prefix('{').and_then(|part| part.split_once('}')) {
        return braced;
    }
    let end = part.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(part.len());
    part.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        let second = Duration::from_secs(1);
        Variables::new([("job".to_owned(), ".*".to_owned())], second, second)
    }

    #[test]
    fn variables_are_replaced_in_both_forms() {
        let filled = variables().fill(r#"rate(a{job=~"$job",x="${job}"}[$__rate_interval]) + $__interval"#);
        assert_eq!(filled.unwrap(), r#"rate(a{job=~".*",x=".*"}[4000ms]) + 1000ms"#);
        assert_eq!(variables().fill("up").unwrap(), "up");
    }

    #[test]
    fn the_rate_interval_is_grafanas() {
        let rate = |step, scrape| {
            let all = Variables::new([], Duration::from_secs(step), Duration::from_secs(scrape));
            all.fill("$__rate_interval").unwrap()
        };
        assert_eq!(rate(15, 15), "60000ms");
        assert_eq!(rate(120, 15), "135000ms");
    }

    #[test]
    fn a_variable_without_a_value_is_named() {
        let error = variables().fill("a[$__range]").unwrap_err().to_string();
        assert_eq!(error, "the dashboard's variable `__range` has no value, in: a[$__range]");
    }
}
