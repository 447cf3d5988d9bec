//! The alert rules and the dashboard of the chart: Prometheus' own tool reads them, each alert fires when it should and
//! not before, both use only metrics that the documentation has, and the picture shows the dashboard as it is.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

const ALERTS: &str = "charts/xos-controller/files/alerts/xos-controller.yaml";
const DASHBOARD: &str = "charts/xos-controller/files/dashboard/xos-controller.json";
const PICTURE: &str = "docs/dashboard.svg";
const CASES: &str = "controller/testing/guide/tests/monitoring/alerts_test.yaml";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..").canonicalize().unwrap()
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Runs promtool in a folder, and returns what it prints.
fn promtool(arguments: &[&str], folder: &Path) -> String {
    let ran = Command::new("promtool").args(arguments).current_dir(folder).output();
    let output = ran.unwrap_or_else(|error| panic!("promtool: {error}; install it: apt-get install prometheus"));
    let printed = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success(), "promtool {arguments:?}:\n{printed}");
    printed
}

/// Returns the expressions of the dashboard, by the title of their panel.
fn expressions() -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let of_panel = |panel: &Value| -> Vec<(String, String)> {
        let targets = panel["targets"].as_array().map_or(&[][..], Vec::as_slice);
        let title = panel["title"].as_str().unwrap();
        targets.iter().map(|target| (title.to_owned(), target["expr"].as_str().unwrap().to_owned())).collect()
    };
    panels.flat_map(of_panel).collect()
}

/// Returns the metrics that a text speaks of.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let is_metric =
        |word: &&str| ["xos_", "controller_runtime_", "workqueue_"].iter().any(|start| word.starts_with(start));
    words.filter(is_metric).map(|word| word.trim_end_matches("_bucket").to_owned()).collect()
}

#[test]
fn the_alert_rules_are_read_by_prometheus() {
    let printed = promtool(&["check", "rules", ALERTS], &root());
    let rules = read(ALERTS).matches("- alert: ").count();
    assert!(rules > 10 && printed.contains(&format!("{rules} rules found")), "{printed}");
}

#[test]
fn each_alert_fires_when_it_should_and_not_before() {
    let cases = read(CASES);
    for alert in read(ALERTS).lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        let of_alert: Vec<_> =
            cases.split("- interval:").filter(|case| case.contains(&format!("\"{alert}\""))).collect();
        let ending = |value: u8| of_alert.iter().any(|case| case.contains(&format!("value: {value}}}")));
        assert!(ending(1) && ending(0), "{CASES} lacks a case of {alert} that fires, or one that does not");
    }
    promtool(&["test", "rules", CASES], &root());
}

#[test]
fn the_dashboard_is_read_by_prometheus() {
    let folder = tempfile::tempdir().unwrap();
    let expressions = expressions();
    assert!(expressions.len() > 15);
    let rules = expressions.iter().enumerate().map(|(at, (title, expression))| {
        // Grafana fills these in.
        let filled = expression.replace("$__rate_interval", "5m").replace("$job", ".*").replace("$instance", ".*");
        json!({"record": format!("panel:{at}"), "expr": filled, "labels": {"title": title}})
    });
    let rules = json!({"groups": [{"name": "dashboard", "rules": rules.collect::<Vec<_>>()}]});
    fs::write(folder.path().join("rules.yaml"), rules.to_string()).unwrap();
    promtool(&["check", "rules", "rules.yaml"], folder.path());
}

#[test]
fn the_picture_has_every_panel_of_the_dashboard() {
    let picture = read(PICTURE);
    let texts: BTreeSet<&str> = picture.lines().collect();
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).unwrap();
    let titles = dashboard["panels"].as_array().unwrap().iter().map(|panel| panel["title"].as_str().unwrap());
    for title in titles {
        let escaped = title.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\'', "&apos;");
        assert!(texts.contains(escaped.as_str()), "{PICTURE} lacks the panel {title}: make dashboard-picture");
    }
    assert!(!texts.contains("No data"), "a panel of {PICTURE} has no data");
    assert!(picture.len() < 150_000, "{PICTURE} has {} bytes", picture.len());
    assert!(read("docs/monitoring.md").contains("(dashboard.svg)"));
}

#[test]
fn alerts_and_dashboard_use_metrics_that_are_documented() {
    let documented = metrics_in(&(read("docs/monitoring.md") + &read("docs/pull-and-events.md")));
    let expressions = expressions().into_iter().map(|(_, expression)| expression).collect::<String>();
    for (whose, text) in [("the dashboard", expressions), ("the alerts", read(ALERTS))] {
        let unknown: Vec<_> = metrics_in(&text).difference(&documented).cloned().collect();
        assert!(unknown.is_empty(), "{whose} use metrics that no table of docs/ has: {unknown:?}");
    }
    // And those that tell of trouble have an alert.
    let alerts = metrics_in(&read(ALERTS));
    for metric in
        documented.iter().filter(|name| ["_up", "_held", "_missed_total"].iter().any(|end| name.ends_with(end)))
    {
        let is_shown = alerts.contains(metric) || matches!(metric.as_str(), "xos_pull_up" | "xos_events_held");
        assert!(is_shown, "no alert uses {metric}");
    }
}
