//! The goals that runs are held to.

use super::{
    contestant::Contestant,
    report::Goal,
    run::{Phase, Run},
};

/// What the API server's limit leaves us, at least.
const OF_LIMIT: f64 = 0.9;
/// How much faster than a controller in Go we are, at least.
const OF_PEER: f64 = 1.5;
/// How much longer than the writes alone a change may take.
const LATENCY: f64 = 1.3;
/// The longest that a change may take on an idle system, in ms.
const LONGEST: f64 = 100.0;

/// A phase's name, and where a run has it.
type Named = (&'static str, fn(&Run) -> Phase);

const PHASES: [Named; 3] = [("create", |run| run.create), ("update", |run| run.update), ("delete", |run| run.delete)];

/// The writes of a run.
pub(super) fn writes(run: &Run) -> Vec<Goal> {
    let create = if run.who == Contestant::OursAtBirth { 1.0 } else { 2.0 };
    let limits = [create, 1.0, 1.0];
    let goal = |((name, phase), limit): (&Named, f64)| {
        Goal::at_most(format!("{}: writes an object, {name}", run.who.title()), phase(run).writes, limit, "")
    };
    PHASES.iter().zip(limits).map(goal).collect()
}

/// Rates and latency of ours next to the limit and the peer of the same round.
pub(super) fn rates(ours: &Run, limit: Option<&Run>, peer: Option<&Run>) -> Vec<Goal> {
    let mut goals = vec![];
    let title = ours.who.title();
    for (name, phase) in PHASES {
        let rate = |run: &Run| phase(run).per_second.max(1e-9);
        if let Some(limit) = limit {
            let ratio = rate(ours) / rate(limit);
            goals.push(Goal::at_least(format!("{title}: rate / raw writes, {name}"), ratio, OF_LIMIT, ""));
        }
        if let Some(peer) = peer {
            let ratio = rate(ours) / rate(peer);
            goals.push(Goal::at_least(format!("{title}: rate / controller-runtime, {name}"), ratio, OF_PEER, ""));
        }
    }
    if let (Some(own), Some(raw)) = (ours.change, limit.and_then(|limit| limit.change)) {
        let ratio = own.p50 / raw.p50.max(1e-9);
        goals.push(Goal::at_most(format!("{title}: latency p50 / raw"), ratio, LATENCY, ""));
        goals.push(Goal::at_most(format!("{title}: latency max"), own.max, LONGEST, "ms"));
    }
    goals
}

/// Rates with many objects next to rates with few.
pub(super) fn evenness(few: &Run, many: &Run) -> Vec<Goal> {
    let goal = |(name, phase): &Named| {
        let ratio = phase(many).per_second / phase(few).per_second.max(1e-9);
        let what = format!("{}: rate of {} / of {} objects, {name}", many.who.title(), many.objects, few.objects);
        Goal::at_least(what, ratio, 0.8, "")
    };
    PHASES.iter().map(goal).collect()
}
