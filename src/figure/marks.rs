//! Marks become shapes inside the box of a panel.

use super::axis::Scaled;
use super::canvas::{Ink, Shape};
use super::clip::{Area, Point};
use super::colours::Colours;
use super::mark::{Mark, Style};
use super::palette::{Dash, Role};

/// Where numbers lie in pixels.
pub(super) struct Frame<'a> {
    pub(super) area: Area,
    pub(super) x: &'a Scaled,
    pub(super) y: &'a Scaled,
}

/// How far a place may lie outside of a panel, pixels: enough to cut a line well, small enough to compute with.
const FAR: f64 = 1e6;

impl Frame<'_> {
    fn place_x(&self, x: f64) -> f64 {
        let at = self.area.left + self.x.share(x) * self.area.width();
        if at.is_nan() { at } else { at.clamp(-FAR, FAR) }
    }

    fn place_y(&self, y: f64) -> f64 {
        let at = self.area.bottom - self.y.share(y) * self.area.height();
        if at.is_nan() { at } else { at.clamp(-FAR, FAR) }
    }

    /// A number that is not finite has no place.
    fn place(&self, x: f64, y: f64) -> Point {
        if x.is_finite() && y.is_finite() { (self.place_x(x), self.place_y(y)) } else { (f64::NAN, f64::NAN) }
    }

    fn polygon(&self, points: &[Point]) -> Vec<Point> {
        points.iter().map(|point| self.area.nearest(*point)).collect()
    }

    /// The shapes of a mark.
    pub(super) fn shapes(&self, mark: &Mark) -> Vec<Shape> {
        let Area { left, top, right, bottom } = self.area;
        match mark {
            Mark::Line { x, y, style } => {
                let points: Vec<Point> = x.iter().zip(y).map(|(x, y)| self.place(*x, *y)).collect();
                lines(self.area.pieces(&points), style)
            }
            Mark::Step { edges, y, style } => lines(self.area.pieces(&self.steps(edges, y)), style),
            Mark::Band { x, low, high, style } => self.band(x, low, high, style),
            Mark::Points { x, y, style } => {
                let points = x.iter().zip(y).map(|(x, y)| self.place(*x, *y));
                let centres: Vec<Point> = points.filter(|point| self.area.holds(*point)).collect();
                let (rgb, opacity, radius) = (style.role.rgb(), style.opacity, style.width);
                if centres.is_empty() {
                    Vec::new()
                } else {
                    vec![Shape::Discs { centres, radius, rgb, opacity }]
                }
            }
            Mark::Ticks { x, y: [low, high], style } => {
                let strokes = x.iter().map(|x| [self.place(*x, *low), self.place(*x, *high)]);
                lines(strokes.flat_map(|stroke| self.area.pieces(&stroke)).collect(), style)
            }
            Mark::Whiskers { x, low, high, style } => {
                let ends = x.iter().zip(low.iter().zip(high));
                let strokes = ends.map(|(x, (low, high))| [self.place(*x, *low), self.place(*x, *high)]);
                lines(strokes.flat_map(|stroke| self.area.pieces(&stroke)).collect(), style)
            }
            Mark::Bars { edges, heights, style } => self.bars(edges, heights, style),
            Mark::Cells { x, y, values, colours, style } => self.cells([x, y], values, colours, style),
            Mark::Level { y, style } => {
                let y = self.place_y(*y);
                lines(self.area.pieces(&[(left, y), (right, y)]), style)
            }
            Mark::Moment { x, style } => {
                let x = self.place_x(*x);
                lines(self.area.pieces(&[(x, top), (x, bottom)]), style)
            }
            Mark::Span { x: [from, to], style } => {
                let (from, to) =
                    (self.place_x(*from).clamp(left, right), self.place_x(*to).clamp(left, right));
                if from == to || from.is_nan() || to.is_nan() {
                    return Vec::new();
                }
                let points = vec![(from, top), (to, top), (to, bottom), (from, bottom)];
                vec![Shape::Area { points, rgb: style.role.rgb(), opacity: style.opacity }]
            }
        }
    }

    fn steps(&self, edges: &[f64], y: &[f64]) -> Vec<Point> {
        let pair = |(edges, y): (&[f64], &f64)| [self.place(edges[0], *y), self.place(edges[1], *y)];
        edges.windows(2).zip(y).flat_map(pair).collect()
    }

    /// One polygon per run of finite numbers.
    fn band(&self, x: &[f64], low: &[f64], high: &[f64], style: &Style) -> Vec<Shape> {
        let ends: Vec<(Point, Point)> = x
            .iter()
            .zip(low.iter().zip(high))
            .map(|(x, (low, high))| (self.place(*x, *low), self.place(*x, *high)))
            .collect();
        let runs =
            ends.split(|(low, high)| low.0.is_nan() || low.1.is_nan() || high.0.is_nan() || high.1.is_nan());
        let polygon = |run: &[(Point, Point)]| {
            let lower = run.iter().map(|(low, _)| *low);
            let points: Vec<Point> = lower.chain(run.iter().rev().map(|(_, high)| *high)).collect();
            let points = self.polygon(&points);
            Shape::Area { points, rgb: style.role.rgb(), opacity: style.opacity }
        };
        runs.filter(|run| run.len() > 1).map(polygon).collect()
    }

    fn bars(&self, edges: &[f64], heights: &[f64], style: &Style) -> Vec<Shape> {
        let bar = |(edges, height): (&[f64], &f64)| {
            let (from, to) = (self.place(edges[0], *height), self.place(edges[1], *height));
            // zero lies at the lower end of a logarithmic axis
            let base = self.place_y(0.0);
            let base = if base.is_nan() { self.area.bottom } else { base };
            let is_shown = !from.0.is_nan() && !to.0.is_nan() && *height != 0.0;
            let points = self.polygon(&[(from.0, base), from, to, (to.0, base)]);
            is_shown.then(|| Shape::Area { points, rgb: style.role.rgb(), opacity: style.opacity })
        };
        edges.windows(2).zip(heights).filter_map(bar).collect()
    }

    /// The cells with a number, then those without one and the strokes across them.
    fn cells(&self, [x, y]: [&[f64]; 2], values: &[f64], colours: &Colours, style: &Style) -> Vec<Shape> {
        let Area { left, top, right, bottom } = self.area;
        // whole pixels, so that neighbours meet without a seam
        let across: Vec<f64> = x.iter().map(|x| self.place_x(*x).clamp(left, right).round()).collect();
        let down: Vec<f64> = y.iter().map(|y| self.place_y(*y).clamp(top, bottom).round()).collect();
        let axis = colours.scaled(values, 2);
        let n_columns = x.len().saturating_sub(1).max(1);
        let (mut shown, mut missing, mut strokes) = (Vec::new(), Vec::new(), Vec::new());
        for (rows, values) in down.windows(2).zip(values.chunks(n_columns)) {
            for (columns, value) in across.windows(2).zip(values) {
                let ordered = |edges: &[f64]| [edges[0].min(edges[1]), edges[0].max(edges[1])];
                let ([left, right], [top, bottom]) = (ordered(columns), ordered(rows));
                // what lies outside of the panel, or between edges that have no place, has no size
                if !(right > left && bottom > top) {
                    continue;
                }
                let area = Area { left, top, right, bottom };
                let share = if value.is_finite() { axis.share(*value) } else { f64::NAN };
                match colours.rgb(share) {
                    Some(rgb) => shown.push((area, rgb)),
                    None => {
                        missing.push((area, style.role.rgb()));
                        strokes.push(vec![(left, bottom), (right, top)]);
                    }
                }
            }
        }
        let with = |cells, opacity| Shape::Cells { cells, opacity };
        let ink = Ink { width: style.width, ..ink(&Style::of(Role::Reference).dash(Dash::Solid)) };
        let shapes = [with(shown, 1.0), with(missing, style.opacity), Shape::Lines { pieces: strokes, ink }];
        let is_there = |shape: &Shape| match shape {
            Shape::Cells { cells, .. } => !cells.is_empty(),
            Shape::Lines { pieces, .. } => !pieces.is_empty(),
            _ => true,
        };
        shapes.into_iter().filter(is_there).collect()
    }
}

/// How a style draws lines.
pub(super) fn ink(style: &Style) -> Ink {
    Ink {
        rgb: style.role.rgb(),
        width: style.width,
        dash: style.dash.unwrap_or_else(|| style.role.dash()),
        opacity: style.opacity,
    }
}

fn lines(pieces: Vec<Vec<Point>>, style: &Style) -> Vec<Shape> {
    if pieces.is_empty() { Vec::new() } else { vec![Shape::Lines { pieces, ink: ink(style) }] }
}

/// The sample of a mark in a legend: `area` is its place.
pub(super) fn sample(mark: &Mark, area: Area) -> Shape {
    let style = mark.style();
    let (rgb, opacity) = (style.role.rgb(), style.opacity);
    let Area { left, top, right, bottom } = area;
    let middle = f64::midpoint(top, bottom);
    match mark {
        Mark::Band { .. } | Mark::Bars { .. } | Mark::Cells { .. } | Mark::Span { .. } => Shape::Area {
            points: vec![(left, top), (right, top), (right, bottom), (left, bottom)],
            rgb,
            opacity,
        },
        Mark::Points { .. } => Shape::Discs {
            centres: vec![(f64::midpoint(left, right), middle)],
            radius: style.width.max(3.0),
            rgb,
            opacity,
        },
        Mark::Ticks { .. } | Mark::Whiskers { .. } | Mark::Moment { .. } => {
            let x = f64::midpoint(left, right);
            let ink = Ink {
                dash: if matches!(mark, Mark::Moment { .. }) { ink(style).dash } else { Dash::Solid },
                ..ink(style)
            };
            Shape::Lines { pieces: vec![vec![(x, top - 1.0), (x, bottom + 1.0)]], ink }
        }
        Mark::Line { .. } | Mark::Step { .. } | Mark::Level { .. } => {
            let ink = Ink { width: style.width.max(1.8), ..ink(style) };
            Shape::Lines { pieces: vec![vec![(left, middle), (right, middle)]], ink }
        }
    }
}
