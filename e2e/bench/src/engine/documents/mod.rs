//! Steps that are YAML documents, compared with the same steps in Rust.

mod backend;
mod cost;
mod loading;
mod memory;
pub mod step;

use super::{
    Error, Sizes,
    contestant::Contestant,
    options::Part,
    report::{Goal, Report},
    run::{self, Plan, Run},
    stage::Stage,
};

pub(super) use backend::Backend;

/// The least rate of a document, as a part of the rate of the same step in Rust.
const OF_RUST: f64 = 0.8;
/// How often each is measured; the medians of the ratios of neighbours are compared.
const ROUNDS: usize = 5;

/// Measures what needs no cluster: the step on an API server in memory, expressions alone, and loading.
pub(super) async fn measure(sizes: Sizes, report: &mut Report) -> Result<(), Error> {
    // First, as long as no memory is free to be used again.
    report.add(Part::Documents, loading::measure(sizes)?);
    report.add(Part::Documents, cost::measure(sizes)?);
    report.add(Part::Documents, memory::measure(sizes).await?);
    Ok(())
}

/// Measures the step on a control plane.
pub(super) async fn measure_on(stage: &Stage, sizes: Sizes, report: &mut Report) -> Result<(), Error> {
    let mut rounds = vec![];
    for _ in 0..sizes.document_rounds {
        let mut pair = vec![];
        for who in [Contestant::RustStep, Contestant::DocumentStep] {
            let run = run::run(stage, Plan { who, objects: sizes.documents, changes: 0 }).await?;
            pair.extend(run.inspect(|run| report.run(run.clone())));
        }
        rounds.push(pair);
    }
    let goals = super::goals::PHASES.iter().map(|(name, phase)| {
        let rate = |run: &Run| phase(run).per_second.max(1e-9);
        let ratio = |pair: &Vec<Run>| match pair.as_slice() {
            [rust, document] => Some(rate(document) / rate(rust)),
            _ => None,
        };
        let ratios = rounds.iter().filter_map(ratio).collect();
        Goal::at_least(format!("a step as a document / in Rust, {name}"), median(ratios), OF_RUST, "")
    });
    report.add(Part::Documents, goals.collect());
    // Less noisy than rates on a busy machine.
    let cpu = |pair: &Vec<Run>| match pair.as_slice() {
        [Run { cpu: Some(rust), .. }, Run { cpu: Some(document), .. }] => Some(document.div_duration_f64(*rust)),
        _ => None,
    };
    let ratio = median(rounds.iter().filter_map(cpu).collect());
    let what = "processor time of the controller, a step as a document / in Rust";
    report.add(Part::Documents, vec![Goal::at_most(what, ratio, 1.0 / OF_RUST, "")]);
    Ok(())
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
