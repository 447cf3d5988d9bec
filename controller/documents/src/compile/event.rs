//! Event steps.

use xos_expressions::Type;
use xos_yaml::Node;

use super::Compiler;
use crate::kinds::EventStepSpec;
use crate::problem::Problem;
use crate::read::Document;
use crate::run::EventDocument;

impl Compiler<'_> {
    pub(super) fn event_step(&mut self, document: &Document) -> Option<EventDocument> {
        let spec: EventStepSpec = self.read(&document.spec, &document.place)?;
        let node = &document.spec;
        self.check_with(node, &["model", "key", "fields"]);
        let model = self.model(node, "model");
        let scope = self.scope().with("event", event_type());
        let when = self.condition(node.at("when"), &scope);
        let fields = self.fields(node.at("fields"), model, &scope);
        self.check_key(node.at("key"), &spec.key, fields.as_deref());
        self.check_topics(node, &spec);
        Some(EventDocument {
            name: document.name.clone(),
            revision: document.revision(),
            topics: spec.topics,
            pattern: spec.pattern,
            group: spec.group,
            concurrency: spec.concurrency.map(std::num::NonZeroUsize::get),
            when: when?,
            model: model?.name.clone(),
            key: spec.key,
            fields: fields?,
            create: spec.create,
            save: spec.save,
        })
    }

    pub(super) fn check_topics(&mut self, node: &Node, spec: &EventStepSpec) {
        ["topics", "pattern", "group"].into_iter().for_each(|key| self.check_constant(node, key));
        if spec.topics.is_empty() == spec.pattern.is_none() {
            let found = usize::from(!spec.topics.is_empty()) + usize::from(spec.pattern.is_some());
            let problem = Problem::OneOf { what: "an event step".to_owned(), keys: "`topics` and `pattern`", found };
            self.report.push(problem, &node.place);
        }
    }
}

/// Returns the type of a message of the event bus.
pub(super) fn event_type() -> Type {
    Type::record(
        "event",
        [
            ("topic", Type::Text),
            ("key", Type::Text),
            ("text", Type::Text),
            ("value", Type::Any),
            ("headers", Type::map(Type::Text)),
        ],
    )
}
