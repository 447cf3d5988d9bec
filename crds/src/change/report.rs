//! Changes as text for people.

use std::fmt;

use super::difference::{Difference, Effect, FIELD, Requirement};
use super::field_path::FieldPath;
use super::verdict::{Change, Finding, Verdict};

/// All differences of all definitions, with what `run` would do about them.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a>(pub &'a [Change]);

/// Why a set of definitions is not applied: only the differences that forbid it, with remedies.
#[derive(Clone, Debug)]
pub struct Refusal(pub Vec<Change>);

impl Report<'_> {
    /// Returns the verdict on the whole set: one definition that is refused keeps the others from being applied.
    pub fn verdict(&self) -> Verdict {
        let has = |verdict| self.0.iter().any(|change| change.verdict() == verdict);
        if has(Verdict::Refuse) {
            Verdict::Refuse
        } else if has(Verdict::Apply) {
            Verdict::Apply
        } else {
            Verdict::Unchanged
        }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in self.0 {
            writeln!(f, "{}: {}", change.definition, headline(change))?;
            for finding in &change.findings {
                writeln!(f, "  {:<10}  {}", finding.difference.effect.word(), finding.difference)?;
                consequence(f, change, finding, "              ")?;
            }
            unseen(f, change)?;
        }
        f.write_str(match self.verdict() {
            Verdict::Unchanged => "`run` has nothing to apply",
            Verdict::Apply => "`run` would apply this",
            Verdict::Refuse => "`run` would refuse this, and apply nothing",
        })
    }
}

fn headline(change: &Change) -> String {
    match (change.is_new, change.findings.len()) {
        (true, 0) => "new".to_owned(),
        (false, 0) => "unchanged".to_owned(),
        (true, _) => "new, and its name is taken".to_owned(),
        (false, 1) => "1 difference".to_owned(),
        (false, count) => format!("{count} differences"),
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the models do not fit what is stored in the cluster; no definition was applied\n")?;
        for change in self.0.iter().filter(|change| change.verdict() == Verdict::Refuse) {
            writeln!(f, "\n{}", change.definition)?;
            for finding in change.findings.iter().filter(|finding| change.is_refused(finding)) {
                writeln!(f, "  {}", finding.difference)?;
                consequence(f, change, finding, "    ")?;
            }
            unseen(f, change)?;
        }
        f.write_str("\n`crds --diff` shows all differences.")
    }
}

/// Returns the objects that a finding breaks, and the remedy.
fn consequence(f: &mut fmt::Formatter<'_>, change: &Change, finding: &Finding, indent: &str) -> fmt::Result {
    match &finding.difference.effect {
        Effect::Harmless => Ok(()),
        Effect::Tightening => writeln!(f, "{indent}asked of new objects, and of a stored value when it is edited"),
        Effect::Conflict(remedy) => writeln!(f, "{indent}help: {remedy}"),
        Effect::Breaking(_) if change.unseen.is_some() => Ok(()),
        Effect::Breaking(requirement) => broken(f, requirement, finding, indent),
    }
}

fn broken(f: &mut fmt::Formatter<'_>, missed: &Requirement, finding: &Finding, indent: &str) -> fmt::Result {
    let (one, more) = missed.missed();
    match finding.affected.count {
        0 => return writeln!(f, "{indent}no object {one}"),
        1 => writeln!(f, "{indent}1 object {one}: {}", finding.affected.listed())?,
        count => writeln!(f, "{indent}{count} objects {more}: {}", finding.affected.listed())?,
    }
    writeln!(f, "{indent}help: {}", remedy(missed, &finding.difference))
}

fn remedy(missed: &Requirement, difference: &Difference) -> String {
    let is_in_status = difference.place.as_ref().is_some_and(FieldPath::is_in_status);
    let how = if is_in_status { " (`kubectl edit --subresource=status`)" } else { "" };
    match missed {
        Requirement::Gone { must_be_given: true, .. } => {
            format!(
                "make it optional in the model first, then take it out of these objects{how}, then out of the model; \
                 {NEWER}"
            )
        }
        Requirement::Gone { .. } => {
            format!("take it out of these objects first{how}, or keep it in the model; {NEWER}")
        }
        Requirement::Given if difference.aspect == FIELD => {
            "give it a default in the model, or make it optional until all objects have it".to_owned()
        }
        Requirement::Given => format!("give it a value in these objects first{how}, or a default in the model"),
        Requirement::Only(_) => format!("take them out of these objects first{how}, or keep them in the model"),
        Requirement::Keyword { .. } | Requirement::Count { .. } | Requirement::Whole(_) | Requirement::Untold => {
            format!("change it in these objects first{how}, or keep the model as it was")
        }
    }
}

/// The most likely reason that a field was removed that objects have.
const NEWER: &str = "if a newer version of the program has added it, run that one";

fn unseen(f: &mut fmt::Formatter<'_>, change: &Change) -> fmt::Result {
    let Some(reason) = &change.unseen else {
        return Ok(());
    };
    writeln!(f, "  Whether that breaks stored objects is not known: {reason}")
}
