//! `events`: lists, replays and drops parked events, and sends messages by hand.

mod print;
mod send;

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use xos_bus::parked::{Replayed, Selection};
use xos_bus::{ParkedError, ParkedEvents, SettingsError};

use self::send::SendArgs;
use super::format::Format;
use super::{CommandError, Exit};
use crate::config::{Config, ConfigError, EventBus, parse_duration};

#[derive(Debug, Args)]
pub(crate) struct EventsArgs {
    #[command(subcommand)]
    command: EventsCommand,
}

#[derive(Debug, Subcommand)]
enum EventsCommand {
    /// List the parked events, oldest first
    Parked(ParkedArgs),
    /// Send parked events again, oldest first, each to the step that parked it, and say what became of them
    Replay(ReplayArgs),
    /// Drop parked events: no step ever handles them
    Drop(DropArgs),
    /// Send messages to a topic by hand, to try things out
    Send(SendArgs),
}

/// Where the event bus is.
#[derive(Debug, Args)]
struct BusArgs {
    /// The synchronizer's configuration file; repeat the option for overlays, whose values win
    #[arg(long, value_name = "FILE", required = true)]
    config: Vec<PathBuf>,
}

/// Which parked events.
#[derive(Debug, Args)]
struct SelectionArgs {
    /// Only events of this topic
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// Only events of this partition of their topic
    #[arg(long, value_name = "N")]
    partition: Option<i32>,
    /// Only the event with this offset in its partition
    #[arg(long, value_name = "N", requires_all = ["topic", "partition"])]
    offset: Option<i64>,
    /// Only events with this key
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Only events that this step parked
    #[arg(long, value_name = "STEP")]
    step: Option<String>,
    /// Only events that were parked longer ago than this, such as 90m or 24h
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    older_than: Option<Duration>,
    /// At most this many events
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
An event whose line ends with `sent again` is on its way to its step.
Exit code: 0, or 1 if the event bus does not answer.")]
struct ParkedArgs {
    #[command(flatten)]
    bus: BusArgs,
    #[command(flatten)]
    selection: SelectionArgs,
    /// Output format: text for people, json (one object a line) for scripts
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
#[command(after_help = "\
An event is sent to its own partition again, with headers that name the step and the event. Other event steps skip it; \
other programs that read the topic see it twice. Events of a key are sent in their order, and those that are parked \
behind them meanwhile, too. What was sent by two commands at once runs once.
Exit code: 0, or 1 if an event was not sent, failed again or is not decided, or the event bus does not answer.")]
struct ReplayArgs {
    #[command(flatten)]
    bus: BusArgs,
    #[command(flatten)]
    selection: SelectionArgs,
    /// Also events that were sent again before, and whose outcome is not known: as they were lost on their way
    #[arg(long)]
    again: bool,
    /// Also events that nobody would take now, as the synchronizer does not run; do not wait for the outcome
    #[arg(long)]
    force: bool,
    /// How long to wait for the outcome when nothing happens
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = duration)]
    wait: Duration,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Dropped events are printed. Those parked behind them stay parked: replay them.
Exit code: 0, or 1 if the event bus does not answer.")]
struct DropArgs {
    #[command(flatten)]
    bus: BusArgs,
    #[command(flatten)]
    selection: SelectionArgs,
    /// Drop all parked events, if nothing else is given
    #[arg(long)]
    all: bool,
}

/// Why parked events could not be listed, replayed or dropped, or a message was not sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EventsError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Parked(#[from] ParkedError),
    #[error("which parked events? Give --topic, --key or another selection, or --all")]
    NothingSelected,
    #[error("header `{0}` has no `=`: give it as NAME=VALUE")]
    Header(String),
    #[error("cannot read {}: {error}", path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error("cannot write to standard output: {0}")]
    Write(#[from] io::Error),
}

impl CommandError for EventsError {
    fn exit(&self) -> Exit {
        match self {
            Self::NothingSelected | Self::Header(_) | Self::Read { .. } => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "a duration is such as 90m, 24h or 1h 30m".to_owned())
}

impl SelectionArgs {
    fn selection(&self) -> Selection {
        Selection {
            topic: self.topic.clone(),
            partition: self.partition,
            offset: self.offset,
            key: self.key.as_ref().map(|key| key.as_bytes().to_vec()),
            step: self.step.clone(),
            older_than: self.older_than,
            limit: self.limit,
        }
    }
}

impl BusArgs {
    fn open(&self) -> Result<ParkedEvents, EventsError> {
        let config = Config::load_with_environment(&self.config)?.config;
        let settings = config.event_bus.as_ref().map(EventBus::settings).unwrap_or_default();
        settings.check()?;
        Ok(ParkedEvents::new(&settings, &config.name)?)
    }
}

/// Carries out a command.
pub(crate) fn run(args: &EventsArgs, out: &mut dyn Write) -> Result<Exit, EventsError> {
    match &args.command {
        EventsCommand::Parked(args) => list(args, out),
        EventsCommand::Replay(args) => replay(args, out),
        EventsCommand::Drop(args) => drop(args, out),
        EventsCommand::Send(args) => send::run(args, out),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, io::Error> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

fn list(args: &ParkedArgs, out: &mut dyn Write) -> Result<Exit, EventsError> {
    for event in args.bus.open()?.list(&args.selection.selection())? {
        print::event(&event, args.format, out)?;
    }
    Ok(Exit::Success)
}

fn drop(args: &DropArgs, out: &mut dyn Write) -> Result<Exit, EventsError> {
    let selection = args.selection.selection();
    if selection.is_all() && !args.all {
        return Err(EventsError::NothingSelected);
    }
    let parked = args.bus.open()?;
    let dropped = runtime()?.block_on(parked.drop(&selection))?;
    for event in &dropped {
        print::event(event, Format::Text, out)?;
    }
    writeln!(out, "{} dropped", print::events(dropped.len()))?;
    Ok(Exit::Success)
}

fn replay(args: &ReplayArgs, out: &mut dyn Write) -> Result<Exit, EventsError> {
    let parked = args.bus.open()?;
    let selection = args.selection.selection();
    let replaying = parked.replay(&selection, args.again, args.force, args.wait);
    let Replayed { sent, handled, failed, refused, undecided } = runtime()?.block_on(replaying)?;
    for event in &failed {
        writeln!(out, "{} is parked again: {}", event.event.place(), event.reason)?;
    }
    for (event, reason) in &refused {
        writeln!(out, "{} was not sent: {reason}", event.event.place())?;
    }
    let mut outcome = vec![format!("{handled} handled")];
    for (count, what) in [(failed.len(), "parked again"), (undecided, "not decided yet"), (refused.len(), "not sent")] {
        if count > 0 {
            outcome.push(format!("{count} {what}"));
        }
    }
    writeln!(out, "{} sent again: {}", print::events(sent), outcome.join(", "))?;
    let is_done = failed.is_empty() && refused.is_empty() && (undecided == 0 || args.force);
    Ok(if is_done { Exit::Success } else { Exit::Failed })
}
