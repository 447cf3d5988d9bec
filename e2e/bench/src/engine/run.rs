//! One run: create objects, update them, change some one by one, delete them.

use std::time::Duration;

use serde::Serialize;

use super::{
    Error,
    contestant::{Contestant, Controller},
    load::{Load, Spread},
    stage::{GROUP, Stage},
    usage::Usage,
};

/// How long to wait until everything that follows the last sync is written, and unused memory is freed.
pub(super) const SETTLED: Duration = Duration::from_secs(2);

/// The parameters of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// What is measured.
    pub(super) who: Contestant,
    /// How many objects.
    pub(super) objects: u32,
    /// How many objects are changed one by one.
    pub(super) changes: u32,
}

/// What a run measured.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// What is measured.
    pub who: Contestant,
    /// How many objects.
    pub objects: u32,
    /// Creating the objects, until the last sync.
    pub create: Phase,
    /// Updating the objects, until the last sync.
    pub update: Phase,
    /// Changing objects one at a time.
    pub change: Option<Spread>,
    /// Deleting the objects, until all are deleted.
    pub delete: Phase,
    /// Memory and processor time of the controller with all objects and nothing to do.
    pub usage: Option<Usage>,
    /// Processor time of the controller at the end.
    pub cpu: Option<Duration>,
}

/// A phase of a run.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Phase {
    /// Objects a second.
    pub per_second: f64,
    /// Writes for each object, not counting the operator's.
    pub writes: f64,
    /// Processor time of API server and etcd for each object, in ms: less noisy than rates on a busy machine.
    pub server_ms: Option<f64>,
    /// Memory that the API server allocated for each object, in KiB: the same on any machine.
    pub server_kib: f64,
}

/// Does a run. Returns nothing if finalizers are to be set when an object is created, and are not.
pub(super) async fn run(stage: &Stage, plan: Plan) -> Result<Option<Run>, Error> {
    let namespace = stage.namespace().await?;
    let mut load = stage.things(&namespace, plan.who.writes())?;
    let controller = Controller::start(stage, plan.who, &namespace)?;
    // Wait until the controller is running and connected.
    load.run("create", 1).await?;
    load.run("delete", 1).await?;
    // The watch shows a write before the API server has counted it.
    tokio::time::sleep(SETTLED).await;
    let measured = match plan.who == Contestant::OursAtCreation && !stage.sets_finalizers(&namespace).await? {
        true => None,
        false => Some(measure(stage, plan, &mut load, controller.as_ref()).await?),
    };
    if let Some(controller) = controller {
        controller.stop().await?;
    }
    stage.remove_policies().await?;
    Ok(measured)
}

async fn measure(stage: &Stage, plan: Plan, load: &mut Load, controller: Option<&Controller>) -> Result<Run, Error> {
    let create = phase(stage, load, "create", plan.objects).await?;
    let update = phase(stage, load, "update", plan.objects).await?;
    let change = if plan.changes > 0 { Some(load.run("change", plan.changes).await?.millis()?) } else { None };
    tokio::time::sleep(SETTLED).await;
    let usage = controller.map(Controller::usage).transpose()?;
    let delete = phase(stage, load, "delete", plan.objects).await?;
    let cpu = controller.map(Controller::usage).transpose()?.map(|usage| usage.cpu);
    Ok(Run { who: plan.who, objects: plan.objects, create, update, change, delete, usage, cpu })
}

/// Runs one command on all objects, and counts the writes. The operator does one write for each object.
pub(super) async fn phase(stage: &Stage, load: &mut Load, command: &str, objects: u32) -> Result<Phase, Error> {
    let before = stage.counts().await?;
    let cpu = stage.server_cpu();
    let answer = load.run(command, objects).await?;
    tokio::time::sleep(SETTLED).await;
    let cpu = stage.server_cpu().zip(cpu).map(|(after, before)| after.saturating_sub(before));
    let since = stage.counts().await?.since(&before);
    let writes = since.of_group(GROUP);
    let kib = since.allocated_kib();
    let objects = f64::from(objects.max(1));
    #[expect(clippy::cast_precision_loss, reason = "far from 2^52")]
    let writes = writes as f64 / objects - 1.0;
    if writes.fract().abs() > 1e-6 {
        eprintln!(
            "{command} of {objects} objects, and not the same number of writes for each object: {}",
            since.listed(GROUP)
        );
    }
    let server_ms = cpu.map(|cpu| cpu.as_secs_f64() * 1e3 / objects);
    Ok(Phase { per_second: objects / answer.seconds.max(1e-9), writes, server_ms, server_kib: kib / objects })
}
