//! Partitions: librdkafka's lists of them, and ours.

use rdkafka::{Offset, TopicPartitionList};

use crate::desk::Place;

pub(crate) fn places(partitions: &TopicPartitionList) -> Vec<Place> {
    let elements = partitions.elements();
    elements.iter().map(|one| Place { topic: one.topic().into(), partition: one.partition() }).collect()
}

pub(crate) fn list(offsets: impl Iterator<Item = (Place, i64)>) -> TopicPartitionList {
    offsets.map(|(place, offset)| (place.topic.to_string(), place.partition, Offset::Offset(offset))).collect()
}

pub(crate) fn list_of(places: &[Place]) -> TopicPartitionList {
    places.iter().map(|place| (place.topic.to_string(), place.partition, Offset::Invalid)).collect()
}

pub(crate) fn shown(places: &[Place]) -> String {
    let all: Vec<_> = places.iter().map(|place| format!("{}/{}", place.topic, place.partition)).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(" ") }
}
