//! `pause` and `resume`: the switches `noSync` and `noPolicy` of objects.

use std::io::Write;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use xos_engine::api_error::explain;

use super::Exit;
use super::objects::{self, ObjectsArgs, ObjectsError};

#[derive(Args, Debug)]
#[command(after_help = "\
It sets spec.noSync and spec.noPolicy: nothing runs for the object until `resume`, and `kubectl get` shows that. What is \
changed meanwhile is held back, and the object is not Ready then. Nothing stops the deletion of an object but \
spec.writeProtect.
An apply of the object's manifest with these fields sets them as they stand there.
Exit code: 0, or 1 if an object could not be changed.")]
pub(crate) struct PauseArgs {
    #[command(flatten)]
    objects: ObjectsArgs,
    /// Only these
    #[arg(long, value_enum, value_name = "WHAT")]
    only: Option<Only>,
}

#[derive(Args, Debug)]
#[command(after_help = "\
It clears spec.noSync and spec.noPolicy, whoever set them: also those of objects that a pull step made, which are then \
synchronized. What was held back runs at once.
Exit code: 0, or 1 if an object could not be changed.")]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    objects: ObjectsArgs,
    /// Only these
    #[arg(long, value_enum, value_name = "WHAT")]
    only: Option<Only>,
}

/// Half of what runs for an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Only {
    /// The sync step
    Sync,
    /// The policies
    Policy,
}

/// Holds objects back.
pub(crate) fn pause(args: &PauseArgs, out: &mut dyn Write) -> Result<Exit, ObjectsError> {
    switch(&args.objects, args.only, true, out)
}

/// Lets objects go.
pub(crate) fn resume(args: &ResumeArgs, out: &mut dyn Write) -> Result<Exit, ObjectsError> {
    switch(&args.objects, args.only, false, out)
}

fn switch(args: &ObjectsArgs, only: Option<Only>, on: bool, out: &mut dyn Write) -> Result<Exit, ObjectsError> {
    objects::block_on(async {
        let mut exit = Exit::Success;
        for found in objects::read(args).await? {
            let shown = found.shown();
            if on && found.is_deleting() {
                writeln!(out, "{shown} is being deleted, and nothing is paused of that: spec.writeProtect stops it")?;
                exit = Exit::Failed;
                continue;
            }
            let changes = changes(only, on, |field| found.is_set(field));
            if changes.is_empty() {
                writeln!(out, "{shown} {}", if on { "is paused already" } else { "is not paused" })?;
                continue;
            }
            let fields: Vec<_> = changes.keys().map(|field| format!("spec.{field}")).collect();
            let fields = fields.join(" and ");
            match found.patch(&json!({ "spec": changes })).await {
                Ok(()) if on => writeln!(out, "{shown} paused: {fields} set")?,
                Ok(()) => {
                    let lazy = if found.is_set("lazyBlocked") { "; spec.lazyBlocked still holds it back" } else { "" };
                    writeln!(out, "{shown} resumed: {fields} cleared{lazy}")?;
                }
                Err(error) => {
                    writeln!(out, "{shown} cannot be changed: {}", explain(&error))?;
                    exit = Exit::Failed;
                }
            }
        }
        Ok(exit)
    })
}

/// Returns what of spec changes, as a merge patch has it.
fn changes(only: Option<Only>, on: bool, is_set: impl Fn(&str) -> bool) -> Map<String, Value> {
    let switches = [("noSync", Only::Sync), ("noPolicy", Only::Policy)];
    let wanted = switches.into_iter().filter(|(_, of)| only.is_none_or(|only| only == *of));
    let value = if on { Value::Bool(true) } else { Value::Null };
    wanted.filter(|(field, _)| is_set(field) != on).map(|(field, _)| (field.to_owned(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_otherwise_is_changed() {
        let shown = |only, on, set: &[&str]| Value::Object(changes(only, on, |field| set.contains(&field))).to_string();
        assert_eq!(shown(None, true, &[]), r#"{"noPolicy":true,"noSync":true}"#);
        assert_eq!(shown(None, true, &["noSync"]), r#"{"noPolicy":true}"#);
        assert_eq!(shown(Some(Only::Sync), true, &[]), r#"{"noSync":true}"#);
        assert_eq!(shown(Some(Only::Sync), true, &["noSync"]), "{}");
        assert_eq!(shown(None, false, &["noSync"]), r#"{"noSync":null}"#);
        assert_eq!(shown(None, false, &[]), "{}");
    }
}
