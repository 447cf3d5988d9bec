//! `xos-dashboard`: draws the chart's dashboard with real data. `make dashboard-picture` builds it and all it needs.
//!
//! The example is at work for 90 s, and Prometheus watches it. Then the expressions of the dashboard's panels are
//! evaluated by Prometheus, and drawn where the dashboard has them.

mod dashboard;
mod drawing;
mod fill;
mod prometheus;
mod series;
mod stage;
mod traffic;

use std::{error::Error, fs, path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use xos_harness::{
    cli::{block_on, exit_code, stop_signal},
    paths,
};

use crate::{
    dashboard::{Dashboard, Panel},
    drawing::Drawn,
    prometheus::{Prometheus, Range},
    stage::Stage,
};

/// The dashboard of the chart.
const DASHBOARD: &str = "charts/xos-controller/files/dashboard/xos-controller.json";
/// How often Prometheus scrapes, and how far the points of a line are apart.
const STEP: Duration = Duration::from_secs(1);

/// Draws the chart's dashboard as SVG, with what Prometheus has seen of the example at work: about two minutes.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where the picture is written to.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    exit_code(
        "xos-dashboard",
        block_on(async {
            let stop = stop_signal()?;
            tokio::select! {
                made = make(&arguments) => made,
                () = stop => Err("stopped before its end".into()),
            }
        }),
    )
}

async fn make(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let dashboard = Dashboard::read(&fs::read_to_string(paths::repository().join(DASHBOARD))?)?;
    println!("start a control plane, Kafka, the example and Prometheus");
    let mut stage = Stage::start(STEP).await?;
    println!("the example is at work for {} s", traffic::TIME.as_secs());
    let range = stage.work().await?;
    let drawn = look(&dashboard, stage.prometheus(), range).await?;
    stage.stop().await?;
    let empty: Vec<_> = drawn.iter().filter(|one| one.lacks_data()).map(|one| one.panel.title.as_str()).collect();
    fs::write(&arguments.output, drawing::svg(&dashboard.title, &drawn, range.seconds())?)?;
    println!("{} panels are drawn in {}", drawn.len(), arguments.output.display());
    if !empty.is_empty() {
        println!("without data: {}", empty.join(", "));
    }
    Ok(())
}

/// Has the expressions of all panels evaluated.
async fn look<'a>(
    dashboard: &'a Dashboard,
    prometheus: &Prometheus,
    range: Range,
) -> Result<Vec<Drawn<'a>>, Box<dyn Error>> {
    let variables = dashboard.variables(STEP, STEP);
    let mut drawn = Vec::new();
    for panel in &dashboard.panels {
        drawn.push(Drawn { panel, lines: lines(panel, &variables, prometheus, range).await? });
    }
    Ok(drawn)
}

async fn lines(
    panel: &Panel,
    variables: &fill::Variables,
    prometheus: &Prometheus,
    range: Range,
) -> Result<Vec<series::Line>, Box<dyn Error>> {
    let mut lines = Vec::new();
    for target in &panel.targets {
        let answer = prometheus.range(&variables.fill(&target.expr)?, range).await?;
        lines.extend(series::lines(&answer, &target.legend, range.begin)?);
    }
    Ok(lines)
}
