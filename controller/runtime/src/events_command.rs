//! `xos events`: the events that no step could handle, and back with them.

use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::{Value, json};
use xos_bus::lot::{Lot, LotError};
use xos_bus::{KafkaProducer, SettingsError, parked};
use xos_steps::BusEvent;

use crate::check::Format;
use crate::cli::{EventsArgs, EventsCommand, ParkedArgs};
use crate::config::{Config, ConfigError, EventBus};
use crate::serve::variables;

/// How much of an event's value a line shows.
const SHOWN: usize = 200;

/// Why parked events could not be listed or replayed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EventsError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It names no bus.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The bus.
    #[error(transparent)]
    Lot(#[from] LotError),
    /// The output.
    #[error("cannot write: {0}")]
    Write(#[from] io::Error),
}

/// Does what the arguments say.
pub(crate) fn run(args: &EventsArgs, out: &mut dyn Write) -> Result<(), EventsError> {
    match &args.command {
        EventsCommand::Parked(args) => list(args, out),
        EventsCommand::Replay(args) => replay(args, out),
    }
}

fn open(files: &[PathBuf]) -> Result<(Lot, KafkaProducer), EventsError> {
    let config = Config::load(files, variables())?.config;
    let settings = config.event_bus.as_ref().map(EventBus::settings).unwrap_or_default();
    settings.check()?;
    let producer = KafkaProducer::new(&settings, &config.name).map_err(LotError::from)?;
    Ok((Lot::new(&settings, &config.name)?, producer))
}

fn events(lot: &Lot, args: &ParkedArgs) -> Result<Vec<BusEvent>, EventsError> {
    let mut events = lot.list(args.topic.as_deref())?;
    events.truncate(args.limit.unwrap_or(usize::MAX));
    Ok(events)
}

fn list(args: &ParkedArgs, out: &mut dyn Write) -> Result<(), EventsError> {
    let (lot, _) = open(&args.config)?;
    for event in events(&lot, args)? {
        let parked = described(&event);
        if args.format == Format::Json {
            writeln!(out, "{parked}")?;
            continue;
        }
        let field = |name: &str| parked[name].as_str().unwrap_or_default().to_owned();
        let key = parked["key"].as_str().map_or_else(String::new, |key| format!(", key {key}"));
        let attempts = match field("attempts").as_str() {
            "1" => "1 attempt".to_owned(),
            several => format!("{several} attempts"),
        };
        writeln!(out, "{} by {} after {attempts}, {}{key}", field("event"), field("step"), field("parkedAt"))?;
        writeln!(out, "    {}", field("reason"))?;
        writeln!(out, "    {}", field("value").chars().take(SHOWN).collect::<String>())?;
    }
    Ok(())
}

fn described(event: &BusEvent) -> Value {
    let text = |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let header = |name| text(event.header(name)).unwrap_or_default();
    json!({
        "event": format!("{}/{}/{}", header(parked::TOPIC), header(parked::PARTITION), header(parked::OFFSET)),
        "step": header(parked::STEP),
        "reason": header(parked::REASON),
        "attempts": header(parked::ATTEMPTS),
        "parkedAt": header(parked::PARKED_AT),
        "parkedIn": event.place(),
        "key": text(event.key.as_deref()),
        "value": text(event.value.as_deref()),
    })
}

fn replay(args: &ParkedArgs, out: &mut dyn Write) -> Result<(), EventsError> {
    let (lot, producer) = open(&args.config)?;
    let events = events(&lot, args)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let sent = runtime.block_on(lot.replay(&events, &producer))?;
    let events = if sent == 1 { "event was" } else { "events were" };
    writeln!(out, "{sent} {events} sent again, each to the step that had parked it")?;
    Ok(())
}
