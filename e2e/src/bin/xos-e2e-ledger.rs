//! A process of an event step, without a cluster, for tests: see `xos_e2e::ledger`.

use std::error::Error;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use xos_bus::{Bus, BusOptions, Settings};
use xos_e2e::ledger::{Ledger, Numbered, STEP, Setup};
use xos_model::Backoff;
use xos_steps::{BusEvent, EventStep, Services, StepContext, StepError, erase_event_step};

struct Noting {
    setup: Setup,
    ledger: Ledger,
}

impl Noting {
    fn round(&self) -> u32 {
        fs::read_to_string(self.setup.round()).ok().and_then(|text| text.trim().parse().ok()).unwrap_or_default()
    }
}

impl EventStep for Noting {
    fn topics(&self) -> Vec<String> {
        self.setup.topics.clone()
    }

    fn name(&self) -> &str {
        STEP
    }

    async fn process_event(&self, _: &StepContext, event: &BusEvent) -> Result<(), StepError> {
        let Numbered { number, poison } = event.json()?;
        if self.setup.away().exists() {
            return Err(StepError::unavailable("the target of the test is away"));
        }
        if poison.is_some_and(|round| round > self.round()) {
            return Err(StepError::failed("poison"));
        }
        // Others are to overtake it, if anything lets them.
        tokio::time::sleep(Duration::from_micros(rand::random_range(0..3000))).await;
        self.ledger.note(event.key_text()?, number)?;
        Ok(())
    }
}

/// Settings for a quick test: faults are noticed soon.
fn settings(setup: &Setup) -> Settings {
    let properties = [
        ("topic.metadata.refresh.interval.ms", "500"),
        ("statistics.interval.ms", "500"),
        ("session.timeout.ms", "6000"),
        ("heartbeat.interval.ms", "500"),
        ("reconnect.backoff.max.ms", "500"),
    ];
    Settings {
        endpoints: vec![setup.endpoint.clone()],
        properties: properties.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        attempts: 2,
        retry: Backoff { initial: Duration::from_millis(50), max: Duration::from_millis(200), jitter: 0.1 },
        ..Settings::default()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("the argument is the file of the setup")?;
    let setup: Setup = serde_json::from_str(&fs::read_to_string(path)?)?;
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let settings = settings(&setup);
    let options = BusOptions {
        synchronizer: setup.synchronizer.clone(),
        namespace: "default".to_owned(),
        time_limit: Duration::from_secs(30),
        shutdown_grace: Duration::from_secs(10),
    };
    let step = Noting { ledger: Ledger::open(&setup.ledger())?, setup };
    let bus = Bus::new(vec![erase_event_step(step)], &settings, options)?;
    let shutdown = CancellationToken::new();
    let mut asked = signal(SignalKind::terminate())?;
    let stopping = shutdown.clone();
    tokio::spawn(async move {
        asked.recv().await;
        stopping.cancel();
    });
    let (_ready, when) = watch::channel(true);
    bus.run(Arc::new(Services::default()), when, shutdown).await;
    Ok(())
}
