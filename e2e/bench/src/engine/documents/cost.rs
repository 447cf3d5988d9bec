//! What expressions cost: all of a step's for one object, without the step.

use std::{sync::Arc, time::Instant};

use serde_json::json;
use xos_expressions::{NoObjects, Scope, Template, Type, Values};
use xos_model::Object;

use crate::engine::{Error, Sizes, report::Goal, step::MODELS};

/// The expressions of the step.
const TEXTS: [&str; 5] = [
    "${settings.backend_url}/things/${self.metadata.name}",
    "${self.metadata.generation}",
    "${self.first_name}",
    "${self.last_name}",
    "${self.last_name == null ? self.first_name : self.first_name + ' ' + self.last_name}",
];
/// The longest time for an object, in µs: a hundredth of what it takes to write a status.
const LIMIT: f64 = 30.0;

/// Measures them.
pub(super) fn measure(sizes: Sizes) -> Result<Vec<Goal>, Error> {
    let models = Arc::new(xos_harness::models::from_text(MODELS)?);
    let scope = Scope::new(&models).with("settings", Type::Any).with("self", Type::object("Thing"));
    let compiled =
        TEXTS.map(|text| Template::compile(text, &scope).map_err(|error| Error::Documents(format!("{error:?}"))));
    let templates = compiled.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut thing = Object::named("Thing", "default", "thing-1");
    thing.set("first_name", json!("Ada"));
    thing.set("last_name", json!("Lovelace"));
    let (thing, settings) = (Arc::new(thing), json!({"backend_url": "http://127.0.0.1:80"}));
    let once = || -> Result<usize, Error> {
        let values = Values::new(Arc::new(NoObjects::of(Arc::clone(&models))));
        let values = values.with("settings", &settings).with_object("self", &thing);
        let texts = templates.iter().map(|template| template.value(&values).map(|value| value.to_string().len()));
        texts.sum::<Result<usize, _>>().map_err(|error| Error::Documents(error.to_string()))
    };
    once()?;
    let started = Instant::now();
    let mut written = 0;
    for _ in 0..sizes.evaluations {
        written += once()?;
    }
    let micros = started.elapsed().as_secs_f64() * 1e6 / f64::from(sizes.evaluations.max(1));
    std::hint::black_box(written);
    let what = format!("expressions of a step ({}), for an object", TEXTS.len() + 1);
    Ok(vec![Goal::at_most(what, micros, LIMIT, "µs")])
}
