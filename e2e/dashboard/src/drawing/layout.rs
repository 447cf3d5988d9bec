//! Where things are, in pixels.

use crate::dashboard::Grid;

/// A column of the dashboard's grid, of which there are 24.
const COLUMN: u32 = 50;
/// A row of it.
const ROW: u32 = 27;
/// Above the first row: the title.
const HEAD: u32 = 36;
/// Between panels.
pub(super) const GAP: i32 = 8;
/// A letter of a legend, on average: the fonts of the machine that shows the picture are not known.
const LETTER: i32 = 6;
/// What a legend has beside its text: the mark before it, and the space after it.
const BESIDE: i32 = 30;

/// The place of a panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// Returns the size of a picture with these panels.
pub(super) fn size(grids: impl Iterator<Item = Grid>) -> (u32, u32) {
    let rows = grids.map(|grid| grid.y + grid.h).max().unwrap_or_default();
    (24 * COLUMN + GAP.unsigned_abs(), HEAD + rows * ROW + GAP.unsigned_abs())
}

/// Returns where a panel is.
pub(super) fn place(grid: Grid) -> Place {
    let gap = GAP.unsigned_abs();
    Place {
        x: int(grid.x * COLUMN) + GAP,
        y: int(HEAD + grid.y * ROW) + GAP,
        width: grid.w * COLUMN - gap,
        height: grid.h * ROW - gap,
    }
}

/// Returns where each name of a legend begins, by line and x, and the number of lines.
pub(super) fn legend<'a>(names: impl IntoIterator<Item = &'a str>, width: i32) -> (Vec<(i32, i32)>, i32) {
    let (mut x, mut line) = (0, 0);
    let mut places = Vec::new();
    for name in names {
        let needs = BESIDE + LETTER * i32::try_from(name.chars().count()).unwrap_or(i32::MAX / LETTER / 2);
        if x > 0 && x + needs > width {
            (x, line) = (0, line + 1);
        }
        places.push((line, x));
        x += needs;
    }
    (places, line + 1)
}

/// Returns a length as a coordinate.
pub(super) fn int(length: u32) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_fill_the_width_and_do_not_overlap() {
        let [left, right, below] = [(0, 0, 12), (12, 0, 12), (0, 7, 24)].map(|(x, y, w)| Grid { x, y, w, h: 7 });
        let [a, b, c] = [left, right, below].map(place);
        assert_eq!(a.x + int(a.width) + GAP, b.x);
        assert_eq!(a.y + int(a.height) + GAP, c.y);
        let (width, height) = size([left, right, below].into_iter());
        assert_eq!((b.x + int(b.width) + GAP, c.y + int(c.height) + GAP), (int(width), int(height)));
    }

    #[test]
    fn a_legend_goes_on_in_the_next_line() {
        let (places, lines) = legend(["success", "error", "unavailable"], 150);
        assert_eq!((places, lines), (vec![(0, 0), (0, 72), (1, 0)], 2));
        // A name that is too long for any line is not moved for ever.
        assert_eq!(legend(["a name of many words"], 20), (vec![(0, 0)], 1));
    }
}
