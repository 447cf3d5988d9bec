//! One lane: the workers that are in it, and the objects that wait for a place.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use xos_model::ObjectKey;

use super::Limits;
use crate::clock::later;
use crate::queue::{Group, Head, Lines};

/// The pace at which objects are told that the target of their step is away.
const TELL_EVERY: Duration = Duration::from_millis(50);

/// A lane.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// The step's own limit.
    pub(super) limit: Option<usize>,
    pub(super) fast: usize,
    pub(super) slow: usize,
    /// The slow ones, by group.
    pub(super) groups: HashMap<Group, usize>,
    pub(super) is_known_slow: bool,
    pub(super) is_stalled: bool,
    pub(super) waiting: Lines,
    pub(super) offered: usize,
    /// Whether it is time for a probe, and there is no place for it.
    pub(super) is_probe_blocked: bool,
    /// Since when objects wait without a break while the target is there, and whether that was said.
    pub(super) full: Option<(Instant, bool)>,
    /// Those that wait for the target and are not told yet, and when the next is.
    pub(super) untold: VecDeque<ObjectKey>,
    pub(super) next_telling: Option<Timestamp>,
}

impl Lane {
    /// Returns how many more workers of a group may start, offers not counted.
    pub(super) fn room(&self, group: &Group, limits: &Limits) -> usize {
        let is_share_taken = self.groups.get(group).is_some_and(|slow| *slow >= limits.slow_of_group());
        if is_share_taken { 0 } else { self.room_for_any(limits) }
    }

    fn room_for_any(&self, limits: &Limits) -> usize {
        let own = self.limit.map_or(usize::MAX, |limit| limit.max(1).saturating_sub(self.fast + self.slow));
        let slow = limits.slow.saturating_sub(self.slow);
        let fast = if self.is_stalled { limits.fast_of_stalled() } else { limits.fast };
        let fast = fast.saturating_sub(self.fast);
        let places = if self.is_known_slow || slow == 0 { slow } else { fast };
        own.min(places)
    }

    /// Offers free places to those that wait.
    pub(super) fn offer(&mut self, limits: &Limits, (places, now): (usize, Timestamp), offers: &mut Vec<Head>) {
        let free = self.room_for_any(limits).min(places);
        while self.offered < free {
            let groups = &self.groups;
            let share = limits.slow_of_group();
            let admits = |group: &Group| groups.get(group).is_none_or(|slow| *slow < share);
            let Some(head) = self.waiting.pop(now, admits) else { return };
            self.offered += 1;
            offers.push(head);
        }
    }

    /// Returns the next object to be told that the target is away.
    pub(super) fn tell(&mut self, limits: &Limits, now: Timestamp) -> Option<ObjectKey> {
        // None is that far ahead, unless the clock was.
        let farthest = later(now, limits.report_after.max(TELL_EVERY));
        self.next_telling = self.next_telling.map(|at| if at > farthest { now } else { at });
        while self.next_telling.is_some_and(|at| at <= now) {
            let Some(key) = self.untold.pop_front() else {
                self.next_telling = None;
                return None;
            };
            if self.waiting.contains(&key) {
                self.next_telling = self.next_telling.map(|at| later(at, TELL_EVERY));
                return Some(key);
            }
        }
        None
    }

    /// Counts a worker in, or out.
    pub(super) fn count(&mut self, is_slow: bool, group: &Group, by: isize) {
        let number = if is_slow { &mut self.slow } else { &mut self.fast };
        *number = number.saturating_add_signed(by);
        if !is_slow {
            return;
        }
        let of_group = self.groups.entry(group.clone()).or_default();
        *of_group = of_group.saturating_add_signed(by);
        if *of_group == 0 {
            self.groups.remove(group);
        }
    }
}
