//! The listings of pull steps whose deletions are held, from one run of a step to the next.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use xos_model::Object;
use xos_model::brake::{Brakes, HeldListing, ListingBrake};

/// The brakes of a synchronizer, and what they hold of listings. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Holds {
    brakes: Arc<Brakes>,
    steps: Arc<Mutex<BTreeMap<String, OfStep>>>,
    /// How often an operator has confirmed something.
    confirmations: watch::Sender<u64>,
}

/// What is known of the listings of a step.
#[derive(Debug, Default)]
struct OfStep {
    listings: BTreeMap<String, OfListing>,
    /// The listings that the present run has come to.
    seen: HashSet<String>,
}

#[derive(Debug, Default)]
struct OfListing {
    held: Option<HeldListing>,
    /// How often the same deletions were asked for again.
    repeated: u32,
    /// The objects, by uid, whose deletion was confirmed. They may still be there: a deletion may fail.
    confirmed: HashSet<String>,
}

/// What a brake says of the deletions of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// They may be done.
    Free,
    /// They are held.
    Held(HeldListing),
}

impl Default for Holds {
    fn default() -> Self {
        Self::new(Brakes::default())
    }
}

impl Holds {
    /// Returns brakes with these limits, which hold nothing yet.
    pub fn new(brakes: Brakes) -> Self {
        Self { brakes: Arc::new(brakes), steps: Arc::default(), confirmations: watch::Sender::new(0) }
    }

    /// Returns the limits.
    pub fn brakes(&self) -> &Brakes {
        &self.brakes
    }

    /// Notes that an operator has confirmed the deletions of a listing, of whichever step.
    pub fn confirmed(&self) {
        self.confirmations.send_modify(|count| *count += 1);
    }

    /// Returns a signal that changes with each confirmation.
    pub fn confirmations(&self) -> watch::Receiver<u64> {
        self.confirmations.subscribe()
    }

    /// Notes that a run of a step begins.
    pub fn begin(&self, step: &str) {
        self.lock().entry(step.to_owned()).or_default().seen.clear();
    }

    /// Notes that a run of a step has ended. Listings that a successful run has not come to are forgotten.
    pub fn end(&self, step: &str, is_success: bool) {
        if let Some(of) = self.lock().get_mut(step).filter(|_| is_success) {
            let seen = std::mem::take(&mut of.seen);
            of.listings.retain(|listing, _| seen.contains(listing));
        }
    }

    /// Returns the listings of a step whose deletions are held.
    pub fn held(&self, step: &str) -> Vec<HeldListing> {
        let steps = self.lock();
        let listings = steps.get(step).into_iter().flat_map(|of| of.listings.values());
        listings.filter_map(|of| of.held.clone()).collect()
    }

    /// Judges the deletion of the `vanished` of `of` objects that were created from a listing.
    pub(crate) fn judge(
        &self,
        (step, listing): (&str, &str),
        brake: Option<ListingBrake>,
        (vanished, here, of): (&[&Object], &str, usize),
    ) -> Verdict {
        let brake = brake.unwrap_or_else(|| self.brakes.of_step(step));
        let mut steps = self.lock();
        let steps = steps.entry(step.to_owned()).or_default();
        steps.seen.insert(listing.to_owned());
        let own = steps.listings.entry(listing.to_owned()).or_default();
        let is_confirmed = |object: &&Object| own.confirmed.contains(&object.meta.uid);
        if !brake.holds(vanished.iter().filter(|object| !is_confirmed(object)).count(), of) {
            // The objects of earlier confirmations are kept in mind until they are gone.
            own.confirmed.retain(|uid| vanished.iter().any(|object| object.meta.uid == *uid));
            (own.held, own.repeated) = (None, 0);
            return Verdict::Free;
        }
        let held = HeldListing::new(step, here, vanished, of);
        let is_same = own.held.as_ref().is_some_and(|before| before.token == held.token);
        own.repeated = if is_same { own.repeated.saturating_add(1) } else { 0 };
        let is_repeated = brake.repeats > 0 && own.repeated >= brake.repeats;
        if held.is_confirmed(vanished) || is_repeated {
            own.confirmed = vanished.iter().map(|object| object.meta.uid.clone()).collect();
            (own.held, own.repeated) = (None, 0);
            return Verdict::Free;
        }
        own.held = Some(held.clone());
        Verdict::Held(held)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, OfStep>> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: (&str, &str) = ("Step", "listing");

    fn objects(range: std::ops::Range<usize>) -> Vec<Object> {
        let object = |n: usize| {
            let mut object = Object::named("Onu", "here", &format!("onu-{n}"));
            object.meta.uid = format!("uid-{n}");
            object
        };
        range.map(object).collect()
    }

    fn judge(holds: &Holds, vanished: &[Object], of: usize) -> Verdict {
        let vanished: Vec<_> = vanished.iter().collect();
        holds.judge(AT, None, (&vanished, "here", of))
    }

    fn token(verdict: &Verdict) -> String {
        let Verdict::Held(held) = verdict else { panic!("{verdict:?}") };
        held.token.clone()
    }

    #[test]
    fn few_deletions_are_free_and_many_are_held_until_the_listing_is_back() {
        let holds = Holds::default();
        assert_eq!(judge(&holds, &objects(0..10), 10), Verdict::Free);
        let held = judge(&holds, &objects(0..1000), 1000);
        assert_eq!(holds.held("Step").len(), 1);
        assert_eq!(judge(&holds, &objects(0..1000), 1000), held, "for ever");
        assert_eq!(judge(&holds, &[], 1000), Verdict::Free);
        assert_eq!(holds.held("Step"), []);
    }

    #[test]
    fn a_confirmation_is_good_for_these_objects_also_if_a_deletion_fails() {
        let holds = Holds::default();
        let mut vanished = objects(0..1000);
        let token = token(&judge(&holds, &vanished, 1000));
        vanished[0].meta.annotations.insert("confirm-pull".into(), token);
        assert_eq!(judge(&holds, &vanished, 1000), Verdict::Free);
        assert_eq!(judge(&holds, &vanished[500..], 500), Verdict::Free, "the half of them that is left");
        let more: Vec<_> = vanished[500..].iter().cloned().chain(objects(2000..2011)).collect();
        assert!(matches!(judge(&holds, &more, 511), Verdict::Free), "eleven are not a fifth");
        let others = objects(3000..3500);
        assert!(matches!(judge(&holds, &others, 500), Verdict::Held(_)), "but not for others");
    }

    #[test]
    fn an_old_confirmation_does_not_confirm_other_deletions() {
        let holds = Holds::default();
        let mut vanished = objects(0..300);
        let token = token(&judge(&holds, &vanished, 1000));
        vanished[0].meta.annotations.insert("confirm-pull".into(), token);
        vanished.extend(objects(300..1000));
        assert!(matches!(judge(&holds, &vanished, 1000), Verdict::Held(_)));
    }

    #[test]
    fn the_same_listing_confirms_itself_if_configured_so() {
        let brake = ListingBrake { repeats: 3, ..ListingBrake::default() };
        let holds = Holds::new(Brakes { listing: brake, ..Brakes::default() });
        let held = |verdict| matches!(verdict, Verdict::Held(_));
        assert!(held(judge(&holds, &objects(0..500), 500)));
        assert!(held(judge(&holds, &objects(0..500), 500)));
        assert!(held(judge(&holds, &objects(0..499), 500)), "another one");
        for _ in 0..2 {
            assert!(held(judge(&holds, &objects(0..499), 500)));
        }
        assert_eq!(judge(&holds, &objects(0..499), 500), Verdict::Free);
    }

    #[test]
    fn a_listing_that_is_made_no_more_is_forgotten_after_a_success() {
        let holds = Holds::default();
        judge(&holds, &objects(0..100), 100);
        holds.begin("Step");
        holds.end("Step", false);
        assert_eq!(holds.held("Step").len(), 1, "the run may have failed before it");
        holds.begin("Step");
        holds.end("Step", true);
        assert_eq!(holds.held("Step"), []);
    }
}
