//! Every generated type, of the core's models, awkward ones and random ones, goes all ways and comes back the same.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::collections::BTreeSet;

use xos_codegen_roundtrip::{SEED, cases};

#[test]
fn objects_go_through_types_and_custom_resources() {
    println!("XOS_SEED={SEED}");
    for case in cases() {
        let models = (case.models)();
        let model = models.get(case.model).unwrap();
        println!("{}::{}", case.set, case.model);
        common::on_objects(24, models, model, |object| {
            (case.check)(models, object)?;
            case.views.iter().try_for_each(|view| view(object))
        });
    }
}

#[test]
fn there_are_models_of_all_sorts() {
    let cases = cases();
    let sets: BTreeSet<_> = cases.iter().map(|case| case.set).collect();
    assert_eq!(sets.len(), 13);
    assert_eq!(cases.iter().filter(|case| case.set == "core").count(), 34, "all but XOSBase");
    assert!(cases.iter().any(|case| case.set.starts_with("random") && case.views.len() > 2), "XOS_SEED={SEED}");
}
