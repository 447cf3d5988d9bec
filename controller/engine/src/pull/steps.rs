//! The pull steps that run: others can take their place.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;
use xos_steps::{DynPullStep, Services};

use super::{PullOptions, PullStates, schedule};
use crate::leader::Leadership;

/// Exchanges the pull steps that run. Clones are the same one.
#[derive(Clone)]
pub struct PullSteps(mpsc::Sender<Exchange>);

/// What is to run from now on.
struct Exchange {
    steps: Vec<Arc<dyn DynPullStep>>,
    /// Whether those of them that do not run yet are started.
    starts: bool,
    done: oneshot::Sender<()>,
}

impl PullSteps {
    /// Returns one, and what [`run`] takes.
    pub fn new() -> (Self, PullExchanges) {
        let (sender, receiver) = mpsc::channel(1);
        (Self(sender), PullExchanges(receiver))
    }

    /// Ends the steps that are not among these, and waits until they have ended.
    pub async fn keep(&self, steps: Vec<Arc<dyn DynPullStep>>) {
        self.exchange(steps, false).await;
    }

    /// Lets exactly these steps run.
    pub async fn set(&self, steps: Vec<Arc<dyn DynPullStep>>) {
        self.exchange(steps, true).await;
    }

    /// After the shutdown nothing is exchanged any more.
    async fn exchange(&self, steps: Vec<Arc<dyn DynPullStep>>, starts: bool) {
        let (done, exchanged) = oneshot::channel();
        if self.0.send(Exchange { steps, starts, done }).await.is_ok() {
            let _ = exchanged.await;
        }
    }
}

/// What a [`PullSteps`] asks for.
pub struct PullExchanges(mpsc::Receiver<Exchange>);

/// A step that runs.
struct Running {
    step: Arc<dyn DynPullStep>,
    end: CancellationToken,
    task: AbortOnDropHandle<()>,
}

/// What every pull step runs with.
struct Runner {
    services: Arc<Services>,
    options: PullOptions,
    states: PullStates,
    leadership: Leadership,
    shutdown: CancellationToken,
    running: Vec<Running>,
}

/// Runs pull steps until `shutdown`, from when `ready` becomes true, and while this process leads.
pub async fn run(
    (steps, PullExchanges(mut exchanges)): (Vec<Arc<dyn DynPullStep>>, PullExchanges),
    services: Arc<Services>,
    options: PullOptions,
    states: PullStates,
    (leadership, mut ready): (Leadership, watch::Receiver<bool>),
    shutdown: CancellationToken,
) {
    let mut runner = Runner { services, options, states, leadership, shutdown, running: vec![] };
    // Until the time has come they are exchanged without having run.
    let mut waiting = Some(steps);
    loop {
        tokio::select! {
            () = runner.shutdown.cancelled() => break,
            is_ready = async { ready.wait_for(|ready| *ready).await.is_ok() }, if waiting.is_some() => match is_ready {
                true => runner.start(waiting.take().unwrap_or_default()),
                false => break,
            },
            Some(Exchange { steps, starts, done }) = exchanges.recv() => {
                runner.end_others(&steps).await;
                match &mut waiting {
                    Some(waiting) if starts => *waiting = steps,
                    Some(waiting) => waiting.retain(|one| steps.iter().any(|step| is_same(one, step))),
                    None if starts => runner.start(steps),
                    None => {}
                }
                // Who asked for it may have gone.
                let _ = done.send(());
            }
        }
    }
    runner.end_others(&[]).await;
}

impl Runner {
    /// Starts the steps that do not run yet.
    fn start(&mut self, steps: Vec<Arc<dyn DynPullStep>>) {
        for step in steps {
            if self.running.iter().any(|running| is_same(&running.step, &step)) {
                continue;
            }
            let end = self.shutdown.child_token();
            let span = tracing::info_span!("pull", step = step.name());
            let ends = (end.clone(), self.shutdown.clone());
            let (services, options) = (Arc::clone(&self.services), self.options.clone());
            let (states, leadership) = (self.states.clone(), self.leadership.clone());
            let scheduled = schedule(Arc::clone(&step), services, options, states, leadership, ends);
            let task: JoinHandle<()> = tokio::spawn(scheduled.instrument(span));
            self.running.push(Running { step, end, task: AbortOnDropHandle::new(task) });
        }
    }

    /// Ends the steps that are not among these.
    async fn end_others(&mut self, steps: &[Arc<dyn DynPullStep>]) {
        let all = std::mem::take(&mut self.running);
        let (kept, ended): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|running| steps.iter().any(|step| is_same(&running.step, step)));
        self.running = kept;
        ended.iter().for_each(|running| running.end.cancel());
        for running in ended {
            // Calls of steps catch panics: this is one of ours.
            if let Err(error) = running.task.await {
                let step = running.step.name();
                tracing::error!(step, %error, "a pull step has ended by a panic: please report this");
            }
        }
        let names: Vec<_> = self.running.iter().map(|running| running.step.name()).collect();
        if !self.shutdown.is_cancelled() {
            self.states.keep(&names);
        }
    }
}

fn is_same(one: &Arc<dyn DynPullStep>, other: &Arc<dyn DynPullStep>) -> bool {
    let has_same_revision = || one.revision().is_some() && one.revision() == other.revision();
    Arc::ptr_eq(one, other) || (one.name() == other.name() && has_same_revision())
}
