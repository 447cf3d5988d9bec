//! Pull steps.

use xos_expressions::{Scope, Template, Type};
use xos_yaml::Node;

use super::{Compiler, exec, http};
use crate::kinds::{Method, PullStepSpec, parse_duration};
use crate::problem::Problem;
use crate::read::Document;
use crate::run::{PullDocument, Source};

impl Compiler<'_> {
    pub(super) fn pull_step(&mut self, document: &Document) -> Option<PullDocument> {
        let spec: PullStepSpec = self.read(&document.spec, &document.place)?;
        let node = &document.spec;
        let model = self.model(node, "model");
        let scope = self.scope();
        let source = self.source(node, &spec, &scope);
        let answered = match (&spec.exec, &spec.kubernetes) {
            (Some(_), _) => exec::with_result(scope),
            (None, Some(_)) => scope.with("objects", Type::list(Type::Any)),
            (None, None) => http::with_answer(scope),
        };
        let items = self.items(node, &spec, &answered);
        let scope = answered.with("item", Type::Any);
        let when = self.condition(node.at("when"), &scope);
        let fields = self.fields(node.at("fields"), model, &scope);
        let namespace = match node.at("namespace") {
            Some(_) => self.template_at(node, "namespace", &scope, &Type::Text).map(Some),
            None => Some(None),
        };
        self.check_key(node.at("key"), &spec.key, fields.as_deref());
        Some(PullDocument {
            name: document.name.clone(),
            revision: document.revision(),
            model: model?.name.clone(),
            every: spec.every.as_deref().and_then(parse_duration),
            source: source?,
            items: items?,
            when: when?,
            key: spec.key,
            fields: fields?,
            namespace: namespace?,
            vanished: spec.vanished,
            yielding: spec.yielding,
        })
    }

    /// Reads where a list comes from.
    fn source(&mut self, node: &Node, spec: &PullStepSpec, scope: &Scope<'_>) -> Option<Source> {
        let found = [spec.http.is_some(), spec.exec.is_some(), spec.kubernetes.is_some()];
        let one = |at| node.at(at).filter(|_| found.into_iter().filter(|is_there| *is_there).count() == 1);
        if let (Some(http), Some(at)) = (&spec.http, one("http")) {
            return self.request(at, http, Method::Get, scope).map(Box::new).map(Source::Http);
        }
        if let (Some(exec), Some(at)) = (&spec.exec, one("exec")) {
            return self.command(at, exec, scope).map(Box::new).map(Source::Exec);
        }
        if let (Some(kubernetes), Some(at)) = (&spec.kubernetes, one("kubernetes")) {
            return self.foreign_list(at, kubernetes, scope).map(Box::new).map(Source::Kubernetes);
        }
        self.not_one("a pull step", "`http`, `exec` and `kubernetes`", &found, &node.place)
    }

    /// Reads which items a list has. Returns nothing if it is wrong.
    #[expect(clippy::option_option, reason = "the outer one says whether it could be read")]
    fn items(&mut self, node: &Node, spec: &PullStepSpec, scope: &Scope<'_>) -> Option<Option<Template>> {
        match (node.at("items"), &spec.kubernetes) {
            (Some(at), _) => self.template(at, scope, &Type::list(Type::Any)).map(Some),
            (None, Some(_)) => Some(None),
            (None, None) => {
                self.report.push(Problem::Missing { key: "spec.items".to_owned() }, &node.place);
                None
            }
        }
    }
}
