//! `retry`: an object that waits for its next attempt is tried now.

use std::io::Write;

use clap::Args;
use jiff::Timestamp;
use serde::Deserialize as _;
use serde_json::Value;
use xos_engine::api_error::explain;
use xos_engine::clock::{Clock as _, SystemClock};
use xos_model::condition::{self, ConditionStatus, READY};
use xos_model::{Bookkeeping, PassState, Status};

use super::Exit;
use super::objects::{self, ObjectsArgs, ObjectsError};

#[derive(Args, Debug)]
#[command(after_help = "\
The object gets a new value of the annotation xos.opencord.org/touch: its policies and its sync step run once more, or, if \
it is being deleted, its delete step. It starts again with the shortest delay.
An object that waits for something else than the next attempt is not touched, and it says for what.
Exit code: 0, or 1 if an object could not be touched.")]
pub(crate) struct RetryArgs {
    #[command(flatten)]
    objects: ObjectsArgs,
}

/// What a retry comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Plan {
    /// It waits for its next attempt: this is what is tried now.
    Now(String),
    /// There is no attempt to wait for: this is why.
    Nothing(String),
}

/// Lets objects that wait for their next attempt be tried now.
pub(crate) fn run(args: &RetryArgs, out: &mut dyn Write) -> Result<Exit, ObjectsError> {
    objects::block_on(async {
        let mut exit = Exit::Success;
        for found in objects::read(&args.objects).await? {
            let now = SystemClock.now();
            let shown = found.shown();
            match plan(&found.whole()) {
                Plan::Nothing(why) => writeln!(out, "{shown} has nothing to retry: {why}")?,
                Plan::Now(what) => match found.patch(&objects::touch("retry", now)).await {
                    Ok(()) => writeln!(out, "{shown} is tried now: {what}")?,
                    Err(error) => {
                        writeln!(out, "{shown} cannot be touched: {}", explain(&error))?;
                        exit = Exit::Failed;
                    }
                },
            }
        }
        Ok(exit)
    })
}

fn plan(object: &Value) -> Plan {
    let status = Status::deserialize(&object["status"]).unwrap_or_default();
    let is_deleting = object["metadata"]["deletionTimestamp"].is_string();
    for own in &status.synchronizers {
        for (what, state) in passes(own, is_deleting) {
            if let Some(at) = state.next_attempt {
                return Plan::Now(format!("{what} of {}, which was to run at {}", own.name, seconds(at)));
            }
        }
    }
    let ready = condition::find(&status.conditions, READY);
    match ready {
        // It says itself when it is tried again, or that its target is away.
        Some(told) if told.reason == "Deferred" => Plan::Now(format!("it was deferred: {}", told.message)),
        Some(told) if told.status == ConditionStatus::True => Plan::Nothing(format!("it is Ready ({})", told.reason)),
        Some(told) => Plan::Nothing(format!("{}: {}", told.reason, told.message)),
        None => Plan::Nothing("no synchronizer has handled it yet".to_owned()),
    }
}

fn passes(own: &Bookkeeping, is_deleting: bool) -> impl Iterator<Item = (&'static str, &PassState)> {
    let live = [("the sync step", Some(&own.sync)), ("the policies", Some(&own.policy))];
    let deleted =
        [("the delete step", own.delete.as_deref()), ("the policies' delete handlers", own.delete_policy.as_deref())];
    let passes = if is_deleting { deleted } else { live };
    passes.into_iter().filter_map(|(what, state)| Some((what, state?)))
}

fn seconds(at: Timestamp) -> String {
    format!("{at:.0}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "callers make them for this")]
    fn object(status: Value) -> Value {
        json!({"metadata": {"name": "ada"}, "status": status})
    }

    fn ready(status: &str, reason: &str, message: &str) -> Value {
        json!([{"type": "Ready", "status": status, "reason": reason, "message": message,
            "lastTransitionTime": "2026-01-01T12:00:00Z"}])
    }

    #[test]
    fn only_what_waits_for_its_next_attempt_is_tried() {
        let failed =
            json!([{"name": "people", "sync": "attempted=0123456789abcdef failures=3 next=2026-01-01T12:00:05Z"}]);
        let waiting = object(json!({"synchronizers": failed, "conditions": ready("False", "SyncFailed", "no route")}));
        let now = "the sync step of people, which was to run at 2026-01-01T12:00:05Z";
        assert_eq!(plan(&waiting), Plan::Now(now.to_owned()));
        let deferred = object(json!({"conditions": ready("False", "Deferred", "no port yet")}));
        assert_eq!(plan(&deferred), Plan::Now("it was deferred: no port yet".to_owned()));
        for (status, reason, message, why) in [
            ("True", "SyncSucceeded", "OK", "it is Ready (SyncSucceeded)"),
            ("False", "WaitingForDependency", "waits for Site rome", "WaitingForDependency: waits for Site rome"),
            ("False", "TargetUnavailable", "away", "TargetUnavailable: away"),
        ] {
            let object = object(json!({"conditions": ready(status, reason, message)}));
            assert_eq!(plan(&object), Plan::Nothing(why.to_owned()));
        }
        assert_eq!(plan(&object(Value::Null)), Plan::Nothing("no synchronizer has handled it yet".to_owned()));
    }

    #[test]
    fn of_a_deleted_object_the_delete_step_counts() {
        let entry = json!([{"name": "people", "sync": "attempted=0123456789abcdef failures=3 next=2026-01-01T12:00:05Z",
            "delete": "attempted=0123456789abcdef failures=1 next=2026-01-01T12:00:09Z"}]);
        let mut deleted = object(json!({ "synchronizers": entry }));
        deleted["metadata"]["deletionTimestamp"] = "2026-01-01T12:00:00Z".into();
        let now = "the delete step of people, which was to run at 2026-01-01T12:00:09Z";
        assert_eq!(plan(&deleted), Plan::Now(now.to_owned()));
    }
}
