//! What plans say.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod service;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;
use xos_model::{Object, ObjectKey};
use xos_plan::{Change, Given, Plan, Service, plan};
use xos_steps::{Policy, Steps, erase_policy};

use service::{object, service};

fn given(object: &Object) -> Given {
    Given { object: object.clone(), unset: vec![] }
}

fn planned(service: &Service, present: &[Object], change: &Change) -> Plan {
    plan(service, present, change, Timestamp::UNIX_EPOCH).unwrap()
}

fn named(fields: &serde_json::Value) -> serde_json::Value {
    fields.clone()
}

/// A site with a slice that has so many ports.
fn present(ports: usize) -> Vec<Object> {
    let mut all = vec![
        object("Site", "rome", &json!({"name": "rome"})),
        object("Slice", "s", &json!({"name": "s", "site": {"name": "rome"}})),
    ];
    let port = |at: usize| object("Port", &format!("p{at}"), &json!({"name": "p", "slice": {"name": "s"}}));
    all.extend((0..ports).map(port));
    all
}

#[test]
fn objects_that_policies_make_and_steps_are_told_in_order() {
    let mut slice = object("Slice", "s", &json!({"wants_network": true, "site": {"name": "pisa"}}));
    slice.meta.namespace = "default".to_owned();
    let site = object("Site", "pisa", &named(&json!({"name": "pisa"})));
    let change = Change { apply: vec![given(&slice), given(&site), given(&present(0)[0])], delete: vec![] };
    let text = planned(&service(), &present(0), &change).to_string();
    assert_eq!(
        text,
        "\
change     Slice default/s (by policy network; touched by policy slices-of-site)
             site: rome -> pisa
             wantsNetwork: nothing -> true
             label: \"s at rome\" -> \"s at pisa\"
create     Site default/pisa
             name: \"pisa\"
unchanged  Site default/rome
create     Network default/s-net (by policy network)
             name: \"s-net\"
             slice: s

Steps, in this order:
  1. site: Site default/pisa
  2. slice: Slice default/s, after Site default/pisa (site)
  3. network: Network default/s-net, after Slice default/s (slice)

2 created, 1 changed, 0 touched, 0 deleted, 1 unchanged; 3 calls of steps.
"
    );
}

#[test]
fn what_goes_along_with_a_deletion_is_told_and_what_a_brake_would_hold() {
    let change = Change { apply: vec![], delete: vec![ObjectKey::new("Site", "default", "rome")] };
    let text = planned(&service(), &present(2), &change).to_string();
    assert_eq!(
        text,
        "\
delete     Port default/p0 (goes with Slice default/s, by its link slice)
delete     Port default/p1 (goes with Slice default/s, by its link slice)
delete     Site default/rome
delete     Slice default/s (goes with Site default/rome, by its link site)

Steps, in this order:
  1. port: delete Port default/p0
  2. port: delete Port default/p1
  3. slice: delete Slice default/s, after Port default/p0 (slice), Port default/p1 (slice)
  4. site: delete Site default/rome, after Slice default/s (site)

0 created, 0 changed, 0 touched, 4 deleted, 0 unchanged; 4 calls of steps.
"
    );
    let plan = planned(&service(), &present(9), &change);
    assert_eq!((plan.held.len(), plan.steps.len()), (1, 0), "{plan}");
    let text = plan.to_string();
    assert!(
        text.contains(
            "Held until they are confirmed:\n  the deletion of Site default/rome: the deletion takes 10 other"
        ) && text.contains("xos.opencord.org/confirm-deletion=10"),
        "{text}"
    );
}

#[test]
fn what_would_not_become_ready_is_told() {
    let slice = object("Slice", "t", &json!({"name": "t", "site": {"name": "nowhere"}}));
    let plan = planned(&service(), &[], &Change { apply: vec![given(&slice)], delete: vec![] });
    let text = plan.to_string();
    assert!(text.contains("Not ready then:\n  Slice default/t: "), "{text}");
    assert!(text.contains("waits for Site nowhere, which does not exist"), "{text}");
}

#[test]
fn nothing_is_nothing() {
    let change = Change { apply: present(1).iter().map(given).collect(), delete: vec![] };
    let plan = planned(&service(), &present(1), &change);
    assert!(plan.is_empty(), "{plan}");
    assert!(plan.to_string().contains("unchanged  Port default/p0\n\nNothing would be done.\n"), "{plan}");
}

struct Compiled;

impl Policy for Compiled {
    type Model = Object;

    fn observes(&self) -> &str {
        "Note"
    }

    fn name(&self) -> &str {
        "compiled"
    }

    async fn handle_create(&self, _: &xos_steps::StepContext, _: &mut Object) -> Result<(), xos_steps::StepError> {
        panic!("its code is not run")
    }
}

#[test]
fn compiled_policies_are_named_and_not_run() {
    let compiled = Steps { policies: vec![erase_policy(Compiled)], ..Steps::new() };
    let service = Service { compiled, models: Arc::clone(&service().models), ..service() };
    let note = object("Note", "n", &json!({"text": "x"}));
    let plan = planned(&service, &[], &Change { apply: vec![given(&note)], delete: vec![] });
    let text = plan.to_string();
    assert!(
        text.contains("Policies that are compiled, and what they do is not known:\n  1. compiled: Note default/n\n"),
        "{text}"
    );
}

#[test]
fn an_object_that_is_not_there_cannot_be_deleted_and_one_that_does_not_fit_not_applied() {
    let delete = Change { apply: vec![], delete: vec![ObjectKey::new("Site", "default", "x")] };
    let error = plan(&service(), &[], &delete, Timestamp::UNIX_EPOCH).unwrap_err();
    assert_eq!(error.to_string(), "there is no Site default/x");
    let bad = Change { apply: vec![given(&object("Site", "x", &json!({})))], delete: vec![] };
    let error = plan(&service(), &[], &bad, Timestamp::UNIX_EPOCH).unwrap_err();
    assert_eq!(error.to_string(), "Site default/x is invalid: spec.name: Required value");
}

#[test]
fn what_is_due_already_is_counted_and_no_part_of_the_plan() {
    // Objects as an API server has them: one was never handled.
    let stored = |mut object: Object, uid: &str| {
        object.meta.uid = uid.to_owned();
        object.meta.generation = 1;
        object.meta.created = Some(Timestamp::UNIX_EPOCH);
        object
    };
    let present = [stored(object("Site", "rome", &json!({"name": "rome"})), "1")];
    let note = object("Note", "n", &json!({"text": "x"}));
    let plan = planned(&service(), &present, &Change { apply: vec![given(&note)], delete: vec![] });
    assert_eq!((plan.pending, plan.steps.len(), plan.objects.len()), (1, 0, 1), "{plan}");
    assert!(plan.to_string().contains("Without this, 1 object is due already.\n"), "{plan}");
}
