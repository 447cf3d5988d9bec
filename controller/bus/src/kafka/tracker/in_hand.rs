//! The events that were in hand when the process ended without a shutdown. One that ends the process itself (a stack
//! overflow, an abort) would do so for ever: it is found, as the broker keeps what was in hand beside the committed
//! offset.
//!
//! That text also names the topic, by its id: after it was made anew the offset means nothing. It names the process, if
//! this has not ended cleanly, and lists the events that were started and not ended, each with the number of ends of a
//! process that it was in hand at, this one included. A process that finds its own text has lost the partition for a
//! while, and has not ended.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use super::topics::TopicId;

/// How each text begins.
const MARK: &str = "xos:1:";
/// What is before the id of the topic.
const TOPIC: char = '@';
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

/// What the broker keeps beside an offset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Note {
    /// The process that has the partition; none after a clean end.
    pub(super) process: Option<u32>,
    /// The id of the topic, if it is known.
    pub(super) topic_id: Option<TopicId>,
    pub(super) in_hand: InHand,
}

impl fmt::Display for Note {
    /// Writes a text that the broker takes, and that [`Note::read`] reads; an empty one if there is nothing to say.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.process.is_none() && self.topic_id.is_none() {
            return Ok(());
        }
        let process = self.process.map(|process| format!("{process:x}")).unwrap_or_default();
        let topic = self.topic_id.as_ref().map(|id| format!(" {TOPIC}{id}")).unwrap_or_default();
        write!(f, "{MARK}{process}{topic}")?;
        let mut length = MARK.len() + process.len() + topic.len();
        let mut before = 0;
        for (&offset, &ends) in &self.in_hand {
            let times = if ends > 1 { format!("*{ends}") } else { String::new() };
            let word = format!(" {}{times}", offset - before);
            length += word.len();
            if length > LONGEST {
                break;
            }
            f.write_str(&word)?;
            before = offset;
        }
        Ok(())
    }
}

impl Note {
    /// Reads a text; `None` if it is not ours, or there is nothing in it.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text = text.strip_prefix(MARK)?;
        let (process, words) = text.split_once(' ').unwrap_or((text, ""));
        let process = if process.is_empty() { None } else { Some(u32::from_str_radix(process, 16).ok()?) };
        let mut note = Self { process, ..Self::default() };
        let mut before = 0_i64;
        for word in words.split_ascii_whitespace() {
            if let Some(id) = word.strip_prefix(TOPIC) {
                note.topic_id = Some(id.into());
                continue;
            }
            let (ahead, ends) = word.split_once('*').unwrap_or((word, "1"));
            before = before.checked_add(ahead.parse().ok()?)?;
            note.in_hand.insert(before, ends.parse().ok()?);
        }
        (note.process.is_some() || note.topic_id.is_some()).then_some(note)
    }
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
        for (process, topic_id, events, text) in [
            (Some(31), None, vec![], "xos:1:1f"),
            (Some(31), None, vec![(500, 1), (501, 1), (600, 3)], "xos:1:1f 500 1 99*3"),
            (Some(31), Some("6UJv+/A"), vec![(0, 2)], "xos:1:1f @6UJv+/A 0*2"),
            (None, Some("6UJv+/A"), vec![], "xos:1: @6UJv+/A"),
        ] {
            let note = Note { process, topic_id: topic_id.map(Into::into), in_hand: events.into_iter().collect() };
            assert_eq!(note.to_string(), text);
            assert_eq!(Note::read(text), Some(note));
        }
        assert_eq!(Note::default().to_string(), "");
        for text in
            ["", "metadata of somebody else", "xos:1:", "xos:1:1 x", "xos:1:1 1*", "xos:1:1 9223372036854775807 1"]
        {
            assert_eq!(Note::read(text), None, "{text}");
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
            in_hand in prop::collection::btree_map(0_i64..i64::MAX, 1_u32..9, 0..300)
        ) {
            let topic_id = Some("6UJvC3vATu+7zMWC/3bXJg".into());
            let note = Note { process: Some(u32::MAX), topic_id, in_hand };
            let text = note.to_string();
            prop_assert!(text.len() <= 4096);
            let read = Note::read(&text).unwrap();
            prop_assert_eq!((read.process, &read.topic_id), (note.process, &note.topic_id));
            prop_assert!(note.in_hand.iter().take(read.in_hand.len()).eq(read.in_hand.iter()));
        }
    }
}
