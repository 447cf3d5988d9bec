//! Checks documents against the models, and makes steps of them.

mod actions;
mod ansible;
mod event;
mod exec;
mod fields;
mod foreign;
mod grpc;
mod http;
mod kubernetes;
mod pull;
mod secret;
mod tree;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use xos_expressions::{Faults, Properties, Scope, Template, Type};
use xos_model::Resync;
use xos_step_server::{Kind as ServedKind, Servers};
use xos_steps::{AtStart, DynPolicy, DynPullStep, DynSyncStep, Steps, Use, erase_event_step};
use xos_xproto::{Model, ModelSet, nearest};
use xos_yaml::{File, Node, Place, Value, part_of};

use crate::kinds::{Kind, ModelPolicySpec, SyncStepSpec};
use crate::problem::Problem;
use crate::read::{Document, Documents, Report};
use crate::run::{GrpcDocument, PolicyDocument, Served, SyncDocument, SyncHow};

use grpc::is_grpc;

pub(crate) use ansible::{CompiledPlay, CompiledRun, PlaySource};
pub(crate) use exec::CompiledCommand;
pub(crate) use fields::Target;
pub(crate) use grpc::CompiledGrpcTls;
pub(crate) use http::{CompiledAuth, CompiledRequest, CompiledWait, Undo};
pub(crate) use kubernetes::{By, CompiledObject, CompiledRead, CompiledSource};
pub(crate) use secret::{Authority, CompiledTls, NamedKey, NamedSecret};
pub(crate) use tree::Tree;

/// Returns the steps of the documents that have no faults. What is wrong with the others is noted in the report.
pub(crate) fn steps(documents: &mut Documents, models: &ModelSet, properties: &Arc<Properties>) -> Steps {
    let models = Arc::new(models.clone());
    let all = std::mem::take(&mut documents.all);
    let (files, report, servers) = (&documents.files, &mut documents.report, Arc::default());
    let mut compiler = Compiler {
        models: &models,
        properties,
        files,
        report,
        servers,
        served: vec![],
        uses: vec![],
        named: BTreeSet::new(),
    };
    let mut steps = Steps::new();
    let mut synchronized: HashMap<String, String> = HashMap::new();
    for document in &all {
        match document.kind {
            Kind::SyncStep => {
                compiler.check_one_step(document, &mut synchronized);
                let step = compiler.sync_step(document);
                steps.sync_steps.extend(step.map(|step| Arc::new(step) as Arc<dyn DynSyncStep>));
            }
            Kind::ModelPolicy if is_grpc(document) => {
                let policy = compiler.grpc_policy(document);
                steps.policies.extend(policy.map(|policy| Arc::new(policy) as Arc<dyn DynPolicy>));
            }
            Kind::PullStep if is_grpc(document) => {
                let step = compiler.grpc_pull(document);
                steps.pull_steps.extend(step.map(|step| Arc::new(step) as Arc<dyn DynPullStep>));
            }
            Kind::EventStep if is_grpc(document) => {
                let step = compiler.grpc_event(document);
                steps.event_steps.extend(step.map(erase_event_step));
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
    let served = std::mem::take(&mut compiler.served);
    steps.at_start.extend((!served.is_empty()).then(|| Arc::new(Served(served)) as Arc<dyn AtStart>));
    steps.uses = compiler.uses;
    steps.models = compiler.named;
    steps
}

/// Compiles documents, and notes what is wrong with them.
pub(crate) struct Compiler<'a> {
    models: &'a Arc<ModelSet>,
    properties: &'a Arc<Properties>,
    files: &'a [File],
    report: &'a mut Report,
    /// The step servers that they name, and the steps of these.
    servers: Arc<Servers>,
    served: Vec<GrpcDocument>,
    /// What they read or make of Kubernetes' own objects.
    uses: Vec<Use>,
    /// The models that they name, and those that they read by links.
    named: BTreeSet<String>,
}

impl<'a> Compiler<'a> {
    fn sync_step(&mut self, document: &Document) -> Option<SyncDocument> {
        let spec: SyncStepSpec = self.read(&document.spec, &document.place)?;
        let model = self.model(&document.spec, "model");
        let scope = self.scope().with("self", of_class(model));
        let when = self.condition(document.spec.at("when"), &scope.clone().without_links());
        let external: Vec<_> = self.classes(&document.spec, "externalDependencies");
        let how = self.how(document, &spec, model, &scope);
        Some(SyncDocument {
            name: document.name.clone(),
            revision: document.revision(),
            models: Arc::clone(self.models),
            properties: Arc::clone(self.properties),
            model: model?.name.clone(),
            when: when?,
            resync: resync(spec.resync.as_deref()),
            concurrency: spec.concurrency.map(std::num::NonZeroUsize::get),
            external,
            how: how?,
        })
    }

    /// Reads what a sync step does.
    fn how(
        &mut self,
        document: &Document,
        spec: &SyncStepSpec,
        model: Option<&Model>,
        scope: &Scope<'_>,
    ) -> Option<SyncHow> {
        let node = &document.spec;
        let of_programs = [spec.http.is_some(), spec.exec.is_some(), spec.grpc.is_some()];
        let found = [&of_programs[..], &[spec.kubernetes.is_some(), spec.ansible.is_some()]].concat();
        let one = |at| node.at(at).filter(|_| found.iter().filter(|is_there| **is_there).count() == 1);
        if let (Some(grpc), Some(_)) = (&spec.grpc, one("grpc")) {
            let served = self.grpc(document, grpc, (ServedKind::SyncStep, model, false), scope);
            return served.map(Box::new).map(SyncHow::Grpc);
        }
        if let (Some(http), Some(at)) = (&spec.http, one("http")) {
            return self.http_sync(at, http, model, scope).map(Box::new).map(SyncHow::Http);
        }
        if let (Some(exec), Some(at)) = (&spec.exec, one("exec")) {
            return self.exec_sync(at, exec, model, scope).map(Box::new).map(SyncHow::Exec);
        }
        if let (Some(kubernetes), Some(at)) = (&spec.kubernetes, one("kubernetes")) {
            let compiled = self.kubernetes_sync(at, kubernetes, model, scope);
            return compiled.map(Box::new).map(SyncHow::Kubernetes);
        }
        if let (Some(ansible), Some(at)) = (&spec.ansible, one("ansible")) {
            return self.ansible_sync(at, ansible, model, scope).map(Box::new).map(SyncHow::Ansible);
        }
        self.not_one("a sync step", "`http`, `exec`, `grpc`, `kubernetes` and `ansible`", &found, &node.place)
    }

    /// Notes that there is not exactly one of several keys.
    fn not_one<T>(&mut self, what: &str, keys: &'static str, are_there: &[bool], place: &Place) -> Option<T> {
        let found = are_there.iter().filter(|is_there| **is_there).count();
        self.report.push(Problem::OneOf { what: what.to_owned(), keys, found }, place);
        None
    }

    /// Notes keys that a document without a step server needs.
    fn check_with(&mut self, node: &Node, keys: &[&str]) {
        for key in keys {
            if node.at(key).is_none() {
                self.report.push(Problem::Missing { key: format!("spec.{key}") }, &node.place);
            }
        }
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
            revision: document.revision(),
            model: model?.name.clone(),
            when: when?,
            set: set?,
            actions: actions?,
            on_delete: on_delete?,
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
            self.named.insert(name.to_owned());
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
                self.named.extend(template.reads().map(str::to_owned));
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
            let place = part_of(&node.place, self.files, text, &fault.at);
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
