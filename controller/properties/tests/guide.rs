//! The example of `docs/properties.md`.

#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;

use serde_json::json;
use xos_expressions::NoObjects;
use xos_model::Object;
use xos_properties::Convenience;
use xos_xproto::{Sources, ValueType, compile};

const PAGE: &str = include_str!("../../../docs/properties.md");

fn block(language: &str) -> &'static str {
    PAGE.split(&format!("```{language}\n")).nth(1).and_then(|rest| rest.split("```").next()).unwrap()
}

#[test]
fn the_properties_of_the_page_fit_its_models() {
    let mut sources = Sources::new();
    sources.add("page.xproto", block("proto"));
    let mut convenience = Convenience::default();
    convenience.add("convenience/mymodel.yaml", block("yaml"));
    convenience.announce(&mut sources);
    let compiled = compile(&sources);
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    let (models, properties) = convenience.compile(&compiled.models).unwrap();
    let ty = |model: &str, name: &str| models.get(model).unwrap().property(name).unwrap().ty.clone();
    assert_eq!(ty("MyModel", "full_name"), ValueType::Text);
    assert_eq!(ty("MyModel", "site_name"), ValueType::Text);
    assert_eq!(ty("Site", "head_count"), ValueType::Int);
    assert_eq!(ty("Site", "list"), ValueType::List(Box::new(ValueType::Text)));
    let mut ada = Object::named("MyModel", "default", "ada");
    ada.set("first_name", json!("Ada"));
    let alone = || Arc::new(NoObjects::of(models.clone()).with_properties(Arc::new(properties.clone())));
    let without = properties.evaluate(&Arc::new(ada.clone()), alone());
    let (name, why) = &without.faults[0];
    assert!(PAGE.contains(&format!("{name}: {why}")), "{name}: {why}");
    ada.set("last_name", json!("Lovelace"));
    assert_eq!(json!(properties.evaluate(&Arc::new(ada), alone()).values), json!({"fullName": "Ada Lovelace"}));
}
