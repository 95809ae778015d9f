//! [`Colours`]: how the numbers of cells become colours, and the bar beside a panel that explains them.

use super::axis::{Axis, Scaled, Ticks, range_of, scaled};
use super::canvas::{Anchor, Ink, Shape};
use super::clip::Area;
use super::layout::{LABEL, LINE, TICK, TICK_MARK, label_lines, number_width};
use super::mark::Mark;
use super::palette::{Dash, INK, Rgb, diverging, ramp};

/// Between a panel and its bar, and width of the bar, pixels.
const BAR: [f64; 2] = [14.0, 16.0];
/// Cells of a bar.
const STEPS: usize = 64;

/// How numbers become colours.
#[derive(Clone, Debug, PartialEq)]
pub struct Colours {
    /// What the numbers are, with unit, range and scale: the axis of the bar. Without a range it holds all finite
    /// numbers; what lies outside of a given one has the colour of its nearer end.
    pub axis: Axis,
    /// From which colour to which.
    pub gradient: Gradient,
}

/// From which colour to which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gradient {
    /// Dark to light, for what has one sign or none.
    #[default]
    Sequential,
    /// Blue below zero, white at zero, vermilion above: the range reaches equally far to both sides of zero.
    Diverging,
}

impl Colours {
    /// Dark to light along this axis.
    pub fn sequential(axis: Axis) -> Self {
        Self { axis, gradient: Gradient::Sequential }
    }

    /// Blue to vermilion around zero along this axis.
    pub fn diverging(axis: Axis) -> Self {
        Self { axis, gradient: Gradient::Diverging }
    }

    /// The range of the bar for these numbers.
    pub(super) fn range(&self, values: &[f64]) -> [f64; 2] {
        let finite = values.iter().copied();
        match self.gradient {
            Gradient::Sequential => range_of(&self.axis, finite, false),
            Gradient::Diverging => {
                let given = self.axis.range.map_or_else(|| values.to_vec(), |range| range.to_vec());
                let largest =
                    given.iter().filter(|v| v.is_finite()).fold(0.0_f64, |most, v| most.max(v.abs()));
                let largest = if largest > 0.0 { largest } else { 1.0 };
                [-largest, largest]
            }
        }
    }

    /// The axis of the bar for these numbers, of at most `most` ticks.
    pub(super) fn scaled(&self, values: &[f64], most: usize) -> Scaled {
        // zero is no place of a logarithmic scale
        let is_even = self.gradient == Gradient::Diverging;
        let axis = if is_even {
            Axis { scale: super::Scale::Linear, ..self.axis.clone() }
        } else {
            self.axis.clone()
        };
        scaled(&axis, self.range(values), most)
    }

    /// The colour at a share of the way along the bar; `None` for what is not finite.
    pub(super) fn rgb(&self, share: f64) -> Option<Rgb> {
        let share = (!share.is_nan()).then(|| share.clamp(0.0, 1.0))?;
        Some(match self.gradient {
            Gradient::Sequential => ramp(share),
            Gradient::Diverging => diverging(2.0 * share - 1.0),
        })
    }
}

/// The bar of the first cells among marks: its axis beside a panel of this height.
pub(super) fn bar(marks: &[Mark], height: f64) -> Option<(&Colours, Scaled)> {
    marks.iter().find_map(|mark| match mark {
        Mark::Cells { values, colours, .. } => {
            let most = (height / 30.0).clamp(2.0, 8.0) as usize;
            Some((colours, colours.scaled(values, most)))
        }
        _ => None,
    })
}

/// The space of the bar at the right of a panel, pixels; 0 without one.
pub(super) fn bar_space(marks: &[Mark], height: f64) -> f64 {
    bar(marks, height).map_or(0.0, |(_, axis)| {
        let lines = if axis.label.is_empty() { 0 } else { label_lines(&axis, height).len() };
        BAR.iter().sum::<f64>()
            + number_width(&axis)
            + lines as f64 * LINE
            + if lines > 0 { 8.0 } else { 0.0 }
    })
}

/// Draws the bar beside the box of a panel.
pub(super) fn draw_bar(marks: &[Mark], area: &Area, shapes: &mut Vec<Shape>) {
    let Some((colours, axis)) = bar(marks, area.height()) else { return };
    let (left, right) = ((area.right + BAR[0]).round(), (area.right + BAR[0] + BAR[1]).round());
    let edge = |step: usize| (area.bottom - area.height() * step as f64 / STEPS as f64).round();
    let cell = |step: usize| {
        let rgb = colours.rgb((step as f64 + 0.5) / STEPS as f64)?;
        Some((Area { left, top: edge(step + 1), right, bottom: edge(step) }, rgb))
    };
    shapes.push(Shape::Cells { cells: (0..STEPS).filter_map(cell).collect(), opacity: 1.0 });
    let mut pieces = vec![vec![(right, area.bottom), (right, area.top)]];
    for (at, word) in &axis.ticks {
        let y = area.bottom - axis.share(*at) * area.height();
        pieces.push(vec![(right, y), (right + TICK_MARK, y)]);
        let at = (right + TICK_MARK + 5.0, y + 5.5);
        shapes.push(Shape::Text {
            at,
            words: word.clone(),
            size: TICK,
            anchor: Anchor::Start,
            upwards: false,
            bold: false,
        });
    }
    shapes.push(Shape::Lines { pieces, ink: Ink { rgb: INK, width: 1.0, dash: Dash::Solid, opacity: 1.0 } });
    if colours.axis.label.is_empty() && colours.axis.unit.is_empty() {
        return;
    }
    let numbers = if colours.axis.ticks == Ticks::Hidden { 4.0 } else { number_width(&axis) };
    for (line, words) in label_lines(&axis, area.height()).into_iter().enumerate() {
        let at = (right + numbers + 20.0 + line as f64 * LINE, f64::midpoint(area.top, area.bottom));
        shapes.push(Shape::Text {
            at,
            words,
            size: LABEL,
            anchor: Anchor::Middle,
            upwards: true,
            bold: false,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{Axis, Colours};
    use crate::figure::palette::WHITE;

    #[test]
    fn a_diverging_range_is_even_around_zero_and_white_there() {
        let colours = Colours::diverging(Axis::new("gain", ""));
        assert_eq!(colours.range(&[-0.5, f64::NAN, 2.0]), [-2.0, 2.0]);
        assert_eq!(colours.range(&[f64::NAN, 0.0]), [-1.0, 1.0], "nothing to show is no empty range");
        let given = Colours::diverging(Axis::new("gain", "").range(-3.0, 1.0));
        assert_eq!(given.range(&[9.0]), [-3.0, 3.0]);
        let axis = colours.scaled(&[-0.5, 2.0], 5);
        assert_eq!(colours.rgb(axis.share(0.0)), Some(WHITE));
        assert_eq!(colours.rgb(axis.share(f64::NAN)), None);
        assert_eq!(colours.rgb(axis.share(7.0)), colours.rgb(1.0), "held at the nearer end");
        let ([low, _, blue], [red, _, high]) = (colours.rgb(0.2).unwrap(), colours.rgb(0.8).unwrap());
        assert!(blue > low && red > high);
    }

    #[test]
    fn a_sequential_range_is_that_of_the_numbers() {
        let colours = Colours::sequential(Axis::new("rate", "Hz"));
        assert_eq!(colours.range(&[f64::INFINITY, 1.0, f64::NAN, 4.0]), [1.0, 4.0]);
        let log = Colours::sequential(Axis::new("rate", "Hz").log());
        let axis = log.scaled(&[0.0, 1.0, 100.0], 5);
        assert!(log.rgb(axis.share(-1.0)).is_none(), "below zero has no place on a logarithmic scale");
        assert_eq!(log.rgb(axis.share(10.0)), log.rgb(0.5));
    }
}
