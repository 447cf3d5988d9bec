//! The parts with many objects: rates and memory, a restart, a resync.

use std::time::Duration;

use super::{
    Error, Options, Sizes,
    contestant::{Contestant, Controller, Tuning},
    goals,
    load::{Load, Writes},
    options::Part,
    report::{Goal, Report},
    run::{self, Plan, Run},
    stage::{GROUP, Stage},
};

/// The most resident memory with many objects, in MiB.
const MEMORY: f64 = 100.0;
/// The longest time from the start of the process until the first change is handled, in seconds.
const FIRST: f64 = 5.0;
/// The longest time that a change may take during a resync, in ms.
const DURING_RESYNC: f64 = 250.0;
/// The resync period in that part: so short that all objects are always due.
const RESYNC: Duration = Duration::from_secs(1);
/// How long the step takes in that part, as with a backend.
const TAKES: Duration = Duration::from_millis(5);

/// Measures rates and memory.
pub(super) async fn scale(stage: &Stage, sizes: Sizes, report: &mut Report) -> Result<(), Error> {
    let mut plan = async |who, objects, changes| -> Result<Option<Run>, Error> {
        let run = run::run(stage, Plan { who, objects, changes }).await?;
        if let Some(run) = &run {
            report.run(run.clone());
        }
        Ok(run)
    };
    // With finalizers at creation, which is the default, if the API server can do that.
    let at_creation = plan(Contestant::OursAtCreation, sizes.few, 0).await?;
    let (who, few) = match at_creation {
        Some(few) => (Contestant::OursAtCreation, Some(few)),
        None => (Contestant::Ours, plan(Contestant::Ours, sizes.few, 0).await?),
    };
    let many = plan(who, sizes.many, sizes.changes).await?;
    let peer = plan(Contestant::ControllerRuntime, sizes.many, sizes.changes).await?;
    if let (Some(few), Some(many)) = (few, many) {
        report.add(Part::Scale, goals::evenness(&few, &many));
        report.add(Part::Scale, memory(&many, peer.as_ref()));
    }
    Ok(())
}

/// Returns MiB for KiB.
pub(super) fn mib(kib: u64) -> f64 {
    f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) / 1024.0
}

fn memory(ours: &Run, peer: Option<&Run>) -> Vec<Goal> {
    let peak = |run: &Run| run.usage.map(|usage| mib(usage.peak_kib));
    let what = format!("{}: peak memory with {} objects", ours.who.title(), ours.objects);
    let own = Goal::at_most(&what, peak(ours), MEMORY, "MiB");
    let own = match ours.usage {
        Some(usage) => own.with(format!("settled {:.1}", mib(usage.resident_kib))),
        None => own,
    };
    let ratio = peak(ours).zip(peer.and_then(peak)).map(|(ours, theirs)| ours / theirs.max(1e-9));
    vec![own, Goal::at_most(format!("{what} / controller-runtime's"), ratio, 1.0, "")]
}

/// Measures a restart with clean objects, and a resync of them.
pub(super) async fn restart_and_resync(stage: &Stage, options: &Options, report: &mut Report) -> Result<(), Error> {
    let mut clean = Clean::make(stage, options.sizes()).await?;
    if options.wants(Part::Restart) {
        clean.restart(report).await?;
    }
    if options.wants(Part::Resync) {
        clean.resync(report).await?;
    }
    stage.remove_policies().await
}

/// Many objects that our controller has synchronized. No controller is running.
struct Clean<'a> {
    stage: &'a Stage,
    sizes: Sizes,
    namespace: String,
    load: Load,
}

impl<'a> Clean<'a> {
    async fn make(stage: &'a Stage, sizes: Sizes) -> Result<Self, Error> {
        let namespace = stage.namespace().await?;
        let load = stage.things(&namespace, Writes::Controller)?;
        let mut clean = Self { stage, sizes, namespace, load };
        let controller = clean.start(Tuning::default())?;
        clean.load.run("create", sizes.many).await?;
        controller.stop().await?;
        Ok(clean)
    }

    fn start(&self, tuning: Tuning) -> Result<Controller, Error> {
        Controller::ours(self.stage, Contestant::OursAtCreation, &self.namespace, tuning)
    }

    async fn restart(&mut self, report: &mut Report) -> Result<(), Error> {
        let before = self.stage.counts().await?;
        let controller = self.start(Tuning::default())?;
        self.load.run("change", 1).await?;
        let handled = controller.started.elapsed().as_secs_f64();
        // Time for writes that should not happen.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let writes = self.stage.counts().await?.since(&before).of_group(GROUP);
        let usage = controller.usage()?;
        // The operator's change, and the status write that follows it.
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let extra = writes as f64 - 2.0;
        let cpu = format!("{:.2} s CPU, peak {} MiB", usage.cpu.as_secs_f64(), usage.peak_kib / 1024);
        let what = format!("writes after a restart with {} clean objects", self.sizes.many);
        let goals = vec![
            Goal::at_most(what, extra, 0.0, ""),
            Goal::at_most("from process start to the first change handled", handled, FIRST, "s").with(cpu),
        ];
        report.add(Part::Restart, goals);
        controller.stop().await
    }

    async fn resync(&mut self, report: &mut Report) -> Result<(), Error> {
        let controller = self.start(Tuning { resync: Some(RESYNC), takes: Some(TAKES) })?;
        // Wait until the controller is running, and all objects are due.
        self.load.run("change", 1).await?;
        tokio::time::sleep(RESYNC * 2).await;
        let ms = self.load.run("change", self.sizes.changes).await?.millis()?;
        let what = format!("a change during a resync of {} objects, p99", self.sizes.many);
        let goal = Goal::at_most(what, ms.p99, DURING_RESYNC, "ms");
        report.add(Part::Resync, vec![goal.with(format!("p50 {:.1}, max {:.1}", ms.p50, ms.max))]);
        controller.stop().await
    }
}
