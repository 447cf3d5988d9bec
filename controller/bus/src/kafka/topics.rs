//! Which topics a pattern means. Pure.
//!
//! Names are matched here, by Rust's regular expressions, and subscribed to by name: librdkafka has POSIX expressions,
//! which mean other things (`\d` is a `d` there). Internal topics and those of parked events are never meant.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use crate::settings::Settings;

/// So many looks in a row have to miss a topic before it counts as deleted: a broker that has just started may not know
/// all topics yet.
const MISSED_LOOKS: u32 = 3;

/// The topics that a pattern has matched.
#[derive(Debug)]
pub(crate) struct Matched {
    pattern: Regex,
    parked: Vec<Regex>,
    /// Each with the number of looks that missed it.
    topics: BTreeMap<String, u32>,
}

impl Matched {
    /// Returns the topics of a pattern, of which none is known yet.
    pub(crate) fn new(pattern: Regex, settings: &Settings) -> Self {
        let templates = [settings.parked_topic.as_str(), Settings::default().parked_topic.as_str()].map(any_of);
        Self { pattern, parked: templates.into_iter().flatten().collect(), topics: BTreeMap::new() }
    }

    /// Takes note of the names of all topics. Returns those to subscribe to, if they are others than before.
    pub(crate) fn look<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) -> Option<Vec<String>> {
        let there: BTreeSet<&str> = names.into_iter().filter(|name| self.is_meant(name)).collect();
        let before: Vec<String> = self.topics.keys().cloned().collect();
        for (name, missed) in &mut self.topics {
            *missed = if there.contains(name.as_str()) { 0 } else { *missed + 1 };
        }
        self.topics.retain(|_, missed| *missed < MISSED_LOOKS);
        for name in there {
            self.topics.entry(name.to_owned()).or_default();
        }
        let now: Vec<String> = self.topics.keys().cloned().collect();
        (now != before).then_some(now)
    }

    fn is_meant(&self, name: &str) -> bool {
        !name.starts_with("__")
            && self.pattern.is_match(name)
            && !self.parked.iter().any(|parked| parked.is_match(name))
    }
}

/// Returns a regular expression for the topics of parked events of any synchronizer, by a template of their names.
fn any_of(template: &str) -> Option<Regex> {
    let escaped = regex::escape(template);
    let any = ["{topic}", "{synchronizer}"]
        .into_iter()
        .fold(escaped, |all, placeholder| all.replace(&regex::escape(placeholder), ".+"));
    Regex::new(&format!("^{any}$")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(pattern: &str, parked_topic: &str) -> Matched {
        let settings = Settings { parked_topic: parked_topic.to_owned(), ..Settings::default() };
        Matched::new(Regex::new(&format!("^(?:{pattern})$")).unwrap(), &settings)
    }

    #[test]
    fn a_pattern_means_what_rust_says() {
        let mut onus = matched(r"onu\d+", "{topic}.{synchronizer}.parked");
        assert_eq!(onus.look(["onu1", "onu", "onud", "xonu2", "onu23"]).unwrap(), ["onu1", "onu23"]);
        assert_eq!(onus.look(["onu1", "onu23"]), None, "nothing is new");
        assert_eq!(onus.look(["onu1", "onu23", "onu4"]).unwrap(), ["onu1", "onu23", "onu4"]);
    }

    #[test]
    fn internal_topics_and_those_of_parked_events_of_anybody_are_not_meant() {
        let mut all = matched(".*", "parked-{synchronizer}-{topic}");
        let names = [
            "__consumer_offsets",
            "onu.events",
            "onu.events.att.parked",
            "onu.events.dt.parked",
            "parked-att-onu.events",
            "parked",
        ];
        assert_eq!(all.look(names).unwrap(), ["onu.events", "parked"]);
    }

    #[test]
    fn a_topic_is_gone_when_it_was_missed_three_times() {
        let mut all = matched(".*", "{topic}.{synchronizer}.parked");
        assert!(all.look(["a", "b"]).is_some());
        assert_eq!(all.look(["a"]), None);
        assert_eq!(all.look([]), None);
        assert_eq!(all.look(["a", "b"]), None, "the broker knows it again");
        assert_eq!((all.look(["b"]), all.look(["b"])), (None, None));
        assert_eq!(all.look(["b"]).unwrap(), ["b"]);
    }
}
