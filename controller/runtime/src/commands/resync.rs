//! `resync`: objects that have not changed are synchronized again, now or from time to time.

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};
use xos_engine::api_error::explain;
use xos_engine::clock::{Clock as _, SystemClock};
use xos_model::names::annotation;
use xos_model::resync::{ANNOTATION, Resync};

use super::Exit;
use super::objects::{self, Found, ObjectsArgs, ObjectsError};

/// The period that takes the annotation away.
const DEFAULT: &str = "default";

#[derive(Args, Debug)]
#[command(after_help = "\
Without --every the object gets a new value of the annotation xos.opencord.org/touch: its policies and its sync step run \
once more, which undoes what was changed in the backend.
With --every it is only the annotation xos.opencord.org/resync that is set, which says how often that happens by itself.
Exit code: 0, or 1 if an object could not be changed.")]
pub(crate) struct ResyncArgs {
    #[command(flatten)]
    objects: ObjectsArgs,
    /// How often from now on: a duration such as 30m, `off`, or `default` for what the step and the configuration say
    #[arg(long, value_name = "PERIOD", value_parser = period)]
    every: Option<String>,
}

fn period(text: &str) -> Result<String, String> {
    if text != DEFAULT {
        text.parse::<Resync>().map_err(|_| {
            format!("`{text}` is no period: write a duration of at least 1s such as `30m`, `off`, or `{DEFAULT}`")
        })?;
    }
    Ok(text.to_owned())
}

/// Lets objects be synchronized again.
pub(crate) fn run(args: &ResyncArgs, out: &mut dyn Write) -> Result<Exit, ObjectsError> {
    objects::block_on(async {
        let mut exit = Exit::Success;
        for found in objects::read(&args.objects).await? {
            let shown = found.shown();
            if let Some(why) = holds(&found).filter(|_| args.every.is_none()) {
                writeln!(out, "{shown} is not synchronized: {why}")?;
                continue;
            }
            let (patch, done) = match &args.every {
                Some(every) => (annotate(every), told(every)),
                None => (objects::touch("resync", SystemClock.now()), "is synchronized again".to_owned()),
            };
            match found.patch(&patch).await {
                Ok(()) => writeln!(out, "{shown} {done}")?,
                Err(error) => {
                    writeln!(out, "{shown} cannot be changed: {}", explain(&error))?;
                    exit = Exit::Failed;
                }
            }
        }
        Ok(exit)
    })
}

fn holds(found: &Found) -> Option<String> {
    let switch = ["noSync", "lazyBlocked"].into_iter().find(|switch| found.is_set(switch));
    let deleting = || found.is_deleting().then(|| "it is being deleted".to_owned());
    switch.map(|switch| format!("spec.{switch} is set")).or_else(deleting)
}

fn annotate(every: &str) -> Value {
    let value = if every == DEFAULT { Value::Null } else { every.into() };
    json!({"metadata": {"annotations": {annotation(ANNOTATION): value}}})
}

fn told(every: &str) -> String {
    match every {
        DEFAULT => "is synchronized again as its step and the configuration say".to_owned(),
        every if every.eq_ignore_ascii_case("off") => "is not synchronized again by itself any more".to_owned(),
        every => format!("is synchronized again every {every}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_what_the_annotation_may_say() {
        for text in ["30m", "1h 30m", "off", "OFF", "default", "1s"] {
            assert_eq!(period(text).as_deref(), Ok(text));
        }
        for text in ["soon", "", "10ms", "30"] {
            assert!(period(text).unwrap_err().contains("is no period"), "{text}");
        }
        let patch = annotate("30m");
        assert_eq!(patch["metadata"]["annotations"]["xos.opencord.org/resync"], "30m");
        assert!(annotate("default")["metadata"]["annotations"]["xos.opencord.org/resync"].is_null());
    }
}
