//! What `uninstall` prints.

use std::collections::BTreeMap;
use std::io::{self, Write};

use xos_engine::installation::{Installation, Run};
use xos_model::names::check_synchronizer;

use super::cluster::{Found, Removed};
use super::target::Target;

/// How many errors are printed.
const SHOWN: usize = 50;

/// Prints what is left of the synchronizer.
pub(super) fn print(target: &Target, found: &Found, out: &mut dyn Write) -> io::Result<()> {
    let name = &target.name;
    if found.is_empty() {
        return writeln!(out, "nothing is left of the synchronizer `{name}`");
    }
    if found.installations.is_empty() {
        writeln!(out, "`{name}` is not installed, and left this:")?;
    }
    for installation in &found.installations {
        writeln!(out, "`{name}` {}", state(installation))?;
    }
    if check_synchronizer(name).is_err() {
        writeln!(out, "  (it cannot be the name of a synchronizer of this version, so no finalizer is its own)")?;
    }
    if target.is_whole() {
        for installation in &found.installations {
            writeln!(out, "  {:<24}{}", "Synchronizer", installation.object_name())?;
        }
        if !found.policies.is_empty() {
            writeln!(out, "  {:<24}{}", "admission policies", found.policies.policies.join(", "))?;
        }
    }
    let mut finalizers: BTreeMap<(&str, String), (usize, usize)> = BTreeMap::new();
    for object in &found.objects {
        for finalizer in &object.held.finalizers {
            let counts = finalizers.entry((finalizer, object.kind.full_name())).or_default();
            counts.0 += 1;
            counts.1 += usize::from(object.held.deleting);
        }
    }
    for ((finalizer, kind), (all, deleting)) in &finalizers {
        let gone =
            if *deleting > 0 { format!(", {deleting} of them deleted and waiting for it") } else { String::new() };
        writeln!(out, "  {:<24}{finalizer} on {all} {kind}{gone}", "finalizer")?;
    }
    let books = found.objects.iter().filter(|object| object.held.status).count();
    if books > 0 {
        writeln!(out, "  {:<24}in the status of {books} objects", "bookkeeping")?;
    }
    if !finalizers.is_empty() {
        writeln!(out, "What `{name}` put into its backend stays there.")?;
    }
    Ok(())
}

fn state(installation: &Installation) -> String {
    let scope = match installation.spec.namespaces.join(", ") {
        all if all.is_empty() => String::new(),
        some => format!(" for {some}"),
    };
    match &installation.run {
        Some(Run { stopped_at: Some(at), .. }) => format!("is installed{scope}, and was stopped at {at:.0}"),
        Some(Run { started_at, instance, .. }) => format!(
            "is installed{scope}, was started at {started_at:.0} as {instance}, and did not say that it has ended: \
             if it runs, stop it first"
        ),
        None => format!("is installed{scope}"),
    }
}

/// Prints what was done.
pub(super) fn print_outcome(target: &Target, removed: &Removed, out: &mut dyn Write) -> io::Result<()> {
    for error in removed.errors.iter().take(SHOWN) {
        writeln!(out, "error: {error}")?;
    }
    if removed.errors.len() > SHOWN {
        writeln!(out, "error: and {} more", removed.errors.len() - SHOWN)?;
    }
    let what = if target.is_whole() { "uninstalled" } else { "freed from it" };
    if removed.errors.is_empty() {
        writeln!(out, "`{}` is {what}: {} objects", target.name, removed.objects)
    } else {
        writeln!(out, "{} objects are freed; {} errors", removed.objects, removed.errors.len())
    }
}
