//! What is in a panel.

use plotters::backend::SVGBackend;
use plotters::{
    chart::{ChartBuilder, ChartContext},
    coord::{Shift, types::RangedCoordf64},
    drawing::DrawingArea,
    element::{Circle, Rectangle},
    prelude::Cartesian2d,
    series::LineSeries,
    style::{
        Color as _, RGBColor, TRANSPARENT,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{Area, Drawn, Error, FAINT, FRAME, TEXT, bold, colour, layout, text, units};
use crate::{
    STEP,
    series::{Line, pieces, without_level_middles},
};

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// The height of a panel's title.
const TITLE: u32 = 28;
/// The height of a line of the legend.
const LEGEND: i32 = 16;
const MARGIN: u32 = 10;
const MIDDLE: Pos = Pos { h_pos: HPos::Center, v_pos: VPos::Center };

/// Draws lines over time, with axes and a legend.
pub(super) fn lines(area: &Area<'_>, drawn: &Drawn<'_>, seconds: f64) -> Result<(), Error> {
    let (width, height) = area.dim_in_pixel();
    let inner = layout::int(width.saturating_sub(2 * MARGIN));
    let (places, count) = layout::legend(drawn.lines.iter().map(|line| line.name.as_str()), inner);
    let legend_top = layout::int(height) - count * LEGEND - 4;
    let plot = area.clone().shrink((4, layout::int(TITLE)), (width - 14, legend_top.unsigned_abs() - TITLE - 3));
    let unit = drawn.panel.unit();
    let mut chart = ChartBuilder::on(&plot)
        .x_label_area_size(18)
        .y_label_area_size(62)
        .build_cartesian_2d(0.0..seconds, 0.0..top(drawn))?;
    chart
        .configure_mesh()
        .x_labels(7)
        .y_labels(5)
        .x_label_formatter(&|time| format!("{time} s"))
        .y_label_formatter(&|value| units::written(*value, unit))
        .label_style(text(10.0, FAINT))
        .axis_style(FRAME)
        .bold_line_style(FRAME.mix(0.6))
        .light_line_style(TRANSPARENT)
        .draw()?;
    for (at, (line, (row, x))) in drawn.lines.iter().zip(places).enumerate() {
        draw(&mut chart, line, colour(at))?;
        let (x, y) = (layout::int(MARGIN) + x, legend_top + row * LEGEND);
        area.draw(&Rectangle::new([(x, y + 6), (x + 12, y + 9)], colour(at).filled()))?;
        area.draw_text(&line.name, &text(10.5, TEXT), (x + 17, y + 2))?;
    }
    Ok(())
}

/// Draws the last value, above a line that shows how it came to be so.
pub(super) fn stat(area: &Area<'_>, drawn: &Drawn<'_>, seconds: f64) -> Result<(), Error> {
    let (width, height) = area.dim_in_pixel();
    let lower = area.clone().shrink((6, layout::int(height) * 3 / 5), (width - 12, height * 2 / 5 - 6));
    let mut chart = ChartBuilder::on(&lower).build_cartesian_2d(0.0..seconds, 0.0..top(drawn))?;
    let share = layout::int(width) / i32::try_from(drawn.lines.len()).unwrap_or(1).max(1);
    for (at, line) in drawn.lines.iter().enumerate() {
        draw(&mut chart, line, colour(at))?;
        let value = line.points.last().map(|point| units::written(point.1, drawn.panel.unit())).unwrap_or_default();
        let x = share * i32::try_from(at).unwrap_or_default() + share / 2;
        area.draw_text(&value, &bold(34.0, colour(at)).pos(MIDDLE), (x, layout::int(height) * 7 / 20))?;
        area.draw_text(&line.name, &text(11.0, FAINT).pos(MIDDLE), (x, layout::int(height) * 11 / 20))?;
    }
    Ok(())
}

/// Draws a word in the middle of a panel.
pub(super) fn message(area: &DrawingArea<SVGBackend<'_>, Shift>, message: &str) -> Result<(), Error> {
    let (width, height) = area.dim_in_pixel();
    let middle = (layout::int(width / 2), layout::int(height / 2));
    Ok(area.draw_text(message, &text(13.0, FAINT).pos(MIDDLE), middle)?)
}

fn top(drawn: &Drawn<'_>) -> f64 {
    let values = drawn.lines.iter().flat_map(|line| line.points.iter().map(|point| point.1));
    units::top(values, drawn.panel.unit())
}

/// Draws a line with its gaps. A point between two gaps is a dot.
fn draw(chart: &mut Chart<'_, '_>, line: &Line, colour: RGBColor) -> Result<(), Error> {
    for piece in pieces(&line.points, STEP.as_secs_f64()) {
        if let [point] = piece {
            chart.draw_series([Circle::new(*point, 2, colour.filled())])?;
        } else {
            chart.draw_series(LineSeries::new(without_level_middles(piece), colour.stroke_width(2)))?;
        }
    }
    Ok(())
}
