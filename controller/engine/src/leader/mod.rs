//! Whether this process leads. Of several processes of one synchronizer one leads: it decides on objects, calls steps,
//! and writes. The others stand by: they watch, so that their caches are filled when they lead.
//!
//! [`Leadership`] is what all parts of a process ask. [`Elector`] decides it by a Lease, [`lead_alone`] without one.
//!
//! **Invariant:** nothing is written after the local deadline of the Lease, whatever happens to the process: each
//! request that changes something, and each job of the engine, asks the [`Fence`] before it goes on
//! ([`Leadership::guard`]). The deadline is counted from before the request that renewed the Lease was sent, by two
//! clocks; the others count from when they see the renewal, so they begin later.
//!
//! **Invariant:** `fence` and `election` are pure.

mod alone;
mod election;
mod elector;
mod fence;
mod guard;
mod lease;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::clock::Clock;

pub use alone::lead_alone;
pub use election::Times;
pub use elector::{Elector, Place, identity};
pub use fence::{Fence, Moment};
pub use guard::NotLeading;

/// A time in which this process leads without a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// Its number, from 1.
    pub number: u64,
    /// When it took over from another process, if it did: objects that are older than this may have been worked on.
    pub took_over: Option<Timestamp>,
}

/// What is told of the leader, for monitoring.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaderState {
    /// Whether this process leads.
    pub leads: bool,
    /// Who leads, as far as is known, and since when.
    pub leader: Option<String>,
    /// Since when that one leads, as it says itself.
    pub since: Option<Timestamp>,
    /// How often the leader has changed.
    pub transitions: u64,
    /// When the Lease was renewed last, as the leader says itself.
    pub renewed: Option<Timestamp>,
    /// Why this process can never lead, as a missing right.
    pub problem: Option<String>,
}

/// Whether this process leads; clones are the same one.
#[derive(Clone)]
pub struct Leadership(Arc<Shared>);

struct Shared {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Changed with each change that somebody may wait for.
    changes: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    /// The last term; 0 before the first.
    term: Option<Term>,
    terms: u64,
    /// Until when what has begun may go on, and may write.
    fence: Fence,
    /// Until when something may begin.
    begins: Fence,
    /// The term for which everything is prepared.
    prepared: u64,
    /// Whether it was decided once whether this process leads.
    is_known: bool,
    told: LeaderState,
}

impl Leadership {
    /// Returns that of a process which stands by until somebody says otherwise.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Shared { clock, state: Mutex::default(), changes: watch::Sender::new(()) }))
    }

    /// Returns that of a process which is alone.
    pub fn always(clock: Arc<dyn Clock>) -> Self {
        let always = Self::new(clock);
        always.begin(Fence::Open, Fence::Open, None);
        always.prepared(1);
        always
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the present moment.
    pub fn now(&self) -> Moment {
        Moment { monotonic: Instant::now(), wall: self.0.clock.now() }
    }

    /// Returns the term in which something may begin now; none if this process does not lead, or is not prepared.
    pub fn leads(&self) -> Option<Term> {
        let now = self.now();
        let state = self.lock();
        state.term.filter(|term| term.number == state.prepared && state.begins.is_open(now))
    }

    /// Returns the term in which this process leads, whether or not it is prepared.
    pub fn term(&self) -> Option<Term> {
        let now = self.now();
        let state = self.lock();
        state.term.filter(|_| state.begins.is_open(now))
    }

    /// Returns whether this process may change something now.
    pub fn may_write(&self) -> bool {
        let now = self.now();
        let state = self.lock();
        state.term.is_some() && state.fence.is_open(now)
    }

    /// Returns whether something that has begun in a term may go on.
    pub fn is_in_force(&self, term: u64) -> bool {
        let now = self.now();
        let state = self.lock();
        state.term.is_some_and(|present| present.number == term) && state.fence.is_open(now)
    }

    /// Returns a signal of changes.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.0.changes.subscribe()
    }

    /// Waits until it was decided once whether this process leads.
    pub async fn known(&self) {
        self.until(|state| state.is_known).await;
    }

    /// Waits until this process leads. It may be over by then: whoever begins something asks again.
    pub async fn begun(&self) -> Term {
        let mut changes = self.changes();
        loop {
            changes.mark_unchanged();
            if let Some(term) = self.term() {
                return term;
            }
            // The sender is in `self`.
            let _changed = changes.changed().await;
        }
    }

    /// Waits until this process leads, and is prepared.
    pub async fn ready(&self) -> Term {
        let mut changes = self.changes();
        loop {
            changes.mark_unchanged();
            if let Some(term) = self.leads() {
                return term;
            }
            let _changed = changes.changed().await;
        }
    }

    async fn until(&self, is_it: impl Fn(&State) -> bool) {
        let mut changes = self.changes();
        loop {
            changes.mark_unchanged();
            if is_it(&self.lock()) {
                return;
            }
            let _changed = changes.changed().await;
        }
    }

    /// Returns what is told of the leader.
    pub fn state(&self) -> LeaderState {
        LeaderState { leads: self.leads().is_some(), ..self.lock().told.clone() }
    }

    /// Returns whether everything is prepared for a term.
    pub fn is_prepared(&self, term: u64) -> bool {
        self.lock().prepared == term
    }

    /// Says that everything is prepared for a term: the engine may begin.
    pub fn prepared(&self, term: u64) {
        self.lock().prepared = term;
        self.tell();
    }

    /// Begins a term: what has begun in it may go on as long as `fence` is open, and something may begin as long as
    /// `begins` is. Only who decides on the leader says so.
    pub fn begin(&self, fence: Fence, begins: Fence, took_over: Option<Timestamp>) {
        let mut state = self.lock();
        state.terms += 1;
        state.term = Some(Term { number: state.terms, took_over });
        (state.fence, state.begins, state.is_known) = (fence, begins, true);
        drop(state);
        self.tell();
    }

    /// Goes on with the term.
    pub fn extend(&self, fence: Fence, begins: Fence) {
        let now = self.now();
        let mut state = self.lock();
        let was_open = state.begins.is_open(now);
        (state.fence, state.begins) = (fence, begins);
        drop(state);
        // Each renewal would wake everybody.
        if !was_open {
            self.tell();
        }
    }

    /// Says that this process does not lead (any more).
    pub fn end(&self) {
        let mut state = self.lock();
        (state.term, state.fence, state.begins, state.is_known) = (None, Fence::Shut, Fence::Shut, true);
        drop(state);
        self.tell();
    }

    /// Says that this process does not lead, unless something was said before.
    pub(crate) fn end_if_unknown(&self) {
        let mut state = self.lock();
        if !std::mem::replace(&mut state.is_known, true) {
            drop(state);
            self.tell();
        }
    }

    /// Wakes those who wait for a change.
    fn tell(&self) {
        self.0.changes.send_replace(());
    }

    /// Changes what is told of the leader.
    pub(crate) fn told(&self, change: impl FnOnce(&mut LeaderState)) {
        change(&mut self.lock().told);
    }

    fn shuts_at(&self) -> Option<Instant> {
        self.lock().fence.shuts_at()
    }
}
