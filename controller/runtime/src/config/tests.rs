use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use xos_engine::leader::Times;
use xos_model::Backoff;

use secrecy::ExposeSecret as _;

use super::disk::merged;
use super::report::Report;
use super::*;
use crate::logging::LogFormat;
use xos_yaml::File;

mod files;

/// Returns what texts and variables give, without the disk: the configuration and what was noticed.
pub(super) fn read(texts: &[&str], env: &[(&str, &str)]) -> (Config, Vec<String>) {
    let mut files: Vec<_> = (0..)
        .zip(texts)
        .map(|(n, text)| File { path: format!("etc/{n}.yaml").into(), text: (*text).into(), secrets: vec![] })
        .collect();
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let mut report = Report::default();
    let tree = merged(&mut files, &env, &mut report);
    let tree = super::read::fitted(tree, &files, &mut report);
    let config = super::read::read(&tree, &files, &mut report);
    let text = |(problem, place)| Diagnostic::new(problem, &place, &files).to_string();
    (config, report.into_problems().into_iter().map(text).collect())
}

fn noticed(text: &str) -> Vec<String> {
    read(&[text], &[]).1
}

#[test]
fn defaults_are_as_documented() {
    let (config, noticed) = read(&["name: example"], &[]);
    assert_eq!(noticed, [""; 0]);
    assert_eq!(config.name, "example");
    assert_eq!(config.desired_state, DesiredState::Load);
    assert_eq!(config.accessor.kind, AccessorKind::Kubernetes);
    assert_eq!(config.logging, Logging { level: "info".into(), format: LogFormat::Text });
    assert_eq!(config.tracing, Tracing { otlp_endpoint: None, sample_ratio: 1.0 });
    assert_eq!(config.engine.concurrency, 16);
    assert_eq!(config.engine.step_timeout, Duration::from_secs(600));
    assert_eq!(config.engine.shutdown_grace, Duration::from_secs(30));
    assert_eq!((config.engine.deferred_every, config.finalizers_at_creation), (Duration::from_secs(5), true));
    assert_eq!(
        config.engine.backoff,
        Backoff { initial: Duration::from_secs(1), max: Duration::from_secs(300), jitter: 0.1 }
    );
    assert_eq!(config.engine.resync, Some(Duration::from_secs(36_000)));
    assert!(config.engine.namespaces.is_empty() && config.settings.is_empty());
    assert_eq!((config.leader_election, config.lease), (None, LeaseConfig::default()));
}

#[test]
fn a_pull_step_has_the_brake_of_all_but_for_what_it_says() {
    use xos_model::brake::{Brakes, ListingBrake};
    let text = "name: a\nbrakes: {pull: {objects: 50}, pull_steps: {PullOnus: {repeats: 3}}, cascade: 1000}";
    let (config, noticed) = read(&[text], &[]);
    assert_eq!(noticed, [""; 0]);
    let listing = ListingBrake { objects: 50, ..ListingBrake::default() };
    let own = ListingBrake { repeats: 3, ..listing };
    let expected = Brakes { listing, steps: [("PullOnus".to_owned(), own)].into(), cascade: 1000 };
    assert_eq!(config.engine.brakes, expected);
    assert_eq!(read(&["name: a"], &[]).0.engine.brakes, Brakes::default());
    let (_, noticed) = read(&["name: a\nbrakes: {pull: {share: 2}}"], &[]);
    assert!(noticed.join("\n").contains("brakes.pull.share"), "{noticed:?}");
}

#[test]
fn every_key_is_read() {
    let text = r#"
name: example
core_version: ">=4.0.0"
desired_state: unload
accessor: {kind: kubernetes, endpoint: "xos-core:50051", username: admin, password: letmein}
models_dir: models
steps_dir: /opt/steps
pull_steps_dir: pull
event_steps_dir: event
model_policies_dir: policies
event_bus: {kind: kafka, endpoint: "kafka:9092", missed: stop}
http: {ca: /etc/ca.pem}
required_models: [Site, Slice]
dependency_graph: model-deps
logging: {version: 1, handlers: {console: {class: logging.StreamHandler}}, level: debug, format: json}
wrappers: [a.b]
blueprints: {x: y}
backoff_disabled: true
namespaces: [one, two]
settings: {directory_url: "http://localhost", deep: [1, {x: 1.5}]}
concurrency: 4
step_timeout: 90s
shutdown_grace: 0s
backoff: {initial: 500ms, max: 1h 30m, jitter: 0}
deferred_every: 1s
resync: off
finalizers_at_creation: false
leader_election: true
lease: {duration: 3s, renew_deadline: 2s, retry_period: 500ms, namespace: here, name: this}
monitoring_address: "127.0.0.1:9100"
"#;
    let (config, noticed) = read(&[text], &[]);
    assert_eq!(noticed, [""; 0]);
    assert_eq!(config.desired_state, DesiredState::Unload);
    assert_eq!(config.accessor.password.unwrap().expose_secret(), "letmein");
    assert_eq!(config.models_dir.as_deref(), Some(Path::new("etc/models")));
    let bus = config.event_bus.unwrap().settings();
    assert_eq!((bus.endpoints, bus.missed), (vec!["kafka:9092".to_owned()], xos_bus::Missed::Stop));
    assert_eq!(config.dependency_graph.as_deref(), Some(Path::new("etc/model-deps")));
    assert_eq!(config.logging, Logging { level: "debug".into(), format: LogFormat::Json });
    assert_eq!(config.engine.namespaces, ["one", "two"]);
    assert_eq!(config.settings["deep"][1]["x"], 1.5);
    assert_eq!((config.engine.step_timeout, config.engine.shutdown_grace), (Duration::from_secs(90), Duration::ZERO));
    assert_eq!(config.engine.backoff.max, Duration::from_millis(500), "backoff is disabled");
    assert_eq!((config.engine.deferred_every, config.finalizers_at_creation), (Duration::from_secs(1), false));
    assert_eq!(config.engine.resync, None);
    assert_eq!(config.monitoring_address.unwrap().port(), 9100);
    let [duration, renew_deadline, retry_period] = [3000, 2000, 500].map(Duration::from_millis);
    let times = Times { duration, renew_deadline, retry_period };
    let lease = LeaseConfig { times, namespace: Some("here".to_owned()), name: Some("this".to_owned()) };
    assert_eq!((config.leader_election, config.lease), (Some(true), lease));
}

#[test]
fn the_times_of_the_lease_are_in_order() {
    assert_eq!(noticed("name: a\nlease: {duration: 20s, renew_deadline: 15s, retry_period: 3s}"), [""; 0]);
    let table = [
        ("duration: 10s", "etc/0.yaml:2:19: `lease.duration` cannot be `10s`"),
        ("renew_deadline: 15s", "etc/0.yaml:2:25: `lease.renew_deadline` cannot be `15s`"),
        ("retry_period: 10s", "etc/0.yaml:2:23: `lease.retry_period` cannot be `10s`"),
        ("duration: 5s, renew_deadline: 6s", "etc/0.yaml:2:39: `lease.renew_deadline` cannot be `6s`"),
    ];
    for (keys, told) in table {
        let noticed = noticed(&format!("name: a\nlease: {{{keys}}}"));
        assert!(noticed.len() == 1 && noticed[0].starts_with(told), "{keys}: {noticed:?}");
    }
}

#[test]
fn a_resync_period_is_a_duration_or_off() {
    let (config, problems) = read(&["name: a\nresync: 1h 30m"], &[]);
    assert_eq!((problems, config.engine.resync), (vec![], Some(Duration::from_secs(5400))));
    for wrong in ["0s", "never", "often", "off5m"] {
        assert_eq!(noticed(&format!("name: a\nresync: {wrong}")).len(), 1, "{wrong}");
    }
}

#[test]
fn a_first_delay_longer_than_the_default_of_the_longest_is_the_longest() {
    let (config, noticed) = read(&["name: a\nbackoff: {initial: 1h 30m}"], &[]);
    assert_eq!(noticed, [""; 0]);
    assert_eq!(config.engine.backoff.max, Duration::from_secs(5400));
    let (config, _) = read(&["name: a\nbackoff: {max: 10s}"], &[]);
    assert_eq!(config.engine.backoff.max, Duration::from_secs(10));
}

#[test]
fn overlays_and_then_variables_win() {
    let base = "name: base\nsettings: {a: 1, b: {c: 1, d: [1, 2]}}\nnamespaces: [x]\nconcurrency: 4\n";
    let over = "name: over\nsettings: {b: {d: [3]}}\nconcurrency: ~\n";
    let env = [
        ("XOS_SETTINGS__B__C", "2"),
        ("XOS_SETTINGS__E", "true"),
        ("XOS_NAMESPACES", "y, z"),
        ("XOS_CORE_VERSION", "4"),
        ("XOS_LOGGING__FORMAT", "json"),
        ("XOS_CORE_SERVICE_HOST", "10.0.0.1"),
        ("HOME", "/"),
    ];
    let (config, noticed) = read(&[base, "", over], &env);
    assert_eq!(noticed, [""; 0]);
    assert_eq!(config.name, "over");
    assert_eq!(config.engine.concurrency, 16);
    assert_eq!(config.engine.namespaces, ["y", "z"]);
    assert_eq!(config.logging.format, LogFormat::Json);
    let settings = serde_json::to_string(&config.settings).unwrap();
    assert_eq!(settings, r#"{"a":1,"b":{"c":2,"d":[3]},"e":true}"#);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, expected) in [
        ("a: [", "etc/0.yaml:1:4: this is not valid YAML"),
        ("", "etc/0.yaml:1:1: `name` is missing (set it: `name: …`, or the environment variable XOS_NAME)"),
        ("- name", "etc/0.yaml:1:1: the configuration should be a map, not a list"),
        ("name: 5", "etc/0.yaml:1:7: `name` should be a text, not a number (put it in quotes)"),
        (
            "name: ---x",
            "etc/0.yaml:1:7: `name` cannot be `---x`: expected a name of letters, digits, `-` and `.`, with a letter or a \
             digit at both ends and beside each `.`, as it becomes a part of finalizers",
        ),
        (
            "name: my service_2",
            "etc/0.yaml:1:7: `name` cannot be `my service_2`: expected a name of letters, digits, `-` and `.`, with a \
             letter or a digit at both ends and beside each `.`, as it becomes a part of finalizers",
        ),
        ("name: a\nconcurrency: many", "etc/0.yaml:2:14: `concurrency` should be a whole number, not a text"),
        ("name: a\nconcurrency: 0", "etc/0.yaml:2:14: `concurrency` cannot be `0`: expected a whole number from 1"),
        (
            "name: a\nstep_timeout: 5",
            "etc/0.yaml:2:15: `step_timeout` should be a duration, not a number \
             (write it with its unit: `30s`, `5m`, `1h 30m`)",
        ),
        (
            "name: a\nstep_timeout: soon",
            "etc/0.yaml:2:15: `step_timeout` cannot be `soon`: expected a duration such as `30s`, `5m` or `1h 30m`",
        ),
        (
            "name: a\nstep_timeout: -5s",
            "etc/0.yaml:2:15: `step_timeout` cannot be `-5s`: expected a duration such as `30s`, `5m` or `1h 30m`",
        ),
        (
            "name: a\nstep_timeout: 0s",
            "etc/0.yaml:2:15: `step_timeout` cannot be `0s`: expected a duration longer than 0s",
        ),
        (
            "name: a\nbackoff: {jitter: 2}",
            "etc/0.yaml:2:19: `backoff.jitter` cannot be `2`: expected a number from 0 to 1",
        ),
        (
            "name: a\nbackoff: {initial: 10s, max: 5s}",
            "etc/0.yaml:2:30: `backoff.max` cannot be `5s`: expected a duration of at least `initial`",
        ),
        (
            "name: a\ndesired_state: unlod",
            "etc/0.yaml:2:16: `desired_state` cannot be `unlod`: expected `load` or `unload` (did you mean `unload`?)",
        ),
        (
            "name: a\naccessor: {kind: grpcapi}",
            "etc/0.yaml:2:18: `accessor.kind: grpcapi` is not supported yet: \
             this version stores objects in custom resources only (remove `accessor`, or set `kind: kubernetes`)",
        ),
        (
            "name: a\nnamespaces: x",
            "etc/0.yaml:2:13: `namespaces` should be a list of texts, not a text \
             (write `[…]`, or one item a line after `-`)",
        ),
        (
            "name: a\nnamespaces: [x, 1]",
            "etc/0.yaml:2:17: `namespaces[1]` should be a text, not a number (put it in quotes)",
        ),
        ("name: a\nevent_bus: kafka", "etc/0.yaml:2:12: `event_bus` should be a map, not a text"),
        ("name: a\nsettings: [1]", "etc/0.yaml:2:11: `settings` should be a map, not a list"),
        ("name: a\nmodel_dir: x", "etc/0.yaml:2:1: unknown key `model_dir` (did you mean `models_dir`?)"),
        (
            "name: a\nevent_bus: {endpont: x}",
            "etc/0.yaml:2:13: unknown key `event_bus.endpont` (did you mean `event_bus.endpoint`?)",
        ),
        (
            "name: a\nlogging: {levle: x}",
            "etc/0.yaml:2:11: unknown key `logging.levle` (did you mean `logging.level`?)",
        ),
        ("name: a\nsomething: x", "etc/0.yaml:2:1: unknown key `something` (remove it: it has no effect)"),
    ] {
        let all = noticed(text);
        assert_eq!(all.len(), 1, "{text}: {all:?}");
        assert!(all[0].starts_with(expected), "{text}: {}", all[0]);
    }
}

#[test]
fn variables_that_name_no_key_are_pointed_out() {
    let (_, noticed) = read(&["name: a"], &[("XOS_EVENT_BUS_ENDPOINT", "x"), ("XOS_CONCURRENCY", "lots")]);
    assert_eq!(
        noticed,
        [
            "`concurrency` should be a whole number, not a text",
            "the environment variable XOS_EVENT_BUS_ENDPOINT names no key of the configuration \
             (did you mean `XOS_EVENT_BUS__ENDPOINT`?)",
        ]
    );
}
