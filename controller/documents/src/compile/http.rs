//! HTTP requests.

use std::time::Duration;

use xos_expressions::{Scope, Template, Type};
use xos_xproto::Model;
use xos_yaml::Node;

use super::{CompiledTls, Compiler, NamedKey, NamedSecret, Target, Tree};
use crate::kinds::{Delete, DeleteRequest, HttpSync, Method, Outcome, Request, parse_duration};
use crate::problem::Problem;
use crate::read::entries;
use crate::run::HttpDocument;

/// The time between two questions, if the document says none.
const EVERY: Duration = Duration::from_secs(2);
/// How long to wait, if the document does not say it.
const LIMIT: Duration = Duration::from_secs(30);

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct CompiledRequest {
    pub(crate) method: Method,
    pub(crate) url: Template,
    pub(crate) headers: Vec<(String, Template)>,
    pub(crate) query: Vec<(String, Template)>,
    pub(crate) auth: Option<CompiledAuth>,
    pub(crate) tls: Option<CompiledTls>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) body: Option<Tree>,
    pub(crate) expect: Vec<u16>,
    pub(crate) answers: Vec<CompiledAnswer>,
}

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) enum CompiledAuth {
    Basic(Template, Template),
    Bearer(Template),
    /// A Secret with a user and a password.
    BasicSecret(NamedSecret),
    /// A token in a Secret.
    BearerSecret(NamedKey),
}

/// What an answer means.
#[derive(Clone, Debug)]
pub(crate) struct CompiledAnswer {
    pub(crate) status: Vec<u16>,
    pub(crate) when: Option<Template>,
    pub(crate) then: Outcome,
    pub(crate) message: Option<Template>,
}

/// What has to be waited for.
#[derive(Clone, Debug)]
pub(crate) struct CompiledWait {
    pub(crate) request: CompiledRequest,
    pub(crate) until: Template,
    pub(crate) every: Duration,
    pub(crate) limit: Duration,
    pub(crate) fields: Vec<Target>,
}

/// How something is undone.
#[derive(Clone, Debug)]
pub(crate) enum Undo {
    Nothing,
    Request(Box<CompiledRequest>),
}

/// Returns the names that expressions may use after an answer.
pub(super) fn with_answer(scope: Scope<'_>) -> Scope<'_> {
    let members =
        [("status", Type::Int), ("body", Type::Any), ("text", Type::Text), ("headers", Type::map(Type::Text))];
    scope.with("response", Type::record("response", members))
}

impl Compiler<'_> {
    pub(super) fn http_sync(
        &mut self,
        node: &Node,
        spec: &HttpSync,
        model: Option<&Model>,
        scope: &Scope<'_>,
    ) -> Option<HttpDocument> {
        let request = self.request(node, &spec.request, Method::Put, scope);
        let answered = with_answer(scope.clone());
        let fields = self.fields(node.at("fields"), model, &answered);
        let wait = match node.at("wait") {
            Some(at) => self.wait(at, spec, request.as_ref(), model, scope).map(Some),
            None => Some(None),
        };
        let delete = self.undo(node, spec, request.as_ref(), scope);
        Some(HttpDocument { request: request?, fields: fields?, wait: wait?, delete: delete? })
    }

    pub(super) fn request(
        &mut self,
        node: &Node,
        spec: &Request,
        method: Method,
        scope: &Scope<'_>,
    ) -> Option<CompiledRequest> {
        let url = self.template_at(node, "url", scope, &Type::Text);
        let headers = self.texts(node.at("headers"), scope);
        let query = self.texts(node.at("query"), scope);
        let auth = self.auth(node, scope);
        let tls = self.tls(node);
        let body = self.value_at(node, "body", scope);
        let answers = self.answers(node, &spec.answers, scope);
        Some(CompiledRequest {
            method: spec.method.unwrap_or(method),
            url: url?,
            headers: headers?,
            query: query?,
            auth: auth?,
            tls: tls?,
            timeout: spec.timeout.as_deref().and_then(parse_duration),
            body: body?,
            expect: spec.expect.clone(),
            answers: answers?,
        })
    }

    pub(super) fn texts(&mut self, node: Option<&Node>, scope: &Scope<'_>) -> Option<Vec<(String, Template)>> {
        let all: Vec<_> = node.map(entries).unwrap_or_default().iter().collect();
        let all: Vec<_> =
            all.into_iter().map(|entry| Some((entry.key.clone(), self.text(&entry.node, scope)?))).collect();
        all.into_iter().collect()
    }

    /// Reads a text whose expressions may be of any type.
    pub(super) fn text(&mut self, node: &Node, scope: &Scope<'_>) -> Option<Template> {
        self.template(node, scope, &Type::Any)
    }

    /// Reads a value with expressions; one that is left out is none.
    #[expect(clippy::option_option, reason = "the outer one says whether it could be read")]
    pub(super) fn value_at(&mut self, node: &Node, key: &str, scope: &Scope<'_>) -> Option<Option<Tree>> {
        node.at(key).map_or(Some(None), |at| self.tree(at, scope).map(Some))
    }

    #[expect(clippy::option_option, reason = "the outer one says whether it could be read")]
    fn auth(&mut self, node: &Node, scope: &Scope<'_>) -> Option<Option<CompiledAuth>> {
        let Some(auth) = node.at("auth") else { return Some(None) };
        match (auth.at("basic"), auth.at("bearer")) {
            (Some(basic), None) if basic.at("secretRef").is_some() => {
                Some(Some(CompiledAuth::BasicSecret(self.named_secret(basic, "auth.basic")?)))
            }
            (None, Some(bearer)) if bearer.at("secretKeyRef").is_some() => {
                Some(Some(CompiledAuth::BearerSecret(self.named_key(bearer, "auth.bearer")?)))
            }
            (Some(basic), None) => {
                for key in ["username", "password"].into_iter().filter(|key| basic.at(key).is_none()) {
                    let problem = Problem::Missing { key: format!("auth.basic.{key}") };
                    self.report.push(problem, &basic.place);
                }
                let username = self.template_at(basic, "username", scope, &Type::Text);
                let password = self.template_at(basic, "password", scope, &Type::Text);
                Some(Some(CompiledAuth::Basic(username?, password?)))
            }
            (None, Some(bearer)) => Some(Some(CompiledAuth::Bearer(self.template(bearer, scope, &Type::Text)?))),
            (basic, _) => {
                let found = if basic.is_some() { 2 } else { 0 };
                let problem = Problem::OneOf { what: "`auth`".to_owned(), keys: "`basic` and `bearer`", found };
                self.report.push(problem, &auth.place);
                None
            }
        }
    }

    fn answers(
        &mut self,
        node: &Node,
        answers: &[crate::kinds::Answer],
        scope: &Scope<'_>,
    ) -> Option<Vec<CompiledAnswer>> {
        let Some(Node { value: xos_yaml::Value::List(nodes), .. }) = node.at("answers") else { return Some(vec![]) };
        let scope = with_answer(scope.clone());
        let mut all = vec![];
        for (at, answer) in nodes.iter().zip(answers) {
            let when = self.condition(at.at("when"), &scope);
            let message = at.at("message").map_or(Some(None), |at| self.text(at, &scope).map(Some));
            let status = answer.status.clone();
            let then = answer.then;
            all.push(when.zip(message).map(|(when, message)| CompiledAnswer { status, when, then, message }));
        }
        all.into_iter().collect()
    }

    fn wait(
        &mut self,
        node: &Node,
        spec: &HttpSync,
        request: Option<&CompiledRequest>,
        model: Option<&Model>,
        scope: &Scope<'_>,
    ) -> Option<CompiledWait> {
        let answered = with_answer(scope.clone());
        let url = match node.at("url") {
            Some(at) => self.template(at, scope, &Type::Text),
            None => request.map(|request| request.url.clone()),
        };
        let until = self.template_at(node, "until", &answered, &Type::Bool);
        let fields = self.fields(node.at("fields"), model, &answered);
        let wait = spec.wait.as_ref()?;
        let time = |text: Option<&String>| text.and_then(|text| parse_duration(text));
        Some(CompiledWait {
            request: CompiledRequest { url: url?, ..request?.bare(Method::Get) },
            until: until?,
            every: time(wait.every.as_ref()).unwrap_or(EVERY),
            limit: time(wait.limit.as_ref()).unwrap_or(LIMIT),
            fields: fields?,
        })
    }

    fn undo(
        &mut self,
        node: &Node,
        spec: &HttpSync,
        request: Option<&CompiledRequest>,
        scope: &Scope<'_>,
    ) -> Option<Undo> {
        match (&spec.delete, node.at("delete")) {
            (Some(Delete::Word(_)), _) => Some(Undo::Nothing),
            (Some(Delete::Request(delete)), Some(at)) => self.delete(at, delete, request, scope),
            _ => {
                let request = request?;
                if request.method == Method::Put {
                    return Some(Undo::Request(Box::new(undoing(request))));
                }
                let place = node.at("method").map_or(&node.place, |at| &at.place);
                self.report.push(Problem::NoDelete { method: request.method.name() }, place);
                None
            }
        }
    }

    fn delete(
        &mut self,
        node: &Node,
        spec: &DeleteRequest,
        request: Option<&CompiledRequest>,
        scope: &Scope<'_>,
    ) -> Option<Undo> {
        let url = node.at("url").map(|at| self.template(at, scope, &Type::Text));
        let headers = node.at("headers").map(|at| self.texts(Some(at), scope));
        let query = self.texts(node.at("query"), scope);
        let body = self.value_at(node, "body", scope);
        let answers = self.answers(node, &spec.answers, scope);
        let base = undoing(request?);
        Some(Undo::Request(Box::new(CompiledRequest {
            method: spec.method.unwrap_or(Method::Delete),
            url: url.unwrap_or(Some(base.url))?,
            headers: headers.unwrap_or(Some(base.headers))?,
            query: query?,
            body: body?,
            expect: spec.expect.clone(),
            answers: answers?,
            ..base
        })))
    }
}

impl CompiledRequest {
    /// Returns a request to the same URL with another method: without what is sent, and without what answers mean.
    fn bare(&self, method: Method) -> Self {
        Self { method, body: None, expect: vec![], answers: vec![], ..self.clone() }
    }
}

/// Returns the request that undoes another one, if nothing else is said.
fn undoing(request: &CompiledRequest) -> CompiledRequest {
    CompiledRequest { query: vec![], ..request.bare(Method::Delete) }
}

impl Method {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}
