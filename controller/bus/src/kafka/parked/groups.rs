//! Whether a replayed event would be taken: which partitions the members of a consumer group have.

use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaResult;
use rdkafka::groups::{GroupInfo, GroupMemberInfo};

use super::clients::{ANSWER_TIMEOUT, Clients};

/// How long a group may take to share out its partitions.
const SHARED_OUT: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Returns why nobody would take an event of this partition for a group; `None` if a member of it has the partition.
/// Blocks, for a while if the group is sharing out its partitions just now.
pub(crate) fn nobody_takes(clients: &Clients, group: &str, topic: &str, partition: i32) -> KafkaResult<Option<String>> {
    let until = Instant::now() + SHARED_OUT;
    loop {
        let list = clients.lookup.fetch_group_list(Some(group), ANSWER_TIMEOUT)?;
        let found = list.groups().iter().find(|one| one.name() == group);
        let members = found.map_or(0, |one| one.members().len());
        if members == 0 {
            return Ok(Some(format!(
                "the consumer group {group} has no member: does the synchronizer run, and does it still have this step?"
            )));
        }
        let assignments = found.into_iter().flat_map(GroupInfo::members).filter_map(GroupMemberInfo::assignment);
        if assignments.filter_map(assigned).flatten().any(|one| one == (topic.to_owned(), partition)) {
            return Ok(None);
        }
        let is_stable = found.is_some_and(|one| one.state() == "Stable");
        if is_stable || Instant::now() >= until {
            return Ok(Some(format!(
                "no member of the consumer group {group} has partition {partition} of {topic}: does the step still receive \
                 this topic?"
            )));
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// Reads the assignment of a member, in the format of Kafka's consumer protocol.
fn assigned(bytes: &[u8]) -> Option<Vec<(String, i32)>> {
    let mut bytes = Bytes(bytes);
    let _version = bytes.number::<2>()?;
    let mut all = vec![];
    for _ in 0..bytes.number::<4>()? {
        let length = usize::try_from(bytes.number::<2>()?).ok()?;
        let topic = std::str::from_utf8(bytes.take(length)?).ok()?.to_owned();
        for _ in 0..bytes.number::<4>()? {
            all.push((topic.clone(), i32::try_from(bytes.number::<4>()?).ok()?));
        }
    }
    Some(all)
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// Reads a number of so many bytes, which is not negative.
    fn number<const N: usize>(&mut self) -> Option<u32> {
        let bytes = self.take(N)?;
        let number = bytes.iter().fold(0, |number, byte| (number << 8) | u32::from(*byte));
        let is_negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
        (!is_negative).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_is_read() {
        let mut bytes = vec![0, 1, 0, 0, 0, 2];
        bytes.extend([0, 1, b'a', 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1, 0]);
        bytes.extend([0, 3, b'b', b'.', b'c', 0, 0, 0, 1, 0, 0, 0, 5]);
        let user_data = [0xff; 4];
        bytes.extend(user_data);
        let all = [("a".to_owned(), 0), ("a".to_owned(), 256), ("b.c".to_owned(), 5)];
        assert_eq!(assigned(&bytes).as_deref(), Some(&all[..]));
        assert_eq!(assigned(&[]), None);
        for end in 0..bytes.len() - user_data.len() {
            assert_eq!(assigned(&bytes[..end]), None, "{end}");
        }
    }
}
