//! Checks documents against the models, and makes steps of them.

mod actions;
mod exec;
mod fields;
mod http;
mod places;
mod tree;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use xos_expressions::{Faults, Scope, Template, Type};
use xos_model::Resync;
use xos_steps::{DynPolicy, DynPullStep, DynSyncStep, Steps, erase_event_step};
use xos_xproto::{Model, ModelSet, nearest};
use xos_yaml::{File, Node, Place, Value};

use crate::kinds::{EventStepSpec, Kind, Method, ModelPolicySpec, PullStepSpec, SyncStepSpec, parse_duration};
use crate::problem::Problem;
use crate::read::{Document, Documents, Report};
use crate::run::{EventDocument, PolicyDocument, PullDocument, Source, SyncDocument, SyncHow};

pub(crate) use exec::CompiledCommand;
pub(crate) use fields::Target;
pub(crate) use http::{CompiledAuth, CompiledRequest, CompiledWait, Undo};
pub(crate) use tree::Tree;

/// Returns the steps of the documents that have no faults. What is wrong with the others is noted in the report.
pub(crate) fn steps(documents: &mut Documents, models: &ModelSet) -> Steps {
    let models = Arc::new(models.clone());
    let all = std::mem::take(&mut documents.all);
    let report = &mut documents.report;
    let mut compiler = Compiler { models: &models, files: &documents.files, report, uses: BTreeSet::new() };
    let mut steps = Steps::new();
    let mut synchronized: HashMap<String, String> = HashMap::new();
    for document in &all {
        match document.kind {
            Kind::SyncStep => {
                compiler.check_one_step(document, &mut synchronized);
                let step = compiler.sync_step(document);
                steps.sync_steps.extend(step.map(|step| Arc::new(step) as Arc<dyn DynSyncStep>));
            }
            Kind::ModelPolicy => {
                let policy = compiler.model_policy(document);
                steps.policies.extend(policy.map(|policy| Arc::new(policy) as Arc<dyn DynPolicy>));
            }
            Kind::PullStep => {
                let step = compiler.pull_step(document);
                steps.pull_steps.extend(step.map(|step| Arc::new(step) as Arc<dyn DynPullStep>));
            }
            Kind::EventStep => {
                let step = compiler.event_step(document);
                steps.event_steps.extend(step.map(erase_event_step));
            }
        }
    }
    steps.uses = compiler.uses;
    steps
}

/// Compiles documents, and notes what is wrong with them.
pub(crate) struct Compiler<'a> {
    models: &'a Arc<ModelSet>,
    files: &'a [File],
    report: &'a mut Report,
    /// The models that they name, and those that they read by links.
    uses: BTreeSet<String>,
}

impl<'a> Compiler<'a> {
    fn sync_step(&mut self, document: &Document) -> Option<SyncDocument> {
        let spec: SyncStepSpec = self.read(&document.spec, &document.place)?;
        let model = self.model(&document.spec, "model");
        let scope = self.scope().with("self", of_class(model));
        let when = self.condition(document.spec.at("when"), &scope.clone().without_links());
        let external: Vec<_> = self.classes(&document.spec, "externalDependencies");
        let how = self.how(&document.spec, &spec, model, &scope);
        Some(SyncDocument {
            name: document.name.clone(),
            models: Arc::clone(self.models),
            model: model?.name.clone(),
            when: when?,
            resync: resync(spec.resync.as_deref()),
            concurrency: spec.concurrency.map(std::num::NonZeroUsize::get),
            external,
            how: how?,
        })
    }

    /// Reads what a sync step does.
    fn how(&mut self, node: &Node, spec: &SyncStepSpec, model: Option<&Model>, scope: &Scope<'_>) -> Option<SyncHow> {
        match (&spec.http, &spec.exec) {
            (Some(http), None) => self.http_sync(node.at("http")?, http, model, scope).map(Box::new).map(SyncHow::Http),
            (None, Some(exec)) => self.exec_sync(node.at("exec")?, exec, model, scope).map(Box::new).map(SyncHow::Exec),
            (http, exec) => self.not_one("a sync step", [http.is_some(), exec.is_some()], &node.place),
        }
    }

    /// Notes that there is not exactly one of `http` and `exec`.
    fn not_one<T>(&mut self, what: &str, are_there: [bool; 2], place: &Place) -> Option<T> {
        let found = are_there.into_iter().filter(|is_there| *is_there).count();
        self.report.push(Problem::OneOf { what: what.to_owned(), keys: "`http` and `exec`", found }, place);
        None
    }

    fn model_policy(&mut self, document: &Document) -> Option<PolicyDocument> {
        let spec: ModelPolicySpec = self.read(&document.spec, &document.place)?;
        let model = self.model(&document.spec, "model");
        let scope = self.scope().with("self", of_class(model));
        let when = self.condition(document.spec.at("when"), &scope);
        let set = self.fields(document.spec.at("set"), model, &scope);
        let actions = self.actions(document.spec.at("do"), &spec.actions, &scope);
        let on_delete = self.actions(document.spec.at("onDelete"), &spec.on_delete, &scope);
        Some(PolicyDocument {
            name: document.name.clone(),
            model: model?.name.clone(),
            when: when?,
            set: set?,
            actions: actions?,
            on_delete: on_delete?,
        })
    }

    fn pull_step(&mut self, document: &Document) -> Option<PullDocument> {
        let spec: PullStepSpec = self.read(&document.spec, &document.place)?;
        let node = &document.spec;
        let model = self.model(node, "model");
        let scope = self.scope();
        let source = match (&spec.http, &spec.exec) {
            (Some(http), None) => {
                let request = self.request(node.at("http")?, http, Method::Get, &scope);
                request.map(Box::new).map(Source::Http)
            }
            (None, Some(exec)) => self.command(node.at("exec")?, exec, &scope).map(Box::new).map(Source::Exec),
            (http, exec) => self.not_one("a pull step", [http.is_some(), exec.is_some()], &node.place),
        };
        let answered = match spec.exec {
            None => http::with_answer(scope),
            Some(_) => exec::with_result(scope),
        };
        let items = self.template_at(node, "items", &answered, &Type::list(Type::Any));
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

    fn event_step(&mut self, document: &Document) -> Option<EventDocument> {
        let spec: EventStepSpec = self.read(&document.spec, &document.place)?;
        let node = &document.spec;
        let model = self.model(node, "model");
        let event = Type::record(
            "event",
            [
                ("topic", Type::Text),
                ("key", Type::Text),
                ("text", Type::Text),
                ("value", Type::Any),
                ("headers", Type::map(Type::Text)),
            ],
        );
        let scope = self.scope().with("event", event);
        let when = self.condition(node.at("when"), &scope);
        let fields = self.fields(node.at("fields"), model, &scope);
        self.check_key(node.at("key"), &spec.key, fields.as_deref());
        ["topics", "pattern", "group"].into_iter().for_each(|key| self.check_constant(node, key));
        if spec.topics.is_empty() == spec.pattern.is_none() {
            let found = usize::from(!spec.topics.is_empty()) + usize::from(spec.pattern.is_some());
            let problem = Problem::OneOf { what: "an event step".to_owned(), keys: "`topics` and `pattern`", found };
            self.report.push(problem, &node.place);
        }
        Some(EventDocument {
            name: document.name.clone(),
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

    /// Notes that two sync steps are for the same objects.
    fn check_one_step(&mut self, document: &Document, known: &mut HashMap<String, String>) {
        let Some((class, place)) = document.spec.text("model") else { return };
        let models: Vec<_> = self.models.of_class(class).map(|model| model.name.clone()).collect();
        for model in models {
            match known.get(&model) {
                Some(other) => {
                    self.report.push(Problem::TwoSteps { model, other: other.clone() }, place);
                    return;
                }
                None => drop(known.insert(model, document.name.clone())),
            }
        }
    }

    /// Notes expressions in what has to be known before anything runs.
    fn check_constant(&mut self, node: &Node, key: &str) {
        let texts: &[Node] = match node.at(key) {
            Some(Node { value: Value::List(items), .. }) => items,
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        for text in texts {
            if matches!(&text.value, Value::Text(value) if value.contains("${")) {
                self.report.push(Problem::NotConstant { key: key.to_owned() }, &text.place);
            }
        }
    }

    fn check_key(&mut self, node: Option<&Node>, key: &[String], fields: Option<&[Target]>) {
        let (Some(Node { value: Value::List(items), .. }), Some(fields)) = (node, fields) else { return };
        for (field, item) in key.iter().zip(items) {
            if !fields.iter().any(|target| target.name == *field) {
                self.report.push(Problem::KeyNotSet { field: field.clone() }, &item.place);
            }
        }
    }

    /// Returns the names that all expressions may use.
    fn scope(&self) -> Scope<'a> {
        Scope::new(self.models).with("settings", Type::Any)
    }

    fn read<T: DeserializeOwned>(&mut self, node: &Node, place: &Place) -> Option<T> {
        let read = serde_json::from_value(node.clone().into_json());
        read.map_err(|error| self.report.push(Problem::Unfit { reason: error.to_string() }, place)).ok()
    }

    /// Returns the model that a key names.
    fn model(&mut self, node: &Node, key: &str) -> Option<&'a Model> {
        let (name, place) = node.text(key)?;
        let place = place.clone();
        self.class(name, &place)
    }

    fn class(&mut self, name: &str, place: &Place) -> Option<&'a Model> {
        let models: &'a ModelSet = self.models;
        if let Some(model) = models.get(name) {
            self.uses.insert(name.to_owned());
            return Some(model);
        }
        let suggestion = nearest(name, models.iter().map(|model| model.name.as_str()));
        self.report.push(Problem::UnknownModel { model: name.to_owned(), suggestion }, place);
        None
    }

    fn classes(&mut self, node: &Node, key: &str) -> Vec<String> {
        let Some(Node { value: Value::List(items), .. }) = node.at(key) else { return vec![] };
        let names = items.iter().filter_map(|item| match &item.value {
            Value::Text(name) => self.class(name, &item.place).map(|model| model.name.clone()),
            _ => None,
        });
        names.collect()
    }

    /// Reads a condition; one that is left out is none. Returns nothing if it is wrong.
    #[expect(clippy::option_option, reason = "the outer one says whether it could be read")]
    fn condition(&mut self, node: Option<&Node>, scope: &Scope<'_>) -> Option<Option<Template>> {
        node.map_or(Some(None), |node| self.template(node, scope, &Type::Bool).map(Some))
    }

    fn template_at(&mut self, node: &Node, key: &str, scope: &Scope<'_>, wanted: &Type) -> Option<Template> {
        node.at(key).and_then(|node| self.template(node, scope, wanted))
    }

    /// Reads a text with expressions.
    fn template(&mut self, node: &Node, scope: &Scope<'_>, wanted: &Type) -> Option<Template> {
        let Value::Text(text) = &node.value else { return None };
        match Template::compile_as(text, scope, wanted) {
            Ok(template) => {
                self.uses.extend(template.reads().map(str::to_owned));
                Some(template)
            }
            Err(faults) => {
                self.tell(&faults, text, node);
                None
            }
        }
    }

    fn tell(&mut self, faults: &Faults, text: &str, node: &Node) {
        for fault in &faults.0 {
            let place = places::of_part(&node.place, self.files, text, &fault.at);
            let problem = Problem::Expression { message: fault.message.clone(), mend: fault.help.clone() };
            self.report.push(problem, &place);
        }
    }
}

fn of_class(model: Option<&Model>) -> Type {
    model.map_or(Type::Any, |model| Type::object(&model.name))
}

fn resync(text: Option<&str>) -> Resync {
    match text {
        None => Resync::AsConfigured,
        Some(text) => text.parse().unwrap_or(Resync::AsConfigured),
    }
}
