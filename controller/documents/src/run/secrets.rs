//! Secrets that documents name: each is watched from its first use on, so that a change is used at once.

use std::collections::{BTreeMap, HashMap};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Secret;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Api, Client};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use xos_steps::{StepContext, StepError};

use super::hidden::Hidden;
use super::kubernetes::explain;
use crate::compile::{NamedKey, NamedSecret};

/// How long the first look at a Secret may take.
const FIRST: Duration = Duration::from_secs(10);
/// How long a request of a watch lasts, in seconds.
const LASTS: u32 = 60;

type Data = BTreeMap<String, Vec<u8>>;

/// What is known of a Secret.
#[derive(Clone)]
enum Content {
    Unknown,
    Missing,
    There(Arc<Data>),
    Unreadable(String),
}

/// The Secrets that are watched, until it is dropped.
#[derive(Default)]
pub(crate) struct NamedSecrets(Mutex<HashMap<(String, String), Watching>>);

struct Watching {
    content: watch::Receiver<Content>,
    _task: AbortOnDropHandle<()>,
}

impl NamedSecret {
    /// Returns what is in it; what it says is hidden from now on.
    pub(crate) async fn read(&self, ctx: &StepContext, hidden: &mut Hidden) -> Result<Arc<Data>, StepError> {
        let client = ctx.kube()?;
        let namespace = self.namespace.clone().unwrap_or_else(|| client.default_namespace().to_owned());
        let of = (namespace, self.name.clone());
        let mut content = ctx.shared::<NamedSecrets>().watch(client, &of);
        let known = timeout(FIRST, content.wait_for(|content| !matches!(content, Content::Unknown))).await;
        let known = known.ok().and_then(Result::ok).map_or(Content::Unknown, |content| content.clone());
        let what = format!("Secret {}/{}", of.0, of.1);
        match known {
            Content::There(data) => {
                data.values().filter_map(|value| std::str::from_utf8(value).ok()).for_each(|text| hidden.add(text));
                Ok(data)
            }
            Content::Missing => Err(StepError::deferred(format!("there is no {what}, which the document names"))),
            Content::Unknown => Err(StepError::deferred(format!("{what} cannot be read: no answer within {FIRST:?}"))),
            Content::Unreadable(why) => {
                Err(StepError::deferred(format!("{what} cannot be read: {why} (`xos rbac` prints the rights)")))
            }
        }
    }

    /// Returns the text of a key.
    pub(crate) async fn text(&self, ctx: &StepContext, key: &str, hidden: &mut Hidden) -> Result<String, StepError> {
        let data = self.read(ctx, hidden).await?;
        let text = data.get(key).and_then(|value| String::from_utf8(value.clone()).ok());
        text.ok_or_else(|| StepError::deferred(format!("Secret {} has no text at the key `{key}`", self.name)))
    }
}

impl NamedKey {
    pub(crate) async fn text(&self, ctx: &StepContext, hidden: &mut Hidden) -> Result<String, StepError> {
        self.secret.text(ctx, &self.key, hidden).await
    }
}

impl NamedSecrets {
    fn watch(&self, client: &Client, of: &(String, String)) -> watch::Receiver<Content> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let watching = all.entry(of.clone()).or_insert_with(|| {
            let (to, content) = watch::channel(Content::Unknown);
            let api = Api::namespaced(client.clone(), &of.0);
            let task = AbortOnDropHandle::new(tokio::spawn(run(api, of.1.clone(), to)));
            Watching { content, _task: task }
        });
        watching.content.clone()
    }
}

async fn run(api: Api<Secret>, name: String, to: watch::Sender<Content>) {
    let config = Config::default().timeout(LASTS).fields(&format!("metadata.name={name}"));
    let mut events = pin!(watcher(api, config).default_backoff());
    let data = |secret: Secret| {
        let data = secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0));
        Content::There(Arc::new(data.collect()))
    };
    let mut listed = Content::Missing;
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => listed = Content::Missing,
            Ok(Event::InitApply(secret)) => listed = data(secret),
            Ok(Event::InitDone) => drop(to.send_replace(listed.clone())),
            Ok(Event::Apply(secret)) => drop(to.send_replace(data(secret))),
            Ok(Event::Delete(_)) => drop(to.send_replace(Content::Missing)),
            Err(error) => {
                let error = explain(&error);
                tracing::warn!(secret = name, error, "cannot watch a Secret: what is known of it stays in use");
                to.send_if_modified(|content| {
                    let is_unknown = matches!(content, Content::Unknown | Content::Unreadable(_));
                    if is_unknown {
                        *content = Content::Unreadable(error);
                    }
                    is_unknown
                });
            }
        }
    }
}
