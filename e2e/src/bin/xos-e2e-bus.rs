//! An event step in a process of its own, without a control plane, for tests of how a process ends:
//! `xos-e2e-bus BROKER SYNCHRONIZER TOPIC LOG`.
//!
//! The step notes `start VALUE` and `done VALUE` in the log. A value that contains `abort` ends the process with it; one
//! that contains `slow` takes a while. It is shut down when its standard input ends.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use xos_bus::{Bus, BusOptions, Settings};
use xos_steps::{BusEvent, EventStep, Services, StepContext, StepError, erase_event_step};

/// How long an event takes that is slow.
const SLOW: Duration = Duration::from_millis(400);

struct Step {
    topic: String,
    log: File,
}

impl Step {
    fn note(&self, what: &str, value: &str) -> io::Result<()> {
        // One write for each line: another process may have the file, too.
        (&self.log).write_all(format!("{what} {value}\n").as_bytes())
    }
}

impl EventStep for Step {
    fn topics(&self) -> Vec<String> {
        vec![self.topic.clone()]
    }

    fn name(&self) -> &'static str {
        "Step"
    }

    async fn process_event(&self, _: &StepContext, event: &BusEvent) -> Result<(), StepError> {
        let value = event.text()?;
        self.note("start", value)?;
        if value.contains("slow") {
            tokio::time::sleep(SLOW).await;
        }
        if value.contains("abort") {
            std::process::abort();
        }
        self.note("done", value)?;
        Ok(())
    }
}

fn settings(broker: &str) -> Settings {
    let properties = [
        // The next process takes the place of this one at once.
        ("group.instance.id", "one"),
        ("session.timeout.ms", "10000"),
        ("topic.metadata.refresh.interval.ms", "500"),
        ("statistics.interval.ms", "500"),
    ];
    let properties = properties.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    Settings { endpoints: vec![broker.to_owned()], properties, attempts: 3, ..Settings::default() }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [broker, synchronizer, topic, log] = arguments.as_slice() else {
        return Err("usage: xos-e2e-bus BROKER SYNCHRONIZER TOPIC LOG".into());
    };
    let log = OpenOptions::new().create(true).append(true).open(log)?;
    let step = Step { topic: topic.clone(), log };
    let settings = settings(broker);
    let options = BusOptions {
        synchronizer: synchronizer.clone(),
        namespace: "default".to_owned(),
        time_limit: Duration::from_secs(60),
        shutdown_grace: Duration::from_secs(10),
    };
    let bus = Bus::new(vec![erase_event_step(step)], &settings, options)?;
    let shutdown = CancellationToken::new();
    let until = shutdown.clone();
    // A thread: to read standard input may block until the end.
    std::thread::spawn(move || {
        let _ended = io::copy(&mut io::stdin(), &mut io::sink());
        until.cancel();
    });
    let (_ready, when) = watch::channel(true);
    bus.run(Arc::new(Services::default()), when, shutdown).await;
    Ok(())
}
