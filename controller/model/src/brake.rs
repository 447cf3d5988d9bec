//! Brakes: what would delete much at once is held until somebody confirms it. Pure rules: when a brake holds, what the
//! message says, and what counts as a confirmation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::condition::{READY, find};
use crate::intent::SpecHash;
use crate::names::{CONFIRM_DELETION, CONFIRM_PULL};
use crate::object::{Object, ObjectKey};

/// The reason of the conditions of an object whose deletion is held.
pub const DELETION_HELD: &str = "DeletionHeld";

/// How many names a message contains.
const NAMES_TOLD: usize = 5;

/// When the deletions of a listing are held: if they are more than `objects`, and more than `share` of the objects that
/// were created from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ListingBrake {
    /// So many objects may always be deleted.
    pub objects: usize,
    /// This share of the objects may always be deleted, from 0 to 1.
    pub share: f64,
    /// After how many repetitions the same listing confirms itself; never, if 0.
    pub repeats: u32,
}

impl Default for ListingBrake {
    /// 10 objects, a fifth, and no listing confirms itself.
    fn default() -> Self {
        Self { objects: 10, share: 0.2, repeats: 0 }
    }
}

impl ListingBrake {
    /// A brake that never holds: for a listing of things that come and go at once.
    pub const OFF: Self = Self { objects: usize::MAX, share: 1.0, repeats: 0 };

    /// Returns whether the deletion of `deleted` of `made` objects is held.
    #[expect(clippy::cast_precision_loss, reason = "far from 2^52")]
    pub fn holds(&self, deleted: usize, made: usize) -> bool {
        deleted > self.objects && deleted as f64 > self.share * made as f64
    }
}

/// The brakes of a synchronizer.
#[derive(Clone, Debug, PartialEq)]
pub struct Brakes {
    /// For the listings of pull steps.
    pub listing: ListingBrake,
    /// For the listings of some pull steps, by the names of the steps.
    pub steps: BTreeMap<String, ListingBrake>,
    /// How many objects a deletion may take along without being held.
    pub cascade: usize,
}

impl Default for Brakes {
    /// 100 objects for a deletion.
    fn default() -> Self {
        Self { listing: ListingBrake::default(), steps: BTreeMap::new(), cascade: 100 }
    }
}

impl Brakes {
    /// Returns the brake for the listings of a step.
    pub fn of_step(&self, step: &str) -> ListingBrake {
        self.steps.get(step).copied().unwrap_or(self.listing)
    }
}

/// Objects that a brake holds: how many of each kind, and the names of the first ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The number of objects by model.
    pub kinds: BTreeMap<String, usize>,
    /// The first objects, as `name`, or `namespace/name` where they lie elsewhere.
    pub names: Vec<String>,
}

impl Tally {
    /// Counts objects; names are given as seen from the namespace `here`.
    pub fn of<'a>(keys: impl Iterator<Item = &'a ObjectKey>, here: &str) -> Self {
        let mut tally = Self::default();
        for key in keys {
            *tally.kinds.entry(key.model.to_string()).or_default() += 1;
            if tally.names.len() < NAMES_TOLD {
                let place = if *key.namespace == *here { String::new() } else { format!("{}/", key.namespace) };
                tally.names.push(format!("{place}{}", key.name));
            }
        }
        tally
    }

    /// Returns the number of objects.
    pub fn objects(&self) -> usize {
        self.kinds.values().sum()
    }

    /// Returns `1000 Onu, 16 Olt`: the most frequent kinds first.
    pub fn by_kind(&self) -> String {
        let mut kinds: Vec<_> = self.kinds.iter().collect();
        kinds.sort_by_key(|(kind, count)| (std::cmp::Reverse(**count), *kind));
        let texts: Vec<_> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        texts.join(", ")
    }

    /// Returns `a, b, c and 7 more`.
    pub fn first_names(&self) -> String {
        let more = self.objects().saturating_sub(self.names.len());
        let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
        format!("{}{rest}", self.names.join(", "))
    }
}

/// A listing whose deletions are held. One of the objects that it would delete carries it as an annotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldListing {
    /// The pull step.
    pub step: String,
    /// What confirms exactly these deletions: their number, and a hash of the step and the objects' uids.
    pub token: String,
    /// How many objects were created from the listing.
    pub of: usize,
    /// What would be deleted.
    #[serde(flatten)]
    pub tally: Tally,
}

impl HeldListing {
    /// Describes a listing by which `vanished` of `of` objects would be deleted.
    pub fn new(step: &str, here: &str, vanished: &[&Object], of: usize) -> Self {
        let mut uids: Vec<_> = vanished.iter().map(|object| object.meta.uid.as_str()).collect();
        uids.sort_unstable();
        let digest = SpecHash::of(&json!([step, uids]));
        let keys: Vec<_> = vanished.iter().map(|object| object.key()).collect();
        Self {
            step: step.to_owned(),
            token: format!("{}-{}", vanished.len(), digest),
            of,
            tally: Tally::of(keys.iter(), here),
        }
    }

    /// Returns whether an operator has confirmed these deletions on one of their objects.
    pub fn is_confirmed(&self, vanished: &[&Object]) -> bool {
        vanished.iter().any(|object| object.meta.annotations.get(CONFIRM_PULL) == Some(&self.token))
    }

    /// Says what is held, and how to confirm it.
    pub fn told(&self) -> String {
        let step = &self.step;
        format!(
            "{step} would delete {}. They are kept until the backend lists them again, or `xos pull confirm {step}`",
            self.what()
        )
    }

    /// Returns what would be deleted, in words.
    pub fn what(&self) -> String {
        let Self { of, tally, .. } = self;
        format!("{} of {of} objects ({}): {}", tally.objects(), tally.by_kind(), tally.first_names())
    }
}

/// What the annotation `xos.opencord.org/confirm-deletion` of an object says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// There is none.
    None,
    /// The deletion may take along so many objects.
    UpTo(usize),
    /// It cannot be read.
    Unreadable(String),
}

impl Confirmation {
    /// Reads the annotation of an object.
    pub fn of(object: &Object) -> Self {
        match object.meta.annotations.get(CONFIRM_DELETION) {
            None => Self::None,
            Some(text) => text.trim().parse().map_or_else(|_| Self::Unreadable(text.clone()), Self::UpTo),
        }
    }

    /// Returns how many objects are confirmed.
    pub fn objects(&self) -> usize {
        if let Self::UpTo(objects) = self { *objects } else { 0 }
    }
}

/// Returns whether the deletion of an object is held, as its status says. Until it is confirmed, all that it would take
/// along go on as before.
pub fn is_deletion_held(object: &Object) -> bool {
    object.meta.deleting.is_some()
        && find(&object.status.conditions, READY).is_some_and(|ready| ready.reason == DELETION_HELD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str, uid: &str) -> Object {
        let mut object = Object::named("Onu", "here", name);
        object.meta.uid = uid.to_owned();
        object
    }

    #[test]
    fn a_listing_is_held_above_both_limits() {
        let brake = ListingBrake::default();
        let table = [
            (0, 0, false),
            (10, 10, false),
            (11, 11, true),
            (11, 54, true),
            (11, 55, false),
            (200, 1000, false),
            (201, 1000, true),
            (1000, 1000, true),
        ];
        for (deleted, made, holds) in table {
            assert_eq!(brake.holds(deleted, made), holds, "{deleted} of {made}");
            assert!(!ListingBrake::OFF.holds(deleted, made), "{deleted} of {made}");
        }
        let always = ListingBrake { objects: 0, share: 0.0, repeats: 0 };
        assert!(always.holds(1, 1000) && !always.holds(0, 1000));
    }

    #[test]
    fn a_step_may_have_a_brake_of_its_own() {
        let own = ListingBrake { objects: 3, ..ListingBrake::default() };
        let brakes = Brakes { steps: [("A".to_owned(), own)].into(), ..Brakes::default() };
        assert_eq!((brakes.of_step("A"), brakes.of_step("B")), (own, ListingBrake::default()));
    }

    #[test]
    fn a_confirmation_is_of_exactly_one_set_of_objects() {
        let (mut a, b, c) = (object("a", "1"), object("b", "2"), object("c", "3"));
        let held = HeldListing::new("S", "here", &[&a, &b], 5);
        assert_eq!(held.token, HeldListing::new("S", "here", &[&b, &a], 7).token, "in any order");
        for other in [
            HeldListing::new("S", "here", &[&a, &b, &c], 5),
            HeldListing::new("S", "here", &[&a, &c], 5),
            HeldListing::new("S", "here", &[&a, &object("b", "4")], 5),
            HeldListing::new("T", "here", &[&a, &b], 5),
        ] {
            assert_ne!(held.token, other.token, "{other:?}");
        }
        assert!(!held.is_confirmed(&[&a, &b]));
        a.meta.annotations.insert(CONFIRM_PULL.into(), held.token.clone());
        assert!(held.is_confirmed(&[&b, &a]));
        assert!(!HeldListing::new("S", "here", &[&a, &b, &c], 5).is_confirmed(&[&a, &b, &c]));
    }

    #[test]
    fn what_is_held_is_told_by_kind_and_name() {
        let keys: Vec<_> = (0..12)
            .map(|n| {
                ObjectKey::new(if n < 2 { "Olt" } else { "Onu" }, if n == 1 { "far" } else { "here" }, &format!("o{n}"))
            })
            .collect();
        let tally = Tally::of(keys.iter(), "here");
        assert_eq!(tally.by_kind(), "10 Onu, 2 Olt");
        assert_eq!(tally.first_names(), "o0, far/o1, o2, o3, o4 and 7 more");
        assert_eq!(Tally::of(keys.iter().take(1), "here").first_names(), "o0");
    }

    #[test]
    fn a_confirmation_of_a_deletion_is_a_number() {
        let table = [
            (None, Confirmation::None, 0),
            (Some("10000"), Confirmation::UpTo(10_000), 10_000),
            (Some(" 7 "), Confirmation::UpTo(7), 7),
            (Some("yes"), Confirmation::Unreadable("yes".to_owned()), 0),
        ];
        for (text, expected, objects) in table {
            let mut one = object("a", "1");
            one.meta.annotations.extend(text.map(|text| (CONFIRM_DELETION.into(), text.to_owned())));
            let read = Confirmation::of(&one);
            assert_eq!((read.objects(), read), (objects, expected));
        }
    }
}
