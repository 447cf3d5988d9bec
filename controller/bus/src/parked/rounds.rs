//! A replay under way: what is sent in each of its rounds. Pure.
//!
//! First what was selected is sent. When all of a key is decided, the next round of that key sends what was parked behind
//! it meanwhile. That comes to an end although events of the key come all the time: where a round replays all that is
//! parked of a key it says so before, and the events that come from then on wait for it instead of being parked. Only
//! those are parked that came before the owner of the partition knew it, or have waited too long.

use std::collections::{HashMap, HashSet};

use super::plan::{Id, Lane, parked_since, plan, sort};
use super::{ParkedEvent, Replayed};

/// A replay under way.
pub(crate) struct Rounds {
    /// What was known to be parked, and was sent if it was selected.
    known: HashSet<Id>,
    /// The keys of which all is sent that is parked behind those that were selected.
    lanes: HashSet<Lane>,
    /// What was sent and is not decided.
    open: HashMap<Id, Open>,
    replayed: Replayed,
}

/// An event that was sent and is not decided.
struct Open {
    lane: Option<Lane>,
    /// The offset at which it was parked last.
    latest: i64,
}

/// What is to be done in a round.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Round<'a> {
    /// One event of each key of which all is sent: later ones of the key are to wait.
    pub(crate) announced: Vec<&'a ParkedEvent>,
    /// What is sent then, in this order.
    pub(crate) sent: Vec<&'a ParkedEvent>,
}

impl Rounds {
    /// Begins a replay of the selected ones of all parked events, which are in their order. With `again` those are sent
    /// once more whose outcome is not known.
    pub(crate) fn begin<'a>(all: &'a [ParkedEvent], selected: &[&'a ParkedEvent], again: bool) -> (Self, Round<'a>) {
        let first = plan(all, selected, again);
        let mut rounds = Self {
            known: all.iter().map(ParkedEvent::id).collect(),
            lanes: selected.iter().filter_map(|one| one.lane()).collect(),
            open: HashMap::new(),
            replayed: Replayed::default(),
        };
        for (parked, reason) in first.refused {
            rounds.refuse(parked, reason);
        }
        (rounds, round(all, first.send))
    }

    /// Returns the next round.
    pub(crate) fn next<'a>(&mut self, all: &'a [ParkedEvent]) -> Round<'a> {
        let busy: HashSet<&Lane> = self.open.values().filter_map(|open| open.lane.as_ref()).collect();
        let free = self.lanes.iter().filter(|lane| !busy.contains(lane)).cloned().collect();
        let behind = parked_since(all, &free, &self.known);
        let next = plan(all, &behind, false);
        self.known.extend(next.send.iter().map(|one| one.id()));
        round(all, next.send)
    }

    /// Takes in that an event was sent.
    pub(crate) fn sent(&mut self, parked: &ParkedEvent) {
        self.replayed.sent += 1;
        self.open.insert(parked.id(), Open { lane: parked.lane(), latest: parked.latest });
    }

    /// Takes in that an event is not sent, nor are those behind it.
    pub(crate) fn refuse(&mut self, parked: &ParkedEvent, reason: String) {
        self.lanes.retain(|lane| Some(lane) != parked.lane().as_ref());
        self.replayed.refused.push((parked.clone(), reason));
    }

    /// Finds out what became of what was sent. Returns whether anything did.
    pub(crate) fn decide(&mut self, all: &[ParkedEvent]) -> bool {
        let before = self.open.len();
        let parked: HashMap<Id, &ParkedEvent> = all.iter().map(|one| (one.id(), one)).collect();
        let (replayed, lanes) = (&mut self.replayed, &mut self.lanes);
        self.open.retain(|id, open| match parked.get(id) {
            None => {
                replayed.handled += 1;
                false
            }
            Some(again) if again.latest > open.latest => {
                // Those behind it wait for it.
                lanes.retain(|lane| Some(lane) != open.lane.as_ref());
                replayed.failed.push((*again).clone());
                false
            }
            Some(_) => true,
        });
        self.open.len() < before
    }

    /// Returns whether all that was sent is decided.
    pub(crate) fn is_over(&self) -> bool {
        self.open.is_empty()
    }

    /// Ends the replay, and returns what became of it.
    pub(crate) fn end(mut self) -> Replayed {
        self.replayed.undecided = self.open.len();
        sort(&mut self.replayed.failed);
        self.replayed
    }
}

/// Returns the round that sends these of all parked events.
fn round<'a>(all: &[ParkedEvent], sent: Vec<&'a ParkedEvent>) -> Round<'a> {
    let goes: HashSet<Id> = sent.iter().map(|one| one.id()).collect();
    let stays = |one: &&ParkedEvent| one.sent.is_none() && !goes.contains(&one.id());
    let mut done: HashSet<Lane> = all.iter().filter(stays).filter_map(ParkedEvent::lane).collect();
    let mut is_first = |one: &&&ParkedEvent| one.lane().is_some_and(|lane| done.insert(lane));
    let announced = sent.iter().filter(|one| is_first(one)).copied().collect();
    Round { announced, sent }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parked::plan::tests::{offsets, parked};

    #[test]
    fn a_key_has_its_next_round_when_all_of_it_is_decided() {
        let all = [parked(0, Some("a"), None), parked(1, Some("a"), None), parked(2, Some("b"), None)];
        let selected: Vec<_> = all.iter().collect();
        let (mut rounds, first) = Rounds::begin(&all, &selected, false);
        assert_eq!((offsets(&first.announced), offsets(&first.sent)), (vec![0, 2], vec![0, 1, 2]));
        first.sent.iter().for_each(|one| rounds.sent(one));

        let all = [parked(1, Some("a"), Some(9)), parked(3, Some("a"), None), parked(4, Some("b"), None)];
        assert!(rounds.decide(&all));
        let next = rounds.next(&all);
        assert_eq!((offsets(&next.announced), offsets(&next.sent)), (vec![4], vec![4]), "a is not decided");
        next.sent.iter().for_each(|one| rounds.sent(one));
        assert!(!rounds.decide(&all));

        let all = [parked(3, Some("a"), None), parked(5, Some("a"), None)];
        assert!(rounds.decide(&all));
        let next = rounds.next(&all);
        assert_eq!((offsets(&next.announced), offsets(&next.sent)), (vec![3], vec![3, 5]));
        next.sent.iter().for_each(|one| rounds.sent(one));
        assert!(!rounds.is_over());
        assert!(rounds.decide(&[]));
        assert!(rounds.is_over());
        let replayed = rounds.end();
        assert_eq!((replayed.sent, replayed.handled, replayed.undecided), (6, 6, 0));
    }

    #[test]
    fn what_fails_again_ends_the_rounds_of_its_key() {
        let all = [parked(0, Some("a"), None)];
        let (mut rounds, first) = Rounds::begin(&all, &[&all[0]], false);
        rounds.sent(first.sent[0]);
        let again = ParkedEvent { latest: 7, ..parked(0, Some("a"), None) };
        let all = [again, parked(1, Some("a"), None)];
        assert!(rounds.decide(&all));
        assert_eq!(rounds.next(&all), Round::default());
        assert_eq!(rounds.end().failed.len(), 1);
    }

    #[test]
    fn later_events_are_not_to_wait_for_what_is_not_sent() {
        let all = [parked(0, Some("a"), None), parked(1, Some("a"), None), parked(2, None, None)];
        let (mut rounds, first) = Rounds::begin(&all, &[&all[0], &all[2]], false);
        assert_eq!((offsets(&first.announced), offsets(&first.sent)), (vec![], vec![0, 2]));
        first.sent.iter().for_each(|one| rounds.sent(one));
        let all = [parked(1, Some("a"), None), parked(3, Some("a"), None)];
        assert!(rounds.decide(&all));
        assert_eq!(rounds.next(&all), Round::default(), "the one between was not selected");
        assert!(rounds.is_over());
    }
}
