//! The goals of the benchmark.

use super::{
    contestant::Contestant,
    report::Goal,
    run::{Phase, Run},
};

/// The least rate, as a part of the raw writes' rate.
const OF_LIMIT: f64 = 0.9;
/// The least rate, as a multiple of controller-runtime's.
const OF_PEER: f64 = 1.5;
/// The longest median latency of a change, as a multiple of the raw writes'.
const LATENCY: f64 = 1.3;
/// The longest time that a change may take on an idle system, in ms.
const LONGEST: f64 = 100.0;

/// The least rate with many objects, as a part of the rate with few.
pub(super) const OF_FEW: f64 = 0.8;

/// A phase's name, and the function that gets it from a run.
pub(super) type Named = (&'static str, fn(&Run) -> Phase);

pub(super) const PHASES: [Named; 3] =
    [("create", |run| run.create), ("update", |run| run.update), ("delete", |run| run.delete)];

/// Returns the goals for the writes of a run.
pub(super) fn writes(run: &Run) -> Vec<Goal> {
    let create = if run.who == Contestant::OursAtCreation { 1.0 } else { 2.0 };
    let limits = [create, 1.0, 1.0];
    let goal = |((name, phase), limit): (&Named, f64)| {
        Goal::at_most(format!("{}: writes an object, {name}", run.who.title()), phase(run).writes, limit, "")
    };
    PHASES.iter().zip(limits).map(goal).collect()
}

/// Returns the goals for rates and latency, compared with the limit and the peer of the same round. A goal is not met
/// if a figure for it is missing.
pub(super) fn rates(ours: &Run, limit: Option<&Run>, peer: Option<&Run>) -> Vec<Goal> {
    let mut goals = vec![];
    let title = ours.who.title();
    for (name, phase) in PHASES {
        let rate = |run: &Run| phase(run).per_second.max(1e-9);
        let ratio = |other: Option<&Run>| Some(rate(ours) / rate(other?));
        goals.push(Goal::at_least(format!("{title}: rate / raw writes, {name}"), ratio(limit), OF_LIMIT, ""));
        goals.push(Goal::at_least(format!("{title}: rate / controller-runtime, {name}"), ratio(peer), OF_PEER, ""));
    }
    let raw = limit.and_then(|limit| limit.change);
    let ratio = ours.change.zip(raw).map(|(own, raw)| own.p50 / raw.p50.max(1e-9));
    goals.push(Goal::at_most(format!("{title}: latency p50 / raw"), ratio, LATENCY, ""));
    goals.push(Goal::at_most(format!("{title}: latency max"), ours.change.map(|own| own.max), LONGEST, "ms"));
    goals
}

/// Returns the goals for the rates with many objects, compared with few.
pub(super) fn evenness(few: &Run, many: &Run) -> Vec<Goal> {
    let goal = |(name, phase): &Named| {
        let ratio = phase(many).per_second / phase(few).per_second.max(1e-9);
        let what = format!("{}: rate of {} / of {} objects, {name}", many.who.title(), many.objects, few.objects);
        Goal::at_least(what, ratio, OF_FEW, "")
    };
    PHASES.iter().map(goal).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::load::Spread;

    fn run(who: Contestant, per_second: f64, change: Option<Spread>) -> Run {
        let phase = Phase { per_second, writes: 1.0, ..Phase::default() };
        Run { who, objects: 1, create: phase, update: phase, change, delete: phase, usage: None, cpu: None }
    }

    #[test]
    fn rates_are_judged_next_to_the_limit_and_the_peer() {
        let change = Some(Spread { mean: 1.0, p50: 1.0, p99: 2.0, max: 3.0 });
        let ours = run(Contestant::Ours, 95.0, change);
        let limit = run(Contestant::Raw, 100.0, change);
        let peer = run(Contestant::ControllerRuntime, 50.0, change);
        let goals = rates(&ours, Some(&limit), Some(&peer));
        assert_eq!(goals.len(), 8);
        assert!(goals.iter().all(|goal| goal.met == Some(true)), "{goals:?}");
    }

    #[test]
    fn what_is_missing_makes_a_goal_unmet_and_not_absent() {
        let goals = rates(&run(Contestant::Ours, 95.0, None), None, None);
        assert_eq!(goals.len(), 8);
        assert!(goals.iter().all(|goal| goal.met.is_none()), "{goals:?}");
    }
}
