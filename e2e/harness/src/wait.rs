//! Waiting for a condition. All waiting is done here.

use std::{
    fmt::Display,
    time::{Duration, Instant},
};

/// The first pause between two attempts, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(100));

/// A condition did not become true in time.
#[derive(Debug, thiserror::Error)]
#[error("waited {waited:?} for {what}; last seen: {seen}")]
pub struct Timeout {
    /// What was waited for.
    pub what: String,
    /// How long it was waited for.
    pub waited: Duration,
    /// What the last attempt saw instead.
    pub seen: String,
}

/// Calls `probe` until it returns a value, at most for `deadline`.
///
/// `probe` returns `Err` with what it saw instead; the last one is in the error. A probe that hangs is cancelled at the
/// deadline, too.
///
/// # Errors
/// [`Timeout`] when the deadline passes first.
pub async fn eventually<T, E: Display>(
    deadline: Duration,
    what: impl Display,
    mut probe: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, Timeout> {
    let start = Instant::now();
    let mut seen = "nothing".to_owned();
    let mut pause = PAUSES.0;
    let looking = async {
        loop {
            match probe().await {
                Ok(value) => return value,
                Err(other) => seen = other.to_string(),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    };
    let found = tokio::time::timeout(deadline, looking).await;
    found.map_err(|_| Timeout { what: what.to_string(), waited: start.elapsed(), seen })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn gives_the_value_as_soon_as_there_is_one() {
        let mut looks = 0;
        let value = eventually(Duration::from_secs(5), "three looks", async || {
            looks += 1;
            if looks == 3 { Ok(looks) } else { Err("fewer") }
        });
        assert_eq!(value.await.unwrap(), 3);
    }

    #[tokio::test]
    async fn says_what_it_saw_last() {
        let never = eventually(Duration::from_millis(50), "the moon", async || Err::<(), _>("a cloud"));
        let error = never.await.unwrap_err().to_string();
        assert!(error.contains("for the moon") && error.ends_with("last seen: a cloud"), "{error}");
    }

    #[tokio::test]
    async fn cuts_off_a_probe_that_hangs() {
        let hung = eventually(Duration::from_millis(50), "an answer", async || {
            std::future::pending::<Result<(), &str>>().await
        });
        assert!(hung.await.is_err());
    }
}
