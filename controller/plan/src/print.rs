//! A plan for people.

use std::fmt;

use serde_json::Value;

use crate::plan::{Because, FieldChange, ObjectChange, Plan, StepCall, What};

/// How much of a value is shown, in characters.
const SHOWN: usize = 60;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for object in &self.objects {
            write!(f, "{object}")?;
        }
        list(f, "Steps, in this order:", &self.steps)?;
        list(f, "Policies that are compiled, and what they do is not known:", &self.unknown)?;
        if !self.held.is_empty() {
            writeln!(f, "\nHeld until they are confirmed:")?;
        }
        for held in &self.held {
            writeln!(f, "  the deletion of {}: {}", held.object, held.message)?;
        }
        if !self.unsettled.is_empty() {
            writeln!(f, "\nNot ready then:")?;
        }
        for one in &self.unsettled {
            writeln!(f, "  {}: {}: {}", one.object, one.reason, one.message)?;
        }
        if !self.objects.is_empty() || !self.steps.is_empty() {
            writeln!(f)?;
        }
        if self.pending > 0 {
            writeln!(f, "Without this, {} due already.", counted(self.pending, "object is", "objects are"))?;
        }
        if self.is_empty() {
            return writeln!(f, "Nothing would be done.");
        }
        let count = |what| self.count(what);
        writeln!(
            f,
            "{} created, {} changed, {} touched, {} deleted, {} unchanged; {}.",
            count(What::Create),
            count(What::Change),
            count(What::Touch),
            count(What::Delete),
            count(What::Unchanged),
            counted(self.steps.len(), "call of a step", "calls of steps"),
        )
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn list(f: &mut fmt::Formatter<'_>, head: &str, calls: &[StepCall]) -> fmt::Result {
    if calls.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{head}")?;
    for (at, call) in calls.iter().enumerate() {
        let StepCall { step, operation, object, .. } = call;
        let operation = if *operation == "delete" { "delete " } else { "" };
        writeln!(f, "{:>3}. {step}: {operation}{object}{}", at + 1, After(call))?;
    }
    Ok(())
}

struct After<'a>(&'a StepCall);

impl fmt::Display for After<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// How many are named.
        const NAMED: usize = 3;
        let all = &self.0.after;
        let named: Vec<_> = all.iter().take(NAMED).map(|(object, link)| format!("{object} ({link})")).collect();
        match all.len() {
            0 => Ok(()),
            count if count > NAMED => write!(f, ", after {} and {} more", named.join(", "), count - NAMED),
            _ => write!(f, ", after {}", named.join(", ")),
        }
    }
}

impl fmt::Display for ObjectChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.what {
            What::Create => "create",
            What::Change => "change",
            What::Touch => "touch",
            What::Delete => "delete",
            What::Unchanged => "unchanged",
        };
        let by: Vec<_> = self.because.iter().filter_map(reason).collect();
        let by = if by.is_empty() { String::new() } else { format!(" ({})", by.join("; ")) };
        writeln!(f, "{word:<9}  {}{by}", self.object)?;
        self.fields.iter().try_for_each(|field| writeln!(f, "             {}", Field(field, self.what)))
    }
}

fn reason(because: &Because) -> Option<String> {
    match because {
        Because::Applied | Because::Deleted => None,
        Because::Policy(name) if name.is_empty() => Some("by a policy".to_owned()),
        Because::Policy(name) => Some(format!("by policy {name}")),
        Because::Touched(name) => Some(format!("touched by policy {name}")),
        Because::GoesWith(object, link) => Some(format!("goes with {object}, by its link {link}")),
    }
}

struct Field<'a>(&'a FieldChange, What);

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FieldChange { field, before, after } = self.0;
        match self.1 {
            What::Create => write!(f, "{field}: {}", shown(after)),
            _ => write!(f, "{field}: {} -> {}", shown(before), shown(after)),
        }
    }
}

/// Returns a value on one line: of a link the name of its peer.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => format!("{text:?}"),
        Value::Object(link) if link.len() == 1 && link["name"].is_string() => {
            link["name"].as_str().unwrap_or_default().to_owned()
        }
        other => other.to_string(),
    };
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}
