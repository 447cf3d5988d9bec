//! A program without Kafka says so, where event steps or a bus are asked for.

use xos_steps::{BusEvent, EventStep, StepContext, StepError, erase_event_step};

use super::*;

struct Step;

impl EventStep for Step {
    const TOPICS: &'static [&'static str] = &["topic"];

    async fn process_event(&self, _: &StepContext, _: &BusEvent) -> Result<(), StepError> {
        Ok(())
    }
}

/// Returns the error at the start, with this in the configuration.
fn error(events: Vec<Arc<dyn DynEventStep>>, text: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    std::fs::write(&file, format!("name: sync\n{text}")).unwrap();
    let config = Config::load(&[file], []).unwrap().config;
    let options = BusOptions {
        synchronizer: "sync".to_owned(),
        namespace: "default".to_owned(),
        time_limit: Duration::from_secs(1),
        shutdown_grace: Duration::from_secs(1),
    };
    bus(events, &config, options, Renewals::default()).err().map(|error| error.to_string())
}

#[test]
fn without_kafka_an_event_step_or_a_bus_is_an_error_that_says_how_to_build_with_it() {
    let remedy = "build it with the cargo feature `kafka` of xos-controller, which is on by default";
    let bus = "event_bus: {endpoint: kafka}\n";
    let seen = error(vec![erase_event_step(Step)], "").unwrap();
    assert!(seen.starts_with("event step Step needs Kafka, ") && seen.ends_with(remedy), "{seen}");
    for events in [vec![], vec![erase_event_step(Step)]] {
        let seen = error(events, bus).unwrap();
        assert!(seen.starts_with("`event_bus` in the configuration needs Kafka, ") && seen.ends_with(remedy), "{seen}");
    }
    assert_eq!(error(vec![], ""), None);
}
