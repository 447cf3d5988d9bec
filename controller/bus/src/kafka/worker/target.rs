//! Tells people that the target of the step is away, or there again.

use xos_model::gate::{News, Outage};

use super::Worker;

/// What is to be told once the tracker is no longer locked. It is mostly nothing.
#[derive(Default)]
pub(super) struct Told(Vec<News>);

impl Told {
    pub(super) fn add(&mut self, news: News) {
        if matches!(news, News::Closed(_) | News::Opened(_)) {
            self.0.push(news);
        }
    }
}

impl Worker {
    pub(super) fn tell(&self, told: Told) {
        for news in told.0 {
            match news {
                News::Closed(Outage { message, .. }) => {
                    tracing::warn!(
                        reason = %message,
                        "the target of the step is away: its events wait, and one at a time tries"
                    );
                    self.counters.outage();
                    self.notifier.target_away(&message);
                }
                News::Opened(Outage { since, .. }) => {
                    tracing::info!(%since, "the target of the step is there again");
                    self.notifier.target_back(since);
                }
                News::None | News::StillAway(_) => {}
            }
        }
    }
}
