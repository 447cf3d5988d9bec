use super::*;

const FINALIZER: &str = "sync.xos.opencord.org/old";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn things() -> ApiResource {
    ApiResource {
        group: "t.xos.opencord.org".to_owned(),
        version: "v1".to_owned(),
        api_version: "t.xos.opencord.org/v1".to_owned(),
        kind: "Thing".to_owned(),
        plural: "things".to_owned(),
    }
}

fn installed(synchronizer: &str, namespaces: &[&str], stopped_at: Option<i64>) -> Installation {
    let kind = HandledKind {
        group: "t.xos.opencord.org".to_owned(),
        resource: "things".to_owned(),
        kind: "Thing".to_owned(),
        finalizers: vec![format!("sync.xos.opencord.org/{synchronizer}")],
        finalizers_at_creation: true,
        only_links: false,
    };
    Installation {
        spec: InstallationSpec {
            synchronizer: synchronizer.to_owned(),
            namespaces: namespaces.iter().map(|&name| name.to_owned()).collect(),
            kinds: vec![kind],
        },
        run: Some(Run { started_at: at(0), instance: "host/1".to_owned(), stopped_at: stopped_at.map(at) }),
    }
}

#[test]
fn who_is_missed() {
    let one = |installation: Installation| Installations(vec![installation]);
    let mut other_kinds = installed("old", &[], None);
    other_kinds.spec.kinds.clear();
    let restarted = Installations(vec![installed("old", &["a"], Some(1)), installed("old", &[], None)]);
    let table = [
        (
            Installations::default(),
            Some("which is not installed: start it, or, if it is gone for good, run `xos uninstall old`"),
        ),
        (one(installed("other", &[], None)), Some("is not installed")),
        (one(installed("old", &[], None)), None),
        (restarted, None),
        (one(installed("old", &["b", "a"], None)), None),
        (
            one(installed("old", &["b"], None)),
            Some(
                "looks after other namespaces only (b): configure it for a, or, if it is done there, run `xos uninstall old -n a`",
            ),
        ),
        (one(installed("old", &[], Some(10))), Some("was stopped at 1970-01-01T00:00:10Z and not started since")),
        (one(other_kinds), Some("run `xos uninstall old --kind things.t.xos.opencord.org`")),
    ];
    for (installations, expected) in table {
        let said = abandoned([FINALIZER], &things(), "a", &installations, at(1000)).message;
        match expected {
            None => assert_eq!(said, None),
            Some(expected) => assert!(said.clone().unwrap_or_default().contains(expected), "{said:?}"),
        }
    }
}

#[test]
fn one_that_was_stopped_a_moment_ago_is_not_missed_yet() {
    let stopped = Installations(vec![installed("old", &[], Some(100))]);
    let said = |now| abandoned([FINALIZER], &things(), "a", &stopped, at(now));
    assert_eq!(said(130), Abandoned { message: None, look_again: Some(at(160)) });
    assert!(said(160).message.is_some());
}

#[test]
fn finalizers_of_others_are_not_ours() {
    let all = ["foregroundDeletion", "sync.xos.opencord.org/a", FINALIZER].map(str::to_owned);
    let own = "sync.xos.opencord.org/a".to_owned();
    assert_eq!(foreign_finalizers(&all, &[&own]).collect::<Vec<_>>(), [FINALIZER]);
    assert_eq!(Installations::default().holder("foregroundDeletion", &things(), "a"), None);
}

#[test]
fn changed_namespaces_replace_what_was_said_before_and_others_stay() {
    let all = |sets: &[&[&str]]| Installations(sets.iter().map(|set| installed("a", set, None)).collect());
    let replaced = |before: &[&[&str]], own: &[&str]| {
        let (before, own) = (all(before), installed("a", own, None));
        before.replaced_by(&own).map(|one| one.spec.namespaces.join(",")).collect::<Vec<_>>()
    };
    // Narrowed, widened, changed in part.
    assert_eq!(replaced(&[&[]], &["x"]), [""]);
    assert_eq!(replaced(&[&["x", "y"]], &["x"]), ["x,y"]);
    assert_eq!(replaced(&[&["x"], &["y"]], &[]), ["x", "y"]);
    assert_eq!(replaced(&[&["x", "y"]], &["y", "z"]), ["x,y"]);
    // The same, and another process for another namespace.
    assert_eq!(replaced(&[&["x"], &["y"]], &["x"]), [""; 0]);
    let stay = |before: &[&[&str]], own: &[&str]| all(before).beside_in_name(&installed("a", own, None)).count();
    assert_eq!((stay(&[&["x"], &["y"]], &["x"]), stay(&[&[]], &[]), stay(&[&["x", "y"]], &["x"])), (1, 0, 0));
    let other = Installations(vec![installed("b", &[], None)]);
    assert_eq!(other.replaced_by(&installed("a", &[], None)).count(), 0);
}

#[test]
fn synchronizers_of_other_names_on_the_same_kinds_are_found() {
    let others = Installations(vec![
        installed("old", &[], None),
        installed("elsewhere", &["y"], None),
        installed("new", &["x"], None),
    ]);
    let own = installed("new", &["x"], None);
    let found: Vec<_> = others.beside(&own).map(|(one, kinds)| (one.spec.synchronizer.as_str(), kinds.len())).collect();
    assert_eq!(found, [("old", 1)]);
}

#[test]
fn names_of_objects_are_different_for_different_synchronizers_and_namespaces() {
    let name = |synchronizer: &str, namespaces: &[&str]| installed(synchronizer, namespaces, None).object_name();
    let all = [name("a", &[]), name("A", &[]), name("a", &["x"]), name("a", &["x", "y"]), name("a-in", &[])];
    let distinct: std::collections::HashSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len(), "{all:?}");
    assert_eq!(all[0], "a");
    assert!(all.iter().all(|name| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')));
}

#[test]
fn an_object_is_read_as_it_was_written() {
    for own in [installed("a", &["x"], Some(5)), installed("a", &[], None)] {
        assert_eq!(Installation::read(&own.object()), Some(own));
    }
    // One that was made by hand.
    let mut bare = DynamicObject::new("a", &resource());
    bare.data = json!({"spec": {"synchronizer": "a"}});
    assert_eq!(Installation::read(&bare).map(|read| (read.run, read.spec.kinds.len())), Some((None, 0)));
    bare.data = json!({});
    assert_eq!(Installation::read(&bare), None);
}
