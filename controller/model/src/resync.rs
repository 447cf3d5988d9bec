//! How often an object that has not changed is synchronized again, to undo what was changed in the backend.

use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;

/// The annotation with which an operator sets it for an object, without the domain: `xos.opencord.org/resync: 30m`.
pub const ANNOTATION: &str = "resync";
/// The text that turns it off.
pub const OFF: &str = "off";
/// The shortest period that an annotation may set.
pub const SHORTEST: Duration = Duration::from_secs(1);

/// How often a clean object is synchronized again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resync {
    /// As `resync` in the configuration says: every 10 hours, unless it is set.
    #[default]
    AsConfigured,
    /// At this interval, or up to a tenth earlier.
    Every(Duration),
    /// Never.
    Never,
}

/// A text that says no period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "annotation xos.opencord.org/{ANNOTATION} is `{0}`: it has to be `{OFF}`, or a duration of at least 1s such as `30m` or `1h 30m`"
)]
pub struct ResyncError(String);

impl FromStr for Resync {
    type Err = ResyncError;

    fn from_str(text: &str) -> Result<Self, ResyncError> {
        let text = text.trim();
        if text.eq_ignore_ascii_case(OFF) {
            return Ok(Self::Never);
        }
        let period = text.parse::<SignedDuration>().ok().and_then(|period| Duration::try_from(period).ok());
        let period = period.filter(|period| *period >= SHORTEST).ok_or_else(|| ResyncError(text.to_owned()))?;
        Ok(Self::Every(period))
    }
}

impl Resync {
    /// Returns the period; none for never. `configured` is the period of the configuration.
    pub fn period(self, configured: Option<Duration>) -> Option<Duration> {
        match self {
            Self::AsConfigured => configured,
            Self::Every(period) => Some(period),
            Self::Never => None,
        }
    }
}

/// Returns the period of an object: what its annotation says, else what its step says, else what is configured. An
/// annotation that says nothing counts as absent.
pub fn period(annotation: Option<&str>, step: Resync, configured: Option<Duration>) -> Option<Duration> {
    let own = annotation.and_then(|text| text.parse().ok());
    own.unwrap_or(step).period(configured)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_s_word_goes_before_the_step_s_and_that_before_the_configuration() {
        let minutes = |n: u64| Some(Duration::from_secs(60 * n));
        let step = Resync::Every(Duration::from_secs(120));
        let table = [
            (None, Resync::AsConfigured, minutes(1), minutes(1)),
            (None, Resync::AsConfigured, None, None),
            (None, step, minutes(1), minutes(2)),
            (None, step, None, minutes(2)),
            (None, Resync::Never, minutes(1), None),
            (Some("3m"), step, minutes(1), minutes(3)),
            (Some("0h 3m"), Resync::Never, None, minutes(3)),
            (Some(" Off "), step, minutes(1), None),
            (Some("often"), step, minutes(1), minutes(2)),
        ];
        for (annotation, step, configured, expected) in table {
            assert_eq!(period(annotation, step, configured), expected, "{annotation:?} {step:?} {configured:?}");
        }
    }

    #[test]
    fn what_is_no_period_is_an_error_that_says_what_would_be_one() {
        for text in ["", "often", "-1h", "10", "500ms", "0s", "1h30"] {
            let error = text.parse::<Resync>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{text}`")) && error.contains("`30m`"), "{error}");
        }
    }
}
