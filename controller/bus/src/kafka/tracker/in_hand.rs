//! The events that were in hand when the process ended without a shutdown. One that ends the process itself (a stack
//! overflow, an abort) would do so for ever: it is found, as the broker keeps what was in hand beside the committed
//! offset.
//!
//! That text is empty after a clean end. Else it names the process and lists the events that were started and not ended,
//! each with the number of ends of a process that it was in hand at, this one included. A process that finds its own text
//! has lost the partition for a while, and has not ended.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

/// How each text begins.
const MARK: &str = "xos:1:";
/// An event that was in hand at so many ends of the process is parked.
pub(super) const ENDS: u32 = 3;
/// The broker takes 4,096 bytes.
const LONGEST: usize = 3500;

/// An event that is handled now.
#[derive(Clone, Copy, Debug)]
pub(super) struct InFlight {
    pub(super) offset: i64,
    /// The number of ends of the process that it was in hand at.
    pub(super) ends: u32,
    /// Whether its step may have been called. One that may have ended the process is told to the broker before.
    pub(super) is_started: bool,
}

/// Events by their offsets, each with the number of ends of the process that it was in hand at.
pub(super) type InHand = BTreeMap<i64, u32>;

/// Returns what tells this process from those before it.
pub(super) fn this_process() -> u32 {
    static PROCESS: LazyLock<u32> = LazyLock::new(rand::random);
    *PROCESS
}

/// Returns the text for these events of a process.
pub(super) fn to_text(process: u32, events: &InHand) -> String {
    let mut text = format!("{MARK}{process:x}");
    let mut before = 0;
    for (&offset, &ends) in events {
        let length = text.len();
        let _ = write!(text, " {}", offset - before);
        if ends > 1 {
            let _ = write!(text, "*{ends}");
        }
        if text.len() > LONGEST {
            text.truncate(length);
            break;
        }
        before = offset;
    }
    text
}

/// Returns the process and the events of a text; none if the process ended cleanly, or the text is not ours.
pub(super) fn from_text(text: &str) -> Option<(u32, InHand)> {
    let mut words = text.strip_prefix(MARK)?.split_ascii_whitespace();
    let process = u32::from_str_radix(words.next()?, 16).ok()?;
    let mut before = 0_i64;
    let mut events = InHand::new();
    for one in words {
        let (ahead, ends) = one.split_once('*').unwrap_or((one, "1"));
        before = before.checked_add(ahead.parse().ok()?)?;
        events.insert(before, ends.parse().ok()?);
    }
    Some((process, events))
}

/// Returns why an event is parked that was in hand at so many ends of the process, if it is.
pub(super) fn park_reason(ends: u32) -> Option<String> {
    let reason = || {
        format!(
            "the process ended {ends} times while this event was handled, without a shutdown: it is parked so that the \
             others go on"
        )
    };
    (ends >= ENDS).then(reason)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_was_in_hand_is_kept_as_a_short_text() {
        for (events, text) in [
            (vec![], "xos:1:1f"),
            (vec![(500, 1), (501, 1), (600, 3)], "xos:1:1f 500 1 99*3"),
            (vec![(0, 2)], "xos:1:1f 0*2"),
        ] {
            let events: InHand = events.into_iter().collect();
            assert_eq!(to_text(31, &events), text);
            assert_eq!(from_text(text), Some((31, events)));
        }
        for text in
            ["", "metadata of somebody else", "xos:1:", "xos:1:1 x", "xos:1:1 1*", "xos:1:1 9223372036854775807 1"]
        {
            assert_eq!(from_text(text), None, "{text}");
        }
    }

    #[test]
    fn after_the_third_end_an_event_is_parked() {
        assert_eq!((park_reason(0), park_reason(2)), (None, None));
        assert!(park_reason(3).unwrap().starts_with("the process ended 3 times while this event was handled"));
    }

    proptest! {
        #[test]
        fn the_broker_takes_each_text_and_it_is_read_as_it_was_written(
            events in prop::collection::btree_map(0_i64..i64::MAX, 1_u32..9, 0..300)
        ) {
            let text = to_text(u32::MAX, &events);
            prop_assert!(text.len() <= 4096);
            let (_, read) = from_text(&text).unwrap();
            prop_assert!(events.iter().take(read.len()).eq(read.iter()));
        }
    }
}
