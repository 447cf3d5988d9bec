//! Random objects of any model.

#![allow(dead_code, reason = "not every test uses all of it")]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use xos_controller::model::xproto::{ContentType, Field, FieldState, Link, Literal, Model, ModelSet, ScalarType};
use xos_controller::model::{Fields, Meta, Object, Pass, QuietSave, SpecHash, Timestamp, typed};
use xos_crds::rehash;

/// Runs a test on objects of a model; the same ones each time.
pub(crate) fn on_objects(
    cases: u32,
    models: &ModelSet,
    model: &Model,
    test: impl Fn(&Object) -> Result<(), Box<dyn std::error::Error>>,
) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let rng =
        TestRng::from_seed(RngAlgorithm::ChaCha, SpecHash::of(&json!(model.name)).to_string().repeat(2).as_bytes());
    let test = |object: Object| test(&object).map_err(|error| TestCaseError::fail(error.to_string()));
    let outcome = TestRunner::new_with_rng(config, rng).run(&object(models, model), test);
    assert!(outcome.is_ok(), "{}: {}", model.name, outcome.unwrap_err());
}

/// An object with valid values, as it could be read from an API server.
pub(crate) fn object(models: &ModelSet, model: &Model) -> impl Strategy<Value = Object> + use<> {
    let model = model.clone();
    (fields(models, &model), meta(), proptest::option::of("[a-z]{1,9}"), any::<bool>()).prop_map(
        move |(fields, meta, touch, saved)| {
            let hash = |of: &str| SpecHash::of(&json!(of));
            let mut object = Object::with_meta(&model.name, meta);
            object.intent.touch = touch;
            object.quiet_saves.extend(saved.then(|| QuietSave { from: hash("a"), to: hash("b"), by: Pass::Pull }));
            object.fields = fields;
            rehash(&model, &mut object);
            object
        },
    )
}

fn meta() -> impl Strategy<Value = Meta> {
    let texts = ("[a-z]{1,9}", "[a-z]{1,9}", "[0-9a-f-]{0,36}", "[0-9]{0,9}", vec("[a-z]{1,5}/[a-z]{1,5}", 0..3));
    let rest = (0..99i64, proptest::option::of(seconds()), proptest::option::of(seconds()));
    (texts, rest).prop_map(|((namespace, name, uid, resource_version, finalizers), (generation, created, deleting))| {
        Meta { uid, resource_version, finalizers, generation, created, deleting, ..Meta::new(namespace, name) }
    })
}

/// Moments of whole seconds, as Kubernetes' metadata has them.
fn seconds() -> impl Strategy<Value = Timestamp> {
    (0..4_102_444_800i64).prop_map(|second| Timestamp::from_second(second).unwrap())
}

/// Fields and links of all states; those that must be there always are.
pub(crate) fn fields(models: &ModelSet, model: &Model) -> impl Strategy<Value = Fields> + use<> {
    let fields = model.fields.iter().map(|field| {
        let must = field.required
            && field.state == FieldState::Declarative
            && matches!(field.default, None | Some(Literal::Null));
        member(&field.name, must, value(field))
    });
    let links = model.links.iter().map(|link| {
        let must = model.must_have(link) && link.state == FieldState::Declarative;
        member(&link.name, must, links(models, link))
    });
    let all: Vec<_> = fields.chain(links).collect();
    all.prop_map(|members| members.into_iter().flatten().collect())
}

fn member(name: &str, must: bool, value: BoxedStrategy<Value>) -> BoxedStrategy<Option<(String, Value)>> {
    let name = name.to_owned();
    let value = if must { value.prop_map(Some).boxed() } else { proptest::option::of(value).boxed() };
    value.prop_map(move |value| Some((name.clone(), value?))).boxed()
}

/// A value that the field can have.
fn value(field: &Field) -> BoxedStrategy<Value> {
    let is_date = field.content_type == Some(ContentType::Date);
    let choices: Vec<_> = field.choices.iter().flatten().filter_map(|choice| typed::constant(&choice.value)).collect();
    let has_choices = field.ty.is_integer() || field.ty == ScalarType::String && !is_date;
    if has_choices && !choices.is_empty() {
        return select(choices).boxed();
    }
    match field.ty {
        ScalarType::String if is_date => date().boxed(),
        ScalarType::String => ".{0,12}".prop_map(Value::from).boxed(),
        ScalarType::Bytes => select(vec!["", "eA==", "eHk="]).prop_map(Value::from).boxed(),
        ScalarType::Bool => any::<bool>().prop_map(Value::from).boxed(),
        ScalarType::Int32 => any::<i32>().prop_map(Value::from).boxed(),
        ScalarType::Uint32 => any::<u32>().prop_map(Value::from).boxed(),
        // A whole number loses its point on the way through an API server.
        ScalarType::Float | ScalarType::Double => prop_oneof![
            proptest::num::f64::NORMAL.prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            Just(json!(0.0)),
        ]
        .boxed(),
    }
}

/// Moments as people and programs write them.
fn date() -> impl Strategy<Value = Value> {
    (seconds(), 0..1000i32, any::<bool>()).prop_map(|(moment, milliseconds, elsewhere)| {
        let text = moment.to_string();
        Value::from(match (milliseconds, elsewhere) {
            (0, _) => text,
            (_, true) => text.replace('Z', &format!(".{milliseconds:03}+02:00")),
            (_, false) => text.replace('Z', &format!(".{milliseconds:03}Z")),
        })
    })
}

/// A reference to an object of the peer or of what inherits from it; of a link to many a list.
fn links(models: &ModelSet, link: &Link) -> BoxedStrategy<Value> {
    let kinds: Vec<_> = models.of_class(&link.peer).map(|model| model.name.clone()).collect();
    let kind = if kinds.is_empty() { Just(None).boxed() } else { proptest::option::of(select(kinds)).boxed() };
    let reference = ("[a-z]{1,9}", proptest::option::of("[a-z]{1,9}"), kind).prop_map(|(name, namespace, kind)| {
        let parts = [("name", Some(name)), ("namespace", namespace), ("kind", kind)];
        parts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), Value::from(text?)))).collect()
    });
    if link.is_to_many() { vec(reference, 0..3).prop_map(Value::from).boxed() } else { reference.boxed() }
}
