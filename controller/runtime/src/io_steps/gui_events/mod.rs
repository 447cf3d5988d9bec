//! XOS's topic `xos.gui_events`: each change of an object as a message, `{pk, changed_fields, object, deleted?}`, keyed
//! by the model's name.
//!
//! Delivery is best effort, as in XOS: a change while no controller runs, or none leads, sends no message.

use std::sync::Arc;

use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use xos_engine::leader::Leadership;
use xos_engine::{LiveRegistry, Observer};
use xos_model::Object;
use xos_model::save::difference;
use xos_steps::{Message, Producer};

/// The topic to which XOS's core sends changes.
const TOPIC: &str = "xos.gui_events";
/// The number of messages in flight; their order is kept.
const IN_FLIGHT: usize = 256;

/// Turns changes of objects into messages.
pub(crate) struct GuiEvents {
    messages: UnboundedSender<Message>,
    /// Whether the engine has seen all objects. Objects that it sees before are not changes.
    ready: watch::Receiver<bool>,
    /// Of several processes only the leader sends.
    leadership: Leadership,
    registry: LiveRegistry,
}

impl GuiEvents {
    /// Returns an observer, and the receiver of its messages.
    pub(crate) fn new(
        ready: watch::Receiver<bool>,
        leadership: Leadership,
        registry: LiveRegistry,
    ) -> (Self, UnboundedReceiver<Message>) {
        let (messages, receiver) = unbounded_channel();
        (Self { messages, ready, leadership, registry }, receiver)
    }

    /// Returns the object as XOS's messages show it: without what is secret.
    fn to_json(&self, object: &Object) -> Value {
        let registry = self.registry.now();
        let model = registry.models.get(&object.model);
        let mut fields = object.fields.clone();
        fields.retain(|name, _| !model.is_some_and(|model| model.is_secret(name)));
        let mut all = json!(fields);
        all["id"] = pk(object);
        all["leaf_model_name"] = json!(*object.model);
        all["class_names"] = json!(model.map(|model| model.ancestry.join(",")));
        all["metadata"] = json!({"namespace": object.meta.namespace, "name": object.meta.name});
        all
    }

    fn send(&self, object: &Object, body: &Value) {
        if !*self.ready.borrow() || self.leadership.leads().is_none() {
            return;
        }
        if let Ok(message) = Message::json(TOPIC, &object.model, body) {
            // An error means that the receiver ended: the program stops.
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
        let names: Vec<_> = changed.keys().map(ToString::to_string).collect();
        self.send(after, &json!({"pk": pk(after), "changed_fields": names, "object": self.to_json(after)}));
    }

    fn gone(&self, object: &Object) {
        self.send(
            object,
            &json!({"pk": pk(object), "changed_fields": [], "object": self.to_json(object), "deleted": true}),
        );
    }
}

/// Returns XOS's id if the object has one, else its uid.
fn pk(object: &Object) -> Value {
    object.fields.get("id").cloned().unwrap_or_else(|| object.meta.uid.clone().into())
}

/// Sends messages until `shutdown`, and then those made before it.
pub(crate) async fn send(
    messages: UnboundedReceiver<Message>,
    producer: Arc<dyn Producer>,
    shutdown: CancellationToken,
) {
    let pending = futures::stream::unfold((messages, false), |(mut messages, closed)| {
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
    let mut sent = std::pin::pin!(pending.map(|message| producer.send(message)).buffered(IN_FLIGHT));
    while let Some(result) = sent.next().await {
        match result {
            Err(error) if !failing => {
                tracing::warn!(%error, topic = TOPIC, "cannot send changes of objects");
                failing = true;
            }
            Err(_) => {}
            Ok(()) => failing = false,
        }
    }
}

#[cfg(test)]
mod tests;
