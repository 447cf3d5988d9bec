//! The pull step and the event step: people who come from elsewhere.

use std::collections::BTreeMap;

use serde::Deserialize;
use xos_controller::{BusEvent, EventStep, PullStep, StepContext, StepError};

use crate::models::MyModel;
use crate::steps::directory;

/// What the ids of people begin with who signed in at the directory's desk.
const DESK: &str = "desk.";

/// Somebody, as the directory and the bus write it.
#[derive(Deserialize)]
struct Person {
    first_name: String,
    last_name: String,
}

/// People who signed in at the directory's desk are objects too, as long as they are there. They are not synchronized: the directory has them.
pub struct PullFromDesk;

impl PullStep for PullFromDesk {
    type Model = MyModel;

    async fn pull_records(&self, ctx: &StepContext) -> Result<(), StepError> {
        let answer = ctx.http().get(format!("{}/people", directory(ctx)?)).send().await?.error_for_status()?;
        let people: BTreeMap<String, Person> = answer.json().await?;
        let there: Vec<_> =
            people.into_iter().filter(|(id, _)| id.starts_with(DESK)).map(|(_, person)| person).collect();
        let new = |person: &Person| MyModel {
            no_sync: true,
            ..MyModel::new("", "", person.first_name.as_str(), person.last_name.as_str())
        };
        ctx.listing(&["first_name", "last_name"]).reconcile(&there, new, |_, _| {}).await?;
        Ok(())
    }
}

/// Finds or makes somebody for each message on the topic `MyTopic`: the Synchronizer Reference's event step.
pub struct ExampleEventStep;

impl EventStep for ExampleEventStep {
    const TOPICS: &'static [&'static str] = &["MyTopic"];

    async fn process_event(&self, ctx: &StepContext, event: &BusEvent) -> Result<(), StepError> {
        // What is no such JSON is parked at once.
        let person: Person = event.json()?;
        let new = MyModel::new("", "", person.first_name, person.last_name);
        let (mut found, made) = ctx.models::<MyModel>().find_or_create(new, &["first_name", "last_name"]).await?;
        if !made {
            // The sync step runs again, though nothing changed.
            ctx.touch(&mut found).await?;
        }
        Ok(())
    }
}
