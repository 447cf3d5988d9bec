//! Says in the cluster that the synchronizer is installed, and makes its admission policies agree with that.
//!
//! Nothing depends on it, so the controller does not wait for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kube::Client;
use tokio::sync::{Notify, watch};
use tokio_util::task::AbortOnDropHandle;
use xos_crds::names::Names;
use xos_engine::Registry;
use xos_engine::admission;
use xos_engine::clock::{Clock as _, SystemClock};
use xos_engine::installation::{self, Installation, Installations, Run};
use xos_engine::leader::Leadership;

use crate::config::{Config, Definitions};
use crate::instance::instance;

/// How long the controller takes at its end to say that it has ended.
const GOODBYE: Duration = Duration::from_secs(2);

/// What a synchronizer says of itself.
#[derive(Clone)]
struct Own {
    installation: Installation,
    /// The definitions of all kinds that it sets finalizers on.
    definitions: Vec<String>,
}

/// A synchronizer that is to say so.
pub(super) struct Installing {
    own: Own,
    namespaces: Vec<String>,
    at_creation: bool,
    /// Whether it has rights for the whole cluster. Without them it says nothing, and knows of no others.
    is_cluster_wide: bool,
}

/// A synchronizer that says so, as long as this is kept.
pub(super) struct Installed {
    own: watch::Sender<Own>,
    namespaces: Vec<String>,
    at_creation: bool,
    known: watch::Receiver<Option<Arc<Installations>>>,
    /// What was said last.
    said: Said,
    /// None once it has ended.
    task: Mutex<Option<AbortOnDropHandle<()>>>,
}

type Said = Arc<Mutex<Option<Installation>>>;

impl Own {
    fn of(registry: &Registry, namespaces: &[String], at_creation: bool) -> Self {
        let run = Run { started_at: SystemClock.now(), instance: instance(), stopped_at: None };
        let held = registry.entries().filter(|entry| entry.finalizers.all().next().is_some());
        Self {
            installation: Installation::of(registry, namespaces, at_creation, run),
            definitions: held.map(|entry| Names::of(&entry.model).definition()).collect(),
        }
    }
}

impl Installing {
    pub(super) fn of(registry: &Registry, config: &Config) -> Self {
        let (namespaces, at_creation) = (config.engine.namespaces.clone(), config.finalizers_at_creation);
        let own = Own::of(registry, &namespaces, at_creation);
        Self { own, namespaces, at_creation, is_cluster_wide: config.definitions == Definitions::Apply }
    }

    /// Begins to say so, whenever this process leads.
    pub(super) fn start(self, client: Client, leadership: Leadership) -> Installed {
        let (sender, known) = watch::channel(None);
        let said = Said::default();
        let Self { own, namespaces, at_creation, is_cluster_wide } = self;
        let (own, changes) = watch::channel(own);
        let saying = Saying { own: changes, is_cluster_wide };
        let task = tokio::spawn(saying.run(client, leadership, sender, Arc::clone(&said)));
        Installed { own, namespaces, at_creation, known, said, task: Mutex::new(Some(AbortOnDropHandle::new(task))) }
    }
}

/// What is said of a synchronizer while it runs.
struct Saying {
    own: watch::Receiver<Own>,
    is_cluster_wide: bool,
}

impl Saying {
    async fn run(
        mut self,
        client: Client,
        leadership: Leadership,
        known: watch::Sender<Option<Arc<Installations>>>,
        said: Said,
    ) {
        if !self.is_cluster_wide {
            return;
        }
        let can_know = Notify::new();
        let watching = async {
            can_know.notified().await;
            installation::watch(client.clone(), known).await;
        };
        let saying = async {
            loop {
                let term = leadership.ready().await.number;
                let started_at = SystemClock.now();
                let saying = async {
                    loop {
                        let mut own = self.own.borrow_and_update().clone();
                        if let Some(run) = &mut own.installation.run {
                            run.started_at = started_at;
                        }
                        if let Some(wait) = announce(&own, &client, &said).await {
                            can_know.notify_one();
                            tokio::select! {
                                () = announce_later(&own, &client, wait, &said) => {}
                                Ok(()) = self.own.changed() => continue,
                            }
                        }
                        if self.own.changed().await.is_err() {
                            std::future::pending::<()>().await;
                        }
                    }
                };
                let _until_over: Result<(), _> = leadership.guard_in(term, saying).await;
                leadership.over(term).await;
                // Another process says it now.
                *said.lock().unwrap_or_else(PoisonError::into_inner) = None;
            }
        };
        tokio::join!(watching, saying);
    }
}

/// Returns after what time finalizers may be set at creation; nothing if others cannot be known.
async fn announce(own: &Own, client: &Client, said: &Said) -> Option<Duration> {
    let Own { installation: own, definitions } = own;
    let wait = match admission::unsettled(client, definitions, SystemClock.now()).await {
        Ok(wait) if own.sets_finalizers_at_creation() => wait,
        Ok(_) | Err(_) => Duration::ZERO,
    };
    let first = if wait.is_zero() { own.clone() } else { own.clone().without_finalizers_at_creation() };
    let others = match say(client, &first, said).await {
        Ok(others) => others,
        Err(error) => {
            tracing::warn!(
                %error,
                "cannot say in the cluster that this synchronizer is installed: the controller sets finalizers \
                 itself, with one more write per object, and others take this synchronizer for missing"
            );
            return (!error.is_forbidden()).then_some(Duration::ZERO);
        }
    };
    warn_of_others(own, &others);
    if let Err(error) = admission::agree(client, own, &others).await {
        tracing::warn!(
            %error,
            "cannot apply the admission policies: the controller sets finalizers itself, with one more write per \
             object"
        );
    }
    Some(wait)
}

/// Asks for finalizers at creation once the definitions are old enough.
async fn announce_later(own: &Own, client: &Client, wait: Duration, said: &Said) {
    if wait.is_zero() {
        return;
    }
    tokio::time::sleep(wait).await;
    if let Err(error) = say(client, &own.installation, said).await {
        tracing::warn!(%error, "cannot ask for finalizers at creation: the controller sets them itself");
    }
}

async fn say(
    client: &Client,
    own: &Installation,
    said: &Said,
) -> Result<Installations, installation::InstallationError> {
    let others = installation::announce(client, own).await?;
    *said.lock().unwrap_or_else(PoisonError::into_inner) = Some(own.clone());
    Ok(others)
}

/// Says once which synchronizers of other names hold objects of the same kinds. Both may be right; but one that was
/// renamed leaves its old name.
fn warn_of_others(own: &Installation, others: &Installations) {
    for (other, kinds) in others.beside(own) {
        let name = other.spec.synchronizer.as_str();
        let kinds: Vec<_> = kinds.iter().map(|kind| kind.kind.as_str()).collect();
        let state = match &other.run {
            Some(Run { stopped_at: Some(at), .. }) => format!("it was stopped at {at:.0}"),
            Some(Run { started_at, instance, .. }) => format!("it was last started at {started_at:.0} as {instance}"),
            None => "nobody knows when it last ran".to_owned(),
        };
        tracing::warn!(
            synchronizer = name,
            kinds = kinds.join(", "),
            "another synchronizer sets finalizers on the same kinds ({state}): without it their objects cannot be \
             deleted. If it is gone for good, or an old name of this one, run `xos uninstall {name}`"
        );
    }
}

impl Installed {
    /// Which synchronizers are installed, as far as that is known.
    pub(super) fn known(&self) -> watch::Receiver<Option<Arc<Installations>>> {
        self.known.clone()
    }

    /// Lets it say what this registry makes of it.
    pub(super) fn change(&self, registry: &Registry) {
        let own = Own::of(registry, &self.namespaces, self.at_creation);
        self.own.send_if_modified(|known| {
            let is_other = known.installation.spec != own.installation.spec || known.definitions != own.definitions;
            if is_other {
                *known = own;
            }
            is_other
        });
    }

    /// Says that the synchronizer has ended.
    pub(super) async fn end(&self, client: &Client) {
        drop(self.task.lock().unwrap_or_else(PoisonError::into_inner).take());
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(own) = said else { return };
        let ended = installation::ended(client, &own, SystemClock.now());
        match tokio::time::timeout(GOODBYE, ended).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::info!(%error, "cannot say in the cluster that this synchronizer has ended"),
            Err(_) => tracing::info!("the API server does not answer: nobody is told that this synchronizer has ended"),
        }
    }
}
