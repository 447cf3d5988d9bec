//! The parts with few objects: writes for each object, a chain, rest.

use super::{
    Error, Sizes,
    contestant::{Contestant, Controller},
    goals,
    load::Writes,
    options::Part,
    report::{Goal, Report},
    run::{self, Plan},
    stage::{GROUP, Stage},
};

/// Why finalizers at creation are not measured.
pub(super) const NO_POLICY: &str = "objects are not created with finalizers";
/// The longest time for a chain, as a multiple of the time for as many status writes one after another.
const CHAIN: f64 = 1.5;
/// The longest time for one link of the chain, in ms.
const HOP: f64 = 20.0;

/// Measures the writes for each object, as the API server counts them.
pub(super) async fn writes(stage: &Stage, sizes: Sizes, report: &mut Report) -> Result<(), Error> {
    for who in [Contestant::Ours, Contestant::OursAtCreation] {
        match run::run(stage, Plan { who, objects: sizes.writes, changes: 0 }).await? {
            Some(run) => report.add(Part::Writes, goals::writes(&run)),
            None => report.add(Part::Writes, vec![Goal::unmeasured(who.title(), "≤ 1", NO_POLICY)]),
        }
    }
    Ok(())
}

/// Measures a chain of linked objects, compared with as many status writes.
pub(super) async fn chain(stage: &Stage, sizes: Sizes, report: &mut Report) -> Result<(), Error> {
    let raw = stage.namespace().await?;
    let mut load = stage.things(&raw, Writes::Raw)?;
    load.run("create", sizes.chain).await?;
    load.run("statuses", sizes.chain).await?;
    for who in [Contestant::Ours, Contestant::OursAtCreation] {
        // Measured right before the chain, so that the machine is in a similar state.
        let limit = load.run("statuses", sizes.chain).await?;
        let namespace = stage.namespace().await?;
        let controller = Controller::start(stage, who, &namespace)?;
        let mut things = stage.things(&namespace, who.writes())?;
        let mut links = stage.links(&namespace, who.writes())?;
        things.run("create", 1).await?;
        let title = who.title();
        if who == Contestant::OursAtCreation && !stage.sets_finalizers(&namespace).await? {
            report.add(Part::Chain, vec![Goal::unmeasured(format!("{title}: chain"), "≤ 1.5", NO_POLICY)]);
        } else {
            let hops = links.run("chain", sizes.chain).await?.millis()?;
            let whole = hops.mean * f64::from(sizes.chain);
            let what = format!("{title}: a chain of {} / as many changes of status", sizes.chain);
            let ratio = Goal::at_most(what, whole / (limit.seconds * 1e3).max(1e-9), CHAIN, "");
            let ratio = ratio.with(format!("{whole:.0} ms / {:.0} ms", limit.seconds * 1e3));
            let hop = Goal::at_most(format!("{title}: a hop of the chain"), hops.mean, HOP, "ms");
            let hop = hop.with(format!("mean; p50 {:.1}, p99 {:.1}, max {:.1}", hops.p50, hops.p99, hops.max));
            report.add(Part::Chain, vec![ratio, hop]);
        }
        if let Some(controller) = controller {
            controller.stop().await?;
        }
        stage.remove_policies().await?;
    }
    Ok(())
}

/// Counts the writes with clean objects and a controller that has nothing to do.
pub(super) async fn rest(stage: &Stage, sizes: Sizes, report: &mut Report) -> Result<(), Error> {
    let namespace = stage.namespace().await?;
    let mut load = stage.things(&namespace, Writes::Controller)?;
    let controller = Controller::start(stage, Contestant::OursAtCreation, &namespace)?;
    run::phase(stage, &mut load, "create", sizes.resting).await?;
    let before = stage.counts().await?;
    tokio::time::sleep(sizes.rest).await;
    let since = stage.counts().await?.since(&before);
    let ours = since.of_group(GROUP);
    let all = since.but_leases();
    let count: u64 = all.iter().map(|(_, count)| count).sum();
    let what = format!("writes in {} s at rest with {} objects", sizes.rest.as_secs(), sizes.resting);
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let goal = Goal::at_most(what, ours as f64, 0.0, "");
    let named: Vec<_> = all.iter().map(|(kind, count)| format!("{} {} {count}", kind.verb, kind.resource)).collect();
    let whole = if count == 0 { "none to anything else".to_owned() } else { named.join(", ") };
    report.add(Part::Rest, vec![goal.with(whole)]);
    if let Some(controller) = controller {
        controller.stop().await?;
    }
    stage.remove_policies().await
}
