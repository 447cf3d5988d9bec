//! The spans of turns: what is done with an object from the moment when it is its turn, by one worker after the other.
//!
//! They are for traces only. Their target is one of their own, so that the log need not have them; where nobody wants
//! them they cost nothing.

use std::collections::HashMap;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::SignedDuration;
use tracing::{Instrument as _, Span, field};
use xos_model::{Object, ObjectKey};
use xos_steps::store::Annotations;

use crate::registry::Entry;
use crate::secrets::{SecretData, SecretName};
use crate::writer::{SpecSave, WriteError, Writer, Written};

/// The target of spans that are for traces only; their level is TRACE.
pub const TURNS: &str = "xos_engine::turns";

/// The spans of the objects that are in work.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    spans: HashMap<ObjectKey, Span>,
    /// How long the object has waited whose turn it is.
    waited: SignedDuration,
}

impl Turns {
    /// Notes how long the object has waited whose turn it is.
    pub(crate) fn after(&mut self, waited: SignedDuration) {
        self.waited = waited;
    }

    /// Returns the span of an object's turn, which begins now unless a worker has had the object in it.
    pub(crate) fn of(&mut self, key: &ObjectKey, object: &Object) -> Span {
        if let Some(span) = self.spans.get(key) {
            return span.clone();
        }
        let span = tracing::trace_span!(
            target: TURNS,
            parent: None,
            "turn",
            object = %key,
            model = &*key.model,
            generation = object.meta.generation,
            waited_seconds = self.waited.as_secs_f64(),
            outcome = field::Empty,
            otel.name = field::Empty,
        );
        if !span.is_disabled() {
            span.record("otel.name", format!("turn {}", key.model));
            self.spans.insert(key.clone(), span.clone());
        }
        span
    }

    /// Takes in how an object's turn has ended.
    pub(crate) fn ended(&mut self, key: &ObjectKey, outcome: &str) {
        if let Some(span) = self.spans.remove(key) {
            span.record("outcome", outcome);
        }
    }
}

/// A writer each of whose writes is a span.
pub(crate) struct Traced(pub(crate) Arc<dyn Writer>);

/// Returns the span of a write.
fn save(what: &'static str, who: &str) -> Span {
    tracing::trace_span!(target: TURNS, "save", what, who)
}

impl Writer for Traced {
    fn set_finalizers<'a>(&'a self, entry: &'a Entry, object: &'a Object, finalizers: &'a [String]) -> Written<'a> {
        self.0.set_finalizers(entry, object, finalizers).instrument(save("finalizers", "")).boxed()
    }

    fn save_spec<'a>(&'a self, entry: &'a Entry, object: &'a Object, spec: &'a SpecSave, who: &'a str) -> Written<'a> {
        self.0.save_spec(entry, object, spec, who).instrument(save("spec", who)).boxed()
    }

    fn create<'a>(&'a self, entry: &'a Entry, object: &'a Object, who: &'a str) -> Written<'a> {
        self.0.create(entry, object, who).instrument(save("create", who)).boxed()
    }

    fn read<'a>(&'a self, entry: &'a Entry, key: &'a ObjectKey) -> BoxFuture<'a, Result<Option<Object>, WriteError>> {
        self.0.read(entry, key)
    }

    fn write_status<'a>(&'a self, entry: &'a Entry, before: &'a Object, after: &'a Object) -> Written<'a> {
        self.0.write_status(entry, before, after).instrument(save("status", "")).boxed()
    }

    fn annotate<'a>(
        &'a self,
        entry: &'a Entry,
        object: &'a Object,
        annotations: &'a Annotations,
        who: &'a str,
    ) -> Written<'a> {
        self.0.annotate(entry, object, annotations, who).instrument(save("annotations", who)).boxed()
    }

    fn read_secret<'a>(&'a self, of: &'a SecretName) -> BoxFuture<'a, Result<Option<SecretData>, WriteError>> {
        self.0.read_secret(of)
    }

    fn delete<'a>(&'a self, entry: &'a Entry, object: &'a Object, exact: bool) -> Written<'a> {
        self.0.delete(entry, object, exact).instrument(save("delete", "")).boxed()
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::filter::LevelFilter;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::fixtures::object;

    #[test]
    fn a_turn_has_one_span_until_it_ends_and_none_if_nobody_wants_it() {
        let (object, mut turns) = (object("a"), Turns::default());
        let key = object.key();
        assert!(turns.of(&key, &object).is_disabled() && turns.spans.is_empty());
        let wanting = tracing_subscriber::registry().with(LevelFilter::TRACE);
        tracing::subscriber::with_default(wanting, || {
            let first = turns.of(&key, &object);
            assert!(!first.is_disabled() && turns.of(&key, &object).id() == first.id());
            turns.ended(&key, "done");
            assert!(turns.spans.is_empty());
            assert!(turns.of(&key, &object).id() != first.id());
        });
    }
}
