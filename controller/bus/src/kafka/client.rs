//! The client of a consumer, and how it is closed.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _, RebalanceProtocol};
use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};

use super::callbacks::CallbackContext;
use super::topic_partition::{TopicPartition, to_partition};

/// A client of librdkafka that receives events.
pub(crate) type Client = BaseConsumer<CallbackContext>;

/// How long the leaders of partitions may take to tell their offsets.
const WATERMARKS_TIMEOUT: Duration = Duration::from_secs(5);

/// Returns the first offsets ([`Offset::Beginning`]) or the ends ([`Offset::End`]) of partitions: one request for each
/// broker. Partitions with an error are left out; `None` if a broker does not answer. Blocks.
pub(crate) fn watermarks(
    client: &Client,
    partitions: &[TopicPartition],
    which: Offset,
) -> Option<HashMap<TopicPartition, i64>> {
    let mut asked = TopicPartitionList::with_capacity(partitions.len());
    for one in partitions {
        asked.add_partition(&one.topic, one.partition).set_offset(which).ok()?;
    }
    let answer = client.offsets_for_times(asked, WATERMARKS_TIMEOUT);
    let list = answer.inspect_err(|error| tracing::debug!(%error, "cannot read the offsets of partitions")).ok()?;
    let offsets = list.elements().into_iter().filter_map(|one| match (one.error(), one.offset()) {
        (Ok(()), Offset::Offset(offset)) => Some((to_partition(&one), offset)),
        _ => None,
    });
    Some(offsets.collect())
}

/// Takes partitions, as the protocol of the group has it.
pub(crate) fn assign(client: &Client, partitions: &TopicPartitionList) -> KafkaResult<()> {
    match client.rebalance_protocol() {
        RebalanceProtocol::Cooperative => client.incremental_assign(partitions),
        RebalanceProtocol::Eager | RebalanceProtocol::None => client.assign(partitions),
    }
}

/// Gives partitions away, as the protocol of the group has it: these, or all.
pub(crate) fn unassign(client: &Client, partitions: &TopicPartitionList) -> KafkaResult<()> {
    match client.rebalance_protocol() {
        RebalanceProtocol::Cooperative => client.incremental_unassign(partitions),
        RebalanceProtocol::Eager | RebalanceProtocol::None => client.unassign(),
    }
}

/// Closes a client, after the threads that use it have ended. That may take long while the broker is away or frozen, so
/// it is waited for at most for `limit`; then it goes on by itself. Returns whether it is closed.
pub(crate) fn close(client: Arc<Client>, users: Vec<JoinHandle<()>>, limit: Duration) -> bool {
    for change in client.context().start_closing() {
        change.apply(&client);
    }
    let (done, closed) = channel();
    let closing = thread::Builder::new().name("xos-bus-close".to_owned()).spawn(move || {
        for user in users {
            let _ended = user.join();
        }
        drop(client);
        let _nobody = done.send(());
    });
    closing.is_ok() && closed.recv_timeout(limit).is_ok()
}
