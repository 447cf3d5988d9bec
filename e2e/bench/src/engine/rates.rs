//! Objects a second and latency: our controller, the raw writes, and the peers, one after another.

use super::{
    Error, Options, Sizes,
    contestant::Contestant,
    goals,
    load::Spread,
    options::Part,
    report::{Goal, Report},
    run::{self, Phase, Plan, Run},
    small::NO_POLICY,
    stage::Stage,
};

/// The order. What is compared runs one after the other, so that the machine is in a similar state.
const ORDER: [Contestant; 6] = [
    Contestant::ControllerRuntimeCached,
    Contestant::ControllerRuntime,
    Contestant::Ours,
    Contestant::Raw,
    Contestant::RawWithFinalizer,
    Contestant::OursAtCreation,
];

/// Measures all of them, in several rounds.
pub(super) async fn measure(stage: &Stage, options: &Options, report: &mut Report) -> Result<(), Error> {
    let sizes = options.sizes();
    let mut rounds: Vec<Vec<Run>> = vec![];
    for _ in 0..options.rounds.max(1) {
        let mut round = vec![];
        for who in ORDER {
            round.extend(one(stage, sizes, who, report).await?);
        }
        rounds.push(round);
    }
    if !options.no_kopf {
        one(stage, sizes, Contestant::Kopf, report).await?;
    }
    let runs: Vec<_> = ORDER.into_iter().filter_map(|who| median(&rounds, who)).collect();
    let of = |who: Contestant| runs.iter().find(|run| run.who == who);
    for who in [Contestant::Ours, Contestant::OursAtCreation] {
        match of(who) {
            Some(ours) => {
                report.add(Part::Rate, goals::rates(ours, of(who.limit()), of(Contestant::ControllerRuntime)));
                report.add(Part::Rate, goals::writes(ours));
            }
            None => report.add(Part::Rate, vec![Goal::unmeasured(who.title(), "≥ 0.9", NO_POLICY)]),
        }
    }
    Ok(())
}

async fn one(stage: &Stage, sizes: Sizes, who: Contestant, report: &mut Report) -> Result<Option<Run>, Error> {
    let objects = if who == Contestant::Kopf { sizes.kopf } else { sizes.rate };
    let run = run::run(stage, Plan { who, objects, changes: sizes.changes }).await?;
    if let Some(run) = &run {
        report.run(run.clone());
    }
    Ok(run)
}

/// Returns a run that has the median of each figure.
fn median(rounds: &[Vec<Run>], who: Contestant) -> Option<Run> {
    let runs: Vec<&Run> = rounds.iter().flatten().filter(|run| run.who == who).collect();
    let first = (*runs.first()?).clone();
    let middle = |figure: fn(&Run) -> f64| {
        let mut all: Vec<_> = runs.iter().map(|run| figure(run)).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or_default()
    };
    let phase = |phase: Phase, per_second| Phase { per_second, ..phase };
    let change = |figure: fn(&Spread) -> f64| {
        let mut all: Vec<_> = runs.iter().filter_map(|run| run.change.as_ref().map(figure)).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or_default()
    };
    Some(Run {
        create: phase(first.create, middle(|run| run.create.per_second)),
        update: phase(first.update, middle(|run| run.update.per_second)),
        delete: phase(first.delete, middle(|run| run.delete.per_second)),
        change: first.change.map(|spread| Spread {
            p50: change(|ms| ms.p50),
            p99: change(|ms| ms.p99),
            max: change(|ms| ms.max),
            ..spread
        }),
        ..first
    })
}
