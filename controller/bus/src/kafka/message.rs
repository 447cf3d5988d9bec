//! Messages of librdkafka as events.
//!
//! The names of headers may be any bytes in Kafka, but rust-rdkafka panics at one that is not UTF-8. Here nothing
//! panics: such a header is left out of the event, and all headers are kept beside it as they are, so that the event
//! can be parked whole.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jiff::Timestamp;
use rdkafka::message::{BorrowedHeaders, BorrowedMessage, Headers as _, Message as _, OwnedHeaders};
use xos_steps::BusEvent;

/// A message as an event.
#[derive(Debug)]
pub(crate) struct ReadMessage {
    pub(crate) event: BusEvent,
    /// All headers as they are, if the event does not have all of them.
    pub(crate) raw_headers: Option<OwnedHeaders>,
}

/// The headers that can be read.
type Readable = Vec<(String, Option<Vec<u8>>)>;

/// Returns a message as an event. Never panics.
pub(crate) fn read(message: &BorrowedMessage<'_>, topic: Arc<str>) -> ReadMessage {
    let (headers, raw_headers) = message.headers().map_or_else(Default::default, read_headers);
    let event = BusEvent {
        topic,
        partition: message.partition(),
        offset: message.offset(),
        timestamp: message.timestamp().to_millis().and_then(|at| Timestamp::from_millisecond(at).ok()),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers,
    };
    ReadMessage { event, raw_headers }
}

/// Returns a message as an event, without the headers that cannot be read.
pub(crate) fn to_event(message: &BorrowedMessage<'_>, topic: &Arc<str>) -> BusEvent {
    read(message, Arc::clone(topic)).event
}

/// Returns the readable headers, and all of them as they are if some are not readable.
fn read_headers(headers: &BorrowedHeaders) -> (Readable, Option<OwnedHeaders>) {
    let mut readable = Vec::with_capacity(headers.count());
    let mut is_whole = true;
    for index in 0..headers.count() {
        let header = catch_unwind(AssertUnwindSafe(|| {
            headers.try_get(index).map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)))
        }));
        match header {
            Ok(Some(header)) => readable.push(header),
            Ok(None) | Err(_) => is_whole = false,
        }
    }
    let raw = (!is_whole).then(|| headers.detach());
    (readable, raw)
}

#[cfg(test)]
mod tests {
    use rdkafka::message::Header;

    use super::*;

    #[test]
    fn headers_that_can_be_read_are_no_burden() {
        let headers = OwnedHeaders::new()
            .insert(Header { key: "trace", value: Some("1") })
            .insert(Header { key: "empty", value: None::<&str> });
        let (readable, raw) = read_headers(headers.as_borrowed());
        assert_eq!(readable, [("trace".to_owned(), Some(b"1".to_vec())), ("empty".to_owned(), None)]);
        assert!(raw.is_none());
    }
}
