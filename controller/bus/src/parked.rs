//! Events that no step could handle: how they are written, and the topic that they are written to.

use jiff::Timestamp;
use xos_steps::{BusEvent, Message};

use crate::settings::Settings;

/// Why an event was parked.
pub const REASON: &str = "xos-reason";
/// Where it was: topic, partition and offset.
pub const TOPIC: &str = "xos-topic";
/// See [`TOPIC`].
pub const PARTITION: &str = "xos-partition";
/// See [`TOPIC`].
pub const OFFSET: &str = "xos-offset";
/// The step that could not handle it.
pub const STEP: &str = "xos-step";
/// That step's consumer group.
pub const GROUP: &str = "xos-group";
/// The synchronizer.
pub const SYNCHRONIZER: &str = "xos-synchronizer";
/// How often it was tried.
pub const ATTEMPTS: &str = "xos-attempts";
/// When it was parked.
pub const PARKED_AT: &str = "xos-parked-at";
/// On an event that is sent again: the group that it is meant for. Other steps of synchronizers leave it alone.
pub const REPLAY: &str = "xos-replay";

/// What our headers begin with.
const PREFIX: &str = "xos-";

/// Who parks.
pub(crate) struct Parking<'a> {
    pub(crate) synchronizer: &'a str,
    pub(crate) step: &'a str,
    pub(crate) group: &'a str,
}

impl Parking<'_> {
    /// The event, whole, with the reason and its place in headers.
    pub(crate) fn message(&self, settings: &Settings, event: &BusEvent, reason: &str, attempts: u32) -> Message {
        let ours = [
            (REASON, reason.to_owned()),
            (TOPIC, event.topic.to_string()),
            (PARTITION, event.partition.to_string()),
            (OFFSET, event.offset.to_string()),
            (STEP, self.step.to_owned()),
            (GROUP, self.group.to_owned()),
            (SYNCHRONIZER, self.synchronizer.to_owned()),
            (ATTEMPTS, attempts.to_string()),
            (PARKED_AT, now().to_string()),
        ];
        let mut headers = without_ours(&event.headers);
        headers.extend(ours.map(|(name, value)| (name.to_owned(), Some(value.into_bytes()))));
        Message {
            topic: settings.parked(&event.topic, self.synchronizer),
            key: event.key.clone(),
            value: event.value.clone(),
            headers,
            timestamp: event.timestamp.map(Timestamp::as_millisecond),
        }
    }
}

/// In whole milliseconds: nobody wants to read more of them.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

/// A parked event as it goes back to the step that could not handle it; none if it was not parked by us.
pub fn replay(parked: &BusEvent) -> Option<Message> {
    let text = |name| parked.header(name).map(|value| String::from_utf8_lossy(value).into_owned());
    let (topic, group) = (text(TOPIC)?, text(GROUP)?);
    let mut headers = without_ours(&parked.headers);
    headers.push((REPLAY.to_owned(), Some(group.into_bytes())));
    Some(Message { topic, key: parked.key.clone(), value: parked.value.clone(), headers, timestamp: None })
}

fn without_ours(headers: &[(String, Option<Vec<u8>>)]) -> Vec<(String, Option<Vec<u8>>)> {
    headers.iter().filter(|(name, _)| !name.starts_with(PREFIX)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_parked_whole_and_goes_back_as_it_was() {
        let headers = vec![("trace".to_owned(), Some(b"1".to_vec())), (REPLAY.to_owned(), Some(b"s.A".to_vec()))];
        let event = BusEvent { partition: 2, offset: 7, headers, ..BusEvent::new("onu.events", "{").with_key("k") };
        let parking = Parking { synchronizer: "att", step: "A", group: "att.A" };
        let message = parking.message(&Settings::default(), &event, "no JSON", 3);
        assert_eq!((message.topic.as_str(), message.value.as_deref()), ("onu.events.att.parked", Some(&b"{"[..])));
        let parked = BusEvent {
            topic: message.topic.into(),
            key: message.key,
            value: message.value,
            headers: message.headers,
            ..BusEvent::default()
        };
        for (name, value) in [(REASON, "no JSON"), (PARTITION, "2"), (OFFSET, "7"), (ATTEMPTS, "3"), ("trace", "1")] {
            assert_eq!(parked.header(name), Some(value.as_bytes()), "{name}");
        }
        let again = replay(&parked).unwrap();
        assert_eq!((again.topic.as_str(), again.key, again.value), ("onu.events", event.key, event.value));
        assert_eq!(
            again.headers,
            [("trace".to_owned(), Some(b"1".to_vec())), (REPLAY.to_owned(), Some(b"att.A".to_vec()))]
        );
        assert!(replay(&BusEvent::new("t", "")).is_none());
    }
}
