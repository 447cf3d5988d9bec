//! What status says: conditions, diagnostics, changes of definitions, and what was accepted last.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use xos_model::condition::{ACCEPTED, ESTABLISHED, IN_USE, READY, RECONCILING, STALLED};
use xos_model::message;
use xos_xproto::DiagnosticJson;

use crate::model_set::ModelSetStatus;

/// The number of diagnostics that status has.
const DIAGNOSTICS: usize = 100;

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// The type.
    #[serde(rename = "type")]
    pub kind: String,
    /// True, False or Unknown.
    pub status: String,
    /// A CamelCase word for programs.
    pub reason: String,
    /// A text for people.
    pub message: String,
    /// When `status` last changed.
    pub last_transition_time: String,
    /// The generation it speaks of.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub observed_generation: Option<i64>,
}

/// Something that is wrong, with its place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The file of a set of models; nothing for what is about the whole object.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file: Option<String>,
    /// The place in a step or policy: `spec.http.body.name`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub path: Option<String>,
    /// The line in the file, or in the value at the path, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u32>,
    /// The column in the line, in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub column: Option<u32>,
    /// The code, as `X012`; `xos explain` explains it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<String>,
    /// `error` or `warning`.
    pub severity: String,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub help: Option<String>,
}

impl Finding {
    /// Returns an error about an object as a whole, or about the value at a path.
    pub fn error(path: Option<&str>, message: String) -> Self {
        Self { path: path.map(str::to_owned), severity: "error".to_owned(), message, ..Self::default() }
    }

    /// Returns a diagnostic with its place in a file. The name of the file is what stands behind `folder`.
    pub fn of(diagnostic: &DiagnosticJson, folder: &str) -> Self {
        let start = diagnostic.range.start;
        let number = |number: usize| u32::try_from(number).ok();
        Self {
            file: Some(diagnostic.file.strip_prefix(folder).unwrap_or(&diagnostic.file).to_owned()),
            path: None,
            line: number(start.line),
            column: number(start.column),
            code: Some(diagnostic.code.clone()),
            severity: diagnostic.severity.clone(),
            message: diagnostic.message.clone(),
            help: diagnostic.help.clone(),
        }
    }

    /// Returns whether what it is about cannot be used.
    pub fn is_error(&self) -> bool {
        self.severity == "error"
    }

    /// Returns it on one line: `people.xproto:3:5: X012 …`, `spec.http.url:1:3: D009 …`.
    pub fn line(&self) -> String {
        let at = match (self.line, self.column) {
            (Some(line), Some(column)) => format!(":{line}:{column}"),
            _ => String::new(),
        };
        let place = self.file.as_ref().or(self.path.as_ref()).map(|place| format!("{place}{at}: ")).unwrap_or_default();
        let code = self.code.as_ref().map(|code| format!("{code} ")).unwrap_or_default();
        let help = self.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{place}{code}{}{help}", self.message)
    }
}

/// What a change would do to a definition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The name of the definition.
    pub definition: String,
    /// `apply` or `refuse`.
    pub verdict: String,
    /// The differences; none for a new definition.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub differences: Vec<Difference>,
    /// Why it is not known whether stored objects would break, if that is so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unseen: Option<String>,
}

/// A difference between a definition and the stored one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// What differs: `spec.name: maxLength 40 → 4`.
    pub difference: String,
    /// `harmless`, `tightening`, `breaking` or `conflict`.
    pub effect: String,
    /// The number of stored objects that it would break.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub objects: Option<u64>,
    /// The first of them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub named: Option<String>,
}

impl Change {
    /// Returns a change as status has it.
    pub fn of(change: &xos_crds::change::Change) -> Self {
        let difference = |finding: &xos_crds::change::Finding| {
            let count = finding.affected.count;
            Difference {
                difference: finding.difference.to_string(),
                effect: finding.difference.effect.word().to_owned(),
                objects: u64::try_from(count).ok().filter(|count| *count > 0),
                named: (count > 0).then(|| finding.affected.listed()),
            }
        };
        Self {
            definition: change.definition.clone(),
            verdict: change.verdict().word().to_owned(),
            differences: change.findings.iter().map(difference).collect(),
            unseen: change.unseen.clone(),
        }
    }
}

/// What was accepted last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    /// Its generation.
    pub generation: i64,
    /// Its `spec`, as JSON.
    pub spec: String,
}

/// What a condition says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Whether it holds; nothing if nobody knows.
    pub holds: Option<bool>,
    /// The reason.
    pub reason: &'static str,
    /// The message.
    pub message: String,
}

impl Told {
    /// Returns what a condition says that holds, or does not.
    pub fn new(holds: bool, reason: &'static str, message: impl Into<String>) -> Self {
        Self { holds: Some(holds), reason, message: message.into() }
    }
}

/// What there is to say of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// The generation that it is about.
    pub generation: i64,
    /// Whether it is accepted.
    pub accepted: Told,
    /// Whether its definitions are applied; of a set of models only.
    pub established: Option<Told>,
    /// Whether there are objects of its models; of a set of models only.
    pub in_use: Option<Told>,
    /// Why its deletion waits, or what it is doing.
    pub leaving: Option<Told>,
    /// Whether it goes on by itself, without anybody's help.
    pub goes_on: bool,
    /// What is wrong with it.
    pub diagnostics: Vec<Finding>,
    /// What it changes in definitions.
    pub changes: Vec<Change>,
    /// What works of it.
    pub in_force: Option<Accepted>,
}

/// Returns the status that says the news. `before` is what is stored.
pub fn status(before: &ModelSetStatus, news: &News, now: Timestamp) -> ModelSetStatus {
    let holds = |told: &&Told| told.holds == Some(true);
    let established = news.established.as_ref().filter(|told| !holds(told));
    // The first that does not hold says why it is not ready.
    let deciding = match &news.leaving {
        Some(leaving) => leaving,
        None if !holds(&&news.accepted) => &news.accepted,
        None => established.unwrap_or(&news.accepted),
    };
    let mut all = vec![(READY, deciding), (ACCEPTED, &news.accepted)];
    all.extend(news.established.as_ref().map(|told| (ESTABLISHED, told)));
    all.extend(news.in_use.as_ref().map(|told| (IN_USE, told)));
    let abnormal = Told { holds: Some(true), ..deciding.clone() };
    if !holds(&deciding) {
        all.push((if news.goes_on { RECONCILING } else { STALLED }, &abnormal));
    }
    let conditions = all.into_iter().map(|(kind, told)| {
        let old = before.conditions.iter().find(|one| one.kind == kind);
        condition(old, kind, told, news.generation, now)
    });
    ModelSetStatus {
        observed_generation: Some(news.generation),
        conditions: conditions.collect(),
        diagnostics: news.diagnostics.iter().take(DIAGNOSTICS).cloned().collect(),
        changes: news.changes.clone(),
        accepted: news.in_force.clone(),
    }
}

/// A transition time moves with the status only, and does not go back.
fn condition(old: Option<&Condition>, kind: &str, told: &Told, generation: i64, now: Timestamp) -> Condition {
    let status = match told.holds {
        Some(true) => "True",
        Some(false) => "False",
        None => "Unknown",
    };
    // All are in whole seconds of one zone: their texts are in their order.
    let now = format!("{now:.0}");
    let since = match old {
        Some(old) if old.status == status => old.last_transition_time.clone(),
        Some(old) => now.max(old.last_transition_time.clone()),
        None => now,
    };
    Condition {
        kind: kind.to_owned(),
        status: status.to_owned(),
        reason: told.reason.to_owned(),
        message: message::cut(&told.message),
        last_transition_time: since,
        observed_generation: Some(generation),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(accepted: bool) -> News {
        let reason = if accepted { "Accepted" } else { "ModelsInvalid" };
        News {
            generation: 2,
            accepted: Told::new(accepted, reason, "a.xproto:1:1: X012 this `}` closes nothing"),
            established: None,
            in_use: None,
            leaving: None,
            goes_on: false,
            diagnostics: vec![],
            changes: vec![],
            in_force: None,
        }
    }

    fn told(status: &ModelSetStatus) -> Vec<String> {
        let each = status.conditions.iter();
        each.map(|one| format!("{} {} {}", one.kind, one.status, one.reason)).collect()
    }

    #[test]
    fn what_is_not_accepted_waits_for_a_person() {
        let status = status(&ModelSetStatus::default(), &news(false), Timestamp::UNIX_EPOCH);
        let expected = ["Ready False ModelsInvalid", "Accepted False ModelsInvalid", "Stalled True ModelsInvalid"];
        assert_eq!((told(&status), status.observed_generation), (expected.map(str::to_owned).to_vec(), Some(2)));
    }

    #[test]
    fn it_is_ready_when_its_definitions_are_applied_whether_it_is_used_or_not() {
        let mut news = news(true);
        news.established = Some(Told::new(false, "Applying", "its definitions are applied"));
        news.goes_on = true;
        news.in_use = Some(Told::new(false, "NoObjects", "there are no objects"));
        let before = status(&ModelSetStatus::default(), &news, Timestamp::UNIX_EPOCH);
        assert_eq!(told(&before)[0], "Ready False Applying");
        assert_eq!(told(&before)[4], "Reconciling True Applying");
        news.established = Some(Told::new(true, "Established", "its definitions are applied"));
        let later = Timestamp::from_second(90).unwrap();
        let after = status(&before, &news, later);
        let expected =
            ["Ready True Accepted", "Accepted True Accepted", "Established True Established", "InUse False NoObjects"];
        assert_eq!(told(&after), expected);
        let times: Vec<_> = after.conditions.iter().map(|one| one.last_transition_time.as_str()).collect();
        let (first, moved) = ("1970-01-01T00:00:00Z", "1970-01-01T00:01:30Z");
        assert_eq!(times, [moved, first, moved, first]);
        assert_eq!(status(&after, &news, Timestamp::from_second(99).unwrap()), after, "nothing is to be written");
    }

    #[test]
    fn a_finding_has_its_place_on_one_line() {
        let mut finding = Finding { file: Some("a.xproto".to_owned()), line: Some(3), ..Finding::default() };
        (finding.column, finding.code, finding.message) = (Some(5), Some("X012".to_owned()), "wrong".to_owned());
        assert_eq!(finding.line(), "a.xproto:3:5: X012 wrong");
        let whole =
            Finding { help: Some("mend it".to_owned()), ..Finding::error(Some("spec.uses[0]"), "no".to_owned()) };
        assert_eq!(whole.line(), "spec.uses[0]: no (mend it)");
    }
}
