//! The headers of parked events: events that no attempt could handle, written to a topic of their own.

/// Header: why the event was parked.
pub const REASON: &str = "xos-reason";
/// Header: the topic that the event came from.
pub const TOPIC: &str = "xos-topic";
/// Header: the partition that the event came from.
pub const PARTITION: &str = "xos-partition";
/// Header: the event's offset in that partition.
pub const OFFSET: &str = "xos-offset";
/// Header: the step that could not handle the event.
pub const STEP: &str = "xos-step";
/// Header: that step's consumer group.
pub const GROUP: &str = "xos-group";
/// Header: the synchronizer.
pub const SYNCHRONIZER: &str = "xos-synchronizer";
/// Header: the number of attempts.
pub const ATTEMPTS: &str = "xos-attempts";
/// Header: when the event was parked.
pub const PARKED_AT: &str = "xos-parked-at";
/// Header of a replayed event: the consumer group that it is for. Other event steps skip it.
pub const REPLAY: &str = "xos-replay";
