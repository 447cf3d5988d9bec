use super::*;
use crate::fixtures::object;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn refusal(because_of: &[&str], classes: &[&str]) -> Refusal {
    Refusal {
        reason: "NotUnique",
        message: String::new(),
        because_of: because_of.iter().map(|name| object(name).key()).collect(),
        because_of_classes: classes.iter().map(|&class| class.to_owned()).collect(),
    }
}

fn known(objects: &mut Objects, name: &str, uid: &str, origin: Origin) -> Object {
    let mut o = object(name);
    uid.clone_into(&mut o.meta.uid);
    objects.track(&o.key(), &o, origin, "me");
    o
}

#[test]
fn what_is_not_accepted_is_found_by_what_it_is_refused_for() {
    let mut objects = Objects::default();
    let b = known(&mut objects, "b", "1", Origin::Watched).key();
    objects.refuse(&b, &refusal(&["a"], &["Base"]));
    let classes = ["MyModel".to_owned(), "Base".to_owned()];
    assert_eq!(objects.refused_for(&object("a").key(), [].into_iter()), std::slice::from_ref(&b));
    assert_eq!(objects.refused_for(&object("new").key(), classes.iter()), std::slice::from_ref(&b));
    assert_eq!(objects.refused_for(&b, classes.iter()), [], "not by itself");
    objects.accept(&b);
    assert_eq!(objects.refused_for(&object("a").key(), classes.iter()), []);
    objects.refuse(&b, &refusal(&["a"], &["Base"]));
    objects.forget(&b);
    assert!(objects.refused.is_empty() && objects.records.is_empty(), "forgetting is one removal");
}

#[test]
fn only_what_came_under_our_eyes_was_never_attempted() {
    for (origin, never_attempted) in
        [(Origin::Watched, true), (Origin::Created, true), (Origin::Listed, false), (Origin::Read, false)]
    {
        let mut objects = Objects::default();
        let a = known(&mut objects, "a", "1", origin);
        assert_eq!(objects.get(&a.key(), "1").never_attempted, never_attempted, "{origin:?}");
    }
}

#[test]
fn who_created_an_object_is_of_no_account_once_a_step_may_have_run() {
    let mut objects = Objects::default();
    let a = known(&mut objects, "a", "1", Origin::Read);
    objects.begin_attempt(&a.key(), &a, (Pass::Sync, None), NOW);
    objects.track(&a.key(), &a, Origin::Created, "me");
    assert!(objects.get(&a.key(), "1").doubt.sync && !objects.get(&a.key(), "1").never_attempted);
}

#[test]
fn a_successor_begins_anew() {
    let mut objects = Objects::default();
    let first = known(&mut objects, "a", "1", Origin::Watched);
    let key = first.key();
    objects.begin_attempt(&key, &first, (Pass::Sync, None), NOW);
    assert_eq!([(); 3].map(|()| objects.count_failed_write(&key, "1")), [1, 2, 3]);
    let second = known(&mut objects, "a", "2", Origin::Watched);
    assert_eq!(objects.get(&key, "2").doubt, Doubt::default());
    objects.begin_attempt(&key, &second, (Pass::Sync, None), NOW);
    objects.end_attempt(&key, "1", true);
    assert!(objects.get(&key, "2").doubt.sync, "the end of its predecessor's worker is not its own");
    assert_eq!(objects.count_failed_write(&key, "2"), 1, "nor are its writes");
    objects.end_attempt(&key, "2", true);
    assert_eq!(objects.get(&key, "2").doubt, Doubt::default());
}
