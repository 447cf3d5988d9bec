//! What is read of the dashboard's JSON. What cannot be drawn is an error, so that the picture never lacks a panel.

use std::time::Duration;

use serde::Deserialize;

use crate::fill::Variables;

/// A dashboard.
#[derive(Debug, Deserialize)]
pub(crate) struct Dashboard {
    pub(crate) title: String,
    pub(crate) panels: Vec<Panel>,
    templating: Templating,
}

#[derive(Debug, Deserialize)]
struct Templating {
    list: Vec<Variable>,
}

/// A variable that a person chooses in Grafana.
#[derive(Debug, Deserialize)]
struct Variable {
    name: String,
    /// What stands for all values.
    #[serde(rename = "allValue")]
    all: Option<String>,
}

/// A panel, or the title of a row.
#[derive(Debug, Deserialize)]
pub(crate) struct Panel {
    pub(crate) title: String,
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    #[serde(rename = "gridPos")]
    pub(crate) grid: Grid,
    #[serde(rename = "fieldConfig", default)]
    fields: Fields,
    #[serde(default)]
    pub(crate) targets: Vec<Target>,
}

impl Panel {
    pub(crate) fn unit(&self) -> Unit {
        self.fields.defaults.unit
    }
}

/// The kinds of panels that can be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Row,
    Stat,
    Timeseries,
}

/// Where a panel is: 24 columns make the width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Grid {
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) w: u32,
    pub(crate) h: u32,
}

#[derive(Debug, Default, Deserialize)]
struct Fields {
    #[serde(default)]
    defaults: Defaults,
}

#[derive(Debug, Default, Deserialize)]
struct Defaults {
    #[serde(default)]
    unit: Unit,
}

/// Units that can be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unit {
    /// A number.
    #[default]
    Short,
    /// Operations per second.
    Ops,
    /// Seconds.
    S,
}

/// An expression with the names of its lines.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    pub(crate) expr: String,
    #[serde(rename = "legendFormat")]
    pub(crate) legend: String,
}

impl Dashboard {
    /// Reads a dashboard.
    ///
    /// # Errors
    /// When it has something that this program does not know.
    pub(crate) fn read(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Returns the values of variables when a person has chosen "All" for each that offers it.
    pub(crate) fn variables(&self, step: Duration, scraped_every: Duration) -> Variables {
        let all = |variable: &Variable| Some((variable.name.clone(), variable.all.clone()?));
        Variables::new(self.templating.list.iter().filter_map(all), step, scraped_every)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart() -> Dashboard {
        let path = xos_harness::paths::repository().join(crate::DASHBOARD);
        Dashboard::read(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    #[test]
    fn the_dashboard_of_the_chart_can_be_drawn() {
        let dashboard = chart();
        let steps = dashboard.panels.iter().find(|panel| panel.title == "Steps and policies").unwrap();
        assert_eq!((steps.kind, steps.unit()), (Kind::Timeseries, Unit::Ops));
        assert_eq!(steps.grid, Grid { x: 0, y: 1, w: 8, h: 7 });
        assert_eq!(steps.targets[0].legend, "{{result}}");
        for panel in &dashboard.panels {
            assert_eq!(panel.targets.is_empty(), panel.kind == Kind::Row, "{}", panel.title);
        }
    }

    #[test]
    fn all_its_variables_are_known() {
        let dashboard = chart();
        let variables = dashboard.variables(crate::STEP, crate::STEP);
        for target in dashboard.panels.iter().flat_map(|panel| &panel.targets) {
            let filled = variables.fill(&target.expr).unwrap();
            assert!(!filled.contains('$'), "{filled}");
        }
    }

    #[test]
    fn a_panel_that_cannot_be_drawn_is_an_error() {
        let heat = r#"{"title": "D", "templating": {"list": []}, "panels": [
            {"title": "Heat", "type": "heatmap", "gridPos": {"x": 0, "y": 0, "w": 8, "h": 7}}]}"#;
        let error = Dashboard::read(heat).unwrap_err().to_string();
        assert!(error.contains("heatmap"), "{error}");
    }
}
