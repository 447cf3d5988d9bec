//! Whose fault it is that a step cannot save: what the API server says decides.

#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::{Arc, Mutex};

use xos_model::Object;
use xos_steps::{BusEvent, ErrorKind, EventStep, StepContext, StepError};
use xos_testing::{Fault, World};

const MODELS: &str = "option app_label = \"t\";
    message Onu (XOSBase) { required string name = 1 [max_length = 32]; }";

/// Makes an ONU, and notes the kind of the error.
#[derive(Clone, Default)]
struct MakeOnu(Arc<Mutex<Vec<ErrorKind>>>);

impl EventStep for MakeOnu {
    const TOPICS: &'static [&'static str] = &["onus"];

    async fn process_event(&self, ctx: &StepContext, event: &BusEvent) -> Result<(), StepError> {
        let mut new = Object::named("Onu", "default", "");
        new.set("name", event.text()?.into());
        let made = ctx.models_of("Onu").find_or_create(new, ["name"]).await.map_err(StepError::from);
        if let Err(error) = &made {
            self.0.lock().unwrap().push(error.kind());
        }
        made.map(drop)
    }
}

#[tokio::test]
async fn what_the_api_server_says_to_a_save_decides_whose_fault_it_is() {
    let step = MakeOnu::default();
    let mut world = World::of(&[("t.xproto", MODELS)]).event_step(step.clone()).start().unwrap();
    for (fault, kind) in [
        (Fault::Refused("admission webhook \"onus\" denied the request".to_owned()), ErrorKind::Refused),
        (
            Fault::Refused("onus \"a\" is forbidden: User \"me\" cannot create resource \"onus\"".to_owned()),
            ErrorKind::Away,
        ),
        (Fault::Refused("onus \"a\" is forbidden: exceeded quota: few".to_owned()), ErrorKind::Failed),
        (Fault::Unavailable("etcd has no leader".to_owned()), ErrorKind::Away),
    ] {
        world.inject(fault.clone());
        world.send(&BusEvent::new("onus", "a")).await;
        assert_eq!(std::mem::take(&mut *step.0.lock().unwrap()), [kind], "{fault:?}");
    }
    world.send(&BusEvent::new("onus", "a")).await;
    assert!(step.0.lock().unwrap().is_empty() && world.has::<Object>("a"));
}
