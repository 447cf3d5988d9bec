//! `docs/reference/metrics.md`: all metrics, from the registry that `/metrics` is made of.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use xos_bus::ConsumerState;
use xos_engine::pull::Run;
use xos_engine::stats::{LaneStats, Resynced};
use xos_engine::watch::{WatchId, WatchState};
use xos_model::Outcome;
use xos_steps::Done;

use super::tests::monitored;
use super::{Monitored, metrics};
use crate::reference::{check, code, prose, root, table};

/// The pages that explain metrics.
const GUIDES: [&str; 2] = ["docs/monitoring.md", "docs/pull-and-events.md"];

/// A metric, as Prometheus stores it.
#[derive(Default)]
struct Metric {
    name: String,
    kind: String,
    help: String,
    labels: Vec<String>,
}

/// Returns the text of `/metrics` of a controller of which everything is known.
fn text() -> String {
    let one = monitored(true);
    let stats = &one.reconciler.stats;
    stats.called("Step", &Outcome::Succeeded, Duration::from_secs(1));
    stats.set_lanes([("Step".into(), LaneStats::default())].into_iter());
    stats.set_models(["Site".into()].into_iter());
    stats.resynced("Step", Resynced::Changed);
    one.pulls.ended("Step", &Run { outcome: Outcome::Succeeded, held: vec![], done: Done::default() }, Duration::ZERO);
    let heard = WatchState { heard: Some(jiff::Timestamp::UNIX_EPOCH), ..WatchState::default() };
    let watches = [(WatchId::new("Site", None), heard)].into_iter().collect();
    let consumers = [ConsumerState { step: "Step".to_owned(), ..ConsumerState::default() }].into_iter().collect();
    let mut text = String::new();
    encode(&mut text, &metrics::registry(Monitored { watches, consumers, ..one })).unwrap();
    text
}

/// Returns the metrics of a text in the format of OpenMetrics.
fn metrics_of(text: &str) -> Vec<Metric> {
    let mut all: Vec<Metric> = vec![];
    for line in text.lines() {
        let (word, rest) = line.strip_prefix("# ").and_then(|comment| comment.split_once(' ')).unwrap_or(("", line));
        let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        match word {
            "HELP" => all.push(Metric { name: name.to_owned(), help: rest.to_owned(), ..Metric::default() }),
            "TYPE" => {
                let metric = all.last_mut().unwrap();
                metric.kind = rest.to_owned();
                if rest == "counter" {
                    metric.name += "_total";
                }
            }
            "" => {
                let Some(metric) = all.last_mut().filter(|one| line.starts_with(&one.name)) else { continue };
                let labels =
                    line.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map_or("", |(labels, _)| labels);
                let names = labels.split("\",").filter_map(|label| label.split_once('=')).map(|(name, _)| name);
                metric.labels.extend(names.filter(|name| *name != "le").map(str::to_owned));
            }
            _ => {}
        }
    }
    for metric in &mut all {
        // The revision is told only where the build knew it.
        if metric.name == "xos_build_info" {
            metric.labels = ["version", "revision", "rustc"].map(str::to_owned).to_vec();
        }
        let mut seen = BTreeSet::new();
        metric.labels.retain(|label| seen.insert(label.clone()));
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

#[test]
fn the_page_is_current() {
    let row = |one: Metric| {
        let labels = one.labels.iter().map(|label| code(label)).collect::<Vec<_>>().join(", ");
        [code(&one.name), one.kind, labels, prose(&one.help)]
    };
    let rows: Vec<_> = metrics_of(&text()).into_iter().map(row).collect();
    let text = format!(
        "# Metrics\n\n\
         All metrics of `/metrics`. What they are good for, alerts and a dashboard: [Monitoring](../monitoring.md),\n\
         and [Pull steps and event steps](../pull-and-events.md#monitoring).\n\n\
         {}\n\
         A histogram has the series `…_bucket` (with the label `le`), `…_count` and `…_sum`.\n",
        table(["metric", "type", "labels", "meaning"], rows)
    );
    check("metrics.md", &text);
}

#[test]
fn every_metric_has_a_description_and_is_explained() {
    let guides = GUIDES.map(|page| fs::read_to_string(root().join(page)).unwrap()).concat();
    let all = metrics_of(&text());
    assert!(all.len() > 45, "{}", all.len());
    for one in all {
        assert!(one.help.len() > 10 && !one.kind.is_empty(), "{} has no description", one.name);
        let is_named = guides.contains(&format!("`{}`", one.name)) || guides.contains(&format!("`{}{{", one.name));
        assert!(is_named, "{GUIDES:?} lack {}", one.name);
    }
}
