//! Prints parked events.

use std::io::{self, Write};

use serde_json::{Value, json};
use xos_bus::parked::ParkedEvent;

use crate::commands::format::Format;

/// The number of characters of an event's value that are printed.
const SHOWN: usize = 200;

/// Returns a number of events with its verb.
pub(super) fn events(count: usize) -> String {
    if count == 1 { "1 event was".to_owned() } else { format!("{count} events were") }
}

/// Prints a parked event.
pub(super) fn event(parked: &ParkedEvent, format: Format, out: &mut dyn Write) -> io::Result<()> {
    if format == Format::Json {
        return writeln!(out, "{}", to_json(parked));
    }
    let event = &parked.event;
    let attempts = match parked.attempts {
        0 => "without an attempt".to_owned(),
        1 => "after 1 attempt".to_owned(),
        several => format!("after {several} attempts"),
    };
    let at = parked.parked_at.map_or_else(|| "-".to_owned(), |at| at.to_string());
    let key = text(event.key.as_deref()).map_or_else(String::new, |key| format!(", key {key}"));
    let sent = parked.sent.map_or_else(String::new, |at| format!(", sent again at offset {at}"));
    writeln!(out, "{} by {} {attempts}, {at}{key}{sent}", event.place(), parked.step)?;
    writeln!(out, "    {}", parked.reason)?;
    let value = text(event.value.as_deref()).unwrap_or_default();
    writeln!(out, "    {}", value.chars().take(SHOWN).collect::<String>())
}

fn text(bytes: Option<&[u8]>) -> Option<String> {
    bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

fn to_json(parked: &ParkedEvent) -> Value {
    let event = &parked.event;
    let headers: Vec<_> =
        event.headers.iter().map(|(name, value)| json!({"name": name, "value": text(value.as_deref())})).collect();
    json!({
        "event": event.place(),
        "topic": &*event.topic,
        "partition": event.partition,
        "offset": event.offset,
        "timestamp": event.timestamp.map(|at| at.to_string()),
        "step": parked.step,
        "reason": parked.reason,
        "attempts": parked.attempts,
        "parkedAt": parked.parked_at.map(|at| at.to_string()),
        "parkedIn": parked.parked_in,
        "sentAgainAt": parked.sent,
        "key": text(event.key.as_deref()),
        "headers": headers,
        "value": text(event.value.as_deref()),
    })
}
