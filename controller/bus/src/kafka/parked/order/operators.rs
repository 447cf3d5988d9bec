//! Operators: what their programs read, announce, send and note.

use std::collections::{BTreeSet, VecDeque};

use rand::RngExt as _;
use xos_steps::BusEvent;

use super::{Message, World, at, int};
use crate::parked::log::{Log, Parked};
use crate::parked::plan::sort;
use crate::parked::record::What;
use crate::parked::rounds::{Round, Rounds};
use crate::parked::{Origin, ParkedEvent};

/// An operator's replay.
pub(super) struct Operator {
    rounds: Rounds,
    pub(super) to_do: VecDeque<ToDo>,
}

pub(super) enum ToDo {
    Announce(ParkedEvent),
    Send(ParkedEvent),
    Note(ParkedEvent, i64),
}

impl Operator {
    fn do_later(&mut self, round: &Round<'_>) {
        self.to_do.extend(round.announced.iter().map(|&one| ToDo::Announce(one.clone())));
        self.to_do.extend(round.sent.iter().map(|&one| ToDo::Send(one.clone())));
    }
}

impl World {
    /// Returns what is parked, as somebody sees it who has read so many records.
    pub(super) fn parked(&self, seen: usize) -> Vec<ParkedEvent> {
        let mut log = Log::from_offset(0);
        let mut origins = BTreeSet::new();
        for (offset, (origin, what)) in self.records[..seen].iter().enumerate() {
            log.read(int(offset), *origin, what);
            origins.insert(*origin);
        }
        let event = |origin: Origin| {
            let Parked { first, latest, order_key, sent } = log.get(&origin)?.clone();
            Some(ParkedEvent {
                event: BusEvent { offset: origin.offset, ..BusEvent::new("t", "") },
                step: "Step".to_owned(),
                group: "s.Step".to_owned(),
                reason: String::new(),
                attempts: 1,
                parked_at: None,
                parked_in: "t.s.parked/0/0".to_owned(),
                order_key,
                sent,
                origin,
                parked_partition: 0,
                first,
                latest,
            })
        };
        let mut all: Vec<_> = origins.into_iter().filter_map(event).collect();
        sort(&mut all);
        all
    }

    /// An operator who has read so many records begins a replay, of everything or the first ones.
    pub(super) fn begin_replay(&mut self, seen: usize, again: bool, most: usize) {
        let all = self.parked(seen);
        let selected: Vec<_> = all.iter().take(most).collect();
        let (rounds, first) = Rounds::begin(&all, &selected, again);
        let mut operator = Operator { rounds, to_do: VecDeque::new() };
        operator.do_later(&first);
        self.operators.push(operator);
    }

    /// An operator's program goes on.
    pub(super) fn operate(&mut self, which: usize) {
        let Some(next) = self.operators[which].to_do.pop_front() else {
            let all = self.parked(self.records.len());
            let operator = &mut self.operators[which];
            operator.rounds.decide(&all);
            let round = operator.rounds.next(&all);
            operator.do_later(&round);
            if operator.rounds.is_over() && operator.to_do.is_empty() {
                self.operators.remove(which);
            }
            return;
        };
        match next {
            ToDo::Announce(parked) => {
                let order_key = parked.order_key.unwrap();
                self.records.push((parked.origin, What::Replaying { order_key }));
            }
            ToDo::Send(parked) => {
                let number = self.partition[at(parked.origin.offset)].number;
                let sent_at = int(self.partition.len());
                self.partition.push(Message { number, replay: Some(parked.origin) });
                let operator = &mut self.operators[which];
                operator.rounds.sent(&parked);
                operator.to_do.push_front(ToDo::Note(parked, sent_at));
            }
            ToDo::Note(parked, sent_at) => {
                self.records.push((parked.origin, What::Sent { at: sent_at, from: parked.latest }));
            }
        }
    }

    pub(super) fn drop_one(&mut self) {
        let one = self.random.random_range(0..self.records.len());
        let origin = self.records[one].0;
        self.dropped.insert(self.partition[at(origin.offset)].number);
        self.records.push((origin, What::Ended));
    }

    pub(super) fn replay(&mut self) {
        if self.operators.len() < 2 && self.random.random_bool(0.3) {
            let seen = self.random.random_range(0..=self.records.len());
            let most = if self.random.random_bool(0.7) { usize::MAX } else { self.random.random_range(1..5) };
            self.begin_replay(seen, false, most);
        } else if !self.operators.is_empty() {
            let which = self.random.random_range(0..self.operators.len());
            if self.random.random_bool(0.05) {
                self.operators.remove(which);
            } else {
                self.operate(which);
            }
        }
    }
}
