//! [`Mark`]: what is drawn in a panel, in the units of its axes, and [`Style`]: how.

use super::colours::Colours;
use super::palette::{Dash, Role};

/// How a mark looks and what the legend calls it.
#[derive(Clone, Debug, PartialEq)]
pub struct Style {
    /// What it stands for: decides colour and dash pattern.
    pub role: Role,
    /// Width of lines, pixels; radius of points.
    pub width: f64,
    /// Another pattern than that of the role.
    pub dash: Option<Dash>,
    /// 1 covers what lies below, 0 is invisible.
    pub opacity: f64,
    /// Its words in the legend; empty for none.
    pub label: String,
}

impl Style {
    /// The plain style of a role: lines of 1.8 pixels, opaque, not in the legend.
    pub fn of(role: Role) -> Self {
        Self { role, width: 1.8, dash: None, opacity: 1.0, label: String::new() }
    }

    /// The same, called `label` in the legend.
    #[must_use]
    pub fn label(self, label: impl Into<String>) -> Self {
        Self { label: label.into(), ..self }
    }

    /// The same with lines of `width` pixels.
    #[must_use]
    pub fn width(self, width: f64) -> Self {
        Self { width, ..self }
    }

    /// The same with another dash pattern.
    #[must_use]
    pub fn dash(self, dash: Dash) -> Self {
        Self { dash: Some(dash), ..self }
    }

    /// The same with another opacity.
    #[must_use]
    pub fn opacity(self, opacity: f64) -> Self {
        Self { opacity, ..self }
    }
}

/// Something drawn in a panel. Lists of one mark have one entry per point, where nothing else is said; what is
/// not finite is a gap.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// Points joined by straight lines.
    Line {
        /// Along x.
        x: Vec<f64>,
        /// Along y.
        y: Vec<f64>,
        /// How.
        style: Style,
    },
    /// Levels between edges: the outline of a histogram.
    Step {
        /// Edges, one more than levels.
        edges: Vec<f64>,
        /// Levels.
        y: Vec<f64>,
        /// How.
        style: Style,
    },
    /// The area between two curves, such as 95 % bands. An opacity near 0.25 leaves lines visible.
    Band {
        /// Along x.
        x: Vec<f64>,
        /// Lower curve.
        low: Vec<f64>,
        /// Upper curve.
        high: Vec<f64>,
        /// How.
        style: Style,
    },
    /// Discs of radius `style.width`.
    Points {
        /// Along x.
        x: Vec<f64>,
        /// Along y.
        y: Vec<f64>,
        /// How.
        style: Style,
    },
    /// Vertical strokes of one height: a row of spikes.
    Ticks {
        /// Along x.
        x: Vec<f64>,
        /// Lower and upper end of every stroke.
        y: [f64; 2],
        /// How.
        style: Style,
    },
    /// A vertical stroke per point: stems and error bars.
    Whiskers {
        /// Along x.
        x: Vec<f64>,
        /// Lower ends.
        low: Vec<f64>,
        /// Upper ends.
        high: Vec<f64>,
        /// How.
        style: Style,
    },
    /// Filled bars that stand on zero: a histogram.
    Bars {
        /// Edges, one more than heights.
        edges: Vec<f64>,
        /// Heights.
        heights: Vec<f64>,
        /// How.
        style: Style,
    },
    /// Cells of a rectangular grid, each with the colour of its number, and a bar beside the panel that says which
    /// colour is which number: a heat map. An axis from its last number to its first turns the grid around.
    Cells {
        /// Edges of the columns, one more than there are; equal steps where the columns are names, as those of
        /// [`crate::figure::Ticks::Named`].
        x: Vec<f64>,
        /// Edges of the rows, one more than there are.
        y: Vec<f64>,
        /// Numbers, row by row: those of the first row for all columns, then those of the next.
        values: Vec<f64>,
        /// How they become colours.
        colours: Colours,
        /// The cells without a finite number: crossed by a stroke, on this colour.
        style: Style,
    },
    /// A horizontal line through the panel.
    Level {
        /// Where on the y axis.
        y: f64,
        /// How.
        style: Style,
    },
    /// A vertical line through the panel.
    Moment {
        /// Where on the x axis.
        x: f64,
        /// How.
        style: Style,
    },
    /// An interval of the x axis, filled over the height of the panel.
    Span {
        /// Start and stop on the x axis.
        x: [f64; 2],
        /// How.
        style: Style,
    },
}

impl Mark {
    /// How it looks.
    pub fn style(&self) -> &Style {
        match self {
            Mark::Line { style, .. }
            | Mark::Step { style, .. }
            | Mark::Band { style, .. }
            | Mark::Points { style, .. }
            | Mark::Ticks { style, .. }
            | Mark::Whiskers { style, .. }
            | Mark::Bars { style, .. }
            | Mark::Cells { style, .. }
            | Mark::Level { style, .. }
            | Mark::Moment { style, .. }
            | Mark::Span { style, .. } => style,
        }
    }

    /// The numbers along x that an axis without a range should show. Spans and rules do not widen it.
    pub(super) fn along_x(&self) -> Vec<f64> {
        match self {
            Mark::Line { x, .. }
            | Mark::Band { x, .. }
            | Mark::Points { x, .. }
            | Mark::Ticks { x, .. }
            | Mark::Cells { x, .. }
            | Mark::Whiskers { x, .. } => x.clone(),
            Mark::Step { edges, .. } | Mark::Bars { edges, .. } => edges.clone(),
            Mark::Level { .. } | Mark::Moment { .. } | Mark::Span { .. } => Vec::new(),
        }
    }

    /// The numbers along y that an axis without a range should show. A level does count, so that it is seen.
    pub(super) fn along_y(&self) -> Vec<f64> {
        match self {
            Mark::Line { y, .. } | Mark::Step { y, .. } | Mark::Points { y, .. } | Mark::Cells { y, .. } => {
                y.clone()
            }
            Mark::Band { low, high, .. } | Mark::Whiskers { low, high, .. } => {
                [low.clone(), high.clone()].concat()
            }
            Mark::Ticks { y, .. } => y.to_vec(),
            Mark::Bars { heights, .. } => heights.iter().copied().chain([0.0]).collect(),
            Mark::Level { y, .. } => vec![*y],
            Mark::Moment { .. } | Mark::Span { .. } => Vec::new(),
        }
    }
}
