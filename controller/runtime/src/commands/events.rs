//! `events`: lists or replays parked events.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use xos_bus::{KafkaProducer, ParkedError, ParkedEvents, SettingsError, parked};
use xos_steps::BusEvent;

use super::format::Format;
use super::{CommandError, Exit};
use crate::config::{Config, ConfigError, EventBus};

/// The number of characters of an event's value that are printed.
const SHOWN: usize = 200;

#[derive(Debug, Args)]
pub(crate) struct EventsArgs {
    #[command(subcommand)]
    command: EventsCommand,
}

#[derive(Debug, Subcommand)]
enum EventsCommand {
    /// List the parked events that were not replayed, oldest first
    Parked(ParkedArgs),
    /// Send parked events again, oldest first, each to the step that parked it
    Replay(ParkedArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
An event is sent to its own topic again, with a header that names the step. Steps of other synchronizers skip it; \
other programs that read the topic see it twice. \
Kafka stores which parked events were replayed, as the offset of the consumer group <synchronizer>.parked.
Exit code: 0, or 1 if the event bus does not answer.")]
struct ParkedArgs {
    /// The synchronizer's configuration file; repeat the option for overlays, whose values win
    #[arg(long, value_name = "FILE", required = true)]
    config: Vec<PathBuf>,
    /// Only events of this topic
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// At most this many events
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Output format: text for people, json (one object a line) for scripts
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Why parked events could not be listed or replayed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EventsError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Parked(#[from] ParkedError),
    #[error("cannot write to standard output: {0}")]
    Write(#[from] io::Error),
}

impl CommandError for EventsError {}

/// Lists or replays parked events.
pub(crate) fn run(args: &EventsArgs, out: &mut dyn Write) -> Result<Exit, EventsError> {
    match &args.command {
        EventsCommand::Parked(args) => list(args, out)?,
        EventsCommand::Replay(args) => replay(args, out)?,
    }
    Ok(Exit::Success)
}

fn open(files: &[PathBuf]) -> Result<(ParkedEvents, KafkaProducer), EventsError> {
    let config = Config::load_with_environment(files)?.config;
    let settings = config.event_bus.as_ref().map(EventBus::settings).unwrap_or_default();
    settings.check()?;
    let producer = KafkaProducer::new(&settings, &config.name).map_err(ParkedError::from)?;
    Ok((ParkedEvents::new(&settings, &config.name)?, producer))
}

fn events(parked: &ParkedEvents, args: &ParkedArgs) -> Result<Vec<BusEvent>, EventsError> {
    let mut events = parked.list(args.topic.as_deref())?;
    events.truncate(args.limit.unwrap_or(usize::MAX));
    Ok(events)
}

fn list(args: &ParkedArgs, out: &mut dyn Write) -> Result<(), EventsError> {
    let (parked, _) = open(&args.config)?;
    for event in events(&parked, args)? {
        let parked = to_json(&event);
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

fn to_json(event: &BusEvent) -> Value {
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
    let (parked, producer) = open(&args.config)?;
    let events = events(&parked, args)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let sent = runtime.block_on(parked.replay(&events, &producer))?;
    let events = if sent == 1 { "event was" } else { "events were" };
    writeln!(out, "{sent} {events} sent again, each to the step that parked it")?;
    Ok(())
}
