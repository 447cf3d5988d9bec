//! Lines, made of what Prometheus answers.

use serde::Deserialize;

/// A line of a panel: its name, and its points by seconds since the begin. Points that are no number are left out.
#[derive(Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// An answer that is not understood.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No JSON of the form that is expected.
    #[error("Prometheus answers in a form that is not known: {0}")]
    Form(#[from] serde_json::Error),
    /// The expression is refused.
    #[error("Prometheus refuses the expression: {0}")]
    Refused(String),
}

#[derive(Deserialize)]
struct Answer {
    data: Option<Data>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Data {
    result: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    metric: serde_json::Map<String, serde_json::Value>,
    values: Vec<(f64, String)>,
}

/// Returns the lines of an answer of `/api/v1/query_range`, in the order of their names.
///
/// # Errors
/// When the answer is an error, or is not understood.
pub(crate) fn lines(answer: &str, legend: &str, begin: f64) -> Result<Vec<Line>, Error> {
    let answer: Answer = serde_json::from_str(answer)?;
    let data = answer.data.ok_or_else(|| Error::Refused(answer.error.unwrap_or_default()))?;
    let point =
        |(time, value): &(f64, String)| Some((time - begin, value.parse().ok().filter(|v: &f64| v.is_finite())?));
    let line = |series: &Series| Line {
        name: name(legend, &series.metric),
        points: series.values.iter().filter_map(point).collect(),
    };
    let mut lines: Vec<_> = data.result.iter().map(line).filter(|line| !line.points.is_empty()).collect();
    lines.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(lines)
}

/// Puts labels in the place of `{{label}}`.
fn name(legend: &str, labels: &serde_json::Map<String, serde_json::Value>) -> String {
    let mut parts = legend.split("{{");
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (label, rest) = part.split_once("}}").unwrap_or((part, ""));
        name.push_str(labels.get(label.trim()).and_then(|value| value.as_str()).unwrap_or_default());
        name.push_str(rest);
    }
    // A label that is missing leaves two blanks.
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Splits points where at least one is missing between two of them.
pub(crate) fn pieces(points: &[(f64, f64)], step: f64) -> Vec<&[(f64, f64)]> {
    points.chunk_by(|before, after| after.0 - before.0 < 1.5 * step).collect()
}

/// Leaves out the points within a level part of a line: they make the file longer, and no difference.
pub(crate) fn without_level_middles(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let is_middle = |at: usize| {
        let around = at.checked_sub(1).and_then(|before| points.get(before..=at + 1));
        around.is_some_and(|around| around.iter().all(|point| point.1.total_cmp(&points[at].1).is_eq()))
    };
    points.iter().enumerate().filter(|(at, _)| !is_middle(*at)).map(|(_, point)| *point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"{"status": "success", "data": {"resultType": "matrix", "result": [
        {"metric": {"step": "B"}, "values": [[1000, "1"], [1001, "NaN"], [1002.5, "2.5"]]},
        {"metric": {"step": "C"}, "values": [[1000, "NaN"]]},
        {"metric": {"step": "A"}, "values": [[1001, "0"]]}]}}"#;

    #[test]
    fn an_answer_becomes_lines_with_names() {
        let expected = [
            Line { name: "A, slow".into(), points: vec![(1.0, 0.0)] },
            Line { name: "B, slow".into(), points: vec![(0.0, 1.0), (2.5, 2.5)] },
        ];
        assert_eq!(lines(ANSWER, "{{step}}, slow", 1000.0).unwrap(), expected);
        assert_eq!(lines(ANSWER, "{{none}}  x", 1000.0).unwrap()[0].name, "x");
    }

    #[test]
    fn a_refusal_is_told() {
        let error = lines(r#"{"status": "error", "error": "parse error"}"#, "", 0.0).unwrap_err().to_string();
        assert_eq!(error, "Prometheus refuses the expression: parse error");
    }

    #[test]
    fn a_line_has_a_gap_where_points_are_missing() {
        let points = [(0.0, 1.0), (1.0, 1.0), (4.0, 1.0), (5.0, 1.0), (9.0, 1.0)];
        let lengths: Vec<_> = pieces(&points, 1.0).iter().map(|piece| piece.len()).collect();
        assert_eq!(lengths, [2, 2, 1]);
    }

    #[test]
    fn a_level_part_keeps_its_ends() {
        let points = [(0.0, 1.0), (1.0, 1.0), (2.0, 1.0), (3.0, 2.0), (4.0, 2.0)];
        assert_eq!(without_level_middles(&points), [(0.0, 1.0), (2.0, 1.0), (3.0, 2.0), (4.0, 2.0)]);
        assert_eq!(without_level_middles(&points[..1]), [(0.0, 1.0)]);
    }
}
