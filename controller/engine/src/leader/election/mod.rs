//! Who leads, as one process knows it, and what it writes on the Lease. Pure.
//!
//! The rules are those of client-go's leader election, with two differences: a Lease that is released is taken at once,
//! as it is watched; and a process that may have missed something asks before it writes.

use std::time::Duration;

use tokio::time::Instant;

use super::fence::{Fence, Moment};
use super::lease::Contents;

/// The times of an election, as client-go has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// How long a leader leads after a renewal.
    pub duration: Duration,
    /// How long after it a leader that cannot renew it begins nothing any more.
    pub renew_deadline: Duration,
    /// How often it is renewed, and how long after a failure it is tried again.
    pub retry_period: Duration,
}

impl Default for Times {
    /// 15 s, 10 s, 2 s.
    fn default() -> Self {
        let [duration, renew_deadline, retry_period] = [15, 10, 2].map(Duration::from_secs);
        Self { duration, renew_deadline, retry_period }
    }
}

/// What a process has to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing, until something is seen.
    Nothing,
    /// Nothing before that time.
    Wait(Instant),
    /// Read the Lease.
    Read,
    /// Make the Lease, with this on it.
    Create(Contents),
    /// Write this on the Lease.
    Write(Contents),
}

/// The Lease, as it was seen.
#[derive(Clone, Debug)]
struct Seen {
    /// None if there is none.
    lease: Option<Contents>,
    /// When the last renewal was seen.
    since: Instant,
    /// When it is free, unless it is renewed.
    free_at: Instant,
}

/// What one process knows of the election.
#[derive(Debug)]
pub(super) struct Election {
    me: String,
    times: Times,
    /// None: it has to be read.
    seen: Option<Seen>,
    /// When the request was sent that made or renewed this process the leader.
    leads_since: Option<Moment>,
    /// When the last request was sent.
    tried: Option<Instant>,
    /// Whether another process led while this one was there.
    has_stood_by: bool,
    /// Whether this process knows all objects.
    is_warm: bool,
    /// Whether this process may lead: not while another one works without an election.
    may_lead: bool,
}

impl Election {
    pub(super) fn new(me: &str, times: Times) -> Self {
        Self {
            me: me.to_owned(),
            times,
            seen: None,
            leads_since: None,
            tried: None,
            has_stood_by: false,
            is_warm: false,
            may_lead: false,
        }
    }

    /// Notes whether this process knows all objects, and whether it may lead.
    pub(super) fn note(&mut self, is_warm: bool, may_lead: bool) {
        (self.is_warm, self.may_lead) = (is_warm, may_lead);
    }

    /// Returns when the request was sent by which this process leads, if it does.
    pub(super) fn leads_since(&self) -> Option<Moment> {
        self.leads_since
    }

    /// Returns whether another process led while this one was there.
    pub(super) fn has_stood_by(&self) -> bool {
        self.has_stood_by
    }

    /// Returns what is known of the Lease.
    pub(super) fn lease(&self) -> Option<&Contents> {
        self.seen.as_ref()?.lease.as_ref()
    }

    /// Takes in the Lease, or that there is none.
    pub(super) fn see(&mut self, lease: Option<Contents>, now: Instant) {
        let known = self.seen.as_ref();
        let is_old = |(known, lease): (&Contents, &Contents)| lease.number() < known.number();
        let both = known.and_then(|known| known.lease.as_ref()).zip(lease.as_ref());
        if both.is_some_and(is_old) {
            return;
        }
        let is_same = both.is_some_and(|(known, lease)| known.is_same_renewal(lease));
        let since = known.filter(|_| is_same).map_or(now, |known| known.since);
        let holder = lease.as_ref().and_then(|lease| lease.holder.as_deref());
        let is_mine = holder == Some(&self.me);
        let free_at = match (&lease, known) {
            (Some(lease), _) if holder.is_some() && !is_mine => since + lease.duration,
            // Somebody has deleted it: its holder may not know.
            (None, Some(known)) => known.free_at,
            _ => since,
        };
        self.has_stood_by |= holder.is_some() && !is_mine;
        if !is_mine {
            self.leads_since = None;
            let version = |lease: &Contents| lease.version.clone();
            if known.is_none_or(|known| known.lease.as_ref().map(version) != lease.as_ref().map(version)) {
                // Whatever the last request was about, this is something else.
                self.tried = None;
            }
        }
        self.seen = Some(Seen { lease, since, free_at });
    }

    /// Takes in the answer to a write that was sent then.
    pub(super) fn wrote(&mut self, sent: Moment, lease: Contents, now: Instant) {
        let is_mine = lease.holder.as_deref() == Some(&self.me);
        self.see(Some(lease), now);
        if is_mine {
            self.leads_since = Some(sent);
        }
    }

    /// Takes in that somebody else was faster, or that what is known is old: it is read, unless it is seen before.
    pub(super) fn is_stale(&mut self) {
        self.seen = None;
    }

    /// Takes in that a request was sent.
    pub(super) fn tried(&mut self, now: Instant) {
        self.tried = Some(now);
    }

    /// Takes in the time: the leader that could not renew the Lease leads no more.
    pub(super) fn look(&mut self, now: Moment) {
        if let Some(since) = self.leads_since
            && !Fence::Until(since.after(self.times.duration)).is_open(now)
        {
            self.leads_since = None;
            // It may have slept: who knows what has happened since.
            self.is_stale();
            self.tried = None;
        }
    }

    /// Returns what is next.
    pub(super) fn next(&self, now: Moment) -> Next {
        let again = self.tried.map_or(now.monotonic, |tried| tried + self.times.retry_period);
        let Some(seen) = &self.seen else { return due(again, now, || Next::Read) };
        if self.leads_since.is_some() {
            return due(again, now, || self.take(seen, now));
        }
        if !self.may_lead {
            return Next::Nothing;
        }
        due(self.free_at(seen).max(again), now, || self.take(seen, now))
    }

    /// Returns when the Lease is free for this process, as far as is known.
    fn free_at(&self, seen: &Seen) -> Instant {
        // One that knows all objects goes before one that has just started.
        let is_late = self.has_stood_by && !self.is_warm;
        seen.free_at + if is_late { self.times.retry_period } else { Duration::ZERO }
    }

    fn take(&self, seen: &Seen, now: Moment) -> Next {
        let duration = self.times.duration;
        let holder = Some(self.me.clone());
        let Some(lease) = &seen.lease else {
            let (acquired, renewed) = (Some(now.wall), Some(now.wall));
            return Next::Create(Contents { holder, duration, acquired, renewed, ..Contents::default() });
        };
        let is_renewal = lease.holder == holder;
        Next::Write(Contents {
            transitions: lease.transitions.saturating_add(i32::from(!is_renewal)),
            acquired: if self.leads_since.is_some() { lease.acquired } else { Some(now.wall) },
            renewed: Some(now.wall),
            version: lease.version.clone(),
            holder,
            duration,
        })
    }

    /// Returns what is written when this process ends; none if it does not lead.
    pub(super) fn release(&self, now: Moment) -> Option<Contents> {
        self.leads_since?;
        let lease = self.lease()?.clone();
        Some(Contents { holder: None, duration: Duration::from_secs(1), renewed: Some(now.wall), ..lease })
    }
}

fn due(at: Instant, now: Moment, next: impl FnOnce() -> Next) -> Next {
    if at <= now.monotonic { next() } else { Next::Wait(at) }
}

#[cfg(test)]
mod tests;
