use super::*;
use crate::intent::{Intent, SpecHash};
use crate::object::Meta;
use crate::status::Status;
use serde_json::json;

fn intent(spec: &str) -> Intent {
    Intent { spec: SpecHash::of(&json!(spec)), touch: None, secrets: None }
}

fn object(state: Option<PassState>) -> Object {
    let mut status = Status::default();
    if let Some(state) = state {
        status.of_mut("me").sync = state;
    }
    Object {
        model: "M".into(),
        meta: Meta::default(),
        fields: [].into(),
        intent: intent("now"),
        unswitched: vec![],
        quiet_saves: vec![],
        status,
    }
}

#[test]
fn when_sync_is_due() {
    let now = Timestamp::from_second(100).unwrap();
    let at = |s| Some(Timestamp::from_second(s).unwrap());
    let state = |handled: Option<&str>, attempted: Option<&str>, next| {
        Some(PassState {
            handled: handled.map(intent),
            attempted: attempted.map(intent),
            failures: 1,
            next_attempt: next,
            ..PassState::default()
        })
    };
    let table = [
        ("never seen", None, Due::Now),
        ("done", state(Some("now"), Some("now"), None), Due::Clean),
        ("changed since", state(Some("old"), Some("old"), None), Due::Now),
        ("failed, too early", state(None, Some("now"), at(160)), Due::NotBefore(at(160).unwrap())),
        ("failed, time is up", state(None, Some("now"), at(100)), Due::Now),
        ("changed since the failure", state(None, Some("old"), at(160)), Due::Now),
        ("tried, no time set", state(None, Some("now"), None), Due::Now),
    ];
    for (what, state, expected) in table {
        assert_eq!(sync_due(&object(state), "me", now), expected, "{what}");
    }
}

#[test]
fn another_synchronizer_s_entry_does_not_count() {
    let state = PassState { handled: Some(intent("now")), ..PassState::default() };
    assert_eq!(sync_due(&object(Some(state)), "other", Timestamp::UNIX_EPOCH), Due::Now);
}

#[test]
fn switches_hold() {
    for (field, switch) in [("no_sync", Switch::NoSync), ("lazy_blocked", Switch::LazyBlocked)] {
        let mut o = object(None);
        o.set(field, json!(true));
        assert_eq!(sync_due(&o, "me", Timestamp::UNIX_EPOCH), Due::Held(switch));
        o.set(field, json!(false));
        assert_eq!(sync_due(&o, "me", Timestamp::UNIX_EPOCH), Due::Now);
    }
}
