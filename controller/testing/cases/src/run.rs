//! Runs test cases.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value as Json};
use xos_engine::Options;
use xos_model::{Backoff, Outcome};
use xos_steps::{BusEvent, Properties, Steps};
use xos_testing::{Builder, Change, Cluster, TestClock, World};
use xos_xproto::{ModelSet, nearest};
use xos_yaml::{Node, Place, Value};

use crate::answers::bytes;
use crate::expect::Found;
use crate::foreign::Kinds;
use crate::objects::Named;
use crate::outside::{Asked, Backend};
use crate::problem::{CaseProblem, Diagnostic};
use crate::read::{Case, Files, duration};
use crate::spec::{Answer, Message, OutcomeWord};
use crate::{expect, objects};

/// How long a case may take.
const LIMIT: Duration = Duration::from_secs(60);

/// What is tested: the models of a service with their steps and policies, all of documents.
#[derive(Clone, Debug)]
pub struct Service {
    /// The synchronizer's name.
    pub name: String,
    /// The models.
    pub models: Arc<ModelSet>,
    /// Their properties.
    pub properties: Arc<Properties>,
    /// The steps and policies.
    pub steps: Steps,
    /// The configuration's `settings`.
    pub settings: Map<String, Json>,
    /// How the engine works.
    pub options: Options,
}

/// What happened since a stage began.
pub(crate) struct Happened {
    pub(crate) asked: Vec<Asked>,
    pub(crate) changes: Vec<Change>,
    pub(crate) events: Vec<(String, OutcomeWord, Option<String>)>,
}

/// A stage of a case: the given objects are applied in the first one.
struct Stage<'a> {
    applied: &'a str,
    of_files: &'a [Node],
    node: &'a Node,
    backend: &'a [Answer],
    send: &'a [Message],
    pass: Option<&'a str>,
}

/// A case that runs.
struct Running<'a> {
    service: &'a Service,
    world: World,
    cluster: Cluster,
    kinds: Kinds,
    backend: Backend,
    problems: Vec<(CaseProblem, Place)>,
}

impl Case {
    /// Runs the case. Returns what is not as expected, or wrong with the case; nothing if all is well.
    pub fn run(&self, service: &Service, files: &Files) -> Vec<Diagnostic> {
        let mut problems = self.unknown_steps(service);
        if problems.is_empty() {
            let ran = self.run_in_world(service);
            problems = ran.unwrap_or_else(|why| vec![(CaseProblem::NoWorld { why }, self.place.clone())]);
        }
        problems.into_iter().map(|problem| files.diagnostic(problem)).collect()
    }

    fn run_in_world(&self, service: &Service) -> Result<Vec<(CaseProblem, Place)>, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let _entered = runtime.enter();
        let clock = TestClock::default();
        let backend = Backend::new(&clock);
        let (cluster, kinds) = (Cluster::new(&clock), Kinds::of(&service.steps));
        kinds.0.iter().for_each(|kind| cluster.define(kind));
        let world = self.world(service, &clock).outside(Arc::new(backend.clone())).cluster(&cluster).start();
        let world = world.map_err(|error| error.to_string())?;
        let mut running = Running { service, world, cluster, kinds, backend, problems: vec![] };
        let ended = runtime.block_on(async { tokio::time::timeout(LIMIT, running.all(self)).await });
        let mut problems = running.problems;
        if ended.is_err() {
            problems.push((CaseProblem::Endless { seconds: LIMIT.as_secs() }, self.place.clone()));
        }
        // What lacks an answer comes first: it explains the rest.
        let unanswered = running.backend.unanswered().into_iter();
        let mut all: Vec<_> = unanswered.map(|what| (CaseProblem::Unanswered { what }, self.place.clone())).collect();
        all.append(&mut problems);
        Ok(all)
    }

    fn world(&self, service: &Service, clock: &TestClock) -> Builder {
        let mut settings = service.settings.clone();
        settings.extend(self.spec.settings.clone());
        // Without jitter a case knows when a retry is due.
        let even = |backoff: Backoff| Backoff { jitter: 0.0, ..backoff };
        let options = Options {
            backoff: even(service.options.backoff),
            probe_backoff: even(service.options.probe_backoff),
            ..service.options.clone()
        };
        World::of_set((*service.models).clone(), Arc::clone(&service.properties))
            .named(&service.name)
            .steps(self.steps(service))
            .settings(Json::Object(settings))
            .options(options)
            .clock(clock)
    }

    /// Returns the steps and policies that work in the case.
    fn steps(&self, service: &Service) -> Steps {
        let mut steps = service.steps.clone();
        let works = |name: &str| self.spec.only.is_empty() || self.spec.only.iter().any(|only| only == name);
        steps.sync_steps.retain(|step| works(step.name()));
        steps.policies.retain(|policy| works(policy.name()));
        steps.pull_steps.retain(|step| works(step.name()));
        steps.event_steps.retain(|step| works(step.name()));
        steps
    }

    fn unknown_steps(&self, service: &Service) -> Vec<(CaseProblem, Place)> {
        let known = names(&service.steps);
        let mut problems = vec![];
        if let Some(Node { value: Value::List(items), .. }) = self.node.at("only") {
            for (name, item) in self.spec.only.iter().zip(items).filter(|(name, _)| !known.contains(&name.as_str())) {
                let suggestion = nearest(name, &known);
                problems.push((CaseProblem::UnknownStep { name: name.clone(), suggestion }, item.place.clone()));
            }
        }
        problems
    }
}

/// Returns the names of all steps and policies.
fn names(steps: &Steps) -> Vec<&str> {
    let syncs = steps.sync_steps.iter().map(|step| step.name());
    let policies = steps.policies.iter().map(|policy| policy.name());
    let pulls = steps.pull_steps.iter().map(|step| step.name());
    syncs.chain(policies).chain(pulls).chain(steps.event_steps.iter().map(|step| step.name())).collect()
}

impl Running<'_> {
    async fn all(&mut self, case: &Case) {
        let spec = &case.spec;
        let first = Stage {
            applied: "given",
            of_files: &case.given,
            node: &case.node,
            backend: &spec.backend,
            send: &spec.send,
            pass: spec.pass.as_deref(),
        };
        self.stage(&first).await;
        let nodes = list(&case.node, "then");
        for (stage, node) in spec.then.iter().zip(nodes) {
            let stage = Stage {
                applied: "apply",
                of_files: &[],
                node,
                backend: &stage.backend,
                send: &stage.send,
                pass: stage.pass.as_deref(),
            };
            self.stage(&stage).await;
        }
    }

    async fn stage(&mut self, stage: &Stage<'_>) {
        self.check_answers(stage);
        self.backend.answers(stage.backend);
        for node in stage.of_files.iter().chain(list(stage.node, stage.applied)) {
            let given = objects::read(&self.service.models, &self.kinds, node, &mut self.problems);
            if let Some(Err(why)) = given.map(|given| given.apply(&self.world, &self.cluster)) {
                self.problems.push((CaseProblem::Refused { why }, node.place.clone()));
            }
        }
        self.delete(stage);
        self.world.settle().await;
        let mut events = vec![];
        for message in stage.send {
            let outcomes = self.world.send(&event(message)).await;
            let parked = self.world.take_parked();
            events.extend(outcomes.into_iter().map(|(step, outcome)| {
                let is_parked = parked.iter().any(|(of, ..)| *of == step);
                let word = if is_parked { OutcomeWord::Parked } else { word(&outcome) };
                (step, word, outcome.message().map(str::to_owned))
            }));
        }
        if let Some(time) = stage.pass.and_then(duration) {
            self.world.pass(time).await;
        }
        let asked = self.backend.take_asked();
        let happened = Happened { asked, changes: self.world.take_changes(), events };
        if let Some(node) = stage.node.at("expect") {
            let Self { service, world, cluster, kinds, .. } = self;
            let found = Found { world, cluster, models: &service.models, kinds };
            expect::check(node, &happened, &found, &mut self.problems);
        }
    }

    fn delete(&mut self, stage: &Stage<'_>) {
        for node in list(stage.node, "delete") {
            let Value::Text(text) = &node.value else { continue };
            let of = (text.as_str(), &node.place);
            let missing = match objects::named(&self.service.models, &self.kinds, of, &mut self.problems) {
                Some(Named::Object(key)) => (!self.world.api().remove(&key)).then(|| objects::told(&key)),
                Some(Named::Foreign(at)) => (!at.delete(&self.cluster)).then(|| at.told()),
                None => None,
            };
            if let Some(object) = missing {
                self.problems.push((CaseProblem::NoSuchObject { object }, node.place.clone()));
            }
        }
    }

    /// Notes answers that are not to one kind of question.
    fn check_answers(&mut self, stage: &Stage<'_>) {
        for (answer, node) in stage.backend.iter().zip(list(stage.node, "backend")) {
            let to = [answer.http.is_some(), answer.exec.is_some(), answer.grpc.is_some()];
            let found = to.into_iter().filter(|is_it| *is_it).count();
            if found != 1 {
                let what = "an answer".to_owned();
                let problem = CaseProblem::OneOf { what, keys: "`http`, `exec` and `grpc`", found };
                self.problems.push((problem, node.place.clone()));
            }
            for (key, expected) in [
                ("http", "method and URL, as in `PUT http://directory/people/*`"),
                ("grpc", "method and step, as in `SyncRecord guest`"),
            ] {
                if let Some((pattern, place)) = node.text(key).filter(|(pattern, _)| !pattern.trim().contains(' ')) {
                    let (key, value, expected) = (key.to_owned(), pattern.to_owned(), expected.to_owned());
                    let problem = CaseProblem::InvalidValue { key, value, expected, suggestion: None };
                    self.problems.push((problem, place.clone()));
                }
            }
        }
    }
}

/// Returns the items of a list.
pub(crate) fn list<'a>(node: &'a Node, key: &str) -> &'a [Node] {
    match node.at(key).map(|node| &node.value) {
        Some(Value::List(nodes)) => nodes,
        _ => &[],
    }
}

fn event(message: &Message) -> BusEvent {
    let headers = message.headers.iter().map(|(name, value)| (name.clone(), Some(value.clone().into_bytes())));
    BusEvent {
        topic: message.topic.as_str().into(),
        key: message.key.clone().map(String::into_bytes),
        value: message.value.as_ref().map(|value| bytes(Some(value))),
        headers: headers.collect(),
        ..BusEvent::default()
    }
}

/// Returns the word for an outcome.
pub(crate) fn word(outcome: &Outcome) -> OutcomeWord {
    match outcome {
        Outcome::Succeeded => OutcomeWord::Succeeded,
        Outcome::Failed(_) => OutcomeWord::Failed,
        Outcome::Deferred(_) => OutcomeWord::Deferred,
        Outcome::Innocuous(_) => OutcomeWord::Innocuous,
        Outcome::Unavailable(_) => OutcomeWord::Unavailable,
    }
}
