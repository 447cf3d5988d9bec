//! A synchronizer for tests. It has only an event step, for the example's models (`models_dir`).

use std::process::ExitCode;

use serde_json::Value;
use xos_model::Object;
use xos_runtime::Synchronizer;
use xos_steps::{BusEvent, EventStep, StepContext, StepError};

/// Finds or creates a person for each message.
struct MakePeople;

impl EventStep for MakePeople {
    const TOPICS: &'static [&'static str] = &["people"];

    async fn process_event(&self, ctx: &StepContext, event: &BusEvent) -> Result<(), StepError> {
        let person: Value = event.json()?;
        let mut new = Object::named("MyModel", "", "");
        for field in ["first_name", "last_name"] {
            new.set(field, person[field].clone());
        }
        ctx.models_of("MyModel").find_or_create(new, ["first_name", "last_name"]).await?;
        Ok(())
    }
}

fn main() -> ExitCode {
    Synchronizer::new("xos-e2e-events").event_step(MakePeople).run()
}
