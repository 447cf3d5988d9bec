//! The picture: panels where the dashboard has them, as SVG.

mod chart;
mod layout;
mod units;

use plotters::backend::SVGBackend;
use plotters::{
    coord::Shift,
    drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea as _},
    element::Rectangle,
    style::{Color as _, FontStyle, IntoFont as _, RGBColor, TextStyle},
};

use crate::{
    dashboard::{Kind, Panel},
    series::Line,
};
use layout::Place;

/// Something could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("cannot draw the picture: {0}")]
pub(crate) struct Error(#[from] DrawingAreaErrorKind<std::io::Error>);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const FONT: &str = "sans-serif";
const PAPER: RGBColor = RGBColor(244, 245, 245);
const PANEL: RGBColor = RGBColor(255, 255, 255);
const FRAME: RGBColor = RGBColor(215, 217, 221);
const TEXT: RGBColor = RGBColor(36, 41, 46);
const FAINT: RGBColor = RGBColor(95, 101, 110);
/// The colours of lines, in their order.
const COLOURS: [RGBColor; 8] = [
    RGBColor(55, 135, 45),
    RGBColor(31, 96, 196),
    RGBColor(224, 132, 0),
    RGBColor(196, 22, 42),
    RGBColor(143, 59, 184),
    RGBColor(0, 140, 150),
    RGBColor(160, 120, 30),
    RGBColor(90, 90, 90),
];

/// A panel with its data.
pub(crate) struct Drawn<'a> {
    pub(crate) panel: &'a Panel,
    pub(crate) lines: Vec<Line>,
}

impl Drawn<'_> {
    /// Returns whether there is nothing to be seen in a panel that should show something.
    pub(crate) fn lacks_data(&self) -> bool {
        self.panel.kind != Kind::Row && self.lines.is_empty()
    }
}

/// Returns the colour of a line.
fn colour(at: usize) -> RGBColor {
    COLOURS[at % COLOURS.len()]
}

/// Returns a style of text. The backend divides the size by 1.24.
fn text(size: f64, colour: RGBColor) -> TextStyle<'static> {
    (FONT, size * 1.24).into_font().color(&colour)
}

fn bold(size: f64, colour: RGBColor) -> TextStyle<'static> {
    (FONT, size * 1.24).into_font().style(FontStyle::Bold).color(&colour)
}

/// Returns the picture of a dashboard, with the data of so many seconds.
///
/// # Errors
/// When it cannot be drawn.
pub(crate) fn svg(title: &str, drawn: &[Drawn<'_>], seconds: f64) -> Result<String, Error> {
    let mut svg = String::new();
    let size = layout::size(drawn.iter().map(|one| one.panel.grid));
    {
        let picture = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        picture.fill(&PAPER)?;
        picture.draw_text(title, &bold(18.0, TEXT), (layout::GAP, 12))?;
        for one in drawn {
            panel(&picture, one, layout::place(one.panel.grid), seconds)?;
        }
        picture.present()?;
    }
    // What is opaque anyway need not say so: a quarter of the file.
    Ok(svg.replace(" opacity=\"1\"", ""))
}

fn panel(picture: &Area<'_>, drawn: &Drawn<'_>, place: Place, seconds: f64) -> Result<(), Error> {
    let area = picture.clone().shrink((place.x, place.y), (place.width, place.height));
    if drawn.panel.kind == Kind::Row {
        area.draw_text(&drawn.panel.title, &bold(14.0, TEXT), (4, 8))?;
        return Ok(());
    }
    let corner = (layout::int(place.width) - 1, layout::int(place.height) - 1);
    area.draw(&Rectangle::new([(0, 0), corner], PANEL.filled()))?;
    area.draw(&Rectangle::new([(0, 0), corner], FRAME.stroke_width(1)))?;
    area.draw_text(&drawn.panel.title, &bold(12.0, TEXT), (10, 7))?;
    if drawn.lines.is_empty() {
        return chart::message(&area, "No data");
    }
    match drawn.panel.kind {
        Kind::Stat => chart::stat(&area, drawn, seconds),
        Kind::Timeseries | Kind::Row => chart::lines(&area, drawn, seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dashboard::Dashboard;

    const DASHBOARD: &str = r#"{"title": "Board", "templating": {"list": []}, "panels": [
        {"title": "Part", "type": "row", "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1}},
        {"title": "A < B", "type": "timeseries", "gridPos": {"x": 0, "y": 1, "w": 8, "h": 7}},
        {"title": "Now", "type": "stat", "gridPos": {"x": 8, "y": 1, "w": 8, "h": 7}},
        {"title": "Empty", "type": "timeseries", "gridPos": {"x": 16, "y": 1, "w": 8, "h": 7}}]}"#;

    fn picture() -> String {
        let dashboard = Dashboard::read(DASHBOARD).unwrap();
        let line = |name: &str, points: &[(f64, f64)]| Line { name: name.into(), points: points.to_vec() };
        let lines = [
            vec![],
            vec![line("up", &[(0.0, 1.0), (1.0, 2.0), (5.0, 3.0)])],
            vec![line("seven", &[(0.0, 1.0), (1.0, 7.0)])],
            vec![],
        ];
        let drawn: Vec<_> = dashboard.panels.iter().zip(lines).map(|(panel, lines)| Drawn { panel, lines }).collect();
        svg(&dashboard.title, &drawn, 10.0).unwrap()
    }

    #[test]
    fn everything_has_its_title_and_its_legend() {
        let svg = picture();
        for text in ["Board", "Part", "A &lt; B", "Now", "Empty", "No data", "up"] {
            assert!(svg.lines().any(|line| line == text), "{text} in {svg}");
        }
    }

    #[test]
    fn a_line_has_a_piece_or_a_dot_for_all_that_hangs_together() {
        let svg = picture();
        // One piece of the line, one of the stat; the rest are axes. A point alone is a dot.
        assert_eq!(svg.matches("<circle").count(), 1, "{svg}");
        assert!(svg.contains("<polyline"), "{svg}");
    }

    #[test]
    fn a_stat_shows_the_last_value() {
        assert!(picture().lines().any(|line| line == "7"));
    }

    #[test]
    fn the_same_data_give_the_same_picture() {
        assert_eq!(picture(), picture());
    }
}
