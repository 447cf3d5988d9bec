//! How long the requests of a watch may take.

use std::time::Duration;

/// How long one request lasts.
const LASTS: Duration = Duration::from_secs(20);
/// How much later than agreed the end of a request may come.
const MARGIN: Duration = Duration::from_secs(5);

/// How long the requests of a watch may take. Together they bound how late a dead connection is noticed: 25 s.
///
/// Nothing else tells it: the client speaks HTTP/1.1, which has no pings, TCP keep-alive ends at the next proxy, and
/// the API server sends a bookmark only once a minute. So a request is short. It costs a quiet system one read a kind
/// every 20 s, which the API server answers from memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchLimits {
    /// How long one request lasts.
    pub(super) lasts: Duration,
    /// How long a request may be without an answer.
    pub(super) answer: Duration,
    /// How long a page of a list may take.
    pub(super) page: Duration,
}

impl Default for WatchLimits {
    fn default() -> Self {
        Self::within(crate::API_TIMEOUT)
    }
}

impl WatchLimits {
    /// Returns the limits for an API server that may take so long to answer.
    pub fn within(api_timeout: Duration) -> Self {
        Self { lasts: LASTS.min(api_timeout * 4), answer: api_timeout.min(LASTS + MARGIN), page: api_timeout }
    }

    /// Returns how long the next request lasts: up to a quarter less, so that the watches of all kinds are not renewed at
    /// once. `unit` is a random number in 0..1.
    pub(super) fn spread(&self, unit: f64) -> Duration {
        self.lasts.mul_f64(1.0 - 0.25 * unit.clamp(0.0, 1.0))
    }
}

/// Returns how long a request that lasts this long may be silent.
pub(super) fn silence(lasts: Duration) -> Duration {
    lasts + MARGIN
}
