//! What librdkafka's lines tell of the topics that it knows. Pure.
//!
//! A topic that is deleted and created again has the same name and another id. librdkafka knows the ids, and tells them
//! only in its lines of the context `metadata`: when it first hears of a topic, and when its id is another one. That line
//! comes before the first message of the topic with the new id.

/// The facility of the lines.
const FACILITY: &str = "METADATA";
/// librdkafka's text for no id.
const NONE: &str = "AAAAAAAAAAAAAAAAAAAAAA";

/// What a line tells of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sight<'a> {
    pub(crate) topic: &'a str,
    /// The id that it has from now on, if the line tells one.
    pub(crate) id: Option<&'a str>,
    /// The id that it had before, if there was one.
    pub(crate) before: Option<&'a str>,
}

impl<'a> Sight<'a> {
    /// Reads a line of librdkafka; `None` if it is about something else.
    pub(crate) fn read(facility: &str, line: &'a str) -> Option<Self> {
        if facility != FACILITY {
            return None;
        }
        // After the name of the thread.
        let text = line.split_once("]: ").map_or(line, |(_, text)| text);
        let mut words = text.strip_prefix("Topic ")?.split(' ');
        let topic = words.next()?;
        let id = |text: &'a str| (text != NONE && !text.is_empty()).then_some(text);
        match words.collect::<Vec<_>>().as_slice() {
            ["changed", "id", "from", before, "to", now] => Some(Self { topic, id: id(now), before: id(before) }),
            [_, "Leader", ..] => Some(Self { topic, id: None, before: None }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::{Duration, Instant};

    use rdkafka::config::RDKafkaLogLevel;
    use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
    use rdkafka::{ClientConfig, ClientContext};

    use super::*;

    #[test]
    fn a_line_tells_the_id_of_a_topic() {
        let sight = |topic, id, before| Some(Sight { topic, id, before });
        for (line, expected) in [
            (
                "[thrd:main]: Topic t-1 changed id from AAAAAAAAAAAAAAAAAAAAAA to 6UJvC3vATu+7zMWC/3bXJg",
                sight("t-1", Some("6UJvC3vATu+7zMWC/3bXJg"), None),
            ),
            ("Topic t changed id from aQ to bw", sight("t", Some("bw"), Some("aQ"))),
            ("[thrd:[::1]:9092/bootstrap]: Topic t [3] Leader 1 Epoch 7", sight("t", None, None)),
            ("[thrd:main]: Topic t partition 1 Leader", None),
            ("[thrd:main]: Requesting metadata for 1/1 topics: periodic topic and broker list refresh", None),
        ] {
            assert_eq!(Sight::read(FACILITY, line), expected, "{line}");
        }
        assert_eq!(Sight::read("TOPIC", "Topic t changed id from a to b"), None);
    }

    /// The lines of a client.
    #[derive(Default)]
    struct Lines(Mutex<Vec<(String, String)>>);

    impl ClientContext for Lines {
        fn log(&self, _: RDKafkaLogLevel, facility: &str, line: &str) {
            self.0.lock().unwrap().push((facility.to_owned(), line.to_owned()));
        }
    }

    impl ConsumerContext for Lines {}

    // If this fails after a change of librdkafka's version, its lines are to be read anew.
    #[test]
    fn librdkafka_tells_the_id_when_it_first_hears_of_a_topic() {
        let mut config = ClientConfig::new();
        config.set("test.mock.num.brokers", "1").set("group.id", "g").set("debug", "metadata");
        config.set("allow.auto.create.topics", "true").set_log_level(RDKafkaLogLevel::Debug);
        let client: BaseConsumer<Lines> = config.create_with_context(Lines::default()).unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        let (mut has_id, mut has_leader) = (false, false);
        while !(has_id && has_leader) {
            assert!(Instant::now() < until, "{:?}", client.context().0.lock().unwrap());
            let _not_yet = client.fetch_metadata(Some("t"), Duration::from_secs(5));
            drop(client.poll(Duration::from_millis(50)));
            for (facility, line) in client.context().0.lock().unwrap().iter() {
                let Some(sight) = Sight::read(facility, line).filter(|sight| sight.topic == "t") else { continue };
                has_id |= sight.id.is_some_and(|id| id.len() == 22) && sight.before.is_none();
                has_leader |= sight.id.is_none();
            }
        }
    }
}
