use std::time::Duration;

use xos_bus::ConsumerState;
use xos_engine::clock::SystemClock;
use xos_engine::heartbeat::STUCK_AFTER;
use xos_engine::presence::Role;
use xos_engine::stats::{LaneStats, Resynced};
use xos_model::Outcome;
use xos_model::gate::Outage;

use super::*;

pub(super) fn monitored(engine: bool) -> Monitored {
    let reconciler = Reconciler {
        synchronizer: "example".to_owned(),
        concurrency: 16,
        stats: Stats::default(),
        ready: watch::channel(engine).1,
        heartbeat: Heartbeat::default(),
    };
    Monitored {
        reconciler,
        leadership: Leadership::always(Arc::new(SystemClock)),
        watches: WatchStates::default(),
        others: Others::default(),
        pulls: PullStates::default(),
        consumers: ConsumerStates::default(),
    }
}

fn consuming(state: ConsumerState) -> Monitored {
    let consumers = [ConsumerState { step: "Step".to_owned(), ..state }].into_iter().collect();
    Monitored { consumers, ..monitored(true) }
}

#[test]
fn readiness_says_what_is_missing() {
    let now = Timestamp::UNIX_EPOCH;
    assert_eq!(monitored(false).not_ready(now), ["the engine does not know all objects yet"]);
    assert!(monitored(true).not_ready(now).is_empty());
    let one = consuming(ConsumerState { last_poll: Some(now), ..ConsumerState::default() });
    assert!(one.not_ready(now).is_empty());
    let later = now.checked_add(Duration::from_secs(31)).unwrap();
    assert_eq!(one.not_ready(later), ["the consumer of event step Step does not poll for events"]);
}

#[test]
fn a_stuck_loop_is_a_reason_for_a_restart() {
    let one = monitored(true);
    let heartbeat = one.reconciler.heartbeat.clone();
    heartbeat.beat(Instant::now());
    assert!(one.failures(Timestamp::UNIX_EPOCH).is_empty());
    heartbeat.beat(Instant::now().checked_sub(STUCK_AFTER).unwrap());
    let told = "the engine is stuck: its loop has not turned for 60 s";
    assert_eq!(one.failures(Timestamp::UNIX_EPOCH), [told]);
    assert_eq!(one.not_ready(Timestamp::UNIX_EPOCH), [told]);
}

#[test]
fn models_and_resyncs_have_metrics() {
    let one = monitored(true);
    let stats = one.reconciler.stats.clone();
    stats.set_models(["Site".into(), "Team".into()].into_iter());
    stats.set_waiting(&[("Team".into(), 3)].into());
    stats.became_ready(&"Site".into(), Duration::from_millis(70));
    stats.resynced("SyncSite", Resynced::Changed);
    let heard = Timestamp::now().checked_sub(Duration::from_secs(1000)).unwrap();
    let watched = WatchState { heard: Some(heard), ..WatchState::default() };
    let watches =
        [(WatchId::new("Site", None), watched), (WatchId::new("Team", None), WatchState::default())].into_iter();
    let one = Monitored { watches: watches.collect(), ..one };
    let mut text = String::new();
    encode(&mut text, &metrics::registry(one)).unwrap();
    for line in [
        "xos_dependency_waits{model=\"Site\"} 0",
        "xos_dependency_waits{model=\"Team\"} 3",
        "xos_time_to_ready_seconds_bucket{le=\"0.1\",model=\"Site\"} 1",
        "xos_time_to_ready_seconds_count{model=\"Team\"} 0",
        "xos_resyncs_total{step=\"SyncSite\",result=\"unchanged\"} 0",
        "xos_resyncs_total{step=\"SyncSite\",result=\"changed\"} 1",
    ] {
        assert!(text.lines().any(|there| there == line), "no {line} in:\n{text}");
    }
    let ages: Vec<_> = text.lines().filter(|line| line.starts_with("xos_watch_age_seconds{")).collect();
    assert!(matches!(&ages[..], [age] if age.starts_with("xos_watch_age_seconds{model=\"Site\",namespace=\"\"} 100")));
    let info = text.lines().find(|line| line.starts_with("xos_build_info{")).unwrap();
    let version = concat!("version=\"", env!("CARGO_PKG_VERSION"), "\"");
    assert!(info.contains(version) && info.contains("rustc=\"1.") && info.ends_with("} 1"), "{info}");
}

#[test]
fn watches_that_do_not_work_are_named_in_readiness_and_metrics() {
    let now = Timestamp::UNIX_EPOCH;
    let interruption = Interruption { since: now, cause: "the definition is gone".to_owned() };
    let watches = [
        (WatchId::new("Site", None), WatchState { interrupted: Some(interruption), interruptions: 2, heard: None }),
        (WatchId::new("Team", Some("here")), WatchState::default()),
    ];
    let one = Monitored { watches: watches.into_iter().collect(), ..monitored(true) };
    let told = "changes of Site are not seen since 1970-01-01T00:00:00Z: the definition is gone";
    assert_eq!(one.not_ready(now), [told]);
    let mut text = String::new();
    encode(&mut text, &metrics::registry(one)).unwrap();
    for line in [
        "xos_watch_up{model=\"Site\",namespace=\"\"} 0",
        "xos_watch_up{model=\"Team\",namespace=\"here\"} 1",
        "xos_watch_interruptions_total{model=\"Site\",namespace=\"\"} 2",
    ] {
        assert!(text.lines().any(|there| there == line), "no {line} in:\n{text}");
    }
}

#[test]
fn another_process_of_the_name_is_told_and_is_no_reason_to_be_unready() {
    let other = Process::new("pod-7", 12, Timestamp::UNIX_EPOCH, Role::Works);
    let one = Monitored { others: [other].into_iter().collect(), ..monitored(true) };
    let (status, text) = health(&one.not_ready(Timestamp::UNIX_EPOCH), &one.notes());
    let told = "ok\nwarning: another process of the name example works on the same objects: on pod-7 (process 12), since \
                1970-01-01T00:00:00Z\n";
    assert_eq!((status.as_u16(), text.as_str()), (200, told));
    let mut text = String::new();
    encode(&mut text, &metrics::registry(one)).unwrap();
    assert!(text.lines().any(|line| line == "xos_other_processes 1"), "{text}");
}

#[test]
fn a_standby_is_ready_and_says_who_leads() {
    let standby = || Leadership::new(Arc::new(SystemClock));
    let one = Monitored { leadership: standby(), ..monitored(true) };
    let (status, text) = health(&one.not_ready(Timestamp::UNIX_EPOCH), &one.notes());
    assert_eq!((status.as_u16(), text.as_str()), (200, "ok\nstanding by: nobody leads\n"));
    let state = LeaderState {
        leader: Some("pod-7_00ff".to_owned()),
        since: Some(Timestamp::UNIX_EPOCH),
        ..LeaderState::default()
    };
    assert_eq!(standing_by(&state), "standing by: pod-7_00ff leads since 1970-01-01T00:00:00Z");
    for (leadership, line) in [(standby(), "xos_leader 0"), (monitored(true).leadership, "xos_leader 1")] {
        let mut text = String::new();
        encode(&mut text, &metrics::registry(Monitored { leadership, ..monitored(true) })).unwrap();
        assert!(text.lines().any(|there| there == line), "no {line} in:\n{text}");
    }
}

#[test]
fn a_target_that_is_away_is_told_and_is_no_reason_to_be_unready() {
    let now = Timestamp::UNIX_EPOCH;
    let message = "the target of Step is away since 1970-01-01T00:00:00Z: no route".into();
    let away = Some(Outage { since: now, message });
    let state = ConsumerState { last_poll: Some(now), away, outages: 2, waiting: 3, ..ConsumerState::default() };
    let one = consuming(ConsumerState { waiting_since: Some(now), ..state });
    let (status, text) = health(&one.not_ready(now), &one.notes());
    let told = "ok\nwarning: the target of Step is away since 1970-01-01T00:00:00Z: no route: its events wait\n";
    assert_eq!((status.as_u16(), text.as_str()), (200, told));
    let mut text = String::new();
    encode(&mut text, &metrics::registry(one)).unwrap();
    for line in [
        "xos_events_target_up{step=\"Step\"} 0.0",
        "xos_events_target_outages_total{step=\"Step\"} 2.0",
        "xos_events_waiting{step=\"Step\"} 3.0",
    ] {
        assert!(text.lines().any(|there| there == line), "no {line} in:\n{text}");
    }
    let oldest = text.lines().find_map(|line| line.strip_prefix("xos_events_waiting_oldest_seconds{step=\"Step\"} "));
    assert!(oldest.unwrap().parse::<f64>().unwrap() > 1e9, "since 1970");
}

#[test]
fn liveness_names_the_steps_that_fail() {
    let now = Timestamp::UNIX_EPOCH;
    let last_panic = Some("index out of bounds".to_owned());
    let one = consuming(ConsumerState { panics: 4, last_panic, ..ConsumerState::default() });
    assert!(one.failures(now).is_empty(), "it is restarted");
    let state = ConsumerState { panics: 5, ..one.consumers.all().remove(0) };
    let failures = consuming(state).failures(now);
    assert_eq!(failures, ["event step Step: its consumer panicked 5 times in a row: index out of bounds"]);
    let (status, text) = health(&failures, &[]);
    assert_eq!((status.as_u16(), text.as_str()), (503, format!("{}\n", failures[0]).as_str()));
}

#[test]
fn a_step_that_stands_still_is_a_reason_to_be_unready() {
    let stopped = Some("event step Step stands still".to_owned());
    let one = consuming(ConsumerState { stopped, ..ConsumerState::default() });
    let (status, text) = health(&one.not_ready(Timestamp::UNIX_EPOCH), &[]);
    assert_eq!((status.as_u16(), text.as_str()), (503, "event step Step stands still\n"), "and it is the only one");
}

#[test]
fn metrics_are_named_by_step() {
    let last_poll = Some(Timestamp::from_second(5).unwrap());
    let problem = Some("away".to_owned());
    let one =
        consuming(ConsumerState { handled: 7, missed: 2, lag: 3, last_poll, problem, ..ConsumerState::default() });
    let mut text = String::new();
    encode(&mut text, &metrics::registry(one)).unwrap();
    for line in [
        "xos_events_missed_total{step=\"Step\"} 2.0",
        "# TYPE xos_events_handled counter",
        "xos_events_handled_total{step=\"Step\"} 7.0",
        "xos_events_lag{step=\"Step\"} 3.0",
        "xos_events_last_poll_timestamp_seconds{step=\"Step\"} 5.0",
        "xos_events_bus_up{step=\"Step\"} 0.0",
    ] {
        assert!(text.lines().any(|there| there == line), "no {line} in:\n{text}");
    }
    assert!(!text.contains("xos_pull"), "there is no pull step");
}

#[test]
fn steps_policies_and_the_queue_have_the_metrics_of_controller_runtime() {
    let one = monitored(true);
    let stats = &one.reconciler.stats;
    stats.called("SyncSite", &Outcome::Succeeded, Duration::from_millis(30));
    stats.called("SyncSite", &Outcome::Failed("no".to_owned()), Duration::from_secs(3));
    stats.called("SitePolicy", &Outcome::Deferred("later".to_owned()), Duration::from_millis(1));
    stats.dequeued(Duration::from_millis(2));
    stats.set_queue_depth([3, 2, 1]);
    let away_since = Some(Timestamp::UNIX_EPOCH);
    let lane = LaneStats { running: 4, slow: 3, waiting: 2, outages: 1, away_since };
    stats.set_lanes([("SyncSite".into(), lane)].into_iter());
    let mut text = String::new();
    encode(&mut text, &metrics::registry(one)).unwrap();
    for line in [
        "controller_runtime_reconcile_total{controller=\"SyncSite\",result=\"success\"} 1",
        "controller_runtime_reconcile_total{controller=\"SyncSite\",result=\"error\"} 1",
        "controller_runtime_reconcile_total{controller=\"SitePolicy\",result=\"requeue_after\"} 1",
        "controller_runtime_reconcile_errors_total{controller=\"SyncSite\"} 1",
        "controller_runtime_reconcile_time_seconds_bucket{le=\"0.05\",controller=\"SyncSite\"} 1",
        "controller_runtime_reconcile_time_seconds_bucket{le=\"+Inf\",controller=\"SyncSite\"} 2",
        "controller_runtime_reconcile_time_seconds_count{controller=\"SyncSite\"} 2",
        "controller_runtime_active_workers{controller=\"example\"} 0",
        "controller_runtime_max_concurrent_reconciles{controller=\"example\"} 16",
        "workqueue_depth{name=\"example\",controller=\"example\",priority=\"change\"} 3",
        "workqueue_depth{name=\"example\",controller=\"example\",priority=\"resync\"} 1",
        "xos_step_running{step=\"SyncSite\"} 4",
        "xos_step_slow{step=\"SyncSite\"} 3",
        "xos_step_waiting{step=\"SyncSite\"} 2",
        "xos_step_target_up{step=\"SyncSite\"} 0",
        "xos_step_target_outages_total{step=\"SyncSite\"} 1",
        "workqueue_queue_duration_seconds_count{name=\"example\",controller=\"example\"} 1",
        "workqueue_longest_running_processor_seconds{name=\"example\",controller=\"example\"} 0.0",
    ] {
        assert!(text.lines().any(|there| there == line), "no {line} in:\n{text}");
    }
}

#[tokio::test]
async fn it_is_served() {
    let server = Server::listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = server.0.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let (ready, engine) = watch::channel(false);
    let mut monitored = monitored(false);
    monitored.reconciler.ready = engine;
    let serving = tokio::spawn(server.run(monitored, shutdown.clone()));
    let client = xos_steps::http_client().unwrap();
    let ask = async |path: &str| {
        let answer = client.get(format!("http://{address}{path}")).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(ask("/livez").await, (200, "ok\n".to_owned()));
    assert_eq!(ask("/readyz").await, (503, "the engine does not know all objects yet\n".to_owned()));
    ready.send_replace(true);
    assert_eq!(ask("/readyz").await, (200, "ok\n".to_owned()));
    let (status, text) = ask("/metrics").await;
    assert!(status == 200 && text.contains("controller_runtime_active_workers") && text.ends_with("# EOF\n"), "{text}");
    crate::logging::start("info", crate::logging::LogFormat::Text);
    let level = async |filter: &'static str| {
        client.put(format!("http://{address}/loglevel")).body(filter).send().await.unwrap().status().as_u16()
    };
    assert_eq!((level("warn").await, level("loud").await), (200, 400));
    assert_eq!(level("info").await, 200);
    shutdown.cancel();
    serving.await.unwrap();
}

#[tokio::test]
async fn an_address_in_use_is_an_error() {
    let first = Server::listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let error = Server::listen(first.0.local_addr().unwrap()).await.err().unwrap().to_string();
    assert!(error.contains("`monitoring_address`"), "{error}");
}
