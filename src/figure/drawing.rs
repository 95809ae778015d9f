//! [`Drawing`]: rows of [`Panel`]s, as SVG or PNG.

use super::axis::Axis;
use super::canvas;
use super::layout::shapes;
use super::mark::Mark;
use crate::Result;

/// Panels in rows, one below the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// From top to bottom.
    pub rows: Vec<Row>,
    /// Width of the whole, pixels; the height follows from the rows.
    pub width_px: f64,
    /// Whether the panels above each other have one x axis: one range, numbers only at the lowest.
    pub shares_x: bool,
    /// Whether the panels beside each other have one y axis: one range, numbers only at the first.
    pub shares_y: bool,
    /// What it shows in one line, for readers who cannot see it.
    pub description: String,
}

/// Panels side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// From left to right.
    pub panels: Vec<Panel>,
    /// Height of the axes, pixels, without labels.
    pub height_px: f64,
    /// Places for panels, at least as many as there are panels; the last ones may stay free.
    pub n_places: usize,
}

/// Two axes and what is drawn between them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Panel {
    /// A line above it; empty for none.
    pub title: String,
    /// Horizontal.
    pub x: Axis,
    /// Vertical.
    pub y: Axis,
    /// The later ones lie on the earlier ones.
    pub marks: Vec<Mark>,
    /// Where the labels of its marks are explained.
    pub legend: Legend,
}

/// Where the labels of marks are explained. Never inside of the axes, where a legend would hide data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Legend {
    /// At the top of the drawing, together with those of other panels, each label once.
    #[default]
    Shared,
    /// Above the panel.
    Above,
}

impl Drawing {
    /// A drawing of rows, 900 pixels wide.
    pub fn new(rows: Vec<Row>) -> Self {
        Self { rows, width_px: 900.0, shares_x: false, shares_y: false, description: String::new() }
    }

    /// Panels in a grid of `n_columns`, each `height_px` pixels high, filled row by row.
    pub fn grid(panels: Vec<Panel>, n_columns: usize, height_px: f64) -> Self {
        let n_columns = n_columns.clamp(1, panels.len().max(1));
        let mut rows = Vec::new();
        let mut panels = panels.into_iter().peekable();
        while panels.peek().is_some() {
            rows.push(Row {
                panels: panels.by_ref().take(n_columns).collect(),
                height_px,
                n_places: n_columns,
            });
        }
        Self::new(rows)
    }

    /// The same with one x axis per column.
    #[must_use]
    pub fn shares_x(self) -> Self {
        Self { shares_x: true, ..self }
    }

    /// The same with one y axis per row.
    #[must_use]
    pub fn shares_y(self) -> Self {
        Self { shares_y: true, ..self }
    }

    /// An `<svg>` element that scales with its container. It has no `id`, so that many fit on one page, and names
    /// usual fonts instead of carrying one. Coordinates have two decimals.
    pub fn svg(&self) -> String {
        let (shapes, height_px) = shapes(self);
        canvas::svg(&shapes, self.width_px, height_px, &self.description)
    }

    /// A PNG image of `scale` dots per pixel.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] when the image would be too large to be made.
    pub fn png(&self, scale: f64) -> Result<Vec<u8>> {
        let (shapes, height_px) = shapes(self);
        canvas::png(&shapes, self.width_px, height_px, scale)
    }
}

impl Row {
    /// Panels side by side, `height_px` pixels high.
    pub fn new(height_px: f64, panels: Vec<Panel>) -> Self {
        let n_places = panels.len();
        Self { panels, height_px, n_places }
    }
}

impl Panel {
    /// A panel without title or marks.
    pub fn new(x: Axis, y: Axis) -> Self {
        Self { x, y, ..Self::default() }
    }

    /// The same with a title.
    #[must_use]
    pub fn title(self, title: impl Into<String>) -> Self {
        Self { title: title.into(), ..self }
    }

    /// The same with one more mark on top.
    #[must_use]
    pub fn with(mut self, mark: Mark) -> Self {
        self.marks.push(mark);
        self
    }

    /// The same with its legend there.
    #[must_use]
    pub fn legend(self, legend: Legend) -> Self {
        Self { legend, ..self }
    }
}
