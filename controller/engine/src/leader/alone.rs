//! Leading without a Lease: one that is alone leads, one that is not waits until it is.

use tokio::sync::watch;

use super::{Fence, Leadership};
use crate::presence::Standing;

/// Lets a process lead as soon as no other one of its name works. It has no deadline then: nobody takes over from one
/// that lives.
pub async fn lead_alone(leadership: Leadership, mut standing: watch::Receiver<Standing>) {
    let mut has_waited = false;
    loop {
        match standing.borrow_and_update().clone() {
            Standing::Unknown => {}
            Standing::Behind(other) => {
                has_waited = true;
                leadership.told(|told| {
                    told.leader = Some(other.to_string());
                    told.since = Some(other.since);
                });
                leadership.end();
            }
            Standing::First => {
                let took_over = has_waited.then(|| leadership.now().wall);
                leadership.told(|told| {
                    told.leader = None;
                    told.since = Some(leadership.now().wall);
                });
                leadership.begin(Fence::Open, Fence::Open, took_over);
                // It stays the first one.
                return;
            }
        }
        if standing.changed().await.is_err() {
            return;
        }
    }
}
