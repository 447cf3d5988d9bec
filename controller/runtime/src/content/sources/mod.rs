//! The sources of a content: folders, the program, the cluster. What they have is put together and checked; what can be
//! used is handed on, and what becomes of it is told back.

mod held;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::sync::watch as channel;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::task::AbortOnDropHandle;
use xos_kinds::{Finding, Id, ObjectKind, reasons};

use super::choose::{Choice, Item, Refused, Spec, Version, choose};
use super::cluster::{AllTold, Attending, Cluster, Objects, Out, OwnKind};
use super::plan::{Plan, plan};
use super::{Content, ContentError, Service, folders, service};
use crate::config::Config;
use crate::synchronizer::Synchronizer;
use held::{AGAIN, Held, HereRefused, tell_unusable};

/// How often folders are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// How long objects have to be at rest: several are often applied one after the other.
const SETTLED: Duration = Duration::from_millis(300);
/// The longest time until something that was refused by the cluster is tried again.
const LONGEST: Duration = Duration::from_secs(300);

/// What can be used.
pub(crate) struct Next {
    pub(crate) service: Service,
    here: Content,
    content: Content,
    in_force: BTreeMap<Id, (String, Version)>,
    told: AllTold,
}

/// What is in use.
#[derive(Default)]
struct InUse {
    here: Content,
    content: Content,
    in_force: BTreeMap<Id, (String, Version)>,
}

/// What is told of changes in the cluster.
type Changes = (channel::Receiver<Arc<Objects>>, channel::Receiver<Arc<Out>>);

/// All sources of one synchronizer.
pub(crate) struct Sources<'a> {
    synchronizer: &'a Synchronizer,
    config: &'a Config,
    /// A client that only reads.
    client: Option<Client>,
    cluster: Option<Arc<Cluster>>,
    changes: Option<Changes>,
    /// What folders had when they were last at rest, or why they cannot be read.
    here: Result<Content, String>,
    /// What is here and cannot be used.
    here_refused: Option<HereRefused>,
    in_use: Option<InUse>,
    held: BTreeMap<Id, Held>,
    /// When to look again, whether something changes or not.
    again: Option<Instant>,
    /// The kinds of each set, as long as it exists.
    kinds: BTreeMap<(Id, String), Vec<OwnKind>>,
    _watching: Vec<AbortOnDropHandle<()>>,
}

impl<'a> Sources<'a> {
    /// Reads what is here, and begins to watch the cluster if the configuration says so. Without that `client` is not
    /// needed before something is taken up.
    ///
    /// # Errors
    /// When folders cannot be read.
    pub(crate) fn new(synchronizer: &'a Synchronizer, config: &'a Config) -> Result<Self, ContentError> {
        let here = Ok(folders::read(synchronizer, config)?);
        Ok(Self {
            synchronizer,
            config,
            client: None,
            cluster: None,
            changes: None,
            here,
            here_refused: None,
            in_use: None,
            held: BTreeMap::new(),
            again: None,
            kinds: BTreeMap::new(),
            _watching: vec![],
        })
    }

    /// Begins to watch the cluster, if the configuration says so.
    pub(crate) fn watch(&mut self, client: &Client) {
        self.client = Some(client.clone());
        let Some(of) = &self.config.cluster_documents else { return };
        let cluster = Cluster::new(client, self.config, of);
        self._watching = cluster.watch(client);
        self.changes = Some((cluster.changes(), cluster.out()));
        self.cluster = Some(cluster);
    }

    /// Returns what a leader does for the objects in the cluster.
    pub(crate) fn attending(&self) -> Attending {
        Attending(self.cluster.clone())
    }

    /// Returns what is here, checked; nothing if it may be usable together with objects in the cluster only. Needs no
    /// cluster.
    ///
    /// # Errors
    /// When it cannot be used.
    pub(crate) fn without_cluster(&self) -> Result<Option<Next>, ContentError> {
        if self.config.cluster_documents.is_some() {
            return Ok(None);
        }
        let here = self.here.clone().map_err(ContentError::Object)?;
        let (service, content) = (self.service(&here)?, here.clone());
        Ok(Some(Next { service, here, content, in_force: BTreeMap::new(), told: AllTold::new() }))
    }

    /// Returns the first content that can be used, with objects in the cluster.
    pub(crate) async fn first(&mut self) -> Next {
        if let Some(cluster) = self.cluster.clone() {
            cluster.is_listed().await;
        }
        loop {
            if let Some(next) = self.decide().await {
                return next;
            }
            self.changed().await;
        }
    }

    /// Waits until there is another content that can be used. What is wrong is told once.
    pub(crate) async fn next(&mut self) -> Next {
        loop {
            self.changed().await;
            if let Some(next) = self.decide().await {
                return next;
            }
        }
    }

    /// Says that a content is in use.
    pub(crate) fn taken_up(&mut self, next: Next) {
        let Next { here, content, in_force, told, .. } = next;
        self.here_refused = None;
        self.in_use = Some(InUse { here, content, in_force });
        if let Some(cluster) = &self.cluster {
            cluster.tell(told);
        }
    }

    /// Says that a content does not work: what has changed in it is left as it was.
    pub(crate) fn refused(&mut self, next: Next, why: &str) {
        let Some(in_use) = &self.in_use else { return };
        self.again = Some(Instant::now() + LOOK);
        if next.here != in_use.here {
            self.refuse_here(next.here, why);
            return;
        }
        tracing::error!(error = why, "changed objects of models or documents do not work: those before stay in use");
        let refused = Refused {
            reason: reasons::NOT_TAKEN_UP,
            message: Some(why.to_owned()),
            findings: vec![Finding::error(None, why.to_owned())],
            changes: vec![],
        };
        let changed = next.in_force.iter().filter(|(id, version)| in_use.in_force.get(id) != Some(version));
        let changed: Vec<_> =
            changed.map(|(id, (uid, version))| (id.clone(), uid.clone(), version.generation)).collect();
        for (id, uid, generation) in changed {
            self.hold(id, uid, generation, refused.clone());
        }
    }

    fn service(&self, content: &Content) -> Result<Service, super::Unusable> {
        service(self.synchronizer, &self.config.name, content)
    }

    /// Waits until something has changed, and is at rest; or until something is to be tried again.
    async fn changed(&mut self) {
        let here = self.here_refused.as_ref().map(|here| here.retry.at);
        let again = self.held.values().map(|held| held.retry.at).chain(here).chain(self.again.take()).min();
        let mut before = self.look();
        loop {
            let objects = async {
                match &mut self.changes {
                    Some((objects, out)) => tokio::select! {
                        _ = objects.changed() => {}
                        _ = out.changed() => {}
                    },
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = objects => {
                    // It may fit these.
                    self.here_refused.iter_mut().for_each(HereRefused::try_now);
                    return self.settled().await;
                }
                () = sleep_until(again.unwrap_or_else(Instant::now)), if again.is_some() => return,
                () = sleep(LOOK) => {
                    let now = self.look();
                    // Several files may be written one after the other.
                    let is_settled = now == before;
                    before = now;
                    if is_settled && before != self.here {
                        self.here = before;
                        return;
                    }
                }
            }
        }
    }

    async fn settled(&mut self) {
        let Some((objects, out)) = &mut self.changes else { return };
        while let Ok(Ok(())) = tokio::time::timeout(SETTLED, objects.changed()).await {}
        out.mark_unchanged();
    }

    fn look(&self) -> Result<Content, String> {
        tokio::task::block_in_place(|| folders::read(self.synchronizer, self.config)).map_err(|error| error.to_string())
    }

    /// Returns what is to be taken up; nothing if all stays as it is.
    async fn decide(&mut self) -> Option<Next> {
        let mut tried_again = self.tried_again();
        loop {
            let here = self.usable_here()?;
            let objects = self.cluster.as_ref().map(|cluster| cluster.objects()).unwrap_or_default();
            let items = self.items(&objects);
            let known = self.known(&objects, &tried_again);
            let choice = match choose(&here, &items, &known, |content| self.service(content)) {
                Ok(choice) => choice,
                Err(unusable) => {
                    let is_before = self.in_use.as_ref().is_none_or(|in_use| in_use.here == here);
                    self.refuse_here(here, &unusable.error.to_string());
                    if is_before {
                        return None;
                    }
                    continue;
                }
            };
            let asked = self.changed_sets(&choice);
            let found = match self.plan(&choice, &here, &asked).await {
                Ok(found) => found,
                Err(why) => {
                    tracing::warn!(error = why, "it cannot be looked what a change would do: it waits");
                    self.again = Some(Instant::now() + LOOK);
                    return None;
                }
            };
            if let Some(why) = found.here.filter(|_| self.in_use.as_ref().is_some_and(|in_use| in_use.here != here)) {
                self.refuse_here(here, &why);
                continue;
            }
            if !found.refused.is_empty() {
                for (id, refused) in found.refused {
                    tried_again.remove(&id);
                    if !self.refuse(&id, refused, &items, &choice) {
                        self.again = Some(Instant::now() + AGAIN);
                        return None;
                    }
                }
                continue;
            }
            tried_again.iter().for_each(|id| drop(self.held.remove(id)));
            return self.handed_on(here, &items, choice, &found.changes, &objects);
        }
    }

    /// Returns what there is to take up, or tells what there is to tell if that is in use.
    fn handed_on(
        &mut self,
        here: Content,
        items: &[Item],
        choice: Choice<Service>,
        changes: &BTreeMap<Id, Vec<xos_kinds::Change>>,
        objects: &Objects,
    ) -> Option<Next> {
        let told = self.told(items, &choice, changes, objects);
        let uid = |id: &Id| items.iter().find(|item| item.id == *id).map(|item| item.uid.clone());
        let in_force = choice
            .verdicts
            .iter()
            .filter_map(|(id, verdict)| Some((id.clone(), (uid(id)?, verdict.in_force.clone()?))));
        let in_force = in_force.collect();
        if let Some(in_use) = &mut self.in_use
            && in_use.content == choice.content
        {
            (in_use.in_force, in_use.here) = (in_force, here);
            if let Some(cluster) = &self.cluster {
                cluster.tell(told);
            }
            return None;
        }
        Some(Next { service: choice.made, here, content: choice.content, in_force, told })
    }

    /// Returns what is here, as far as it can be used; nothing if that is not known.
    fn usable_here(&self) -> Option<Content> {
        let before = || self.in_use.as_ref().map(|in_use| in_use.here.clone());
        match &self.here {
            Ok(here) if self.in_use.is_some() && self.is_left(here) => before(),
            Ok(here) => Some(here.clone()),
            Err(error) => {
                tell_unusable(error);
                before()
            }
        }
    }

    /// Returns the objects with what works of them. What this process has taken up counts before what status says.
    fn items(&self, objects: &Objects) -> Vec<Item> {
        let in_force = |id: &Id, uid: &str| {
            let found = self.in_use.as_ref()?.in_force.get(id)?;
            (found.0 == uid).then(|| found.1.clone())
        };
        let item = |seen: &Arc<super::cluster::Seen>| Item {
            id: seen.id.clone(),
            uid: seen.uid.clone(),
            now: seen.now.clone(),
            last: in_force(&seen.id, &seen.uid).or_else(|| seen.last()),
        };
        let (sets, documents): (Vec<_>, Vec<_>) =
            objects.values().map(item).partition(|item| item.id.kind == ObjectKind::ModelSet);
        by_use(sets).into_iter().chain(documents).collect()
    }

    /// Returns the sets of which another generation would work than before.
    fn changed_sets(&self, choice: &Choice<Service>) -> Vec<Id> {
        let is_in_use = |id: &Id, version: &Version| {
            self.in_use.as_ref().and_then(|in_use| in_use.in_force.get(id)).is_some_and(|(_, known)| known == version)
        };
        let sets = choice.verdicts.iter().filter(|(id, _)| id.kind == ObjectKind::ModelSet);
        let new = sets.filter(|(id, verdict)| verdict.in_force.as_ref().is_some_and(|version| !is_in_use(id, version)));
        new.map(|(id, _)| id.clone()).collect()
    }

    async fn plan(&self, choice: &Choice<Service>, here: &Content, asked: &[Id]) -> Result<Plan, String> {
        let is_same = self.in_use.as_ref().is_some_and(|in_use| in_use.content == choice.content);
        let is_first = self.in_use.is_none() && asked.is_empty();
        // What is in use was looked at; at a start nothing can go on in its place.
        let Some(client) = self.client.as_ref().filter(|_| !is_same && !is_first && !here.is_nothing(choice)) else {
            return Ok(Plan::default());
        };
        plan(client, &choice.made, self.config, asked).await.map_err(|error| error.to_string())
    }
}

impl Content {
    /// Whether there is neither a model nor a document, here or chosen.
    fn is_nothing(&self, choice: &Choice<Service>) -> bool {
        self.files.is_empty() && choice.content.files.is_empty() && choice.content.documents.is_empty()
    }
}

/// Returns sets in an order in which those that others use come first, as far as there is one.
fn by_use(mut sets: Vec<Item>) -> Vec<Item> {
    let mut ordered: Vec<Item> = vec![];
    while !sets.is_empty() {
        let left: BTreeSet<_> = sets.iter().map(|item| item.id.name.clone()).collect();
        let is_free = |item: &Item| match &item.now.spec {
            Spec::Models(spec) => !spec.uses.iter().any(|used| *used != item.id.name && left.contains(used)),
            Spec::Document(_) => true,
        };
        // Those that use each other have no order.
        let at = sets.iter().position(is_free).unwrap_or_default();
        ordered.push(sets.remove(at));
    }
    ordered
}
