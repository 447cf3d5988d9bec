//! Rules on the paths of policies: every name is a field, a link or a port of the model before it.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Display;
use std::sync::Arc;

use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, PolicyError};
use crate::model::{LinkKind, Model, ModelSet, Path, Policy, Root, ScalarType, Step, TermKind};
use crate::nearest::nearest;
use crate::source::Span;

/// The names that every object has in XOS beside its fields.
const OF_ALL: [&str; 4] = ["id", "pk", "class_names", "self_content_type_id"];

/// The target of a path.
#[derive(Clone, Copy)]
pub(super) enum Target<'a> {
    /// One object.
    Object(&'a Model),
    /// Any number of objects.
    Objects(&'a Model),
    /// A value that is not an object.
    Value(ScalarType),
    /// It cannot be known.
    Unknown,
}

/// The user of a policy, for diagnostics.
#[derive(Clone, Copy)]
pub(super) struct User<'a> {
    pub(super) policy: &'a str,
    pub(super) model: &'a str,
}

/// Looks up paths, and reports each wrong place once.
pub(super) struct Paths<'a> {
    models: &'a ModelSet,
    reported: HashSet<Span>,
    /// The models of the objects that were read by links.
    pub(super) read: BTreeSet<&'a str>,
    /// The number of names that were looked up.
    pub(super) work: usize,
}

impl<'a> Paths<'a> {
    pub(super) fn new(models: &'a ModelSet) -> Self {
        Self { models, reported: HashSet::new(), read: BTreeSet::new(), work: 0 }
    }

    /// Checks the paths that are the same for all objects that a policy is about.
    pub(super) fn check_without_object(&mut self, policy: &'a Policy, sink: &mut Sink) {
        let user = User { policy: &policy.name, model: "" };
        policy.expr.walk(&mut |expr| {
            for term in expr.terms() {
                if let TermKind::Path(path) = &term.kind {
                    self.target(path, Target::Unknown, user, sink);
                }
            }
        });
    }

    /// Returns what a path leads to if `obj` is `object`.
    pub(super) fn target(&mut self, path: &Path, object: Target<'a>, user: User<'_>, sink: &mut Sink) -> Target<'a> {
        let model = |name: &str| self.models.get(name).map_or(Target::Unknown, Target::Object);
        let mut target = match &path.root {
            Root::Object | Root::Old => object,
            Root::User => model("User"),
            Root::Bound(name) => model(name),
            Root::WriteAccess | Root::ReadAccess => Target::Value(ScalarType::Bool),
            Root::Unknown(_) => Target::Unknown,
        };
        let mut before: &dyn Display = &path.root;
        for step in &path.steps {
            target = self.step(target, before, step, user, sink);
            before = &step.name;
        }
        target
    }

    fn step(
        &mut self,
        target: Target<'a>,
        before: &dyn Display,
        step: &Step,
        user: User<'_>,
        sink: &mut Sink,
    ) -> Target<'a> {
        match target {
            Target::Unknown => Target::Unknown,
            Target::Objects(_) if step.called => {
                if step.name == "all" {
                    return target;
                }
                self.report(step.span, PolicyError::Call { name: step.name.clone() }, sink);
                Target::Unknown
            }
            Target::Object(model) => self.member(model, step, user, sink),
            Target::Objects(_) => {
                let what = "which is any number of objects".to_owned();
                self.report(step.span, PolicyError::NoFields { name: before.to_string(), what }, sink);
                Target::Unknown
            }
            Target::Value(_) if step.called => {
                self.report(step.span, PolicyError::Call { name: step.name.clone() }, sink);
                Target::Unknown
            }
            Target::Value(ty) => {
                let what = format!("which is of type `{}`", ty.keyword());
                self.report(step.span, PolicyError::NoFields { name: before.to_string(), what }, sink);
                Target::Unknown
            }
        }
    }

    fn member(&mut self, model: &'a Model, step: &Step, user: User<'_>, sink: &mut Sink) -> Target<'a> {
        self.work += 1 + model.lineage.len() + (model.members.len() + model.reverse_links.len()) / 8;
        let found = self.find(model, &step.name);
        if let Some(target) = found.filter(|_| !step.called) {
            if let Target::Object(model) | Target::Objects(model) = target {
                self.read.insert(&model.name);
            }
            return target;
        }
        if self.reported.contains(&step.span) {
            return Target::Unknown;
        }
        let problem = if found.is_some() || step.called && is_python(model) {
            PolicyError::Call { name: step.name.clone() }
        } else {
            let names = model.members().map(crate::model::Member::name).chain(self.ports(model)).chain(OF_ALL);
            PolicyError::UnknownMember {
                name: step.name.clone(),
                model: model.name.clone(),
                policy: user.policy.to_owned(),
                user: if user.model == model.name { String::new() } else { user.model.to_owned() },
                python: is_python(model),
                suggestion: nearest(&step.name, names),
            }
        };
        self.report(step.span, problem, sink);
        Target::Unknown
    }

    /// Returns what a name of a model is, also one of XOS's API.
    fn find(&self, model: &'a Model, name: &str) -> Option<Target<'a>> {
        if OF_ALL.contains(&name) {
            return Some(Target::Value(ScalarType::Int32));
        }
        if let Some(field) = model.field(name) {
            return Some(Target::Value(field.ty));
        }
        if let Some(link) = model.link(name) {
            let peer = self.models.get(&link.peer);
            let many = link.is_to_many();
            return Some(
                peer.map_or(Target::Unknown, |peer| if many { Target::Objects(peer) } else { Target::Object(peer) }),
            );
        }
        let port = self.models.reverse_links(model).find(|port| port.name == name);
        if let Some(port) = port {
            return Some(match (self.models.get(&port.model), port.link.kind) {
                (Some(model), LinkKind::ManyToOne | LinkKind::ManyToMany) => Target::Objects(model),
                (Some(model), LinkKind::OneToOne | LinkKind::OneToMany) => Target::Object(model),
                (None, _) => Target::Unknown,
            });
        }
        let one = name.strip_suffix("_id").and_then(|stem| model.link(stem)).is_some_and(|link| !link.is_to_many());
        let many = name.strip_suffix("_ids").is_some_and(|stem| {
            model.link(stem).is_some_and(crate::model::Link::is_to_many) || self.ports(model).any(|port| port == stem)
        });
        (one || many).then_some(Target::Value(ScalarType::Int32))
    }

    fn ports(&self, model: &'a Model) -> impl Iterator<Item = &'a str> {
        self.models.reverse_links(model).map(|port| Arc::as_ref(port).name.as_str())
    }

    fn report(&mut self, span: Span, problem: PolicyError, sink: &mut Sink) {
        if self.reported.insert(span) {
            sink.push(Diagnostic::new(problem, span));
        }
    }
}

/// Returns whether the model has a class in Python too, which may have more names. All models have that of XOSBase.
fn is_python(model: &Model) -> bool {
    ["custom_python", "legacy"].iter().any(|name| model.flag(name))
}
