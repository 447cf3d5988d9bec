//! A definition's differences, with the stored objects that they break.

use serde_json::{Value, json};

use super::difference::{Difference, Effect, Requirement};

/// The number of objects that are named.
const NAMED: usize = 10;

/// The change of one definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The definition's name.
    pub definition: String,
    /// Whether there is no definition of that name yet.
    pub is_new: bool,
    /// All differences; empty if the definition is new and none of its names is taken.
    pub findings: Vec<Finding>,
    /// Why the stored objects could not be examined, if that was needed.
    pub unseen: Option<String>,
}

/// A difference and the stored objects that it breaks.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The difference.
    pub difference: Difference,
    /// The objects.
    pub affected: Affected,
}

/// Some objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Affected {
    /// Their number.
    pub count: usize,
    /// `namespace/name` of the first ones.
    pub names: Vec<String>,
}

/// What is to be done about a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: the stored definition is the same.
    Unchanged,
    /// It is applied.
    Apply,
    /// It is not applied: stored objects would be broken, or it is not known that none would be.
    Refuse,
}

impl Change {
    /// Makes a change before any object was looked at.
    pub fn new(definition: String, is_new: bool, differences: Vec<Difference>) -> Self {
        let finding = |difference| Finding { difference, affected: Affected::default() };
        Self { definition, is_new, findings: differences.into_iter().map(finding).collect(), unseen: None }
    }

    /// Returns whether the verdict depends on stored objects, and is not clear without them.
    pub fn asks_for_objects(&self) -> bool {
        let has = |test: fn(&Effect) -> bool| self.findings.iter().any(|finding| test(&finding.difference.effect));
        has(|effect| matches!(effect, Effect::Breaking(_))) && !has(|effect| matches!(effect, Effect::Conflict(_)))
    }

    /// Adds a stored object to the findings that it breaks.
    pub fn look_at(&mut self, name: &str, object: &Value) {
        for finding in &mut self.findings {
            if finding.difference.affects(object) {
                finding.affected.add(name);
            }
        }
    }

    /// Forgets all objects, so that they can be examined again.
    pub fn forget_objects(&mut self) {
        self.findings.iter_mut().for_each(|finding| finding.affected = Affected::default());
    }

    /// Returns what is to be done.
    pub fn verdict(&self) -> Verdict {
        if self.findings.iter().any(|finding| self.is_refused(finding)) {
            Verdict::Refuse
        } else if self.is_new || !self.findings.is_empty() {
            Verdict::Apply
        } else {
            Verdict::Unchanged
        }
    }

    /// Returns whether this finding is a reason to refuse.
    pub(crate) fn is_refused(&self, finding: &Finding) -> bool {
        match &finding.difference.effect {
            Effect::Harmless | Effect::Tightening => false,
            Effect::Breaking(_) => finding.affected.count > 0 || self.unseen.is_some(),
            Effect::Conflict(_) => true,
        }
    }

    /// Returns the change for programs: `{definition, new, verdict, differences: [{path, what, before, after, effect,
    /// objects?}], unseen?}`.
    pub fn to_json(&self) -> Value {
        let differences: Vec<_> = self.findings.iter().map(Finding::to_json).collect();
        let mut change = json!({
            "definition": self.definition,
            "new": self.is_new,
            "verdict": self.verdict().word(),
            "differences": differences,
        });
        if let Some(unseen) = &self.unseen {
            change["unseen"] = json!(unseen);
        }
        change
    }
}

impl Verdict {
    /// Returns the verdict in one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Apply => "apply",
            Self::Refuse => "refuse",
        }
    }
}

impl Finding {
    fn to_json(&self) -> Value {
        let Difference { place, aspect, before, after, effect } = &self.difference;
        let mut finding = json!({
            "path": place.as_ref().map(ToString::to_string),
            "what": aspect,
            "before": before,
            "after": after,
            "effect": effect.word(),
        });
        if matches!(effect, Effect::Breaking(_)) {
            finding["objects"] = json!({"count": self.affected.count, "names": self.affected.names});
        }
        finding
    }
}

impl Affected {
    fn add(&mut self, name: &str) {
        self.count += 1;
        if self.names.len() < NAMED {
            self.names.push(name.to_owned());
        }
    }

    /// Returns the names as a text: `default/ada, default/grace and 312 more`.
    pub fn listed(&self) -> String {
        let more = self.count - self.names.len();
        let names = self.names.join(", ");
        if more == 0 { names } else { format!("{names} and {more} more") }
    }
}

impl Effect {
    /// Returns the effect in one word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Harmless => "harmless",
            Self::Tightening => "tightening",
            Self::Breaking(_) => "breaking",
            Self::Conflict(_) => "conflict",
        }
    }
}

impl Requirement {
    /// Returns the words for objects that do not meet it: `have it`, and for one: `has it`.
    pub(super) fn missed(&self) -> (&'static str, &'static str) {
        match self {
            Self::Gone { .. } => ("has it", "have it"),
            Self::Given => ("lacks it", "lack it"),
            Self::Only(_) => ("has others", "have others"),
            Self::Keyword { .. } | Self::Count { .. } | Self::Whole(_) => ("does not comply", "do not comply"),
            Self::Untold => ("has a value there", "have a value there"),
        }
    }
}
