//! The results, as text, Markdown and JSON: goals, and the figures behind them.

use std::{fmt::Write as _, fs, io, path::Path, time::Duration};

use serde::Serialize;

use super::{options::Part, run::Run};

/// A goal, and the figure that was measured for it.
#[derive(Clone, Debug, Serialize)]
pub struct Goal {
    /// What is measured.
    pub what: String,
    /// The limit.
    pub wanted: String,
    /// The figure as text, or why there is none.
    pub measured: String,
    /// The figure, if there is one.
    pub value: Option<f64>,
    /// Whether the goal is met; nothing if it was not measured, which does not count as met.
    pub met: Option<bool>,
}

impl Goal {
    /// Returns a goal for a figure that may not be greater than `limit`. Without a figure the goal is not met.
    #[must_use]
    pub fn at_most(what: impl Into<String>, value: impl Into<Option<f64>>, limit: f64, unit: &str) -> Self {
        Self::new(what, format!("≤ {}", figure(limit, unit)), value.into(), unit, |value| value <= limit)
    }

    /// Returns a goal for a figure that may not be smaller than `limit`. Without a figure the goal is not met.
    #[must_use]
    pub fn at_least(what: impl Into<String>, value: impl Into<Option<f64>>, limit: f64, unit: &str) -> Self {
        Self::new(what, format!("≥ {}", figure(limit, unit)), value.into(), unit, |value| value >= limit)
    }

    /// Returns a goal that could not be measured. It is not met.
    #[must_use]
    pub fn unmeasured(what: impl Into<String>, wanted: &str, why: &str) -> Self {
        Self { what: what.into(), wanted: wanted.to_owned(), measured: why.to_owned(), value: None, met: None }
    }

    fn new(
        what: impl Into<String>,
        wanted: String,
        value: Option<f64>,
        unit: &str,
        meets: impl FnOnce(f64) -> bool,
    ) -> Self {
        // JSON has no other numbers.
        let value = value.filter(|value| value.is_finite());
        let measured = value.map_or_else(|| "–".to_owned(), |value| figure(value, unit));
        Self { what: what.into(), wanted, measured, value, met: value.map(meets) }
    }

    /// Returns the goal with an explanation of the figure.
    #[must_use]
    pub fn with(mut self, more: impl std::fmt::Display) -> Self {
        let _ = write!(self.measured, " ({more})");
        self
    }

    fn verdict(&self) -> &'static str {
        match self.met {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "not measured",
        }
    }
}

fn figure(value: f64, unit: &str) -> String {
    let digits = match value.abs() {
        0.0 => 0,
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let space = if unit.is_empty() { "" } else { " " };
    let text = format!("{value:.digits$}");
    let short = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{short}{space}{unit}")
}

/// All results.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// The conditions of the run, one per line.
    pub about: Vec<String>,
    /// Goals, with their parts.
    pub goals: Vec<(String, Goal)>,
    /// The runs of all controllers.
    pub runs: Vec<Run>,
}

impl Report {
    /// Adds the goals of a part, and prints them.
    pub fn add(&mut self, part: Part, goals: Vec<Goal>) {
        for goal in goals {
            println!("  {:<58} {:>12}  {:<12} {}", goal.what, goal.wanted, goal.verdict(), goal.measured);
            self.goals.push((format!("{part:?}").to_lowercase(), goal));
        }
    }

    /// Adds a run, and prints it.
    pub fn run(&mut self, run: Run) {
        println!("  {}", row(&run).join("  "));
        self.runs.push(run);
    }

    /// Returns how many goals are not met: missed, or not measured.
    #[must_use]
    pub fn unmet(&self) -> usize {
        self.goals.iter().filter(|(_, goal)| goal.met != Some(true)).count()
    }

    /// Writes `report.md` and `report.json`.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("report.json"), serde_json::to_string_pretty(self)?)?;
        fs::write(folder.join("report.md"), self.markdown())
    }

    /// Returns the report in Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::from("# Benchmark\n\n");
        for line in &self.about {
            let _ = writeln!(text, "- {line}");
        }
        let goals = self.goals.iter().map(|(part, goal)| {
            let cells = [part, &goal.what, &goal.wanted, &goal.measured];
            cells.into_iter().cloned().chain([goal.verdict().to_owned()]).collect()
        });
        text += &table(&["part", "goal", "wanted", "measured", ""], goals);
        if !self.runs.is_empty() {
            text += &table(&COLUMNS, self.runs.iter().map(row));
            text += "\nWhat the API server spends on each object, the operator's own writes included:\n";
            text += &table(&SERVER_COLUMNS, self.runs.iter().map(server_row));
        }
        text
    }
}

const COLUMNS: [&str; 9] = [
    "who",
    "objects",
    "create→synced /s",
    "update→synced /s",
    "delete→gone /s",
    "latency p50 / p99 / max ms",
    "memory peak / settled MiB",
    "CPU s",
    "writes create / update / delete",
];

const SERVER_COLUMNS: [&str; 4] = [
    "who",
    "objects",
    "processor time (with etcd) create / update / delete, ms",
    "memory allocated create / update / delete, KiB",
];

fn server_row(run: &Run) -> Vec<String> {
    let phases = [run.create, run.update, run.delete];
    let cpu: Option<Vec<_>> = phases.iter().map(|phase| phase.server_ms.map(|ms| format!("{ms:.2}"))).collect();
    let memory: Vec<_> = phases.iter().map(|phase| format!("{:.0}", phase.server_kib)).collect();
    let cpu = cpu.map_or_else(|| "–".to_owned(), |all| all.join(" / "));
    vec![run.who.title().to_owned(), run.objects.to_string(), cpu, memory.join(" / ")]
}

fn row(run: &Run) -> Vec<String> {
    let none = || "–".to_owned();
    let spread = run.change.map_or_else(none, |ms| format!("{:.1} / {:.1} / {:.1}", ms.p50, ms.p99, ms.max));
    let mib = |kib: u64| f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) / 1024.0;
    let memory = |usage: super::usage::Usage| format!("{:.1} / {:.1}", mib(usage.peak_kib), mib(usage.resident_kib));
    let rate = |phase: super::run::Phase| format!("{:.0}", phase.per_second);
    vec![
        run.who.title().to_owned(),
        run.objects.to_string(),
        rate(run.create),
        rate(run.update),
        rate(run.delete),
        spread,
        run.usage.map_or_else(none, memory),
        run.cpu.map_or_else(none, |cpu: Duration| format!("{:.1}", cpu.as_secs_f64())),
        format!("{:.2} / {:.2} / {:.2}", run.create.writes, run.update.writes, run.delete.writes),
    ]
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut text = format!("\n| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_judged_and_shown() {
        let mut report = Report::default();
        let missed = Goal::at_most("latency", 120.25, 100.0, "ms").with("of 3");
        report
            .add(Part::Rate, vec![missed, Goal::at_least("ratio", 0.95, 0.9, ""), Goal::unmeasured("x", "≤ 1", "no")]);
        assert_eq!(report.unmet(), 2);
        let text = report.markdown();
        assert!(text.contains("| rate | latency | ≤ 100 ms | 120 ms (of 3) | MISSED |"), "{text}");
        assert!(text.contains("| rate | ratio | ≥ 0.9 | 0.95 | met |"), "{text}");
        assert!(text.contains("| rate | x | ≤ 1 | no | not measured |"), "{text}");
    }

    #[test]
    fn a_goal_without_a_figure_is_not_met() {
        let mut report = Report::default();
        for value in [None, Some(f64::NAN), Some(f64::INFINITY), Some(f64::NEG_INFINITY)] {
            report.add(Part::Rate, vec![Goal::at_most("x", value, 1.0, ""), Goal::at_least("x", value, 1.0, "")]);
        }
        assert!(report.goals.iter().all(|(_, goal)| goal.met.is_none() && goal.value.is_none()), "{report:?}");
        assert_eq!(report.unmet(), report.goals.len());
    }
}
