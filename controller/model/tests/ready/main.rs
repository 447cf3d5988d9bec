//! `Ready` over all orders of passes and outcomes: it is true only when every pass that is due has handled the present
//! intent, whoever writes, and however late. A pass that is switched off is not due, but what it has handled of an object
//! that was changed since makes it no more Ready.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

mod acts;

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;
use xos_model::condition::{self, READY};
use xos_model::dirty::{Due, policy_due, sync_due};
use xos_model::intent::{self, is_handled};
use xos_model::record::{self, Context, Duties, Wait};
use xos_model::{
    Backoff, ConditionStatus, Finished, Intent, Meta, Object, Operation, Outcome, Pass, QuietSave, SpecHash, Status,
    Timestamp,
};

use acts::{Act, acts};

const NAMES: [&str; 2] = ["one", "two"];

/// The API server's object, what it was one write ago, and the passes that each synchronizer has.
struct Play {
    object: Object,
    before: Object,
    /// What spec says beside its switches.
    text: String,
    /// How the last attempt of each pass ended, and what spec said then.
    tried: BTreeMap<(usize, bool), (bool, String)>,
    texts: BTreeMap<String, String>,
    duties: Vec<Duties>,
    /// Who wrote last.
    writer: usize,
    second: i64,
    counter: u32,
}

impl Play {
    fn new(duties: &[Duties]) -> Self {
        let object = Object {
            model: "MyModel".into(),
            meta: Meta { generation: 0, ..Meta::default() },
            fields: [].into(),
            intent: Intent { spec: SpecHash::of(&json!(null)), touch: None, secrets: None },
            unswitched: vec![],
            quiet_saves: vec![],
            status: Status::default(),
        };
        let (text, tried, texts) = (String::new(), BTreeMap::new(), BTreeMap::new());
        let duties = duties.to_vec();
        let mut new =
            Self { before: object.clone(), object, text, tried, texts, duties, writer: 0, second: 0, counter: 0 };
        new.set_spec("0");
        new.before = new.object.clone();
        new
    }

    fn has(&self, by: usize, pass: Pass) -> bool {
        self.duties.get(by).is_some_and(|duties| if pass == Pass::Policy { duties.policy } else { duties.sync })
    }

    fn set_spec(&mut self, text: &str) {
        text.clone_into(&mut self.text);
        let object = &mut self.object;
        let set: Vec<_> = ["no_sync", "no_policy"].into_iter().filter(|switch| object.flag(switch)).collect();
        let spec = hash(text, &set);
        self.texts.insert(spec.to_string(), text.to_owned());
        if spec != object.intent.spec {
            object.meta.generation += 1;
            object.intent.spec = spec;
        }
        object.unswitched = without(text, &set);
    }

    /// Plays an act. Returns whether a status was written.
    fn act(&mut self, act: Act) -> bool {
        self.second += 10;
        self.counter += 1;
        let now = Timestamp::from_second(self.second).unwrap();
        let base = |play: &mut Self, by: usize, is_late| {
            let base = if is_late { &play.before } else { &play.object };
            if base.status.of(NAMES[by]) != play.object.status.of(NAMES[by]) {
                // Its own last record is about to be lost.
                play.tried.retain(|(one, _), _| *one != by);
            }
            base.clone()
        };
        match act {
            Act::Edit(n) => self.set_spec(&n.to_string()),
            Act::Touch => self.object.intent.touch = Some(self.counter.to_string()),
            Act::Switch(pass) => {
                let field = if pass == Pass::Policy { "no_policy" } else { "no_sync" };
                let is_set = self.object.flag(field);
                self.object.set(field, if is_set { json!(null) } else { json!(true) });
                self.set_spec(&self.text.clone());
            }
            Act::QuietSave(by) => {
                let from = self.object.intent.spec;
                self.set_spec(&format!("quiet {}", self.counter));
                let save = QuietSave { from, to: self.object.intent.spec, by };
                self.object.quiet_saves = intent::remember(&self.object.quiet_saves, save);
            }
            Act::Drop(by, pass) => {
                if let Some(duties) = self.duties.get_mut(by) {
                    let flag = if pass == Pass::Policy { &mut duties.policy } else { &mut duties.sync };
                    *flag = !*flag;
                }
            }
            Act::Attempt { by, pass, outcome, changes, is_late } if self.has(by, pass) => {
                let before = base(self, by, is_late);
                let after = attempt(&before, NAMES[by], pass, outcome, changes, now);
                let text = self.texts[&before.intent.spec.to_string()].clone();
                // The same deferral again leaves nothing.
                if after != before {
                    self.tried.insert((by, pass == Pass::Policy), (outcome > 2, text));
                }
                return self.write(by, &before, after, now);
            }
            Act::Acknowledge(by, is_late) if by < self.duties.len() => {
                let before = base(self, by, is_late);
                let is_due = |due| due != Due::Clean;
                if self.has(by, Pass::Policy) && is_due(policy_due(&before, NAMES[by], now))
                    || self.has(by, Pass::Sync) && is_due(sync_due(&before, NAMES[by], now))
                {
                    return false;
                }
                let after = record::acknowledge(&before, NAMES[by], now);
                return self.write(by, &before, after, now);
            }
            Act::Wait(by, pass, is_late) if self.has(by, pass) => {
                let before = base(self, by, is_late);
                let due = if pass == Pass::Policy { policy_due } else { sync_due };
                if due(&before, NAMES[by], now) == Due::Clean {
                    return false;
                }
                let wait = Wait { reason: "WaitingForDependency", message: "waits for Site rome".to_owned() };
                let after = record::waiting(&before, NAMES[by], pass, &wait, now);
                return self.write(by, &before, after, now);
            }
            Act::Hold(by, pass) if self.has(by, pass) => {
                let due = if pass == Pass::Policy { policy_due } else { sync_due };
                let Due::Held(switch) = due(&self.object, NAMES[by], now) else { return false };
                let before = self.object.clone();
                let after = record::held(&before, NAMES[by], switch, now);
                return self.write(by, &before, after, now);
            }
            Act::Idle(by, is_late) if self.duties.get(by) == Some(&Duties::default()) => {
                let before = base(self, by, is_late);
                let after = record::idle(&before, now);
                return self.write(by, &before, after, now);
            }
            _ => {}
        }
        false
    }

    /// Returns whether a pass that is switched off, and was tried, has handled another text than the present one. Not
    /// after quiet saves: these may lead from the one to the other.
    fn is_stale(&self, by: usize, pass: Pass) -> bool {
        let switch = if pass == Pass::Policy { "no_policy" } else { "no_sync" };
        let tried = self.tried.get(&(by, pass == Pass::Policy)).filter(|_| self.object.flag(switch));
        self.object.quiet_saves.is_empty() && tried.is_some_and(|(succeeded, text)| !succeeded || *text != self.text)
    }

    /// Writes a status as the engine does: completed, and on top of what others wrote meanwhile.
    fn write(&mut self, by: usize, before: &Object, mut after: Object, now: Timestamp) -> bool {
        record::settle(&mut after, NAMES[by], self.duties[by], now);
        let mut again = after.clone();
        record::settle(&mut again, NAMES[by], self.duties[by], now);
        assert_eq!(again, after, "completed once is completed");
        let written = record::rebase(before, &after, &self.object, NAMES[by], |field| !field.starts_with("no_"));
        self.before = std::mem::replace(&mut self.object, written);
        self.writer = by;
        true
    }

    /// Returns the passes that are due and have not handled the present intent, of those with bookkeeping on the object.
    /// That a synchronizer has got another pass, the others know once it has written that.
    fn undone(&self) -> Vec<(usize, Pass)> {
        let object = &self.object;
        let all = (0..self.duties.len()).flat_map(|by| [(by, Pass::Policy), (by, Pass::Sync)]);
        let is_known = |by: usize, pass| {
            let own = object.status.of(NAMES[by]).map(|own| own.live(pass));
            own.is_some_and(|own| by == self.writer || !own.dropped && (own.pending || !own.is_untried()))
        };
        let known = all.filter(|(by, pass)| self.has(*by, *pass) && is_known(*by, *pass));
        known.filter(|(by, pass)| !is_done(object, NAMES[*by], *pass)).collect()
    }

    fn is_ready(&self) -> bool {
        condition::find(&self.object.status.conditions, READY).is_some_and(|ready| {
            ready.status == ConditionStatus::True && ready.observed_generation == Some(self.object.meta.generation)
        })
    }
}

/// The rule, in the words of the design.
fn is_done(object: &Object, synchronizer: &str, pass: Pass) -> bool {
    let state = object.status.of(synchronizer).unwrap().live(pass);
    let (other, switch) =
        if pass == Pass::Policy { ("changed_by_step", "no_policy") } else { ("changed_by_policy", "no_sync") };
    let handled = state.handled.as_ref();
    let intent = |spec| Intent { spec, ..object.intent.clone() };
    let mut present = vec![object.intent.clone()];
    if object.flag(switch) {
        if state.is_untried() {
            return true;
        }
        present.extend(object.unswitched.iter().map(|&spec| intent(spec)));
    }
    let is_handled = |then| present.iter().any(|now| is_handled(then, now, &object.quiet_saves, pass));
    handled.is_some_and(is_handled) && state.seen == object.date(other)
}

/// The hash of a spec with these switches set.
fn hash(text: &str, set: &[&str]) -> SpecHash {
    SpecHash::of(&json!([text, set]))
}

/// The hashes of a spec without some of its switches.
fn without(text: &str, set: &[&str]) -> Vec<SpecHash> {
    let some = |left: &[&str]| hash(text, left);
    match set {
        [] => vec![],
        [_] => vec![some(&[])],
        _ => set.iter().map(|one| some(&[one])).chain([some(&[])]).collect(),
    }
}

fn attempt(before: &Object, by: &str, pass: Pass, outcome: u8, changes: bool, at: Timestamp) -> Object {
    let outcome = match outcome {
        0 => Outcome::Failed("no route".to_owned()),
        1 => Outcome::Deferred("not yet".to_owned()),
        2 => Outcome::Innocuous("no matter".to_owned()),
        _ => Outcome::Succeeded,
    };
    let mut changed = before.clone();
    if changes && outcome == Outcome::Succeeded {
        record::mark_changed(&mut changed, pass, at);
    }
    let operation = if pass == Pass::Policy { Operation::PolicyUpdate } else { Operation::Sync };
    let finished = Finished { step: "Step".to_owned(), operation, outcome, at, duration: Duration::ZERO };
    record::after(&changed, &finished, &Context { synchronizer: by, backoff: Backoff::default(), unit: 0.5 })
}

fn duties(policy: bool, sync: bool) -> Duties {
    Duties { policy, sync }
}

/// Only policies; only a step; both; two synchronizers, of which each has both or one.
fn companies() -> impl Strategy<Value = Vec<Duties>> {
    prop_oneof![
        Just(vec![duties(true, false)]),
        Just(vec![duties(false, true)]),
        Just(vec![duties(true, true)]),
        Just(vec![duties(true, true), duties(true, true)]),
        Just(vec![duties(true, true), duties(false, true)]),
        Just(vec![duties(true, false), duties(false, true)]),
        Just(vec![duties(false, false), duties(false, true)]),
        Just(vec![duties(false, false), duties(false, false)]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]
    #[test]
    fn ready_means_that_every_pass_that_is_due_has_handled_the_present_intent(
        company in companies(),
        acts in proptest::collection::vec(acts(), 0..14),
    ) {
        let mut play = Play::new(&company);
        for act in acts {
            if play.act(act) && play.is_ready() {
                prop_assert_eq!(play.undone(), vec![], "after {:?}: {:#?}", act, play.object.status);
                let ready = condition::find(&play.object.status.conditions, READY);
                prop_assert!(ready.is_some_and(|ready| ready.reason != "Held"), "after {:?}: {:?}", act, ready);
                for (by, pass) in (0..company.len()).flat_map(|by| [(by, Pass::Policy), (by, Pass::Sync)]) {
                    let stale = play.has(by, pass) && play.is_stale(by, pass);
                    prop_assert!(!stale, "after {:?}: {} {:?} {:#?}", act, by, pass, play.object.status);
                }
            }
        }
    }

    /// However it came there: once each synchronizer has done what is due, and has spoken last of what it has, it is
    /// Ready.
    #[test]
    fn what_is_done_becomes_ready(company in companies(), acts in proptest::collection::vec(acts(), 0..10)) {
        let mut play = Play::new(&company);
        for act in acts {
            play.act(act);
        }
        for field in ["no_sync", "no_policy"] {
            if play.object.flag(field) {
                play.act(Act::Switch(if field == "no_sync" { Pass::Sync } else { Pass::Policy }));
            }
        }
        finish(&mut play, &company);
        prop_assert_eq!(play.undone(), vec![]);
        prop_assert!(play.is_ready(), "{:#?}", play.object.status);
        prop_assert!(!record::is_misreported(&play.object));
        // Then a pass is switched off. Nothing is to be done for it; and after an edit, something is.
        for off in [Pass::Sync, Pass::Policy] {
            play.act(Act::Switch(off));
            hold(&mut play, off);
            prop_assert!(play.is_ready(), "{:?} is off: {:#?}", off, play.object.status);
            play.act(Act::Edit(7));
            hold(&mut play, off);
            let has = (0..company.len()).any(|by| play.has(by, off));
            prop_assert_eq!(play.is_ready(), !has, "{:?} is off, and there was an edit: {:#?}", off, play.object.status);
            play.act(Act::Switch(off));
            play.act(Act::Edit(8));
            finish(&mut play, &company);
            prop_assert!(play.is_ready(), "{:#?}", play.object.status);
        }
    }
}

/// Each synchronizer has the passes that it had at first, does what is due, and speaks last of what it has.
fn finish(play: &mut Play, company: &[Duties]) {
    for (by, member) in company.iter().enumerate() {
        for pass in [Pass::Policy, Pass::Sync] {
            let had = if pass == Pass::Policy { member.policy } else { member.sync };
            if play.has(by, pass) != had {
                play.act(Act::Drop(by, pass));
            }
            play.act(Act::Attempt { by, pass, outcome: 9, changes: false, is_late: false });
        }
        play.act(Act::Acknowledge(by, false));
    }
    for by in 0..company.len() {
        play.act(Act::Idle(by, false));
    }
}

/// Each synchronizer does what is due while a pass is switched off, and says so of that one.
fn hold(play: &mut Play, off: Pass) {
    for by in 0..play.duties.len() {
        for pass in [Pass::Policy, Pass::Sync] {
            if pass != off {
                play.act(Act::Attempt { by, pass, outcome: 9, changes: false, is_late: false });
            }
        }
        play.act(Act::Hold(by, off));
        play.act(Act::Acknowledge(by, false));
        play.act(Act::Idle(by, false));
    }
}

#[test]
fn after_the_policies_a_step_is_still_due() {
    let mut play = Play::new(&[duties(true, true)]);
    play.act(Act::Attempt { by: 0, pass: Pass::Policy, outcome: 9, changes: false, is_late: false });
    let ready = |play: &Play| condition::find(&play.object.status.conditions, READY).unwrap().clone();
    assert_eq!((ready(&play).status, ready(&play).reason.as_str()), (ConditionStatus::Unknown, "SyncPending"));
    let told = |kind| condition::find(&play.object.status.conditions, kind).map(|one| one.status);
    assert_eq!(
        (told("Reconciling"), told("Synced"), told("PolicyApplied")),
        (Some(ConditionStatus::True), Some(ConditionStatus::Unknown), Some(ConditionStatus::True))
    );
    play.act(Act::Attempt { by: 0, pass: Pass::Sync, outcome: 9, changes: false, is_late: false });
    assert_eq!((ready(&play).status, ready(&play).message.as_str()), (ConditionStatus::True, "OK"));
    assert!(condition::find(&play.object.status.conditions, "Reconciling").is_none());
}

#[test]
fn one_synchronizer_does_not_speak_for_another() {
    let mut play = Play::new(&[duties(true, true), duties(false, true)]);
    let attempt = |by, pass| Act::Attempt { by, pass, outcome: 9, changes: false, is_late: false };
    for act in [attempt(1, Pass::Sync), attempt(0, Pass::Policy), attempt(1, Pass::Sync)] {
        play.act(act);
    }
    assert!(!play.is_ready(), "the first one's step has never run");
    play.act(attempt(0, Pass::Sync));
    assert!(play.is_ready());
    play.act(Act::Edit(1));
    play.act(attempt(0, Pass::Policy));
    play.act(attempt(0, Pass::Sync));
    assert!(!play.is_ready(), "the second one has not seen the edit");
    play.act(attempt(1, Pass::Sync));
    assert!(play.is_ready());
}

#[test]
fn who_has_seen_no_conditions_yet_does_not_leave_those_of_a_touched_object() {
    let mut play = Play::new(&[duties(false, false), duties(false, true)]);
    play.act(Act::Attempt { by: 1, pass: Pass::Sync, outcome: 9, changes: false, is_late: false });
    assert!(play.is_ready());
    play.act(Act::Touch);
    play.act(Act::Acknowledge(0, true));
    assert!(!play.is_ready(), "{:#?}", play.object.status);
}
