//! Objects of random models, without generated code.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::env;

use serde_json::{Value, json};
use xos_controller::model::xproto::{FieldState, Member, Model, ModelSet, Sources, compile, render};
use xos_controller::model::{Dynamic, DynamicError, Object};
use xos_crds::{from_custom_resource, to_custom_resource};
use xos_random_models::values::with_values;

const SETS: u64 = 300;

/// The random sets of the seed, with its numbers.
fn sets() -> impl Iterator<Item = (u64, ModelSet)> {
    let seed: u64 = env::var("XOS_SEED").map_or(1, |seed| seed.parse().unwrap());
    println!("XOS_SEED={seed}");
    (0..SETS).map(move |at| {
        let number = seed.wrapping_mul(1_000_000).wrapping_add(at);
        let mut sources = Sources::new();
        for (name, text) in with_values(xos_random_models::set(number), number).texts() {
            sources.add(name, text);
        }
        let compiled = compile(&sources);
        let shown = || compiled.diagnostics.iter().map(|d| render(d, &sources, false)).collect::<String>();
        assert!(!compiled.has_errors(), "set {number}: {}", shown());
        (number, compiled.models)
    })
}

#[test]
fn objects_go_through_custom_resources() {
    for (number, models) in sets() {
        println!("set {number}");
        for model in models.concrete() {
            common::on_objects(4, &models, model, |object| {
                let text = serde_json::to_string(&to_custom_resource(model, object)?)?;
                let read = from_custom_resource(model, &serde_json::from_str(&text)?)?;
                if read == *object { Ok(()) } else { Err(format!("{read:?}\nis not\n{object:?}").into()) }
            });
        }
    }
}

#[test]
fn a_new_object_takes_every_value_that_it_may_have() {
    for (number, models) in sets() {
        println!("set {number}");
        for model in models.concrete() {
            common::on_objects(4, &models, model, |wanted| {
                let mut object = Dynamic::create(&models, &model.name, "n", "a")?;
                for member in model.members() {
                    set(&mut object, member, wanted)?;
                }
                let read = object.into_inner();
                let both = Dynamic::of(&models, &read)?;
                for member in model.members().filter(|member| !is_bookkeeping(member)) {
                    assert_eq!(read.fields.get(member.name()), wanted.fields.get(member.name()), "{}", member.name());
                }
                assert!(model.ancestry.iter().all(|class| both.is_a(class)));
                Ok(())
            });
        }
    }
}

/// Sets a member as it is wanted; what is the framework's is refused.
fn set(object: &mut Dynamic<'_>, member: &Member, wanted: &Object) -> Result<(), DynamicError> {
    let name = member.name();
    let value = wanted.fields.get(name);
    let references = |value: &Value| serde_json::from_value(value.clone()).unwrap();
    let outcome = match (member, value) {
        (Member::Field(_), value) => object.set(name, value.cloned().unwrap_or_default()),
        (Member::Link(link), None) if link.is_to_many() => return Ok(()),
        (Member::Link(link), Some(value)) if link.is_to_many() => {
            object.set_links(name, serde_json::from_value(value.clone()).unwrap())
        }
        (Member::Link(_), value) => object.set_link(name, value.map(references)),
    };
    match outcome {
        Err(DynamicError::Bookkeeping { .. }) if is_bookkeeping(member) => Ok(()),
        // What the synchronizer reports later cannot be taken back, only left out.
        Err(DynamicError::Required { .. }) if value.is_none() && is_feedback(member) => Ok(()),
        outcome => outcome,
    }
}

fn is_bookkeeping(member: &Member) -> bool {
    member.state() == FieldState::Bookkeeping
}

fn is_feedback(member: &Member) -> bool {
    member.state() == FieldState::Feedback
}

#[test]
fn what_a_field_cannot_have_is_refused_and_changes_nothing() {
    for (number, models) in sets() {
        for model in models.concrete() {
            let mut object = Dynamic::create(&models, &model.name, "n", "a").unwrap();
            let before = object.object().clone();
            for member in model.members() {
                assert!(object.set(member.name(), json!({"no": "field"})).is_err(), "set {number}: {}", member.name());
            }
            assert!(object.set("no_such_field_of_it", 1).is_err());
            assert_eq!(*object.object(), before);
        }
    }
}

/// Random models prove something only while they have what fields can have.
#[test]
fn random_models_have_values_of_all_sorts() {
    let mut choices = 0;
    let mut defaults = 0;
    let mut awkward = 0;
    for (_, models) in sets() {
        for field in models.iter().filter(|model| !model.is_built_in()).flat_map(Model::own_fields) {
            choices += usize::from(field.choices.is_some());
            defaults += usize::from(field.default.is_some());
            awkward += usize::from(["self", "type", "meta", "clone", "Some"].contains(&field.name.as_str()));
        }
    }
    assert!(choices > 300 && defaults > 600 && awkward > 100, "{choices} {defaults} {awkward}");
}
