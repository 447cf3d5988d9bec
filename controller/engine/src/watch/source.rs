//! Lists the objects of a kind, then watches them, for ever.
//!
//! It is [`kube::runtime::watcher`] with what that one does not tell: that a connection is dead, and that a watch works
//! again.
//!
//! Objects are listed by pages. A streaming list costs the API server half as much again for each object, which it sends
//! as an event of its own, and not every API server has it.

use std::fmt::Debug;
use std::future::Future;
use std::ops::ControlFlow::{self, Break, Continue};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use kube::api::{Api, ListParams, WatchEvent, WatchParams};
use kube::core::{ListMeta, ObjectList, Request};
use kube::{Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::delays::ResumeDelays;
use super::failure::WatchFailure;
use super::limits::{WatchLimits, silence};

/// How many objects are listed with one request. The API server walks over all that are left for each page.
const PAGE: u32 = 1000;
/// How long the request lasts that proves that a watch works again.
const PROOF: Duration = Duration::from_secs(2);

/// What is listed and watched.
#[derive(Clone)]
pub(crate) struct Source<K> {
    /// The objects.
    pub(crate) api: Api<K>,
    /// A field selector.
    pub(crate) fields: Option<String>,
    /// How long its requests may take.
    pub(crate) limits: WatchLimits,
}

/// What a source shows.
#[derive(Debug)]
pub(crate) enum Shown<K> {
    /// A list begins.
    Init,
    /// An object of the list.
    Listed(K),
    /// The list is complete; with its resourceVersion.
    ListDone(String),
    /// An object that is new, or has changed.
    Changed(K),
    /// An object that is gone.
    Deleted(K),
    /// The watch works.
    Works,
    /// The watch does not work. It is resumed with growing delay.
    Fails(WatchFailure),
}

/// Takes what a source shows, until it breaks.
pub(crate) trait Sink<K>: Send {
    /// Takes it in.
    fn take(&mut self, shown: Shown<K>) -> impl Future<Output = ControlFlow<()>> + Send;
}

/// How objects are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listing {
    /// By pages.
    Pages,
    /// With one request: pages have expired before all were read.
    Whole,
}

/// How far a source has come.
#[derive(Debug)]
struct Progress {
    /// The version to go on from; nothing before the first list.
    version: Option<String>,
    listing: Listing,
    /// Whether the last request showed that the connection is alive.
    is_proven: bool,
}

impl Progress {
    /// Takes in why a request failed.
    fn failed(&mut self, failure: &WatchFailure) {
        self.is_proven = false;
        if matches!(failure, WatchFailure::Expired(_)) && self.version.is_none() {
            self.listing = Listing::Whole;
        }
        if failure.is_refusal() || matches!(failure, WatchFailure::Expired(_) | WatchFailure::NoVersion) {
            self.version = None;
        }
    }
}

/// The result of a request; it breaks when the sink does.
type Turn = Result<ControlFlow<()>, WatchFailure>;

/// Hands something on, and returns if the sink breaks.
macro_rules! show {
    ($sink:expr, $shown:expr) => {
        if $sink.take($shown).await.is_break() {
            return Ok(Break(()));
        }
    };
}

impl<K: Resource + Clone + DeserializeOwned + Debug + Send + 'static> Source<K> {
    /// Lists and watches until the sink breaks.
    pub(crate) async fn run(&self, sink: &mut impl Sink<K>) {
        let mut progress = Progress { version: None, listing: Listing::Pages, is_proven: false };
        let mut delays = ResumeDelays::default();
        loop {
            match self.turn(&mut progress, sink).await {
                Ok(Break(())) => return,
                Ok(Continue(())) if progress.is_proven => continue,
                // It ended early, as it does when the API server stops. The next request shows what is wrong.
                Ok(Continue(())) => {}
                Err(failure) => {
                    progress.failed(&failure);
                    if sink.take(Shown::Fails(failure)).await.is_break() {
                        return;
                    }
                }
            }
            sleep(delays.after_failure(Instant::now(), rand::random())).await;
        }
    }

    async fn turn(&self, progress: &mut Progress, sink: &mut impl Sink<K>) -> Turn {
        match progress.version.clone() {
            Some(version) => self.watch(version, progress, sink).await,
            None => self.list(progress, sink).await,
        }
    }

    async fn list(&self, progress: &mut Progress, sink: &mut impl Sink<K>) -> Turn {
        let limit = (progress.listing == Listing::Pages).then_some(PAGE);
        let mut page = ListParams { limit, field_selector: self.fields.clone(), ..ListParams::default() };
        // Before the request: what is created from now on may be missing in the list.
        show!(sink, Shown::Init);
        let mut fetched = self.fetch(&page);
        loop {
            let text = fetched.await.map_err(|ended| WatchFailure::Other(ended.to_string()))??;
            progress.is_proven = true;
            show!(sink, Shown::Works);
            let mut ask_for_more = |token: Option<String>| {
                let token = token.filter(|token| !token.is_empty())?;
                page = page.clone().continue_token(&token);
                Some(self.fetch(&page))
            };
            // The API server works on the next page while this one is read.
            let early = ask_for_more(continue_at_the_end(&text));
            let list: ObjectList<K> =
                serde_json::from_str(&text).map_err(|error| WatchFailure::of(&kube::Error::SerdeError(error)))?;
            drop(text);
            let next = early.or_else(|| ask_for_more(list.metadata.continue_));
            for object in list.items {
                show!(sink, Shown::Listed(object));
            }
            if let Some(next) = next {
                fetched = next;
                continue;
            }
            let version = list.metadata.resource_version.filter(|version| !version.is_empty());
            let version = version.ok_or(WatchFailure::NoVersion)?;
            progress.version = Some(version.clone());
            show!(sink, Shown::ListDone(version));
            return Ok(Continue(()));
        }
    }

    /// Reads a page with a task of its own, so that it comes while the one before is taken in.
    fn fetch(&self, page: &ListParams) -> AbortOnDropHandle<Result<String, WatchFailure>> {
        let (api, page, limit) = (self.api.clone(), page.clone(), self.limits.page);
        let read = async move {
            let request = Request::new(api.resource_url()).list(&page).map_err(kube::Error::BuildRequest)?;
            api.into_client().request_text(request).await
        };
        let read = async move { within(limit, read).await?.map_err(|error| WatchFailure::of(&error)) };
        AbortOnDropHandle::new(tokio::spawn(read))
    }

    /// Watches with one request.
    async fn watch(&self, version: String, progress: &mut Progress, sink: &mut impl Sink<K>) -> Turn {
        let lasts = if progress.is_proven { self.limits.spread(rand::random()) } else { PROOF.min(self.limits.lasts) };
        let seconds = u32::try_from(lasts.as_secs()).unwrap_or(u32::MAX).max(1);
        let parameters = self.parameters(seconds);
        let opened = within(self.limits.answer, self.api.watch(&parameters, &version)).await?;
        let mut stream = opened.map_err(|error| WatchFailure::of(&error))?.boxed();
        let began = Instant::now();
        progress.is_proven = false;
        while let Some(event) = next(&mut stream, silence(lasts)).await? {
            let version = match &event {
                WatchEvent::Added(o) | WatchEvent::Modified(o) | WatchEvent::Deleted(o) => o.resource_version(),
                WatchEvent::Bookmark(mark) => Some(mark.metadata.resource_version.clone()),
                WatchEvent::Error(_) => None,
            };
            progress.version = Some(version.filter(|version| !version.is_empty()).ok_or(WatchFailure::NoVersion)?);
            // A bookmark, too, tells that the watch works.
            if !progress.is_proven || matches!(event, WatchEvent::Bookmark(_)) {
                progress.is_proven = true;
                show!(sink, Shown::Works);
            }
            match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => show!(sink, Shown::Changed(object)),
                WatchEvent::Deleted(object) => show!(sink, Shown::Deleted(object)),
                WatchEvent::Bookmark(_) | WatchEvent::Error(_) => {}
            }
        }
        // A connection that was cut looks like the end of a request, but for the time.
        progress.is_proven = began.elapsed() * 2 >= lasts;
        if progress.is_proven {
            show!(sink, Shown::Works);
        }
        Ok(Continue(()))
    }

    fn parameters(&self, seconds: u32) -> WatchParams {
        let parameters = WatchParams { field_selector: self.fields.clone(), ..WatchParams::default() };
        WatchParams { timeout: Some(seconds), bookmarks: true, ..parameters }
    }
}

/// Returns the token of the next page, if the metadata stand at the end of a list, as an API server writes lists of
/// custom resources: it is found without reading the objects.
fn continue_at_the_end(list: &str) -> Option<String> {
    const METADATA: &str = "\"metadata\":";
    // Quotes within a text are escaped, so this is a name.
    let (_, rest) = list.rsplit_once(METADATA)?;
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<ListMeta>();
    let metadata = values.next()?.ok()?;
    // Otherwise it is the metadata of an object.
    let is_the_list_s = rest.get(values.byte_offset()..)?.trim() == "}";
    metadata.continue_.filter(|_| is_the_list_s)
}

/// Waits for an answer, within this time.
async fn within<T>(limit: Duration, answer: impl Future<Output = T>) -> Result<T, WatchFailure> {
    timeout(limit, answer).await.map_err(|_| WatchFailure::NoAnswer(limit))
}

/// Returns the next event of a watch; nothing when it has ended.
async fn next<K>(
    stream: &mut BoxStream<'_, kube::Result<WatchEvent<K>>>,
    silence: Duration,
) -> Result<Option<WatchEvent<K>>, WatchFailure> {
    match timeout(silence, stream.next()).await {
        Err(_) => Err(WatchFailure::Silent(silence)),
        Ok(None) => Ok(None),
        Ok(Some(Ok(WatchEvent::Error(status)))) => Err(WatchFailure::said(&status)),
        Ok(Some(event)) => event.map(Some).map_err(|error| WatchFailure::of(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_known_from_the_end_of_a_list() {
        let table = [
            (
                r#"{"items":[{"metadata":{"continue":"no"}}],"kind":"L",
                "metadata":{"continue":"yes","resourceVersion":"7"}}
"#,
                Some("yes"),
            ),
            (r#"{"items":[],"metadata":{"resourceVersion":"7"}}"#, None),
            // The metadata come first: those at the end are an object's.
            (r#"{"metadata":{"continue":"first"},"items":[{"metadata":{"continue":"no"}}]}"#, None),
            (r#"{"metadata":{"continue":"first"},"items":[]}"#, None),
            (r#"{"items":[{"spec":{"text":"\"metadata\":{\"continue\":\"no\"}"}}]}"#, None),
            ("", None),
        ];
        for (list, token) in table {
            assert_eq!(continue_at_the_end(list).as_deref(), token, "{list}");
        }
    }
}
