//! A campaign: processes are killed, stopped and rebalanced, the broker is killed and stands still, topics are made
//! anew, grow and lose what is handled, messages are poison, the target is away, parked messages are replayed. No
//! message is lost, none is handled before an earlier one of its key, and few are handled again.
//!
//! `make bus-chaos` runs it for some minutes; `XOS_BUS_CHAOS_SEED` repeats one.

mod campaign;
mod check;
mod faults;
mod fleet;
mod messages;

use std::time::{Duration, Instant};

use rand::SeedableRng as _;
use rand::rngs::StdRng;

use self::campaign::Campaign;

/// How long a short campaign lasts.
const SHORT: u64 = 30;
/// How many events one fault may have handled again: those of a second, and those in flight.
const REPEATED_BY_FAULT: usize = 600;

/// The folder of a campaign; after a failure it stays, with the logs of all processes and the broker's data.
struct Folder(tempfile::TempDir);

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.disable_cleanup(true);
            println!("everything of the campaign is in {}", self.0.path().display());
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|text| text.parse().ok())
}

// The broker and the processes end with the thread that started them.
#[tokio::test(flavor = "current_thread")]
async fn nothing_is_lost_or_disordered_whatever_happens() {
    let seed = number("XOS_BUS_CHAOS_SEED").unwrap_or_else(rand::random);
    let asked = number("XOS_BUS_CHAOS_SECONDS");
    let lasting = Duration::from_secs(asked.unwrap_or(SHORT));
    println!("XOS_BUS_CHAOS_SEED={seed}");
    let folder = Folder(tempfile::tempdir().unwrap());
    let mut campaign = Campaign::start(folder.0.path(), seed).await;
    let mut random = StdRng::seed_from_u64(seed);
    let started = Instant::now();
    let mut suffered = vec![];
    'campaign: loop {
        for fault in faults::turn(&mut random) {
            if started.elapsed() >= lasting {
                break 'campaign;
            }
            println!("{:>5.1} s {fault:?}", started.elapsed().as_secs_f64());
            campaign.suffer(fault).await;
            suffered.push(fault);
        }
    }
    let (messages, verdict) = campaign.end().await;
    println!("{messages} messages, {} faults, {} handled again", suffered.len(), verdict.repeated);
    assert_eq!((&verdict.lost[..], &verdict.disordered[..]), (&[][..], &[][..]), "seed {seed}: {suffered:?}");
    // A process that stood still may write what it had in hand after its successor.
    let frozen = suffered.iter().filter(|fault| **fault == faults::Fault::Freeze).count();
    assert!(verdict.outdated.len() <= frozen * 16, "seed {seed}: {:?}", verdict.outdated);
    assert!(verdict.repeated <= suffered.len().max(1) * REPEATED_BY_FAULT, "seed {seed}: {}", verdict.repeated);
}
