//! Watches, against API servers of all sorts, in paused time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kube::Client;
use server::{Answer, Requests, client, list, object, quiet, status};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use xos_engine::Registry;
use xos_engine::watch::{Loss, WatchEvent, WatchId, WatchLimits, WatchStates, watches};
use xos_steps::Steps;
use xos_xproto::{Sources, compile};

/// A running watch.
struct Watching {
    events: mpsc::Receiver<WatchEvent>,
    states: WatchStates,
    requests: Requests,
}

fn start((client, requests): (Client, Requests)) -> Watching {
    let mut sources = Sources::new();
    sources
        .add("m.xproto", "option app_label = \"a\"; message M (XOSBase) { optional string a = 1 [max_length = 9]; }");
    let registry = Registry::new("me", &compile(&sources).models, &Steps::new()).unwrap();
    let states = WatchStates::default();
    let (sender, events) = mpsc::channel(9);
    for watch in watches(&client, &registry, &[], WatchLimits::default(), &states) {
        tokio::spawn(watch.run(sender.clone()));
    }
    Watching { events, states, requests }
}

impl Watching {
    /// Returns the next event as text, and how long it took.
    async fn next(&mut self) -> String {
        let event = timeout(Duration::from_secs(600), self.events.recv()).await.expect("an event").unwrap();
        match event {
            WatchEvent::Init(_) => "init".to_owned(),
            WatchEvent::InitApply(object) => format!("listed {}", object.meta.name),
            WatchEvent::InitDone(..) => "done".to_owned(),
            WatchEvent::Apply(object) => format!("changed {}", object.meta.name),
            WatchEvent::Delete(key, _) => format!("deleted {}", key.name),
            WatchEvent::Lost(_, Loss::Unserved) => "lost: unserved".to_owned(),
            WatchEvent::Lost(_, Loss::Forbidden) => "lost: forbidden".to_owned(),
            other @ (WatchEvent::Secrets(_) | WatchEvent::Registry(_)) => format!("{other:?}"),
        }
    }

    async fn expect(&mut self, events: &[&str]) {
        for expected in events {
            assert_eq!(self.next().await, *expected, "{:?}", self.requests.all());
        }
    }

    /// Returns why the watch does not work.
    fn cause(&self) -> Option<String> {
        let states = self.states.all();
        states.get(&WatchId::new("M", None)).and_then(|state| Some(state.interrupted.as_ref()?.cause.clone()))
    }

    /// Waits until the watch does not work, or works, and returns how long that took.
    async fn until(&self, works: bool) -> Duration {
        let began = Instant::now();
        while self.cause().is_none() != works {
            assert!(began.elapsed() < Duration::from_secs(600), "{:?}", self.requests.all());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        began.elapsed()
    }
}

#[tokio::test(start_paused = true)]
async fn objects_are_listed_by_pages_then_watched_from_there() {
    let mut watching = start(client(|before, query| match before {
        0 => list("5", &["a", "b"], Some("next")),
        1 => list("5", &["c"], None),
        2 => Answer::Watch(
            vec![serde_json::json!({"type": "ADDED", "object": object("d", "6")})],
            Duration::from_secs(15),
        ),
        // It is too old: everything is listed again.
        3 => status(410, "Expired", "too old resource version"),
        4 => list("9", &["c"], None),
        _ => quiet(query),
    }));
    watching.expect(&["init", "listed a", "listed b", "listed c", "done", "changed d"]).await;
    watching.expect(&["init", "listed c", "done"]).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(watching.requests.all(), ["list", "list next", "watch 5", "watch 6", "list", "watch 9"]);
}

#[tokio::test(start_paused = true)]
async fn the_next_page_is_read_while_one_is_taken_in() {
    let names: Vec<_> = (0..99).map(|at| format!("o{at}")).collect();
    let mut watching = start(client(move |before, query| match before {
        0 => list("5", &names.iter().map(String::as_str).collect::<Vec<_>>(), Some("next")),
        1 => list("5", &["last"], None),
        _ => quiet(query),
    }));
    watching.expect(&["init", "listed o0"]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(watching.requests.all(), ["list", "list next"], "most of the first page is still to be taken in");
    while watching.next().await != "listed last" {}
    watching.expect(&["done"]).await;
}

#[tokio::test(start_paused = true)]
async fn pages_that_expire_are_replaced_by_one_whole_list() {
    let mut watching = start(client(|before, query| match before {
        0 => list("5", &["a"], Some("next")),
        1 => status(410, "Expired", "the provided continue parameter is too old"),
        2 => list("6", &["a", "b"], None),
        _ => quiet(query),
    }));
    watching.expect(&["init", "listed a", "init", "listed a", "listed b", "done"]).await;
    assert_eq!(watching.requests.all()[..3], ["list", "list next", "list whole"]);
}

#[tokio::test(start_paused = true)]
async fn a_dead_connection_is_noticed_within_thirty_seconds_and_its_end_within_three() {
    for dead_at_the_request in [false, true] {
        let watching = start(client(move |before, query| match before {
            0 => list("5", &["a"], None),
            1 if dead_at_the_request => Answer::Never,
            1 => Answer::Silence(vec![]),
            _ => quiet(query),
        }));
        let noticed = watching.until(false).await;
        assert!(noticed <= Duration::from_secs(30), "{noticed:?}");
        let cause = watching.cause().unwrap();
        assert!(cause.contains("taken for dead") || cause.contains("did not answer within"), "{cause}");
        let works = watching.until(true).await;
        assert!(works <= Duration::from_secs(3), "{works:?}");
        assert!(watching.requests.all()[1..].iter().all(|request| request == "watch 5"), "no list is needed");
        assert_eq!(watching.states.all()[&WatchId::new("M", None)].interruptions, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_quiet_watch_costs_four_reads_a_minute() {
    let mut watching = start(client(|before, query| match before {
        0 => list("5", &[], None),
        _ => quiet(query),
    }));
    watching.expect(&["init", "done"]).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    let requests = watching.requests.all().len();
    assert!((30..=41).contains(&requests), "{requests} in ten minutes");
    assert_eq!(watching.states.all()[&WatchId::new("M", None)].interruptions, 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_cut_again_and_again_is_no_busy_loop() {
    let mut watching = start(client(|before, _| match before {
        0 => list("5", &[], None),
        _ => Answer::Watch(vec![], Duration::ZERO),
    }));
    watching.expect(&["init", "done"]).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let requests = watching.requests.all().len();
    assert!(requests < 30, "{requests} in a minute");
}

#[tokio::test(start_paused = true)]
async fn a_kind_without_definition_is_lost_and_comes_back() {
    let is_there = Arc::new(AtomicBool::new(true));
    let serves = Arc::clone(&is_there);
    let mut watching = start(client(move |_, query| {
        if !serves.load(Ordering::SeqCst) {
            Answer::Text(404, "404 page not found\n".to_owned())
        } else if !query.contains_key("watch") {
            list("5", &["a"], None)
        } else {
            quiet(query)
        }
    }));
    watching.expect(&["init", "listed a", "done"]).await;
    is_there.store(false, Ordering::SeqCst);
    watching.until(false).await;
    let cause = watching.cause().unwrap();
    assert!(cause.contains("its definition was deleted") && !cause.contains("parse"), "{cause}");
    let began = Instant::now();
    while watching.next().await != "lost: unserved" {}
    let lost = began.elapsed();
    assert!(lost >= Duration::from_secs(9) && lost < Duration::from_secs(25), "{lost:?}");
    is_there.store(true, Ordering::SeqCst);
    let works = watching.until(true).await;
    assert!(works <= Duration::from_secs(16), "10 s, spread by half: {works:?}");
    while watching.next().await != "listed a" {}
    watching.expect(&["done"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_right_that_is_missing_from_the_start_is_told_and_does_not_hold_the_others() {
    let said = "ms.a.xos.opencord.org is forbidden: User \"me\" cannot list resource \"ms\"";
    let mut watching = start(client(move |_, _| status(403, "Forbidden", said)));
    while watching.next().await != "lost: forbidden" {}
    assert_eq!(watching.cause().unwrap(), said);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_a_moment_loses_nothing() {
    let mut watching = start(client(|before, query| match before {
        0 => list("5", &["a"], None),
        1..4 => Answer::Text(404, "404 page not found\n".to_owned()),
        4 => list("6", &["a"], None),
        _ => quiet(query),
    }));
    watching.expect(&["init", "listed a", "done", "init", "init", "init", "listed a", "done"]).await;
}
