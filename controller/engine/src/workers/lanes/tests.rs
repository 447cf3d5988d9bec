use super::*;

const LIMITS: Limits = Limits {
    fast: 16,
    slow: 512,
    slow_after: Duration::from_secs(1),
    has_several: true,
    report_after: Duration::from_secs(3),
};

struct Test {
    lanes: Lanes,
    gates: Gates,
    start: Instant,
    ids: Vec<Id>,
    /// In milliseconds.
    now: u64,
}

impl Test {
    fn new(limits: Limits) -> Self {
        let lanes = Lanes::new(limits);
        let gates = Gates::new(xos_model::Backoff { jitter: 0.0, ..xos_model::Backoff::default() });
        Self { lanes, gates, start: Instant::now(), ids: vec![], now: 0 }
    }

    fn now(&self) -> Instant {
        self.start + Duration::from_millis(self.now)
    }

    /// Starts a worker if there is a place for it. Returns it.
    fn start(&mut self, lane: &str, namespace: &str, name: &str) -> Option<Id> {
        let key = ObjectKey::new("M", namespace, name);
        let group = Group::of(&key, None);
        self.lanes.update(self.now());
        if !self.lanes.has_room() || self.lanes.is_full(&need(lane), &key, &group) {
            return None;
        }
        let id = tokio::spawn(async {}).id();
        let now = self.now();
        self.lanes.started(id, (key, group), [Some(need(lane)), None], now);
        self.ids.push(id);
        Some(id)
    }

    fn end(&mut self, id: Id) {
        let now = self.now();
        self.lanes.ended(id, now);
    }

    fn wait(&mut self, lane: &str, namespace: &str, name: &str) {
        let key = ObjectKey::new("M", namespace, name);
        let group = Group::of(&key, None);
        self.lanes.wait(&need(lane), &key, (Priority::Change, group), Timestamp::UNIX_EPOCH);
    }

    fn turn(&mut self) -> Turn {
        let now = Timestamp::from_millisecond(i64::try_from(self.now).unwrap()).unwrap();
        self.lanes.turn(&self.gates, (self.now(), now))
    }

    fn offered(&mut self) -> Vec<String> {
        self.turn().offered.iter().map(|head| head.key.to_string()).collect()
    }
}

fn need(lane: &str) -> Need {
    Need { lane: lane.into(), limit: None, pass: Pass::Sync }
}

#[tokio::test]
async fn hung_calls_of_a_step_hold_nobody_else() {
    let mut test = Test::new(LIMITS);
    let count = |test: &mut Test, what: &str| {
        (0..400).filter(|n| test.start("hung", "a", &format!("{what}{n}")).is_some()).count()
    };
    assert_eq!((count(&mut test, "at once"), test.start("other", "a", "x")), (16, None));
    assert_eq!(test.lanes.next_instant(test.now()), Some(test.start + Duration::from_millis(100)));
    test.now = 100;
    assert!(test.start("other", "a", "x").is_some(), "two places are kept for others");
    assert_eq!((count(&mut test, "soon"), test.lanes.lanes["hung"].is_known_slow), (0, false));
    test.now = 1000;
    assert_eq!(count(&mut test, "later"), 400, "from then on they need no fast place");
    for n in 0..13 {
        assert!(test.start("other", "a", &n.to_string()).is_some(), "{n}: the fast places are for others");
    }
    assert!(test.start("hung", "a", "healthy").is_some(), "nor do they hold healthy objects of their step");
}

#[tokio::test]
async fn a_lane_has_an_end_and_keeps_places_for_other_namespaces() {
    let mut test = Test::new(LIMITS);
    test.start("hung", "a", "0");
    test.now = 1000;
    let ids: Vec<_> = (1..1000).filter_map(|n| test.start("hung", "a", &n.to_string())).collect();
    assert_eq!(ids.len(), 448 - 1);
    assert_eq!(test.start("hung", "a", "late"), None);
    assert!(test.start("hung", "b", "x").is_some());
    test.wait("hung", "a", "late");
    assert_eq!((test.offered(), test.offered()), (vec![], vec![]));
    test.end(ids[0]);
    assert_eq!(test.offered(), ["M a/late"]);
    assert_eq!(test.offered(), [""; 0], "once");
    let key = ObjectKey::new("M", "a", "late");
    assert!(!test.lanes.is_full(&need("hung"), &key, &Group::of(&key, None)));
    test.lanes.settle_offer(&key);
    assert_eq!((test.lanes.workers.len(), test.lanes.lanes["hung"].offered), (448, 0));
}

#[tokio::test]
async fn it_is_said_that_no_place_is_free() {
    let mut test = Test::new(Limits { slow: 4, fast: 2, has_several: false, ..LIMITS });
    for n in 0..2 {
        test.start("hung", "a", &n.to_string()).unwrap();
    }
    test.now = 1000;
    for n in 2..4 {
        test.start("hung", "a", &n.to_string()).unwrap();
    }
    test.wait("hung", "a", "late");
    assert_eq!(test.turn().full, []);
    assert_eq!(test.lanes.next_instant(test.now()), Some(test.start + Duration::from_secs(11)));
    test.now = 11_000;
    let longest = Duration::from_secs(11);
    assert_eq!(test.turn().full, [Full { lane: "hung".into(), waiting: 1, running: 4, longest }]);
    assert_eq!((test.turn().full, test.lanes.next_instant(test.now())), (vec![], None), "once");
}

#[tokio::test]
async fn a_step_may_become_fast_again() {
    let mut test = Test::new(LIMITS);
    let slow = test.start("s", "a", "0").unwrap();
    test.now = 1000;
    let quick = test.start("s", "a", "1").unwrap();
    assert_eq!((test.lanes.lanes["s"].slow, test.lanes.lanes["s"].fast), (2, 0));
    test.end(quick);
    test.start("s", "a", "2").unwrap();
    assert_eq!((test.lanes.lanes["s"].slow, test.lanes.lanes["s"].fast), (1, 1));
    test.end(slow);
    assert_eq!(test.lanes.lanes["s"].slow, 0);
}

#[tokio::test]
async fn a_step_s_own_limit_holds_for_fast_and_slow_ones() {
    let mut test = Test::new(LIMITS);
    let limited = Need { limit: Some(2), ..need("s") };
    let key = |name: &str| ObjectKey::new("M", "a", name);
    for second in 0..2 {
        test.now = second * 1000;
        let name = second.to_string();
        test.lanes.update(test.now());
        assert!(!test.lanes.is_full(&limited, &key(&name), &Group::of(&key(&name), None)));
        let id = tokio::spawn(async {}).id();
        let now = test.now();
        test.lanes.started(id, (key(&name), Group::of(&key(&name), None)), [None, Some(limited.clone())], now);
    }
    assert!(test.lanes.is_full(&limited, &key("x"), &Group::of(&key("x"), None)));
}

#[tokio::test]
async fn while_the_target_is_away_one_is_offered_a_probe_and_the_others_are_told_gently() {
    let mut test = Test::new(LIMITS);
    let lane: Arc<str> = "s".into();
    let first = ObjectKey::new("M", "a", "first");
    let at = |second| Timestamp::from_second(second).unwrap();
    test.gates.ended(&lane, ("S", &first), xos_model::gate::Ending::Away("no route"), (at(0), at(0)));
    for n in 0..100 {
        test.wait("s", "a", &n.to_string());
        test.lanes.tell_later(&lane, &ObjectKey::new("M", "a", &n.to_string()), at(0));
    }
    assert_eq!(test.offered(), [""; 0]);
    assert_eq!(test.lanes.next_time(&test.gates, at(0)), Some(at(1)));
    test.now = 1000;
    assert_eq!((test.offered(), test.offered()), (vec!["M a/0".to_owned()], vec![]));
    let told = |test: &mut Test, second: u64| {
        test.now = second * 1000;
        test.turn().told.len()
    };
    assert_eq!((told(&mut test, 2), told(&mut test, 4), told(&mut test, 5)), (0, 21, 20));
    test.lanes.settle_offer(&ObjectKey::new("M", "a", "0"));
    test.gates.ended(&lane, ("S", &first), xos_model::gate::Ending::Returned, (at(5), at(5)));
    assert_eq!(test.offered().len(), 16, "as many as there is room for, in order");
    assert_eq!(told(&mut test, 60), 0);
}
