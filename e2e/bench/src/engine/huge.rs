//! The part with very many objects: rates and latency compared with the raw writes of as many, memory, a restart.

use super::{
    Error, Sizes,
    contestant::{Contestant, Controller, Tuning},
    goals::{OF_FEW, PHASES},
    load::Load,
    many::mib,
    options::Part,
    report::{Goal, Report},
    run::{self, Plan, Run, SETTLED, phase},
    small::NO_POLICY,
    stage::Stage,
};

/// The longest median latency of a change, as a multiple of the raw writes'.
const LATENCY: f64 = 1.3;
/// The most resident memory, in MiB.
const MEMORY: f64 = 350.0;
/// The longest time from the start of the process until the first change is handled, in seconds.
const FIRST: f64 = 8.0;
const OURS: Contestant = Contestant::OursAtCreation;

/// Measures few and very many objects, each next to the raw writes of as many.
pub(super) async fn measure(stage: &Stage, sizes: Sizes, report: &mut Report) -> Result<(), Error> {
    let mut few = vec![];
    for who in [OURS.limit(), OURS] {
        let plan = Plan { who, objects: sizes.rate, changes: sizes.changes };
        few.extend(run::run(stage, plan).await?);
    }
    let [few_raw, few_ours] = &few[..] else {
        report.add(Part::Huge, vec![Goal::unmeasured(OURS.title(), "≥ 0.8", NO_POLICY)]);
        return Ok(());
    };
    let raw = raw(sizes).await?;
    let (ours, restart) = ours(sizes).await?;
    for one in [few_raw, few_ours, &raw, &ours] {
        report.run(one.clone());
    }
    let ratio = |(ours, raw): (&Run, &Run), at: usize| PHASES[at].1(ours).per_second / PHASES[at].1(raw).per_second;
    let mut goals = vec![];
    for (at, (name, _)) in PHASES.iter().enumerate() {
        let [many, few] = [(&ours, &raw), (few_ours, few_raw)].map(|pair| ratio(pair, at));
        let what = format!("rate / raw writes with {} objects / the same with {}, {name}", sizes.huge, sizes.rate);
        goals.push(Goal::at_least(what, many / few, OF_FEW, "").with(format!("{many:.2} / {few:.2}")));
    }
    let latency = ours.change.zip(raw.change).map(|(ours, raw)| ours.p50 / raw.p50.max(1e-9));
    goals.push(Goal::at_most("latency p50 / raw", latency, LATENCY, ""));
    let peak = ours.usage.map(|usage| mib(usage.peak_kib));
    goals.push(Goal::at_most(format!("peak memory with {} objects", sizes.huge), peak, MEMORY, "MiB"));
    let what = format!("from process start to the first change handled, {} clean objects", sizes.huge);
    goals.push(Goal::at_most(what, restart.seconds, FIRST, "s").with(format!("peak {:.0} MiB", restart.peak)));
    report.add(Part::Huge, goals);
    Ok(())
}

struct Restart {
    seconds: f64,
    /// The most resident memory, in MiB.
    peak: f64,
}

/// Measures the raw writes, on a control plane of their own: what is left of others would cost them time.
async fn raw(sizes: Sizes) -> Result<Run, Error> {
    let stage = Stage::set(false).await?;
    let namespace = stage.namespace().await?;
    let mut load = stage.things(&namespace, OURS.limit().writes())?;
    let mut measured = start(&stage, sizes, OURS.limit(), &mut load).await?;
    measured.delete = phase(&stage, &mut load, "delete", sizes.sample).await?;
    Ok(measured)
}

/// Does the same with our controller, which is started anew before the deletions.
async fn ours(sizes: Sizes) -> Result<(Run, Restart), Error> {
    let stage = &Stage::set(false).await?;
    let namespace = stage.namespace().await?;
    let mut load = stage.things(&namespace, OURS.writes())?;
    let controller = Controller::ours(stage, OURS, &namespace, Tuning::default())?;
    load.run("create", 1).await?;
    load.run("delete", 1).await?;
    stage.sets_finalizers(&namespace).await?;
    let mut measured = start(stage, sizes, OURS, &mut load).await?;
    measured.usage = Some(controller.usage()?);
    controller.stop().await?;
    let controller = Controller::ours(stage, OURS, &namespace, Tuning::default())?;
    load.run("change", 1).await?;
    let seconds = controller.started.elapsed().as_secs_f64();
    tokio::time::sleep(SETTLED).await;
    let restart = Restart { seconds, peak: mib(controller.usage()?.peak_kib) };
    measured.delete = phase(stage, &mut load, "delete", sizes.sample).await?;
    measured.cpu = Some(controller.usage()?.cpu);
    controller.stop().await?;
    Ok((measured, restart))
}

/// Creates all objects, updates some, and changes a few one by one.
async fn start(stage: &Stage, sizes: Sizes, who: Contestant, load: &mut Load) -> Result<Run, Error> {
    let create = phase(stage, load, "create", sizes.huge).await?;
    let update = phase(stage, load, "update", sizes.sample).await?;
    let change = Some(load.run("change", sizes.changes).await?.millis()?);
    tokio::time::sleep(SETTLED).await;
    let delete = run::Phase::default();
    Ok(Run { who, objects: sizes.huge, create, update, change, delete, usage: None, cpu: None })
}
