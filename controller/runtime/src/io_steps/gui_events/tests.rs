use xos_engine::Registry;
use xos_engine::clock::SystemClock;
use xos_steps::Steps;
use xos_xproto::ModelSet;

use super::*;

/// Returns the observer of these models, and its messages.
fn events(when: watch::Receiver<bool>, models: &ModelSet) -> (GuiEvents, UnboundedReceiver<Message>) {
    let registry = LiveRegistry::new(Registry::new("me", models, &Steps::new()).unwrap());
    GuiEvents::new(when, Leadership::always(Arc::new(SystemClock)), registry)
}

fn message_of(
    events: &GuiEvents,
    receiver: &mut UnboundedReceiver<Message>,
    change: impl FnOnce(&GuiEvents),
) -> Option<Value> {
    change(events);
    receiver.try_recv().ok().map(|message| {
        assert_eq!((message.topic.as_str(), message.key.as_deref()), (TOPIC, Some(&b"Site"[..])));
        serde_json::from_slice(&message.value.unwrap()).unwrap()
    })
}

#[test]
fn messages_have_the_shape_of_xos() {
    let (ready, when) = watch::channel(false);
    let (events, mut receiver) = events(when, &ModelSet::default());
    let mut site = Object::named("Site", "default", "here");
    site.meta.uid = "u1".to_owned();
    site.set("name", json!("here"));
    assert!(message_of(&events, &mut receiver, |events| events.changed(None, &site)).is_none(), "it existed before");
    ready.send_replace(true);
    let message = message_of(&events, &mut receiver, |events| events.changed(None, &site)).unwrap();
    assert_eq!(
        (&message["pk"], &message["changed_fields"], &message["object"]["name"]),
        (&json!("u1"), &json!(["name"]), &json!("here"))
    );
    let mut after = site.clone();
    after.set("id", json!(7));
    let message = message_of(&events, &mut receiver, |events| events.changed(Some(&site), &after)).unwrap();
    assert_eq!(
        (&message["pk"], &message["changed_fields"], &message["deleted"]),
        (&json!(7), &json!(["id"]), &Value::Null)
    );
    assert!(message_of(&events, &mut receiver, |events| events.changed(Some(&after), &after)).is_none());
    let message = message_of(&events, &mut receiver, |events| events.gone(&after)).unwrap();
    assert_eq!(message["deleted"], true);
}

#[test]
fn messages_have_no_secret() {
    let mut sources = xos_xproto::Sources::new();
    let text =
        "option app_label = \"m\"; message Site (XOSBase) { required string key = 1 [max_length = 9, secret = True]; }";
    sources.add("m.xproto", text);
    let (_ready, when) = watch::channel(true);
    let models = xos_xproto::compile(&sources).models;
    let (events, mut receiver) = events(when, &models);
    let mut site = Object::named("Site", "default", "here");
    site.set("key", json!("letmein"));
    let message = message_of(&events, &mut receiver, |events| events.changed(None, &site)).unwrap();
    assert_eq!((&message["changed_fields"], &message["object"]["key"]), (&json!(["key"]), &Value::Null));
    assert!(!message.to_string().contains("letmein"), "{message}");
}
