//! The pull step and the event step: they create people that operators did not.

use std::collections::BTreeMap;

use serde::Deserialize;
use xos_controller::model::Field;
use xos_controller::{BusEvent, EventStep, PullStep, StepContext, StepError};

use crate::models::{MyModel, NewMyModel};
use crate::steps::directory;

/// The prefix of the ids of people who signed in at the directory's desk.
const DESK: &str = "desk.";

/// The natural key of a person.
const NAMES: (Field<MyModel, String>, Field<MyModel, String>) = (MyModel::FIRST_NAME, MyModel::LAST_NAME);

/// A person, as the directory and the messages write it.
#[derive(Deserialize)]
struct Person {
    first_name: String,
    last_name: String,
}

impl Person {
    /// Returns a new object for the person. It has no name yet: it is named after its natural key.
    fn to_object(&self) -> MyModel {
        MyModel::new(NewMyModel { first_name: self.first_name.clone(), last_name: self.last_name.clone() })
    }
}

/// Creates an object for each person who signed in at the directory's desk, and deletes it when the person leaves. The
/// objects are not synchronized, because the directory knows these people already.
pub struct PullFromDesk;

impl PullStep for PullFromDesk {
    type Model = MyModel;

    async fn pull_records(&self, ctx: &StepContext) -> Result<(), StepError> {
        let answer = ctx.http().get(format!("{}/people", directory(ctx)?)).send().await?.error_for_status()?;
        let people: BTreeMap<String, Person> = answer.json().await?;
        let there: Vec<_> =
            people.into_iter().filter(|(id, _)| id.starts_with(DESK)).map(|(_, person)| person).collect();
        let new = |person: &Person| MyModel { no_sync: true, ..person.to_object() };
        ctx.listing(NAMES).reconcile(&there, new, |_, _| {}).await?;
        Ok(())
    }
}

/// Finds or creates a person for each message of the topic `MyTopic`: the Synchronizer Reference's event step.
pub struct ExampleEventStep;

impl EventStep for ExampleEventStep {
    const TOPICS: &'static [&'static str] = &["MyTopic"];

    async fn process_event(&self, ctx: &StepContext, event: &BusEvent) -> Result<(), StepError> {
        // A message that is not such JSON is parked at once.
        let person: Person = event.json()?;
        let (mut found, created) = ctx.models::<MyModel>().find_or_create(person.to_object(), NAMES).await?;
        if !created {
            // The sync step runs again, although nothing has changed.
            ctx.touch(&mut found).await?;
        }
        Ok(())
    }
}
