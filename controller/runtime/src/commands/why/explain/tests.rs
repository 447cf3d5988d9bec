use super::*;
use xos_engine::installation::{HandledKind, Installation, InstallationSpec};

const NOW: &str = "2026-01-01T12:00:00Z";

fn facts(object: Value) -> Facts {
    let resource = ApiResource {
        group: "t.xos.opencord.org".to_owned(),
        version: "v1".to_owned(),
        api_version: "t.xos.opencord.org/v1".to_owned(),
        kind: "Thing".to_owned(),
        plural: "things".to_owned(),
    };
    let now = NOW.parse().unwrap();
    let installations = Some(Installations(vec![installed("own", None)]));
    Facts { resource, object, installations, peers: vec![], dependents: vec![], more_dependents: 0, now }
}

fn installed(name: &str, stopped_at: Option<&str>) -> Installation {
    let kind = HandledKind {
        group: "t.xos.opencord.org".to_owned(),
        resource: "things".to_owned(),
        kind: "Thing".to_owned(),
        finalizers: vec![format!("sync.xos.opencord.org/{name}")],
        finalizers_at_creation: true,
        only_links: false,
    };
    let run = Run {
        started_at: "2026-01-01T10:00:00Z".parse().unwrap(),
        instance: "host/7".to_owned(),
        stopped_at: stopped_at.map(|at| at.parse().unwrap()),
    };
    let spec = InstallationSpec { synchronizer: name.to_owned(), namespaces: vec![], kinds: vec![kind] };
    Installation { spec, run: Some(run) }
}

#[expect(clippy::needless_pass_by_value, reason = "callers make them for this")]
fn object(finalizers: &[&str], spec: Value, status: Value) -> Value {
    json!({"metadata": {"name": "x", "namespace": "n", "generation": 2, "finalizers": finalizers},
        "spec": spec, "status": status})
}

fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({"type": kind, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": NOW, "observedGeneration": 2})
}

fn shown(facts: &Facts) -> String {
    explain(facts).to_string()
}

#[test]
fn a_ready_object_needs_few_words() {
    let status = json!({"observedGeneration": 2, "conditions": [condition("Ready", "True", "SyncSucceeded", "done")]});
    let ready = facts(object(&["sync.xos.opencord.org/own"], json!({}), status));
    assert_eq!(
        shown(&ready),
        "Thing n/x is Ready.\n  . own looks after it: started at 2026-01-01T10:00:00Z as host/7\n"
    );
}

#[test]
fn a_failed_attempt_says_when_the_next_is() {
    let entry = |at: &str| json!({"name": "own", "sync": {"attempted": {"spec": "0123456789abcdef"}, "failures": 3, "nextAttempt": at, "owner": true}});
    let failed = |at: &str| {
        let failed = |kind| condition(kind, "False", "SyncFailed", "the directory is away");
        let status = json!({"observedGeneration": 2, "conditions": [failed("Ready"), failed("Synced")],
            "synchronizers": [entry(at)]});
        shown(&facts(object(&[], json!({}), status)))
    };
    let soon = failed("2026-01-01T12:00:05Z");
    assert!(soon.starts_with("Thing n/x is not Ready:\n  - SyncFailed: the directory is away\n"), "{soon}");
    let next = "  - own has tried its sync step 3 times in a row without success; the next attempt is at \
                2026-01-01T12:00:05Z, in 5 s";
    assert!(soon.contains(next), "{soon}");
    assert_eq!(soon.matches("the directory is away").count(), 1, "{soon}");
    let late = failed("2026-01-01T11:50:00Z");
    assert!(late.contains("was due 10 min ago, at 2026-01-01T11:50:00Z: does own run?"), "{late}");
}

#[test]
fn the_last_attempts_are_told() {
    let status = json!({"observedGeneration": 2, "conditions": [condition("Ready", "True", "SyncSucceeded", "OK")],
        "history": ["2026-01-01T11:59:00.5Z Sync Succeeded 12ms SyncThing",
            "2026-01-01T11:58:00Z Sync Failed 3ms SyncThing: no route: to host"]});
    let text = shown(&facts(object(&[], json!({}), status)));
    assert!(text.contains("  . at 2026-01-01T11:59:00Z Sync of SyncThing: Succeeded after 12ms\n"), "{text}");
    let failed = "  . at 2026-01-01T11:58:00Z Sync of SyncThing: Failed after 3ms: no route: to host\n";
    assert!(text.contains(failed), "{text}");
}

#[test]
fn what_holds_a_live_object_back() {
    let mut new = facts(object(&[], json!({"noSync": true}), Value::Null));
    new.installations = Some(Installations::default());
    let peer = |target: &str, state| Peer { field: "site".to_owned(), target: target.to_owned(), state };
    let failed = PeerState::NotReady { reason: "SyncFailed".to_owned(), message: "no".to_owned() };
    new.peers = vec![
        peer("Site n/a", PeerState::Missing),
        peer("Site n/b", failed),
        peer("Site n/c", PeerState::Ready),
        peer("Site n/d", PeerState::Perhaps("Lab".to_owned(), Box::new(PeerState::Unhandled))),
    ];
    let expected = "Thing n/x is not handled yet:
  - spec.noSync is set: its sync step does not run until it is cleared
  - spec.site leads to Site n/a, which does not exist
  - spec.site leads to Site n/b, which is not Ready: SyncFailed: no
  - spec.site leads to Site n/d, which has no status yet: nobody has handled it (there is a Lab of this name: if Lab is derived from the link's model, it is this one)
  - no synchronizer is installed that looks after Thing
";
    assert_eq!(shown(&new), expected);
    new.installations = Some(Installations(vec![installed("own", Some("2026-01-01T11:00:00Z"))]));
    assert!(
        shown(&new).contains("- own, which looks after it, was stopped at 2026-01-01T11:00:00Z"),
        "{}",
        shown(&new)
    );
}

#[test]
fn who_holds_a_deleted_object() {
    let finalizers =
        ["sync.xos.opencord.org/own", "policy.xos.opencord.org/old", "foregroundDeletion", "example.org/x"];
    let mut held = facts(object(&finalizers, json!({"writeProtect": true}), json!({})));
    held.object["metadata"]["deletionTimestamp"] = "2026-01-01T11:00:00Z".into();
    held.dependents = vec![Dependent { name: "Other n/o".to_owned(), is_deleting: true, is_protected: false }];
    held.more_dependents = 3;
    let text = shown(&held);
    for line in [
        "Thing n/x is deleted since 2026-01-01T11:00:00Z, and still there:\n",
        "- spec.writeProtect is set",
        "- Other n/o leads to it, goes before it, and is being deleted",
        "- 3 more objects lead to it",
        "- held by the finalizer sync.xos.opencord.org/own of the synchronizer own (started at 2026-01-01T10:00:00Z as \
         host/7), until its delete_record succeeds",
        "- held by the finalizer policy.xos.opencord.org/old of the synchronizer old, which is not installed: start it, or, \
         if it is gone for good, run `xos uninstall old`",
        "- it is deleted in the foreground",
        "- held by the finalizer example.org/x, which is no synchronizer's",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    // Where nothing is known of synchronizers nobody is accused.
    held.installations = None;
    assert!(!shown(&held).contains("xos uninstall"));
}

#[test]
fn one_that_would_stay_says_so_before_it_is_deleted() {
    let status = json!({"observedGeneration": 2, "conditions": [condition("Ready", "True", "SyncSucceeded", "done")],
        "synchronizers": [{"name": "old"}]});
    let ready = facts(object(&["sync.xos.opencord.org/old"], json!({}), status));
    let text = shown(&ready);
    assert!(text.contains("Thing n/x is Ready.\n"), "{text}");
    assert!(text.contains(". deleted, it would stay: held by the finalizer sync.xos.opencord.org/old"), "{text}");
    assert!(text.contains(". old has bookkeeping in its status and is not installed"), "{text}");
    assert_eq!(explain(&ready).to_json()["also"].as_array().unwrap().len(), 3);
}
