mod plans;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use xos_model::accept::Refusal;
use xos_model::graph::Blocker;
use xos_model::{Meta, Reference, Status};

use super::claims::Claims;
use super::*;
use crate::fixtures::object;
use crate::installation::Abandoned;
use crate::objects::{Doubt, Tracked};
use crate::registry::Finalizers;
use crate::work::Job;
use crate::workers::Need;
use serde_json::json;

static UNTRACKED: LazyLock<Tracked> = LazyLock::new(Tracked::default);

fn finalizers() -> Finalizers {
    Finalizers { sync: Some("s".to_owned()), policy: Some("p".to_owned()), links: None }
}

fn duty(syncs: bool, has_policies: bool, finalizers: &Finalizers) -> Duty<'_> {
    Duty {
        synchronizer: "me",
        syncs,
        has_step: syncs,
        has_policies,
        finalizers,
        takes_along: false,
        resync: None,
        doubt: Doubt::default(),
        never_attempted: false,
        tracked: &UNTRACKED,
        longest_delay: Duration::from_secs(300),
    }
}

fn later() -> Timestamp {
    Timestamp::from_second(160).unwrap()
}

/// What is known of others, as a test says.
#[derive(Clone)]
struct Others {
    claims: Claims,
    refusal: Option<Refusal>,
    owner: Option<(String, Reference)>,
    blockers: Vec<Blocker>,
    is_taken_along: bool,
    live_dependents: Vec<Arc<Object>>,
    abandoned: Abandoned,
    has_place: bool,
    is_nobody_elses: bool,
}

impl Default for Others {
    fn default() -> Self {
        Self {
            claims: Claims::default(),
            refusal: None,
            owner: None,
            blockers: vec![],
            is_taken_along: false,
            live_dependents: vec![],
            abandoned: Abandoned::default(),
            has_place: true,
            is_nobody_elses: false,
        }
    }
}

impl Surroundings for Others {
    fn claims(&self) -> Claims {
        self.claims.clone()
    }
    fn refusal(&self) -> Option<Refusal> {
        self.refusal.clone()
    }
    fn owner_to_set(&self) -> Option<(String, Reference)> {
        self.owner.clone()
    }
    fn blockers(&self) -> Vec<Blocker> {
        self.blockers.clone()
    }
    fn leads_to_leaving(&self) -> bool {
        self.is_taken_along
    }
    fn missing(&self) -> Vec<Blocker> {
        vec![]
    }
    fn is_taken_along(&self) -> bool {
        self.is_taken_along
    }
    fn deletion_blockers(&self) -> Vec<Blocker> {
        self.blockers.clone()
    }
    fn live_dependents(&self) -> Vec<Arc<Object>> {
        self.live_dependents.clone()
    }
    fn abandoned(&self) -> Abandoned {
        self.abandoned.clone()
    }
    fn is_nobody_elses(&self) -> bool {
        self.is_nobody_elses
    }
    fn missing_place(&self, job: &Job) -> Option<Need> {
        (!self.has_place && job.runs_step()).then(need)
    }
}

fn need() -> Need {
    Need { lane: "S".into(), limit: Some(1), pass: Pass::Sync }
}

fn refusal() -> Refusal {
    Refusal {
        reason: "Invalid",
        message: "there is another".to_owned(),
        because_of: [].into(),
        because_of_classes: [].into(),
    }
}

fn decided(o: &Object, duty: &Duty<'_>, stage: Stage, others: &Others) -> Next {
    next(o, duty, stage, others, (Timestamp::from_second(100).unwrap(), 0.5))
}

#[test]
fn a_deleted_object_that_only_others_hold_says_who_is_missed() {
    let finalizers = finalizers();
    let duty = duty(true, false, &finalizers);
    let again = Timestamp::from_second(160).unwrap();
    let look_again = Some(again);
    let missed = Abandoned { message: Some("held by old".to_owned()), look_again: None };
    let missed = Others { abandoned: missed, ..Others::default() };
    let stopped = Others { abandoned: Abandoned { message: None, look_again }, ..Others::default() };
    let mut o = object("a");
    let decide = |o: &Object, others: &Others| decided(o, &duty, Stage::Queued, others);
    // A live object says nothing.
    assert!(!matches!(decide(&o, &missed), Next::Run(Job::ReportAbandoned(_))));
    o.meta.deleting = Some(later());
    o.meta.finalizers = vec!["sync.xos.opencord.org/old".to_owned()];
    assert_eq!(decide(&o, &Others::default()), Next::Nothing);
    assert_eq!(decide(&o, &stopped), Next::RequeueAt(again));
    assert_eq!(decide(&o, &missed), Next::Run(Job::ReportAbandoned(Some("held by old".to_owned()))));
    let told = xos_model::record::abandoned(&o, duty.synchronizer, Some("held by old"), later());
    // Told once, and taken back once.
    assert_eq!(decide(&told, &missed), Next::Nothing);
    assert_eq!(decide(&told, &Others::default()), Next::Run(Job::ReportAbandoned(None)));
    let back = xos_model::record::abandoned(&told, duty.synchronizer, None, later());
    assert_eq!((decide(&back, &Others::default()), back.status.conditions), (Next::Nothing, vec![]));

    // Of a kind that is not its own, what it left there when it had a step for it.
    let none = Finalizers::default();
    let duty = self::duty(false, false, &none);
    assert_eq!(decided(&o, &duty, Stage::Queued, &missed), Next::Nothing);
    o.meta.finalizers = vec!["sync.xos.opencord.org/me".to_owned()];
    assert!(matches!(decided(&o, &duty, Stage::Queued, &missed), Next::Run(Job::ReportAbandoned(Some(_)))));
}

#[test]
fn the_step_waits_for_others_and_policies_do_not() {
    let finalizers = finalizers();
    let blockers = vec![Blocker::Object(object("b").key())];
    let waits = Others { blockers: blockers.clone(), ..Others::default() };
    let goes = Others { blockers: blockers.clone(), is_taken_along: true, ..Others::default() };
    let full = Others { has_place: false, ..Others::default() };
    let refused = Others { refusal: Some(refusal()), ..Others::default() };
    let sync = Job::Reconcile { policy: None, sync: true };
    let both = Job::Reconcile { policy: Some(Operation::PolicyCreate), sync: true };
    let report = Job::ReportRefusal(Pass::Sync, refusal(), false);
    let write = Next::Run(Job::WriteStatus);
    // Surroundings; from the queue with a step only, with both; after the policies.
    let table = [
        (Others::default(), Next::Run(sync.clone()), Next::Run(both.clone()), Next::Run(sync.clone())),
        (waits, Next::Blocked(blockers.clone()), Next::Run(both.clone()), write.clone()),
        (goes, Next::Blocked(blockers.clone()), Next::Blocked(blockers), write.clone()),
        (full, Next::AwaitPlace(need(), sync.clone()), Next::Run(both), write.clone()),
        (refused, Next::Run(report.clone()), Next::Run(report), write),
    ];
    for (others, step_only, with_policies, after_policies) in table {
        let new = object("a");
        assert_eq!(decided(&new, &duty(true, false, &finalizers), Stage::Queued, &others), step_only);
        assert_eq!(decided(&new, &duty(true, true, &finalizers), Stage::Queued, &others), with_policies);
        let mut policed = new.clone();
        policed.status.of_mut("me").policy.handled = Some(new.intent.clone());
        assert_eq!(decided(&policed, &duty(true, true, &finalizers), Stage::AfterPolicies, &others), after_policies);
    }
}

#[test]
fn what_others_go_with_is_held_before_it_waits() {
    let finalizers = finalizers();
    let takes_along = Duty { takes_along: true, ..duty(true, false, &finalizers) };
    let waits = Others { blockers: vec![Blocker::Object(object("b").key())], ..Others::default() };
    let mut o = object("a");
    assert_eq!(decided(&o, &takes_along, Stage::Queued, &waits), Next::Run(Job::EnsureFinalizers));
    o.meta.finalizers = vec!["s".to_owned(), "p".to_owned()];
    assert!(matches!(decided(&o, &takes_along, Stage::Queued, &waits), Next::Blocked(_)));
}

#[test]
fn the_owner_is_set_before_anything_else_and_only_by_who_handles_the_object() {
    let finalizers = finalizers();
    let owner = ("owner".to_owned(), Reference::to("cafe"));
    let set = Next::Run(Job::SetOwner(owner.0.clone(), owner.1.clone()));
    let others = Others { owner: Some(owner), refusal: Some(refusal()), ..Others::default() };
    let handled = duty(true, true, &finalizers);
    assert_eq!(decided(&object("a"), &handled, Stage::Queued, &others), set);
    let mut held = object("a");
    held.set("no_sync", true.into());
    held.set("no_policy", true.into());
    assert_eq!(decided(&held, &handled, Stage::Queued, &others), set);
    let not_handled = duty(false, false, &finalizers);
    assert_eq!(decided(&object("a"), &not_handled, Stage::Queued, &others), Next::Nothing);
    let mut deleted = object("a");
    deleted.meta.deleting = Some(later());
    assert_ne!(decided(&deleted, &handled, Stage::Queued, &others), set);
}

#[test]
fn an_object_that_nobody_has_anything_to_do_with_says_so_once() {
    let none = Finalizers::default();
    let mine = duty(false, false, &none);
    let alone = Others { is_nobody_elses: true, ..Others::default() };
    let now = Timestamp::from_second(100).unwrap();
    let mut o = object("a");
    assert_eq!(decided(&o, &mine, Stage::Queued, &Others::default()), Next::Nothing, "somebody else may come");
    assert_eq!(decided(&o, &mine, Stage::Queued, &alone), Next::Run(Job::ReportIdle));
    let told = xos_model::record::idle(&o, now);
    assert_eq!(decided(&told, &mine, Stage::Queued, &alone), Next::Nothing);
    let edited = Object { meta: Meta { generation: 9, ..told.meta.clone() }, ..told.clone() };
    assert_eq!(decided(&edited, &mine, Stage::Queued, &alone), Next::Run(Job::ReportIdle), "kstatus wants to know");
    // Once there is a step that waits for a place, it does not go on saying that it is Ready.
    let finalizers = finalizers();
    let full = Others { has_place: false, ..Others::default() };
    let due = duty(true, false, &finalizers);
    assert_eq!(decided(&told, &due, Stage::Queued, &full), Next::Run(Job::Acknowledge));
    o.status.of_mut("other").sync.pending = true;
    assert_eq!(decided(&o, &mine, Stage::Queued, &alone), Next::Nothing, "the other one decides");
    o.status = Status::default();
    o.meta.deleting = Some(now);
    assert_ne!(decided(&o, &mine, Stage::Queued, &alone), Next::Run(Job::ReportIdle));
}

#[test]
fn a_refusal_that_status_shows_is_not_written_again() {
    let finalizers = finalizers();
    let duty = duty(true, false, &finalizers);
    let others = Others { refusal: Some(refusal()), ..Others::default() };
    let now = Timestamp::from_second(100).unwrap();
    let shown = xos_model::record::refused(&object("a"), "me", Pass::Sync, &refusal(), now);
    assert_eq!(decided(&shown, &duty, Stage::Queued, &others), Next::Refused(refusal()));
}

#[test]
fn deletion_takes_others_along_first() {
    let finalizers = finalizers();
    let duty = duty(true, false, &finalizers);
    let mut o = object("a");
    o.meta.deleting = Some(later());
    o.meta.finalizers = vec!["s".to_owned()];
    let dependents = vec![Arc::new(object("b"))];
    let others = Others { live_dependents: dependents.clone(), ..Others::default() };
    assert_eq!(decided(&o, &duty, Stage::Queued, &others), Next::Run(Job::Cascade(dependents)));
    let run = |sync| Next::Run(Job::Delete { policy: false, sync });
    assert_eq!(decided(&o, &duty, Stage::Queued, &Others::default()), run(true));
    let fresh = Duty { never_attempted: true, ..duty };
    assert_eq!(decided(&o, &fresh, Stage::Queued, &Others::default()), run(false), "there is nothing to undo");
    let doubted = Duty { doubt: Doubt { sync: true, ..Doubt::default() }, ..fresh };
    assert_eq!(decided(&o, &doubted, Stage::Queued, &Others::default()), run(true), "in doubt it runs");
    // Its step has failed, and another one has come since then.
    let mut failed = o.clone();
    failed.status.of_mut("me").delete = Some(Box::new(xos_model::PassState {
        attempted: Some(o.intent.clone()),
        next_attempt: Some(later()),
        ..xos_model::PassState::default()
    }));
    assert_eq!(decided(&failed, &duty, Stage::Queued, &Others::default()), Next::RequeueAt(later()));
    assert!(matches!(decided(&failed, &duty, Stage::Queued, &others), Next::Run(Job::Cascade(_))));
    o.set("write_protect", json!(true));
    assert!(matches!(decided(&o, &duty, Stage::Queued, &Others::default()), Next::Run(Job::ReportWait(_))));
    failed.set("write_protect", json!(true));
    assert_eq!(decided(&failed, &duty, Stage::Queued, &others), Next::RequeueAt(later()));
}

#[test]
fn clean_objects_are_looked_after_when_it_is_time() {
    let finalizers = finalizers();
    let mut o = object("a");
    let intent = o.intent.clone();
    o.meta.finalizers = vec!["s".to_owned(), "p".to_owned()];
    let state = &mut o.status.of_mut("me").sync;
    (state.handled, state.attempted) = (Some(intent.clone()), Some(intent));
    o.status.observed_generation = Some(o.meta.generation);
    let every = Duty { resync: Some(Duration::from_secs(60)), ..duty(true, false, &finalizers) };
    let at = |second| Timestamp::from_second(second).unwrap();
    for (was_there, resync_at, expected, why) in [
        (true, None, 130, "what was there before is spread over the whole period, by chance"),
        (false, None, 157, "what is new was synchronized just now"),
        (false, Some(at(101)), 101, "as it was set"),
        (false, Some(at(900)), 157, "the period is shorter now"),
    ] {
        let duty = Duty { tracked: &Tracked::known(was_there, resync_at), ..every };
        assert_eq!(decided(&o, &duty, Stage::Queued, &Others::default()), Next::ResyncAt(at(expected)), "{why}");
    }
    let due = Tracked::known(false, Some(at(100)));
    let due = Duty { tracked: &due, ..every };
    assert_eq!(decided(&o, &due, Stage::Queued, &Others::default()), Next::Run(Job::Resync));
    let full = Others { has_place: false, ..Others::default() };
    assert_eq!(decided(&o, &due, Stage::Queued, &full), Next::AwaitPlace(need(), Job::Resync));
    let goes = Others { is_taken_along: true, ..Others::default() };
    assert_eq!(decided(&o, &due, Stage::Queued, &goes), Next::ResyncAt(at(160)), "it goes with another");
    o.set("no_sync", json!(true));
    assert!(!matches!(decided(&o, &due, Stage::Queued, &Others::default()), Next::Run(Job::Resync)));
}

#[test]
fn what_a_clock_that_was_ahead_has_written_is_not_waited_for() {
    let finalizers = finalizers();
    let duty = Duty { resync: Some(Duration::from_secs(60)), ..duty(true, false, &finalizers) };
    let at = |second| Timestamp::from_second(second).unwrap();
    let mut o = object("a");
    let failed = |until| xos_model::PassState {
        attempted: Some(object("a").intent),
        next_attempt: Some(until),
        ..xos_model::PassState::default()
    };
    o.meta.finalizers = vec!["s".to_owned()];
    // It is 100 now, and no delay is longer than 300.
    for (until, is_due) in [(at(160), false), (at(400), false), (at(401), true), (at(7300), true)] {
        o.meta.deleting = None;
        o.status.of_mut("me").sync = failed(until);
        let run = Next::Run(Job::Reconcile { policy: None, sync: true });
        assert_eq!(decided(&o, &duty, Stage::Queued, &Others::default()) == run, is_due, "{until}");
        o.meta.deleting = Some(at(90));
        o.status.of_mut("me").delete = Some(Box::new(failed(until)));
        let run = Next::Run(Job::Delete { policy: false, sync: true });
        assert_eq!(decided(&o, &duty, Stage::Queued, &Others::default()) == run, is_due, "{until}");
    }
    let mut clean = object("a");
    clean.meta.finalizers = vec!["s".to_owned(), "p".to_owned()];
    let intent = clean.intent.clone();
    let state = &mut clean.status.of_mut("me").sync;
    (state.handled, state.attempted) = (Some(intent.clone()), Some(intent));
    clean.status.observed_generation = Some(clean.meta.generation);
    // A resync is at most one period ahead.
    for (until, expected) in [(at(160), at(160)), (at(7300), at(157))] {
        let duty = Duty { tracked: &Tracked::known(false, Some(until)), ..duty };
        assert_eq!(decided(&clean, &duty, Stage::Queued, &Others::default()), Next::ResyncAt(expected));
    }
}

#[test]
fn a_touched_object_that_waits_for_a_place_does_not_say_that_it_is_ready() {
    let finalizers = finalizers();
    let duty = duty(true, false, &finalizers);
    let now = Timestamp::from_second(100).unwrap();
    let full = Others { has_place: false, ..Others::default() };
    let mut o = object("a");
    let intent = o.intent.clone();
    let state = &mut o.status.of_mut("me").sync;
    (state.handled, state.attempted) = (Some(intent.clone()), Some(intent));
    let duties = Duties { policy: false, sync: true };
    xos_model::record::settle(&mut o, "me", duties, now);
    o.intent.touch = Some("1".to_owned());
    assert_eq!(decided(&o, &duty, Stage::Queued, &full), Next::Run(Job::Acknowledge));
    o = xos_model::record::acknowledge(&o, "me", now);
    xos_model::record::settle(&mut o, "me", duties, now);
    assert!(matches!(decided(&o, &duty, Stage::Queued, &full), Next::AwaitPlace(..)));
}
