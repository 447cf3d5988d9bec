//! HTTP requests.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Request, RequestBuilder, Response, StatusCode, Url};
use serde_json::{Value as Json, json};
use tokio::time::Instant;
use xos_expressions::Values;
use xos_model::Object;
use xos_steps::{Outside, OutsideRequest, StepContext, StepError};

use super::hidden::Hidden;
use crate::compile::{CompiledAuth, CompiledRequest, CompiledWait, Target, Undo};
use crate::kinds::{Method, Outcome};
use crate::run::{is_met, set_all};

/// The longest answer that is read, in bytes.
const LONGEST: usize = 32 << 20;
/// How much of an answer a message tells, in characters.
const TOLD: usize = 300;

/// Requests that make a backend agree with an object.
#[derive(Clone, Debug)]
pub(crate) struct HttpDocument {
    pub(crate) request: CompiledRequest,
    pub(crate) fields: Vec<Target>,
    pub(crate) wait: Option<CompiledWait>,
    pub(crate) delete: Undo,
}

/// Why a request did not do what it was to do.
#[derive(Debug, thiserror::Error)]
enum HttpError {
    /// The URL is none.
    #[error("`{url}` is no URL: {why}")]
    Url { url: String, why: String },
    /// A header cannot have this name or value.
    #[error("the header `{0}` cannot have this name or value")]
    Header(String),
    /// The answer has a status that means an error.
    #[error("{what} answered {status}{told}")]
    Status {
        what: String,
        status: StatusCode,
        told: String,
        #[source]
        source: reqwest::Error,
    },
    /// The answer has another status than the document expects.
    #[error("{what} answered {status}, which the document does not expect{told}")]
    Unexpected { what: String, status: StatusCode, told: String },
    /// There is no answer.
    #[error("{what}: {source}")]
    None {
        what: String,
        #[source]
        source: reqwest::Error,
    },
    /// The answer of a test case is none.
    #[error("the answer of the test case cannot be one: {0}")]
    Answer(#[source] http::Error),
    /// The answer is too long.
    #[error("{0}: the answer is longer than {LONGEST} bytes")]
    TooLong(String),
}

/// An answer, as expressions see it.
pub(crate) struct Answered {
    status: StatusCode,
    value: Json,
    what: String,
    error: Option<reqwest::Error>,
    /// What of it is told nowhere.
    hidden: Hidden,
}

impl HttpDocument {
    pub(crate) async fn sync(&self, ctx: &StepContext, object: &mut Object, values: Values) -> Result<(), StepError> {
        let answer = self.request.send(ctx, &values).await?;
        let Some(answered) = self.request.judge(answer, &values, false)? else { return Ok(()) };
        // An answer that nobody asks for is not made a value of expressions.
        if !self.fields.is_empty() {
            set_all(&self.fields, object, &values.clone().with("response", &answered))?;
        }
        match &self.wait {
            Some(wait) => wait.wait(ctx, object, &values).await,
            None => Ok(()),
        }
    }

    pub(crate) async fn delete(&self, ctx: &StepContext, values: Values) -> Result<(), StepError> {
        let Undo::Request(request) = &self.delete else { return Ok(()) };
        let answer = request.send(ctx, &values).await?;
        request.judge(answer, &values, true).map(drop)
    }
}

impl CompiledWait {
    /// Asks until it is so, or for as long as the document says.
    async fn wait(&self, ctx: &StepContext, object: &mut Object, values: &Values) -> Result<(), StepError> {
        let begun = Instant::now();
        let mut slept = Duration::ZERO;
        loop {
            let answer = self.request.send(ctx, values).await?;
            let what = answer.what.clone();
            if let Some(answered) = self.request.judge(answer, values, false)? {
                let with_answer = values.clone().with("response", &answered);
                if is_met(Some(&self.until), &with_answer)? {
                    return Ok(set_all(&self.fields, object, &with_answer)?);
                }
            }
            if begun.elapsed().max(slept) + self.every > self.limit {
                let until = self.until.expression().map_or("", |until| until.text());
                return Err(StepError::deferred(format!("{what}: not yet {until} after {:?}", self.limit)));
            }
            tokio::select! {
                () = ctx.sleep(self.every) => slept += self.every,
                () = ctx.cancellation().cancelled() => return Err(StepError::deferred("the controller stops")),
            }
        }
    }
}

impl CompiledRequest {
    /// Sends the request, and reads the answer.
    pub(crate) async fn send(&self, ctx: &StepContext, values: &Values) -> Result<Answered, StepError> {
        let mut hidden = Hidden::default();
        let answered = self.send_with(ctx, values, &mut hidden).await;
        answered.map(|answered| Answered { hidden: hidden.clone(), ..answered }).map_err(|error| hidden.hide(error))
    }

    async fn send_with(&self, ctx: &StepContext, values: &Values, hidden: &mut Hidden) -> Result<Answered, StepError> {
        let (request, what) = self.request(ctx, values, hidden).await?;
        let failed = |source: reqwest::Error| HttpError::None { what: what.clone(), source: source.without_url() };
        let mut response = match ctx.outside() {
            Some(outside) => from_outside(outside, &request.build().map_err(failed)?)?,
            None => request.send().await.map_err(failed)?,
        };
        let status = response.status();
        let error = response.error_for_status_ref().err().map(reqwest::Error::without_url);
        let headers: BTreeMap<_, _> = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let mut bytes = vec![];
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > LONGEST {
                return Err(HttpError::TooLong(what).into());
            }
        }
        let body = serde_json::from_slice(&bytes).unwrap_or(Json::Null);
        let text = String::from_utf8_lossy(&bytes);
        let value = json!({"status": status.as_u16(), "headers": headers, "body": body, "text": text});
        Ok(Answered { status, value, what, error, hidden: Hidden::default() })
    }

    /// Returns the request, and what it is called in messages: without its query, which may have a secret.
    async fn request(
        &self,
        ctx: &StepContext,
        values: &Values,
        hidden: &mut Hidden,
    ) -> Result<(RequestBuilder, String), StepError> {
        let text = self.url.url(values)?;
        let url: Url =
            text.parse().map_err(|why: url_error::Error| HttpError::Url { url: text.clone(), why: why.to_string() })?;
        let mut told = url.clone();
        told.set_query(None);
        let _ = told.set_password(None);
        let what = format!("{} {told}", self.method.name());
        let method = match self.method {
            Method::Get => reqwest::Method::GET,
            Method::Head => reqwest::Method::HEAD,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut url = url;
        for (name, value) in &self.query {
            url.query_pairs_mut().append_pair(name, &value.text(values)?);
        }
        let mut request = match &self.tls {
            Some(tls) => ctx.http_by(&tls.client(ctx, hidden).await?).request(method, url),
            None => ctx.http().request(method, url),
        };
        for (name, value) in &self.headers {
            let header = HeaderName::try_from(name.as_str()).ok().zip(HeaderValue::try_from(value.text(values)?).ok());
            let (header, value) = header.ok_or_else(|| HttpError::Header(name.clone()))?;
            request = request.header(header, value);
        }
        request = match &self.auth {
            Some(CompiledAuth::Basic(user, password)) => {
                request.basic_auth(user.text(values)?, Some(password.text(values)?))
            }
            Some(CompiledAuth::Bearer(token)) => request.bearer_auth(token.text(values)?),
            Some(CompiledAuth::BasicSecret(secret)) => {
                let user = secret.text(ctx, "username", hidden).await?;
                let password = secret.text(ctx, "password", hidden).await?;
                request.basic_auth(user, Some(password))
            }
            Some(CompiledAuth::BearerSecret(key)) => request.bearer_auth(key.text(ctx, hidden).await?.trim()),
            None => request,
        };
        if let Some(timeout) = self.timeout {
            request = request.timeout(timeout);
        }
        if let Some(body) = &self.body {
            request = request.json(&body.value(values)?);
        }
        Ok((request, what))
    }

    /// Returns the answer for expressions if it means success; nothing if there is nothing more to do.
    pub(crate) fn judge(&self, answer: Answered, values: &Values, is_delete: bool) -> Result<Option<Json>, StepError> {
        let hidden = answer.hidden.clone();
        self.judge_answer(answer, values, is_delete).map_err(|error| hidden.hide(error))
    }

    fn judge_answer(&self, answer: Answered, values: &Values, is_delete: bool) -> Result<Option<Json>, StepError> {
        let Answered { status, value, what, error, .. } = answer;
        let told = told(&value);
        let is_meant = |status: &[u16], code: StatusCode| status.is_empty() || status.contains(&code.as_u16());
        for known in self.answers.iter().filter(|known| is_meant(&known.status, status)) {
            let with_answer = values.clone().with("response", &value);
            if !is_met(known.when.as_ref(), &with_answer)? {
                continue;
            }
            let message = match &known.message {
                Some(message) => message.text(&with_answer)?,
                None => format!("{what} answered {status}{told}"),
            };
            return match known.then {
                Outcome::Succeeded => Ok(Some(value)),
                Outcome::Failed => Err(StepError::failed(message)),
                Outcome::Deferred => Err(StepError::deferred(message)),
                Outcome::Innocuous => Err(StepError::innocuous(message)),
                Outcome::Unavailable => Err(StepError::unavailable(message)),
            };
        }
        let is_gone = is_delete && matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE);
        let is_expected = match self.expect.as_slice() {
            [] => status.is_success(),
            expected => expected.contains(&status.as_u16()),
        };
        match error {
            _ if is_expected => Ok(Some(value)),
            _ if is_gone => Ok(None),
            Some(source) => Err(HttpError::Status { what, status, told, source }.into()),
            None => Err(HttpError::Unexpected { what, status, told }.into()),
        }
    }
}

/// Has a request answered in place of the world outside.
fn from_outside(outside: &dyn Outside, request: &Request) -> Result<Response, StepError> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let asked = OutsideRequest {
        method: request.method().to_string(),
        url: request.url().to_string(),
        headers: request.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default().to_vec(),
    };
    let answer = outside.request(asked)?;
    let mut response = http::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    Ok(response.body(answer.body).map_err(HttpError::Answer)?.into())
}

/// Returns what a message tells of an answer.
fn told(answer: &Json) -> String {
    let text = answer["text"].as_str().unwrap_or_default().trim();
    let mut letters = text.chars();
    let start: String = letters.by_ref().take(TOLD).collect();
    match (start.is_empty(), letters.next()) {
        (true, _) => String::new(),
        (false, None) => format!(": {start}"),
        (false, Some(_)) => format!(": {start}…"),
    }
}

/// What a text that is no URL gives.
mod url_error {
    pub(super) type Error = <reqwest::Url as std::str::FromStr>::Err;
}
