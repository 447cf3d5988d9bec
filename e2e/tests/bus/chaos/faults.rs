//! What happens to the broker, the processes, the topics and the target during the campaign.

use std::fs;
use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;
use rustix::process::Signal;

use super::campaign::Campaign;

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// A process is killed, and started again.
    Kill,
    /// A process is killed, and started again after a rebalance.
    Vanish,
    /// A process ends in good order, and is started again.
    Leave,
    /// A process stands still for some seconds, maybe until the group takes it for dead.
    Freeze,
    /// The broker is killed and started again.
    BrokerKill,
    /// The broker stands still for some seconds.
    BrokerFreeze,
    /// The target of the step is away for some seconds.
    Away,
    /// Poison is none any more, and what was parked is replayed.
    Mend,
    /// A topic gets one more partition.
    Grow,
    /// A topic is deleted when all of it is handled, and made anew.
    Anew,
    /// What is handled is deleted from the broker.
    Retention,
}

const ALL: [Fault; 11] = [
    Fault::Kill,
    Fault::Vanish,
    Fault::Leave,
    Fault::Freeze,
    Fault::BrokerKill,
    Fault::BrokerFreeze,
    Fault::Away,
    Fault::Mend,
    Fault::Grow,
    Fault::Anew,
    Fault::Retention,
];

/// Returns the faults of the next turn: each once, in any order.
pub(super) fn turn(random: &mut StdRng) -> Vec<Fault> {
    let mut all = ALL.to_vec();
    for last in (1..all.len()).rev() {
        all.swap(last, random.random_range(0..=last));
    }
    all
}

impl Campaign {
    /// Lets a fault happen, and waits until all goes on.
    pub(super) async fn suffer(&mut self, fault: Fault) {
        let place = self.random.random_range(0..self.fleet.len());
        let seconds = Duration::from_millis(self.random.random_range(500..9000));
        match fault {
            Fault::Kill => {
                self.fleet.kill(place).await;
                self.fleet.start(place);
            }
            Fault::Vanish => {
                self.fleet.kill(place).await;
                self.fleet.goes_on(30, "a process has vanished").await;
                self.fleet.start(place);
            }
            Fault::Leave => {
                self.fleet.stop(place).await;
                self.fleet.goes_on(30, "a process has left").await;
                self.fleet.start(place);
            }
            Fault::Freeze => {
                self.fleet.freeze(place, true);
                tokio::time::sleep(seconds).await;
                self.fleet.freeze(place, false);
            }
            Fault::BrokerKill => {
                self.broker.kill().await.unwrap();
                self.broker.start_again().await.unwrap();
            }
            Fault::BrokerFreeze => {
                self.broker.signal(Signal::STOP).unwrap();
                tokio::time::sleep(seconds).await;
                self.broker.signal(Signal::CONT).unwrap();
            }
            Fault::Away => {
                let away = self.fleet.setup().away();
                fs::write(&away, "").unwrap();
                tokio::time::sleep(seconds / 2).await;
                fs::remove_file(&away).unwrap();
            }
            Fault::Mend => self.mend().await,
            Fault::Grow => self.grow().await,
            Fault::Anew => self.make_anew().await,
            Fault::Retention => self.delete_handled().await,
        }
        self.fleet.goes_on(50, &format!("{fault:?}")).await;
    }
}
