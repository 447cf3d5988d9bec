//! What backends answer.

use serde_json::Value as Json;
use xos_steps::OutsideCall;

use crate::compare::matches;
use crate::spec::Answer;

/// Stands before a command in messages.
const COMMAND: &str = "the command ";
/// Stands before a call of a step server in messages.
const CALL: &str = "the call ";

/// The answers that are left, those of the last stage first.
#[derive(Debug, Default)]
pub(crate) struct Answers(Vec<Left>);

#[derive(Debug)]
struct Left {
    answer: Answer,
    times: Option<usize>,
}

impl Answers {
    /// Adds answers, which count before those that are there.
    pub(crate) fn add(&mut self, answers: &[Answer]) {
        let left = |answer: &Answer| Left { answer: answer.clone(), times: answer.times.map(std::num::NonZero::get) };
        self.0.splice(0..0, answers.iter().map(left));
    }

    /// Takes the answer to a request.
    pub(crate) fn for_request(&mut self, method: &str, url: &str) -> Option<Answer> {
        self.take(|answer| answer.http.as_ref().is_some_and(|pattern| is_request(pattern, method, url)))
    }

    /// Takes the answer to a command.
    pub(crate) fn for_command(&mut self, words: &[String]) -> Option<Answer> {
        self.take(|answer| answer.exec.as_ref().is_some_and(|pattern| is_command(pattern, words)))
    }

    /// Takes the answer to a call of a step server.
    pub(crate) fn for_call(&mut self, call: &OutsideCall) -> Option<Answer> {
        self.take(|answer| answer.grpc.as_ref().is_some_and(|pattern| is_call(pattern, call)))
    }

    fn take(&mut self, fits: impl Fn(&Answer) -> bool) -> Option<Answer> {
        let left = self.0.iter_mut().find(|left| left.times != Some(0) && fits(&left.answer))?;
        left.times = left.times.map(|times| times - 1);
        Some(left.answer.clone())
    }
}

/// Returns whether a request is the one that `METHOD URL` stands for. A query counts only if there is a `?`.
pub(crate) fn is_request(pattern: &str, method: &str, url: &str) -> bool {
    let Some((of_method, of_url)) = pattern.trim().split_once(' ') else { return false };
    let url = if of_url.contains('?') { url } else { url.split('?').next().unwrap_or_default() };
    // A URL without a path has one in a request.
    let trimmed = |url: &str| url.trim().trim_end_matches('/').to_owned();
    matches(of_method, method) && (matches(of_url.trim(), url) || matches(&trimmed(of_url), &trimmed(url)))
}

/// Returns whether a command is the one that these words stand for.
pub(crate) fn is_command(pattern: &[String], words: &[String]) -> bool {
    pattern.len() == words.len() && pattern.iter().zip(words).all(|(pattern, word)| matches(pattern, word))
}

/// Returns whether a call of a step server is the one that `METHOD STEP` or `METHOD STEP OBJECT` stands for.
pub(crate) fn is_call(pattern: &str, call: &OutsideCall) -> bool {
    let mut words = pattern.split_whitespace();
    let has = |word: Option<&str>, found: &str| word.is_some_and(|word| matches(word, found));
    has(words.next(), &call.method)
        && has(words.next(), &call.step)
        && words.next().is_none_or(|object| matches(object, &call.object))
        && words.next().is_none()
}

/// Returns a call of a step server for messages.
pub(crate) fn call(call: &OutsideCall) -> String {
    format!("{CALL}{} {} {}", call.method, call.step, call.object).trim_end().to_owned()
}

/// Returns a command for messages.
pub(crate) fn command(words: &[String]) -> String {
    format!("{COMMAND}[{}]", words.join(", "))
}

/// Returns the answer that a case lacks.
pub(crate) fn suggested(what: &str) -> String {
    match (what.strip_prefix(COMMAND), what.strip_prefix(CALL)) {
        (Some(words), _) => format!("`- {{exec: {words}, output: …}}`"),
        (None, Some(call)) => format!("`- {{grpc: {call}, fields: …}}`"),
        (None, None) => format!("`- {{http: {what}, body: …}}`"),
    }
}

/// Returns a text as it is, and any other value as JSON.
pub(crate) fn bytes(value: Option<&Json>) -> Vec<u8> {
    match value {
        None => vec![],
        Some(Json::String(text)) => text.clone().into_bytes(),
        Some(other) => other.to_string().into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_fits_a_pattern() {
        for (pattern, request, fits) in [
            ("PUT http://d/people/*", "PUT http://d/people/ada?team=x", true),
            ("PUT http://d/people/ada", "GET http://d/people/ada", false),
            ("* http://d/*", "DELETE http://d/", true),
            ("GET http://d", "GET http://d/", true),
            ("GET http://d/p?team=x", "GET http://d/p?team=x", true),
            ("GET http://d/p?team=y", "GET http://d/p?team=x", false),
            ("http://d", "GET http://d/", false),
        ] {
            let (method, url) = request.split_once(' ').unwrap();
            assert_eq!(is_request(pattern, method, url), fits, "{pattern} {request}");
        }
    }

    #[test]
    fn a_call_of_a_step_server_fits_a_pattern() {
        let call = OutsideCall {
            method: "SyncRecord".to_owned(),
            step: "guest".to_owned(),
            object: "Person/ada".to_owned(),
            input: None,
        };
        for (pattern, fits) in [
            ("SyncRecord guest", true),
            ("* guest Person/*", true),
            ("SyncRecord guest Person/bob", false),
            ("DeleteRecord guest", false),
            ("SyncRecord", false),
            ("SyncRecord guest Person/ada now", false),
        ] {
            assert_eq!(is_call(pattern, &call), fits, "{pattern}");
        }
    }

    #[test]
    fn answers_are_used_up_and_later_stages_count_first() {
        let answer = |status, times: usize| Answer {
            http: Some("GET http://d/*".to_owned()),
            status: Some(status),
            times: std::num::NonZero::new(times),
            ..Answer::default()
        };
        let mut answers = Answers::default();
        answers.add(&[answer(503, 1), answer(200, 0)]);
        let mut next = || answers.for_request("GET", "http://d/x").and_then(|answer| answer.status);
        assert_eq!([next(), next(), next()], [Some(503), Some(200), Some(200)]);
        answers.add(&[answer(500, 1)]);
        let mut next = || answers.for_request("GET", "http://d/x").and_then(|answer| answer.status);
        assert_eq!([next(), next()], [Some(500), Some(200)]);
        assert!(answers.for_request("PUT", "http://d/x").is_none());
    }

    #[test]
    fn what_is_missing_is_suggested() {
        assert_eq!(suggested("PUT http://d/x"), "`- {http: PUT http://d/x, body: …}`");
        let words = ["/bin/x".to_owned(), "put".to_owned()];
        assert_eq!(suggested(&command(&words)), "`- {exec: [/bin/x, put], output: …}`");
        let pull = OutsideCall { method: "PullRecords".into(), step: "list".into(), ..OutsideCall::default() };
        assert_eq!(suggested(&call(&pull)), "`- {grpc: PullRecords list, fields: …}`");
    }
}
