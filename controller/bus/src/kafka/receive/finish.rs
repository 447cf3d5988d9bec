//! The end of a consumer.

use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;
use tokio::sync::oneshot::error::TryRecvError;

use super::{ReceiveLoop, SHORT_POLL};
use crate::kafka::rewind::Rewinds;
use crate::kafka::topic_partition::to_list;

/// How long the last commit may take.
const LAST_COMMIT: Duration = Duration::from_secs(3);

impl ReceiveLoop<'_> {
    /// Ends: events in flight have the grace period, what is done is committed, and all partitions are given up. The
    /// client is polled on meanwhile, so that it stays in the group.
    pub(crate) fn finish(&mut self) {
        let until = Instant::now() + self.consumer.grace;
        self.rewinds = Rewinds::default();
        if let Some((stand_in, _)) = self.stand_in.take() {
            stand_in.end();
        }
        let all = self.tracker.lock().assigned();
        {
            let mut tracker = self.tracker.lock();
            all.iter().for_each(|partition| tracker.drain(partition));
        }
        if let Err(error) = self.client.pause(&to_list(&all)) {
            tracing::debug!(%error, "cannot pause the partitions");
        }
        let is_busy = || self.tracker.lock().is_busy(&all) && !self.tracker.closed.is_cancelled();
        while is_busy() && Instant::now() < until {
            drop(self.client.poll(SHORT_POLL));
            self.rebalancing.step();
        }
        if is_busy() {
            tracing::warn!("events in flight did not end in time and are cancelled: they will be handled again");
        }
        self.commit_the_last();
        self.rebalancing.cut_short();
        self.tracker.revoke_all();
        self.consumer.states.update(&self.consumer.name, |state| {
            state.partitions = 0;
            state.paused = 0;
            state.held = 0;
        });
    }

    fn commit_the_last(&mut self) {
        if self.client.assignment_lost() || self.client.context().is_other_cluster() {
            return;
        }
        let all = self.tracker.lock().assigned();
        let mut answer = self.tracker.committer.last(all);
        let until = Instant::now() + LAST_COMMIT;
        let problem = loop {
            match answer.try_recv() {
                Ok(Ok(())) => return,
                Ok(Err(error)) => break error.to_string(),
                Err(TryRecvError::Empty) if Instant::now() < until => drop(self.client.poll(SHORT_POLL)),
                Err(_) => break "the broker does not answer".to_owned(),
            }
        };
        tracing::warn!(problem, "cannot commit the last offsets: their events will be handled again");
    }
}
