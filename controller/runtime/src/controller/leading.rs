//! Who of several processes of one name works: by election, or the first one.

use std::sync::Arc;

use kube::Client;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use xos_engine::LiveRegistry;
use xos_engine::clock::{Clock as _, SystemClock};
use xos_engine::events::{KubeEvents, Outbox};
use xos_engine::leader::{Elector, Leadership, Place, identity, lead_alone};
use xos_engine::presence::{Others, Presence, Process, Role};
use xos_engine::watch::WatchLimits;

use crate::config::Config;
use crate::instance::host;

/// A process that takes part, as long as this is kept.
pub(super) struct Leading {
    pub(super) leadership: Leadership,
    /// The other processes of the name that work.
    pub(super) others: Others,
    /// The Events of what only a leader does; they are sent with a client that changes something only while it leads.
    pub(super) events: Arc<KubeEvents>,
    deciding: Part,
    present: Part,
}

/// A task that ends when it is asked to.
struct Part {
    end: CancellationToken,
    /// None once it has ended.
    task: Option<AbortOnDropHandle<()>>,
}

impl Part {
    fn start<F: Future<Output = ()> + Send + 'static>(run: impl FnOnce(CancellationToken) -> F) -> Self {
        let end = CancellationToken::new();
        Self { task: Some(AbortOnDropHandle::new(tokio::spawn(run(end.clone())))), end }
    }

    async fn end(&mut self) {
        self.end.cancel();
        let Some(task) = self.task.take() else { return };
        if let Err(error) = task.await {
            tracing::warn!(%error, "other processes of this name are not told that this one ends");
        }
    }
}

impl Leading {
    /// Begins to take part. `warm` says when all objects are known.
    pub(super) fn start(
        client: &Client,
        config: &Config,
        registry: &LiveRegistry,
        warm: watch::Receiver<bool>,
    ) -> (Self, Outbox) {
        let leadership = Leadership::new(Arc::new(SystemClock));
        let (events, outbox) = KubeEvents::new(registry.clone(), Arc::new(SystemClock));
        let events = Arc::new(events);
        let limits = WatchLimits::within(config.api_timeout);
        let is_elected = config.leader_election.unwrap_or_else(is_in_pod);
        let role = if is_elected { Role::Elected } else { Role::Waits };
        let process = Process::this(&host(), SystemClock.now(), role);
        let presence = Presence::new(client.clone(), &config.name, &config.engine.namespaces, process, limits);
        let (others, standing) = (presence.others(), presence.standing());
        let present = Part::start(|end| presence.run(end));
        let deciding = if is_elected {
            let place = place(client, config);
            let (me, times) = (identity(&host()), config.lease.times);
            let elector = Elector::new(
                client.clone(),
                &config.name,
                (place, &me),
                times,
                limits,
                leadership.clone(),
                Arc::clone(&events),
            );
            let elector = elector.after(standing).warmed_by(warm);
            Part::start(|end| elector.run(end))
        } else {
            let leadership = leadership.clone();
            Part::start(
                |end| async move { end.run_until_cancelled(lead_alone(leadership, standing)).await.unwrap_or(()) },
            )
        };
        (Self { leadership, others, events, deciding, present }, outbox)
    }

    /// Leads no more: another process may at once. Nothing of this one works by then.
    pub(super) async fn release(&mut self) {
        self.deciding.end().await;
    }

    /// Takes leave of the others.
    pub(super) async fn end(mut self) {
        self.present.end().await;
    }
}

fn place(client: &Client, config: &Config) -> Place {
    let namespace = config.lease.namespace.clone().unwrap_or_else(|| client.default_namespace().to_owned());
    let name = config.lease.name.clone().unwrap_or_else(|| Place::name_of(&config.name));
    Place { namespace, name }
}

/// Returns whether the program runs in a pod, and uses the pod's rights.
fn is_in_pod() -> bool {
    std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() && std::env::var_os("KUBECONFIG").is_none()
}
