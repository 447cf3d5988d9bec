//! The example at work.

mod plan;

use std::path::PathBuf;

use kube::{
    Api, Client,
    api::{ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams},
    core::GroupVersionKind,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};
use xos_harness::{
    Directory, directory, example,
    kafka::{self, Client as Bus},
    synchronizer::{self, Launch},
};

pub(crate) use plan::TIME;
use plan::{CROWD, Deed};

/// The topic of the example's event step.
pub(crate) const TOPIC: &str = "MyTopic";
/// How many people sign in at the desk.
const DESK: u32 = 12;
/// The label of the people who come at once.
const IN_CROWD: &str = "from=crowd";

/// Something could not be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The API server.
    #[error("the API server refused")]
    Api(#[from] kube::Error),
    /// The directory.
    #[error(transparent)]
    Directory(#[from] directory::Error),
    /// The event bus.
    #[error(transparent)]
    Kafka(#[from] kafka::Error),
    /// A command of the synchronizer.
    #[error(transparent)]
    Synchronizer(#[from] synchronizer::Error),
    /// It did not succeed.
    #[error("the deletion is not confirmed: {0}")]
    NotConfirmed(String),
    /// An object that is no object.
    #[error("no object of Kubernetes")]
    Form(#[from] serde_json::Error),
}

/// Who does it.
pub(crate) struct Traffic {
    people: Api<DynamicObject>,
    teams: Api<DynamicObject>,
    /// Nothing while it is closed.
    directory: Option<Directory>,
    address: String,
    folder: PathBuf,
    bus: Bus,
    launch: Launch,
    /// Each change is a new one.
    changes: u32,
}

impl Traffic {
    pub(crate) fn new(
        client: &Client,
        namespace: &str,
        directory: Directory,
        folder: PathBuf,
        bus: Bus,
        launch: Launch,
    ) -> Self {
        let api = |kind: &str, plural: &str| {
            let kind = GroupVersionKind::gvk("example.xos.opencord.org", "v1", kind);
            Api::namespaced_with(client.clone(), namespace, &ApiResource::from_gvk_with_plural(&kind, plural))
        };
        let address = directory.url().trim_start_matches("http://").to_owned();
        let (people, teams) = (api("MyModel", "mymodels"), api("Team", "teams"));
        Self { people, teams, directory: Some(directory), address, folder, bus, launch, changes: 0 }
    }

    /// Does all of the plan, each at its time, and returns at its end.
    ///
    /// # Errors
    /// When something cannot be done.
    pub(crate) async fn run(&mut self) -> Result<(), Error> {
        let begin = Instant::now();
        for (time, deed) in plan::plan() {
            sleep_until(begin + time).await;
            self.perform(deed).await?;
        }
        sleep_until(begin + TIME).await;
        Ok(())
    }

    async fn perform(&mut self, deed: Deed) -> Result<(), Error> {
        match deed {
            Deed::Create(number) => self.create(number).await,
            Deed::Change(number) => {
                self.changes += 1;
                let patch = json!({"spec": {"lastName": format!("Doe {}", self.changes)}});
                self.people.patch(&name(number), &PatchParams::default(), &Patch::Merge(patch)).await?;
                Ok(())
            }
            Deed::Crowd => self.crowd().await,
            Deed::CrowdLeaves => {
                let crowd = ListParams::default().labels(IN_CROWD);
                self.people.delete_collection(&DeleteParams::default(), &crowd).await?;
                Ok(())
            }
            Deed::Early => self.early().await,
            Deed::Team => {
                let team = json!({"apiVersion": "example.xos.opencord.org/v1", "kind": "Team",
                    "metadata": {"name": "compilers"}, "spec": {"name": "Compilers"}});
                self.teams.create(&PostParams::default(), &serde_json::from_value(team)?).await?;
                Ok(())
            }
            Deed::Messages { first, count } => self.send(first, count).await,
            Deed::BadMessage => Ok(self.bus.send(TOPIC, &[("bad".into(), "What?".into())]).await?),
            Deed::Confirm => {
                let (said, succeeded) = self.launch.command(&["pull", "confirm", "PullFromDesk"]).await?;
                if succeeded { Ok(()) } else { Err(Error::NotConfirmed(said)) }
            }
            Deed::SignIn | Deed::SignOut | Deed::Refuse | Deed::Accept | Deed::Close | Deed::Open => {
                self.at_the_directory(deed).await
            }
        }
    }

    async fn at_the_directory(&mut self, deed: Deed) -> Result<(), Error> {
        if deed == Deed::Open {
            let log = self.folder.join("directory.log");
            self.directory = Some(Directory::start_at(&self.address, &self.folder, &log).await?);
        }
        if deed == Deed::Close
            && let Some(directory) = self.directory.take()
        {
            directory.stop().await?;
        }
        let Some(directory) = &self.directory else { return Ok(()) };
        match deed {
            Deed::Refuse => directory.fail(503, "the directory is closed for maintenance").await?,
            Deed::Accept => directory.recover().await?,
            Deed::SignIn => {
                for number in 0..DESK {
                    let first = format!("Guest {number}");
                    let guest = json!({"first_name": first, "last_name": "Doe", "full_name": format!("{first} Doe")});
                    directory.sign_in(&format!("desk.{number}"), &guest).await?;
                }
            }
            Deed::SignOut => {
                for number in 0..DESK {
                    directory.sign_out(&format!("desk.{number}")).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    async fn create(&self, number: u32) -> Result<(), Error> {
        let mut person = example::person(&name(number), &format!("Person {number}"), "Doe");
        if number.is_multiple_of(3) {
            person["spec"]["department"] = format!("department {}", number % 4).into();
        }
        self.create_person(person).await
    }

    async fn crowd(&self) -> Result<(), Error> {
        for number in 0..CROWD {
            let mut person = example::person(&format!("crowd-{number}"), &format!("Visitor {number}"), "Doe");
            person["metadata"]["labels"] = json!({"from": "crowd"});
            self.create_person(person).await?;
        }
        Ok(())
    }

    async fn early(&self) -> Result<(), Error> {
        for number in 0..4 {
            let mut person = example::person(&format!("early-{number}"), &format!("Early {number}"), "Doe");
            person["spec"]["team"] = json!({"name": "compilers"});
            self.create_person(person).await?;
        }
        Ok(())
    }

    async fn create_person(&self, person: Value) -> Result<(), Error> {
        self.people.create(&PostParams::default(), &serde_json::from_value(person)?).await?;
        Ok(())
    }

    async fn send(&self, first: u32, count: u32) -> Result<(), Error> {
        let message = |number: u32| {
            let one = number % 12;
            (one.to_string(), json!({"first_name": format!("Caller {one}"), "last_name": "Doe"}).to_string())
        };
        let messages: Vec<_> = (first..first + count).map(message).collect();
        Ok(self.bus.send(TOPIC, &messages).await?)
    }
}

fn name(number: u32) -> String {
    format!("person-{number}")
}
