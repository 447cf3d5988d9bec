//! What the cluster does not take as it is: it is left as it was, and tried again.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;
use xos_kinds::{Finding, Id};

use super::{LONGEST, Sources};
use crate::content::choose::{Choice, Item, Known, Refused};
use crate::content::cluster::Objects;
use crate::content::{Content, Service};

/// The first time until it is tried again.
pub(super) const AGAIN: Duration = Duration::from_secs(10);

/// When something is tried again: each time after twice as long.
#[derive(Clone, Copy)]
pub(super) struct Retry {
    pub(super) at: Instant,
    delay: Duration,
}

impl Retry {
    fn begin() -> Self {
        Self { at: Instant::now() + AGAIN, delay: AGAIN }
    }

    /// Returns whether it is tried now. Then the next time is later.
    fn is_now(&mut self, now: Instant) -> bool {
        let is_now = self.at <= now;
        if is_now {
            self.delay = (self.delay * 2).min(LONGEST);
            self.at = now + self.delay;
        }
        is_now
    }
}

/// Something that the cluster does not take as it is.
pub(super) struct Held {
    pub(super) uid: String,
    pub(super) generation: i64,
    pub(super) refused: Refused,
    /// Whether what was accepted last is not taken either.
    pub(super) neither: bool,
    pub(super) retry: Retry,
}

/// What is here, and cannot be used: what was before is left in use, and it is tried again.
pub(super) struct HereRefused {
    content: Content,
    why: String,
    pub(super) retry: Retry,
    /// Whether it is tried just now.
    is_tried: bool,
}

impl HereRefused {
    /// Lets it be tried as soon as possible.
    pub(super) fn try_now(&mut self) {
        self.retry.at = Instant::now();
    }
}

impl Sources<'_> {
    /// Returns whether what is here is left out for a while.
    pub(super) fn is_left(&self, here: &Content) -> bool {
        self.here_refused.as_ref().is_some_and(|refused| refused.content == *here && !refused.is_tried)
    }

    /// Notes that what is here cannot be used. It is told once, however often it is tried again.
    pub(super) fn refuse_here(&mut self, content: Content, why: &str) {
        let known = self.here_refused.as_ref().filter(|known| known.content == content);
        if known.is_none_or(|known| known.why != why) {
            tell_unusable(why);
        }
        let retry = known.map_or_else(Retry::begin, |known| known.retry);
        self.here_refused = Some(HereRefused { content, why: why.to_owned(), retry, is_tried: false });
    }

    /// Returns what is to be tried again now. If it is refused again, that is later.
    pub(super) fn tried_again(&mut self) -> BTreeSet<Id> {
        let now = Instant::now();
        if let Some(here) = &mut self.here_refused {
            here.is_tried = here.retry.is_now(now);
        }
        let held = self.held.iter_mut().filter_map(|(id, held)| held.retry.is_now(now).then(|| id.clone()));
        held.collect()
    }

    /// Notes that the cluster does not take a set. Returns false if it is one that works already: then all stays as it is.
    pub(super) fn refuse(&mut self, id: &Id, refused: Refused, items: &[Item], choice: &Choice<Service>) -> bool {
        // It is told once, however often it is tried again.
        if self.held.get(id).is_none_or(|held| held.refused != refused) {
            tracing::error!(reason = refused.reason, "{id} is not taken up: {}", first_of(&refused));
        }
        let Some(item) = items.iter().find(|item| item.id == *id) else { return false };
        let chosen = choice.verdicts.get(id).and_then(|verdict| verdict.in_force.as_ref());
        if self.in_use.as_ref().and_then(|in_use| in_use.in_force.get(id)).map(|(_, version)| version) == chosen {
            return false;
        }
        let neither = chosen != Some(&item.now);
        self.hold(id.clone(), item.uid.clone(), item.now.generation, refused);
        if let Some(held) = self.held.get_mut(id) {
            held.neither |= neither;
        }
        true
    }

    /// Returns what is known of the objects beside what they say.
    pub(super) fn known(&self, objects: &Objects, tried_again: &BTreeSet<Id>) -> Known {
        let out = self.cluster.as_ref().map(|cluster| cluster.out().borrow().clone()).unwrap_or_default();
        let is_there = |id: &Id, uid: &str| objects.get(id).is_some_and(|seen| seen.uid == uid);
        let held = || {
            self.held.iter().filter(|(id, held)| {
                let is_it =
                    objects.get(id).is_some_and(|seen| seen.uid == held.uid && seen.now.generation == held.generation);
                is_it && !tried_again.contains(id)
            })
        };
        Known {
            neither: held().filter(|(_, held)| held.neither).map(|(id, _)| id.clone()).collect(),
            held: held().map(|(id, held)| (id.clone(), held.refused.clone())).collect(),
            out: out.iter().filter(|(id, uid)| is_there(id, uid)).map(|(id, _)| id.clone()).collect(),
        }
    }

    /// Leaves an object as it was for a while.
    pub(super) fn hold(&mut self, id: Id, uid: String, generation: i64, refused: Refused) {
        match self.held.get_mut(&id) {
            Some(held) if held.uid == uid && held.generation == generation => held.refused = refused,
            _ => {
                let held = Held { uid, generation, refused, neither: false, retry: Retry::begin() };
                self.held.insert(id, held);
            }
        }
    }
}

/// Tells that what is here has changed, and cannot be used.
pub(super) fn tell_unusable(error: &str) {
    tracing::error!(
        error,
        "models or documents have changed, and cannot be used: those that were read before stay in use"
    );
}

fn first_of(refused: &Refused) -> String {
    let first = refused.findings.first().map(Finding::line);
    refused.message.clone().or(first).unwrap_or_default()
}
