//! Where everything stands: margins from the labels that are there, legends, ranges that panels share.

use super::axis::{Scaled, Ticks, range_of, scaled};
use super::canvas::{Anchor, Ink, Shape};
use super::clip::Area;
use super::colours::{bar_space, draw_bar};
use super::drawing::{Drawing, Legend, Panel, Row};
use super::mark::Mark;
use super::marks::{Frame, sample};
use super::palette::{Dash, INK};
use super::words::{broken, cut, width};

/// Sizes of words, pixels.
pub(super) const TICK: u32 = 15;
pub(super) const LABEL: u32 = 16;
/// Height of a line of words, pixels.
pub(super) const LINE: f64 = 21.0;
/// Length of the mark at a tick, pixels.
pub(super) const TICK_MARK: f64 = 5.0;
/// Free space at the edge of the drawing, pixels.
const EDGE: f64 = 10.0;
/// Free space at the right, where the last number of an axis stands out, pixels.
const RIGHT: f64 = 26.0;
/// Between panels, pixels.
const GAP: f64 = 40.0;
/// Between rows that share an axis, pixels.
const ROW_GAP: f64 = 16.0;

/// A panel with its axes settled.
struct Placed<'a> {
    panel: &'a Panel,
    area: Area,
    x: Scaled,
    y: Scaled,
    /// Whether numbers and label stand below and at the left.
    is_lowest: bool,
    is_first: bool,
}

/// All shapes of a drawing, and its height, pixels.
pub(super) fn shapes(drawing: &Drawing) -> (Vec<Shape>, f64) {
    let mut shapes = Vec::new();
    let shared =
        entries(drawing.rows.iter().flat_map(|row| &row.panels).filter(|p| p.legend == Legend::Shared));
    let legend_width = drawing.width_px - 2.0 * EDGE;
    let (y_axes, margins) = (y_axes(drawing), left_margins(drawing));
    let first = margins.first().copied().unwrap_or(0.0);
    let mut top = EDGE + legend(&mut shapes, &shared, EDGE + first, EDGE, legend_width - first);
    for (index, row) in drawing.rows.iter().enumerate() {
        let is_lowest = !drawing.shares_x || index + 1 == drawing.rows.len();
        let columns = columns(drawing, row, &margins);
        top += above(row, &columns, &mut shapes, top);
        for (column, panel) in row.panels.iter().enumerate() {
            let (left, right) = columns[column];
            // a bar of colours stands at the right of the axes
            let right = (right - bar_width(drawing, index, column)).max(left + 20.0);
            let area = Area { left, top, right, bottom: top + row.height_px };
            let x_range = x_range(drawing, index, column);
            let x = x_axis(panel, x_range, area.width());
            let y = y_axes[index][column].clone();
            let is_first = !drawing.shares_y || column == 0;
            draw(&Placed { panel, area, x, y, is_lowest, is_first }, &mut shapes);
        }
        top += row.height_px + below(row, is_lowest);
    }
    (shapes, (top - ROW_GAP + EDGE).ceil())
}

/// The marks with a label, each label once.
fn entries<'a>(panels: impl Iterator<Item = &'a Panel>) -> Vec<&'a Mark> {
    let mut entries: Vec<&Mark> = Vec::new();
    for mark in panels.flat_map(|panel| &panel.marks) {
        let label = &mark.style().label;
        if !label.is_empty() && entries.iter().all(|entry| entry.style().label != *label) {
            entries.push(mark);
        }
    }
    entries
}

/// Draws a legend in as many lines as it needs and gives its height.
fn legend(shapes: &mut Vec<Shape>, entries: &[&Mark], left: f64, top: f64, limit: f64) -> f64 {
    const SAMPLE: f64 = 30.0;
    let size = f64::from(TICK);
    let (mut x, mut line) = (left, 0.0);
    for mark in entries {
        let words = cut(&mark.style().label, size, limit - SAMPLE - 8.0);
        let length = SAMPLE + 8.0 + width(&words, size);
        if x > left && x + length > left + limit {
            (x, line) = (left, line + 1.0);
        }
        let middle = top + line * LINE + LINE / 2.0;
        shapes
            .push(sample(mark, Area { left: x, top: middle - 5.0, right: x + SAMPLE, bottom: middle + 5.0 }));
        shapes.push(text((x + SAMPLE + 8.0, middle + 5.0), words, TICK, Anchor::Start));
        x += length + 18.0;
    }
    if entries.is_empty() { 0.0 } else { (line + 1.0) * LINE + 6.0 }
}

/// Draws titles and legends above a row and gives the space they take.
fn above(row: &Row, columns: &[(f64, f64)], shapes: &mut Vec<Shape>, top: f64) -> f64 {
    let mut height = 0.0_f64;
    let title = if row.panels.iter().any(|panel| !panel.title.is_empty()) { LINE + 4.0 } else { 0.0 };
    for (panel, (left, right)) in row.panels.iter().zip(columns) {
        if !panel.title.is_empty() {
            let words = cut(&panel.title, f64::from(LABEL), right - left);
            let at = (*left, top + LINE - 6.0);
            let (anchor, upwards) = (Anchor::Start, false);
            shapes.push(Shape::Text { at, words, size: LABEL, anchor, upwards, bold: true });
        }
        let own = if panel.legend == Legend::Above { entries(std::iter::once(panel)) } else { Vec::new() };
        height = height.max(legend(shapes, &own, *left, top + title, right - left));
    }
    title + height
}

/// The space below the axes of a row.
fn below(row: &Row, is_lowest: bool) -> f64 {
    if !is_lowest {
        return ROW_GAP;
    }
    let any = |has: fn(&Panel) -> bool| row.panels.iter().any(has);
    let numbers = if any(|panel| panel.x.ticks != Ticks::Hidden) { TICK_MARK + LINE } else { TICK_MARK };
    let labels = if any(|panel| !panel.x.label.is_empty()) { LINE + 4.0 } else { 0.0 };
    numbers + labels + ROW_GAP
}

/// Left and right edge of every place of a row.
fn columns(drawing: &Drawing, row: &Row, margins: &[f64]) -> Vec<(f64, f64)> {
    let n = row.n_places.max(row.panels.len()).max(1);
    let margin = |column: usize| margins.get(column).copied().unwrap_or(0.0);
    let taken: f64 = (0..n).map(margin).sum::<f64>() + GAP * (n - 1) as f64;
    let each = ((drawing.width_px - EDGE - RIGHT - taken) / n as f64).max(20.0);
    let mut left = EDGE;
    let place = |column| {
        left += margin(column);
        let edges = (left, left + each);
        left += each + GAP;
        edges
    };
    (0..n).map(place).collect()
}

/// Space for numbers and label at the left of every column.
fn left_margins(drawing: &Drawing) -> Vec<f64> {
    let y_axes = y_axes(drawing);
    let n = drawing.rows.iter().map(|row| row.panels.len()).max().unwrap_or(0);
    let margin = |column: usize| {
        let rows = drawing.rows.iter().zip(&y_axes);
        let of_row = |(row, axes): (&Row, &Vec<Scaled>)| {
            let axis = axes.get(column).filter(|_| !drawing.shares_y || column == 0)?;
            let lines = if axis.label.is_empty() { 0 } else { label_lines(axis, row.height_px).len() };
            Some(number_width(axis) + lines as f64 * LINE + if lines > 0 { 8.0 } else { 0.0 })
        };
        rows.filter_map(of_row).fold(0.0, f64::max)
    };
    (0..n).map(margin).collect()
}

/// Space at the right of a panel for its bar of colours; panels that share an x axis are equally wide.
fn bar_width(drawing: &Drawing, row: usize, column: usize) -> f64 {
    let of = |row: &Row| row.panels.get(column).map_or(0.0, |panel| bar_space(&panel.marks, row.height_px));
    let shared = drawing.rows.iter().filter(|_| drawing.shares_x).map(of);
    shared.fold(of(&drawing.rows[row]), f64::max)
}

/// The words of a vertical label, which must not reach into the rows above and below.
pub(super) fn label_lines(axis: &Scaled, height: f64) -> Vec<String> {
    broken(&axis.label, f64::from(LABEL), height + ROW_GAP)
}

/// Space for the numbers of a vertical axis with their marks.
pub(super) fn number_width(axis: &Scaled) -> f64 {
    let widest = axis.ticks.iter().map(|(_, word)| width(word, f64::from(TICK))).fold(0.0, f64::max);
    if axis.ticks.is_empty() { 4.0 } else { widest + TICK_MARK + 5.0 }
}

/// The vertical axes by row and column.
fn y_axes(drawing: &Drawing) -> Vec<Vec<Scaled>> {
    let of_row = |row: &Row| {
        let range = |panels: &[&Panel]| {
            let has_bars = |panel: &&Panel| panel.marks.iter().any(|mark| matches!(mark, Mark::Bars { .. }));
            let mut axis = panels[0].y.clone();
            axis.from_zero |= panels.iter().any(has_bars);
            axis.range = panels.iter().find_map(|panel| panel.y.range);
            let values = panels.iter().flat_map(|panel| &panel.marks).flat_map(Mark::along_y);
            // cells fill the panel
            let has_cells = panels.iter().any(|panel| has_cells(panel));
            range_of(&axis, values, !has_cells)
        };
        let all: Vec<&Panel> = row.panels.iter().collect();
        let axis = |panel: &&Panel| {
            let range = if drawing.shares_y { range(&all) } else { range(&[*panel]) };
            let most = (row.height_px / 30.0).clamp(2.0, 8.0) as usize;
            // one number alone says nothing of the scale
            let tried = (most..most + 4).map(|most| scaled(&panel.y, range, most));
            let found = tried.into_iter().find(|axis| axis.ticks.len() > 1);
            let mut axis = found.unwrap_or_else(|| scaled(&panel.y, range, most));
            thin(&mut axis, (row.height_px / (f64::from(TICK) + 2.0)) as usize);
            axis
        };
        all.iter().map(axis).collect()
    };
    drawing.rows.iter().map(of_row).collect()
}

/// Whether a panel holds a heat map.
fn has_cells(panel: &Panel) -> bool {
    panel.marks.iter().any(|mark| matches!(mark, Mark::Cells { .. }))
}

/// Leaves out named ticks that do not fit.
fn thin(axis: &mut Scaled, most: usize) {
    let stride = axis.ticks.len().div_ceil(most.max(1)).max(1);
    axis.ticks = axis.ticks.iter().step_by(stride).cloned().collect();
}

/// The range of the horizontal axis of a panel.
fn x_range(drawing: &Drawing, row: usize, column: usize) -> [f64; 2] {
    let own = &drawing.rows[row].panels[column];
    let n_places = drawing.rows[row].n_places;
    let with = |other: &&Row| drawing.shares_x && other.n_places == n_places;
    let above: Vec<&Panel> =
        drawing.rows.iter().filter(with).filter_map(|row| row.panels.get(column)).collect();
    let panels = if drawing.shares_x { above } else { vec![own] };
    let mut axis = own.x.clone();
    axis.range = own.x.range.or_else(|| panels.iter().find_map(|panel| panel.x.range));
    let marks = || panels.iter().flat_map(|panel| &panel.marks);
    let has_points = marks().any(|mark| matches!(mark, Mark::Points { .. } | Mark::Whiskers { .. }));
    let is_padded = has_points && !panels.iter().any(|panel| has_cells(panel));
    range_of(&axis, marks().flat_map(Mark::along_x), is_padded)
}

/// The horizontal axis with as many ticks as its words leave room for.
fn x_axis(panel: &Panel, range: [f64; 2], length: f64) -> Scaled {
    let fits = |axis: &Scaled| {
        let taken: f64 = axis.ticks.iter().map(|(_, word)| width(word, f64::from(TICK)) + 22.0).sum();
        taken <= length + 22.0
    };
    // a number at the end of an axis must not run into the one at the start of the next
    let settled = |most: usize| {
        let mut axis = scaled(&panel.x, range, most);
        let shares: Vec<f64> = axis.ticks.iter().map(|(at, _)| axis.share(*at)).collect();
        let mut shares = shares.into_iter();
        axis.ticks.retain(|(_, word)| {
            let at = shares.next().unwrap_or(0.5) * length;
            at.min(length - at) + GAP / 2.0 - 3.0 >= width(word, f64::from(TICK)) / 2.0
        });
        axis
    };
    let tried = (2..=9).rev().map(settled).find(fits);
    tried.unwrap_or_else(|| {
        let mut axis = settled(2);
        let widest = axis.ticks.iter().map(|(_, word)| width(word, f64::from(TICK))).fold(1.0, f64::max);
        thin(&mut axis, ((length + 22.0) / (widest + 22.0)) as usize);
        axis
    })
}

/// Marks, then axes on top of them.
fn draw(placed: &Placed, shapes: &mut Vec<Shape>) {
    let Placed { panel, area, x, y, is_lowest, is_first } = placed;
    let frame = Frame { area: *area, x, y };
    panel.marks.iter().for_each(|mark| shapes.extend(frame.shapes(mark)));
    draw_bar(&panel.marks, area, shapes);
    let Area { left, top, right, bottom } = *area;
    let mut pieces = vec![vec![(left, bottom), (right, bottom)]];
    if panel.y.ticks != Ticks::Hidden {
        pieces.push(vec![(left, top), (left, bottom)]);
    }
    let x_places = x.ticks.iter().map(|(at, word)| (left + x.share(*at) * area.width(), word));
    for (at, word) in x_places {
        pieces.push(vec![(at, bottom), (at, bottom + TICK_MARK)]);
        if *is_lowest {
            shapes.push(text((at, bottom + TICK_MARK + 16.0), word.clone(), TICK, Anchor::Middle));
        }
    }
    let y_places = y.ticks.iter().map(|(at, word)| (bottom - y.share(*at) * area.height(), word));
    for (at, word) in y_places {
        pieces.push(vec![(left - TICK_MARK, at), (left, at)]);
        if *is_first {
            shapes.push(text((left - TICK_MARK - 5.0, at + 5.5), word.clone(), TICK, Anchor::End));
        }
    }
    shapes.push(Shape::Lines { pieces, ink: Ink { rgb: INK, width: 1.0, dash: Dash::Solid, opacity: 1.0 } });
    if *is_lowest && !x.label.is_empty() {
        let numbers = if panel.x.ticks == Ticks::Hidden { TICK_MARK } else { TICK_MARK + LINE };
        let words = cut(&x.label, f64::from(LABEL), area.width() + GAP);
        shapes.push(text(
            (f64::midpoint(left, right), bottom + numbers + 17.0),
            words,
            LABEL,
            Anchor::Middle,
        ));
    }
    if *is_first && !y.label.is_empty() {
        let lines = label_lines(y, area.height());
        let nearest = left - number_width(y) - 8.0;
        for (k, words) in lines.iter().rev().enumerate() {
            let at = (nearest - k as f64 * LINE, f64::midpoint(top, bottom));
            let (words, anchor) = (words.clone(), Anchor::Middle);
            shapes.push(Shape::Text { at, words, size: LABEL, anchor, upwards: true, bold: false });
        }
    }
}

fn text(at: (f64, f64), words: String, size: u32, anchor: Anchor) -> Shape {
    Shape::Text { at, words, size, anchor, upwards: false, bold: false }
}
