//! The explanation: a pure function of what was read.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use kube::api::ApiResource;
use serde_json::{Value, json};
use xos_engine::installation::{Holder, Installations, Run, why_held};
use xos_model::names::{Holds, TOUCH_ANNOTATION};
use xos_model::{Attempt, Bookkeeping, Status};

/// What was read.
pub(super) struct Facts {
    pub(super) resource: ApiResource,
    pub(super) object: Value,
    /// The installed synchronizers; nothing if they cannot be read.
    pub(super) installations: Option<Installations>,
    pub(super) peers: Vec<Peer>,
    /// Some of the objects that go before the object, which is being deleted.
    pub(super) dependents: Vec<Dependent>,
    pub(super) more_dependents: usize,
    pub(super) now: Timestamp,
}

/// An object that the object leads to.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) field: String,
    pub(super) target: String,
    pub(super) state: PeerState,
}

/// What is known of it.
#[derive(Clone, Debug)]
pub(super) enum PeerState {
    Missing,
    Unreadable(String),
    Deleting,
    Unhandled,
    NotReady {
        reason: String,
        message: String,
    },
    Ready,
    /// There is one of this name of another kind, which may be derived from the link's.
    Perhaps(String, Box<Self>),
}

/// An object that leads to the object by a to-one link.
#[derive(Clone, Debug)]
pub(super) struct Dependent {
    pub(super) name: String,
    pub(super) is_deleting: bool,
    pub(super) is_protected: bool,
}

/// The explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Explanation {
    object: String,
    verdict: String,
    /// Why, the most important first.
    because: Vec<String>,
    /// What else is worth knowing.
    also: Vec<String>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.object, self.verdict)?;
        self.because.iter().try_for_each(|line| writeln!(f, "  - {line}"))?;
        self.also.iter().try_for_each(|line| writeln!(f, "  . {line}"))
    }
}

impl Explanation {
    pub(super) fn to_json(&self) -> Value {
        json!({"object": self.object, "verdict": self.verdict, "because": self.because, "also": self.also})
    }
}

/// Explains the state of an object.
pub(super) fn explain(facts: &Facts) -> Explanation {
    let metadata = &facts.object["metadata"];
    let text = |key: &str| metadata[key].as_str().unwrap_or_default();
    let object = format!("{} {}/{}", facts.resource.kind, text("namespace"), text("name"));
    let status: Status = serde_json::from_value(facts.object["status"].clone()).unwrap_or_default();
    let mut lines = Lines::default();
    let verdict = if metadata["deletionTimestamp"].is_string() {
        deletion(facts, &status, &mut lines);
        format!("is deleted since {}, and still there:", text("deletionTimestamp"))
    } else {
        live(facts, &status, &mut lines)
    };
    Explanation { object, verdict, because: lines.because, also: lines.also }
}

#[derive(Default)]
struct Lines {
    because: Vec<String>,
    also: Vec<String>,
}

impl Lines {
    fn because(&mut self, line: impl Into<String>) {
        let line = line.into();
        // Several conditions often say the same.
        if !self.because.contains(&line) {
            self.because.push(line);
        }
    }

    fn also(&mut self, line: impl Into<String>) {
        self.also.push(line.into());
    }
}

fn live(facts: &Facts, status: &Status, lines: &mut Lines) -> String {
    let ready = status.conditions.iter().find(|one| one.kind == "Ready");
    let generation = facts.object["metadata"]["generation"].as_i64();
    let is_current = status.observed_generation == generation;
    let is_ready = ready.is_some_and(|ready| ready.status == xos_model::condition::ConditionStatus::True);
    for (switch, what) in [
        ("noSync", "its sync step does not run"),
        ("noPolicy", "its policies do not run"),
        ("lazyBlocked", "its sync step does not run"),
    ] {
        if facts.object["spec"][switch] == true {
            lines.because(format!("spec.{switch} is set: {what} until it is cleared"));
        }
    }
    if !is_ready || !is_current {
        conditions(status, &[], lines);
    }
    attempts(facts, status, lines);
    history(status, lines);
    for peer in &facts.peers {
        if let Some(line) = peer_line(peer) {
            if is_ready { lines.also(line) } else { lines.because(line) }
        }
    }
    who_looks_after(facts, status, is_ready && is_current, lines);
    for finalizer in finalizers(facts) {
        let Some((name, _, holder)) = holder(facts, finalizer) else { continue };
        if let Some(why) = why_held(finalizer, name, &holder, (&facts.resource, namespace(facts))) {
            lines.also(format!("deleted, it would stay: {why}"));
        }
    }
    match (ready, is_current) {
        (None, _) => "is not handled yet:".to_owned(),
        (Some(_), false) => "is changed, and the change is not handled yet:".to_owned(),
        (Some(_), true) if is_ready => "is Ready.".to_owned(),
        (Some(_), true) => "is not Ready:".to_owned(),
    }
}

/// What the conditions say that is not as it should be, without those of these reasons.
fn conditions(status: &Status, told: &[&str], lines: &mut Lines) {
    use xos_model::condition::ConditionStatus::{False, True};
    // Present only while true.
    const ABNORMAL: [&str; 3] = ["Reconciling", "Stalled", "Abandoned"];
    // The next attempt is told with its synchronizer.
    let attempts = || status.synchronizers.iter().any(|own| is_tried_again(own).next().is_some());
    for condition in &status.conditions {
        if told.contains(&condition.reason.as_str()) || (condition.reason == "RetryScheduled" && attempts()) {
            continue;
        }
        let kind = condition.kind.rsplit('/').next().unwrap_or_default();
        let is_wrong = if ABNORMAL.contains(&kind) { condition.status == True } else { condition.status != True };
        if is_wrong && (condition.status != False || !condition.message.is_empty()) {
            lines.because(format!("{}: {}", condition.reason, condition.message));
        }
    }
}

/// Returns the passes that are tried again, in words.
fn is_tried_again(own: &Bookkeeping) -> impl Iterator<Item = (&'static str, u32, Timestamp)> {
    let passes = [
        ("its sync step", Some(&own.sync)),
        ("its policies", Some(&own.policy)),
        ("its delete step", own.delete.as_deref()),
        ("its policies' delete handlers", own.delete_policy.as_deref()),
    ];
    passes.into_iter().filter_map(|(what, state)| Some((what, state?.failures, state?.next_attempt?)))
}

/// When failed passes are tried again.
fn attempts(facts: &Facts, status: &Status, lines: &mut Lines) {
    for own in &status.synchronizers {
        for (what, failures, at) in is_tried_again(own) {
            let left = at.duration_since(facts.now);
            let when = if left.is_negative() {
                format!("was due {} ago, at {at:.0}: does {} run?", short(-left), own.name)
            } else {
                format!("is at {at:.0}, in {}", short(left))
            };
            let times = if failures == 1 { "once".to_owned() } else { format!("{failures} times in a row") };
            lines.because(format!(
                "{} has tried {what} {times} without success; the next attempt {when} (an edit, or a new value of the \
                 annotation {TOUCH_ANNOTATION}, does not wait for it)",
                own.name
            ));
        }
    }
}

/// The last attempts, newest first.
fn history(status: &Status, lines: &mut Lines) {
    for attempt in &status.history {
        let Attempt { step, operation, outcome, message, at, duration } = attempt;
        let said = message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
        lines.also(format!("at {at:.0} {operation} of {step}: {outcome} after {duration}{said}"));
    }
}

fn short(span: SignedDuration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

fn peer_line(peer: &Peer) -> Option<String> {
    let Peer { field, target, state } = peer;
    let leads = format!("spec.{field} leads to {target}, which");
    Some(match state {
        PeerState::Ready => return None,
        PeerState::Perhaps(kind, state) => {
            let other = Peer { state: (**state).clone(), ..peer.clone() };
            let line = peer_line(&other)?;
            format!(
                "{line} (there is a {kind} of this name: if {kind} is derived from the link's model, it is this one)"
            )
        }
        PeerState::Missing => format!("{leads} does not exist"),
        PeerState::Unreadable(error) => format!("{leads} cannot be read: {error}"),
        PeerState::Deleting => format!("{leads} is being deleted"),
        PeerState::Unhandled => format!("{leads} has no status yet: nobody has handled it"),
        PeerState::NotReady { reason, message } => format!("{leads} is not Ready: {reason}: {message}"),
    })
}

/// Whether anybody looks after the object, and since when.
fn who_looks_after(facts: &Facts, status: &Status, is_done: bool, lines: &mut Lines) {
    let Some(installations) = &facts.installations else {
        return lines.also("which synchronizers are installed cannot be read");
    };
    let here: Vec<_> = installations.0.iter().filter(|one| one.handles(&facts.resource)).collect();
    let covering: Vec<_> = here.iter().filter(|one| one.covers(namespace(facts))).collect();
    if covering.is_empty() {
        let elsewhere: Vec<_> = here.iter().flat_map(|one| one.spec.namespaces.iter().map(String::as_str)).collect();
        let nobody = format!("no synchronizer is installed that looks after {}", facts.resource.kind);
        let line = if elsewhere.is_empty() {
            nobody
        } else {
            format!("{nobody} in {}, only in {}", namespace(facts), elsewhere.join(", "))
        };
        return if is_done { lines.also(line) } else { lines.because(line) };
    }
    for one in covering {
        let name = &one.spec.synchronizer;
        match &one.run {
            Some(Run { stopped_at: Some(at), .. }) => {
                let line = format!("{name}, which looks after it, was stopped at {at:.0}");
                if is_done { lines.also(line) } else { lines.because(line) }
            }
            Some(Run { started_at, instance, .. }) => {
                lines.also(format!("{name} looks after it: started at {started_at:.0} as {instance}"));
            }
            None => lines.also(format!("{name} looks after it")),
        }
    }
    for own in &status.synchronizers {
        if installations.of(&own.name).next().is_none() {
            lines.also(format!(
                "{} has bookkeeping in its status and is not installed: `xos uninstall {}` removes what is left of it",
                own.name, own.name
            ));
        }
    }
}

fn deletion(facts: &Facts, status: &Status, lines: &mut Lines) {
    if facts.object["spec"]["writeProtect"] == true {
        lines.because("spec.writeProtect is set: it stays until the field is cleared");
    }
    for dependent in &facts.dependents {
        let Dependent { name, is_deleting, is_protected } = dependent;
        lines.because(match (is_protected, is_deleting) {
            (true, _) => format!("{name} leads to it, goes before it, and has spec.writeProtect set"),
            (false, true) => format!("{name} leads to it, goes before it, and is being deleted"),
            (false, false) => format!("{name} leads to it and goes before it; it is not deleted yet"),
        });
    }
    if facts.more_dependents > 0 {
        lines.because(format!("{} more objects lead to it and go before it", facts.more_dependents));
    }
    for finalizer in finalizers(facts) {
        let Some((name, holds, holder)) = holder(facts, finalizer) else {
            lines.because(other_finalizer(finalizer));
            continue;
        };
        match why_held(finalizer, name, &holder, (&facts.resource, namespace(facts))) {
            Some(why) => lines.because(why),
            None => lines.because(held(finalizer, name, holds, &holder)),
        }
    }
    attempts(facts, status, lines);
    history(status, lines);
    // Said above, and better.
    conditions(status, &["SynchronizerMissing", "Deleting", "WriteProtected"], lines);
    if finalizers(facts).next().is_none() {
        lines.because("nothing holds it any more: the API server is about to remove it");
    }
}

fn held(finalizer: &str, name: &str, holds: Holds, holder: &Holder) -> String {
    let until = match holds {
        Holds::Sync => "until its delete_record succeeds",
        Holds::Policy => "until its policies' delete handlers succeed",
        Holds::Links => "until the objects that lead to it are gone",
        Holds::Models => "until its models are unloaded",
    };
    let since = match holder {
        Holder::Expected(Some(run)) => format!(" (started at {:.0} as {})", run.started_at, run.instance),
        _ => String::new(),
    };
    format!("held by the finalizer {finalizer} of the synchronizer {name}{since}, {until}")
}

fn other_finalizer(finalizer: &str) -> String {
    match finalizer {
        "foregroundDeletion" => {
            "it is deleted in the foreground: Kubernetes removes the objects first that have it as their owner"
                .to_owned()
        }
        "orphan" => "Kubernetes takes it out of the owners of other objects first".to_owned(),
        other => format!("held by the finalizer {other}, which is no synchronizer's: who set it has to remove it"),
    }
}

fn finalizers(facts: &Facts) -> impl Iterator<Item = &str> {
    facts.object["metadata"]["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn namespace(facts: &Facts) -> &str {
    facts.object["metadata"]["namespace"].as_str().unwrap_or_default()
}

fn holder<'a>(facts: &Facts, finalizer: &'a str) -> Option<(&'a str, Holds, Holder)> {
    match &facts.installations {
        Some(known) => known.holder(finalizer, &facts.resource, namespace(facts)),
        // Nothing is known: nobody is accused.
        None => xos_model::names::finalizer_owner(finalizer).map(|(name, holds)| (name, holds, Holder::Expected(None))),
    }
}

#[cfg(test)]
mod tests;
