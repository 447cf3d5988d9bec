//! Sending Kubernetes Events to the API server.
//!
//! kube's own recorder is not used: it shows a second cause as a repetition of the first one, and its Events' names can
//! be too long.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::{Event as KubeEvent, EventSeries};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Client, Error};
use serde_json::json;
use tokio::sync::mpsc::Receiver;
use xos_steps::Event;

use super::REMEMBERED;

/// How long the API server certainly still has an Event: it keeps them for an hour.
const KEPT: SignedDuration = SignedDuration::from_mins(50);
/// The longest name of a Kubernetes object.
const LONGEST_NAME: usize = 253;

/// The Events that wait to be sent.
pub struct Outbox(pub(super) Receiver<(Event, ObjectReference)>);

/// Sends Events in the name of a synchronizer, until the sink is gone.
pub async fn send(outbox: Outbox, client: Client, synchronizer: &str) {
    let Outbox(mut waiting) = outbox;
    let controller = format!("xos/{synchronizer}");
    let mut sent = Sent::default();
    while let Some((event, about)) = waiting.recv().await {
        let namespace = about.namespace.as_deref().unwrap_or("default");
        let api: Api<KubeEvent> = Api::namespaced(client.clone(), namespace);
        let now = Timestamp::now();
        let result = match sent.again(&event, &about, now) {
            Some((name, count)) => repeat(&api, &name, count, now).await,
            None => Ok(false),
        };
        let result = match result {
            Ok(false) => {
                let new = new(&event, &about, &controller, now);
                let name = new.metadata.name.clone().unwrap_or_default();
                sent.remember(&event, &about, name, now);
                api.create(&PostParams::default(), &new).await.map(|_| ())
            }
            result => result.map(|_| ()),
        };
        if let Err(error) = result {
            tracing::debug!(reason = event.reason, %error, "an event could not be sent");
        }
    }
}

/// Counts an Event that the API server has once more. Returns whether it still has it.
async fn repeat(api: &Api<KubeEvent>, name: &str, count: i32, now: Timestamp) -> Result<bool, Error> {
    let series = EventSeries { count, last_observed_time: MicroTime(now) };
    match api.patch(name, &PatchParams::default(), &Patch::Merge(json!({ "series": series }))).await {
        Ok(_) => Ok(true),
        Err(Error::Api(status)) if status.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

/// The Events that the API server has. Their text cannot be changed, so another text is another Event.
#[derive(Debug, Default)]
struct Sent(HashMap<u64, (String, i32, Timestamp)>);

impl Sent {
    fn key(event: &Event, about: &ObjectReference) -> u64 {
        let mut hasher = DefaultHasher::new();
        (event, &about.uid, &about.namespace, &about.kind, &about.name).hash(&mut hasher);
        hasher.finish()
    }

    /// Returns the name of the same Event, if it was sent, and how often it has now happened.
    fn again(&mut self, event: &Event, about: &ObjectReference, now: Timestamp) -> Option<(String, i32)> {
        let (name, count, at) = self.0.get_mut(&Self::key(event, about))?;
        if now.duration_since(*at) >= KEPT {
            return None;
        }
        *count = count.saturating_add(1);
        *at = now;
        Some((name.clone(), *count))
    }

    fn remember(&mut self, event: &Event, about: &ObjectReference, name: String, now: Timestamp) {
        if self.0.len() >= REMEMBERED {
            self.0.retain(|_, (.., at)| now.duration_since(*at) < KEPT);
        }
        if self.0.len() >= REMEMBERED {
            self.0.clear();
        }
        self.0.insert(Self::key(event, about), (name, 1, now));
    }
}

fn new(event: &Event, about: &ObjectReference, controller: &str, now: Timestamp) -> KubeEvent {
    KubeEvent {
        action: Some(event.action.clone()),
        reason: Some(event.reason.clone()),
        note: Some(event.note.clone()),
        type_: Some(if event.is_warning { "Warning" } else { "Normal" }.to_owned()),
        event_time: Some(MicroTime(now)),
        regarding: Some(about.clone()),
        reporting_controller: Some(controller.to_owned()),
        reporting_instance: Some(controller.to_owned()),
        metadata: ObjectMeta {
            namespace: about.namespace.clone(),
            name: Some(name(about.name.as_deref().unwrap_or_default(), now)),
            ..ObjectMeta::default()
        },
        ..KubeEvent::default()
    }
}

/// Returns the name of an Event: that of the object, as far as there is room, and the time.
fn name(object: &str, now: Timestamp) -> String {
    let end = format!(".{:x}", now.as_nanosecond());
    let mut object = super::cut(object.to_owned(), LONGEST_NAME - end.len());
    // Each part of a name ends with a letter or a digit.
    object.truncate(object.trim_end_matches(['-', '.']).len());
    object + &end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(60 * minute).unwrap()
    }

    fn about(name: &str) -> ObjectReference {
        ObjectReference { name: Some(name.to_owned()), uid: Some(name.to_owned()), ..ObjectReference::default() }
    }

    #[test]
    fn the_same_text_is_counted_and_another_one_is_another_event() {
        let mut sent = Sent::default();
        let refused = Event::warning("SyncFailed", "refused");
        assert_eq!(sent.again(&refused, &about("a"), at(0)), None);
        sent.remember(&refused, &about("a"), "a.1".to_owned(), at(0));
        assert_eq!(sent.again(&refused, &about("a"), at(20)), Some(("a.1".to_owned(), 2)));
        assert_eq!(sent.again(&refused, &about("a"), at(40)), Some(("a.1".to_owned(), 3)));
        assert_eq!(sent.again(&Event::warning("SyncFailed", "no route"), &about("a"), at(41)), None);
        assert_eq!(sent.again(&refused, &about("b"), at(41)), None);
        assert_eq!(sent.again(&refused, &about("a"), at(90)), None, "the API server has forgotten it");
    }

    #[test]
    fn every_object_has_events_however_long_its_name() {
        assert_eq!(name("ada", at(0)), "ada.0");
        for length in 200..=253 {
            // A dot or a dash at each place.
            for object in ["a-".repeat(length), "a.".repeat(length), "a".repeat(length)] {
                let name = name(&object[..length], at(29_000_000));
                assert!(name.len() <= LONGEST_NAME, "{name}");
                let is_good = |part: &str| !part.is_empty() && !part.starts_with('-') && !part.ends_with('-');
                assert!(name.split('.').all(is_good), "{name}");
            }
        }
    }
}
