//! XOS's `xos.gui_events`: every change of an object as a message, `{pk, changed_fields, object, deleted?}` under the model's name.
//!
//! It is a hint, as it was in XOS: what is changed while no controller runs is not told.

use std::sync::Arc;

use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use xos_engine::Observer;
use xos_model::Object;
use xos_model::save::difference;
use xos_steps::{Message, Producer};
use xos_xproto::ModelSet;

/// The topic that XOS's core tells changes on.
const TOPIC: &str = "xos.gui_events";
/// How many messages may be on their way at once; they keep their order.
const AT_ONCE: usize = 256;

/// Makes messages of changes.
pub(crate) struct GuiEvents {
    messages: UnboundedSender<Message>,
    /// What is seen before is no change.
    ready: watch::Receiver<bool>,
    models: Arc<ModelSet>,
}

impl GuiEvents {
    /// One, and the messages that it makes.
    pub(crate) fn new(ready: watch::Receiver<bool>, models: Arc<ModelSet>) -> (Self, UnboundedReceiver<Message>) {
        let (messages, made) = unbounded_channel();
        (Self { messages, ready, models }, made)
    }

    /// The object in XOS's terms.
    fn told(&self, object: &Object) -> Value {
        let mut all = json!(object.fields);
        all["id"] = pk(object);
        all["leaf_model_name"] = json!(*object.model);
        all["class_names"] = json!(self.models.get(&object.model).map(|model| model.ancestry.join(",")));
        all["metadata"] = json!({"namespace": object.meta.namespace, "name": object.meta.name});
        all
    }

    fn tell(&self, object: &Object, body: &Value) {
        if !*self.ready.borrow() {
            return;
        }
        if let Ok(message) = Message::json(TOPIC, &object.model, body) {
            // At shutdown nobody listens any more.
            let _ = self.messages.send(message);
        }
    }
}

impl Observer for GuiEvents {
    fn changed(&self, before: Option<&Object>, after: &Object) {
        let none = Object::named("", "", "");
        let changed = difference(&before.unwrap_or(&none).fields, &after.fields);
        if before.is_some() && changed.is_empty() {
            return;
        }
        let names: Vec<_> = changed.into_keys().collect();
        self.tell(after, &json!({"pk": pk(after), "changed_fields": names, "object": self.told(after)}));
    }

    fn gone(&self, object: &Object) {
        self.tell(
            object,
            &json!({"pk": pk(object), "changed_fields": [], "object": self.told(object), "deleted": true}),
        );
    }
}

/// XOS's id, where the object has one; else what is as unique.
fn pk(object: &Object) -> Value {
    object.fields.get("id").cloned().unwrap_or_else(|| object.meta.uid.clone().into())
}

/// Sends the messages, until `shutdown` and what was made before it.
pub(crate) async fn send(
    messages: UnboundedReceiver<Message>,
    producer: Arc<dyn Producer>,
    shutdown: CancellationToken,
) {
    let until = futures::stream::unfold((messages, false), |(mut messages, closed)| {
        let shutdown = shutdown.clone();
        async move {
            let mut closed = closed;
            let next = tokio::select! {
                biased;
                () = shutdown.cancelled(), if !closed => {
                    closed = true;
                    messages.close();
                    messages.recv().await
                }
                next = messages.recv() => next,
            };
            next.map(|message| (message, (messages, closed)))
        }
    });
    let mut failing = false;
    let mut sent = std::pin::pin!(until.map(|message| producer.send(message)).buffered(AT_ONCE));
    while let Some(result) = sent.next().await {
        match result {
            Err(error) if !failing => {
                tracing::warn!(%error, topic = TOPIC, "changes are not told");
                failing = true;
            }
            Err(_) => {}
            Ok(()) => failing = false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told_of(
        events: &GuiEvents,
        made: &mut UnboundedReceiver<Message>,
        change: impl FnOnce(&GuiEvents),
    ) -> Option<Value> {
        change(events);
        made.try_recv().ok().map(|message| {
            assert_eq!((message.topic.as_str(), message.key.as_deref()), (TOPIC, Some(&b"Site"[..])));
            serde_json::from_slice(&message.value.unwrap()).unwrap()
        })
    }

    #[test]
    fn changes_have_xoss_shape() {
        let (ready, when) = watch::channel(false);
        let (events, mut made) = GuiEvents::new(when, Arc::default());
        let mut site = Object::named("Site", "default", "here");
        site.meta.uid = "u1".to_owned();
        site.set("name", json!("here"));
        assert!(told_of(&events, &mut made, |events| events.changed(None, &site)).is_none(), "it was there before");
        ready.send_replace(true);
        let told = told_of(&events, &mut made, |events| events.changed(None, &site)).unwrap();
        assert_eq!(
            (&told["pk"], &told["changed_fields"], &told["object"]["name"]),
            (&json!("u1"), &json!(["name"]), &json!("here"))
        );
        let mut after = site.clone();
        after.set("id", json!(7));
        let told = told_of(&events, &mut made, |events| events.changed(Some(&site), &after)).unwrap();
        assert_eq!((&told["pk"], &told["changed_fields"], &told["deleted"]), (&json!(7), &json!(["id"]), &Value::Null));
        assert!(told_of(&events, &mut made, |events| events.changed(Some(&after), &after)).is_none());
        let told = told_of(&events, &mut made, |events| events.gone(&after)).unwrap();
        assert_eq!(told["deleted"], true);
    }
}
