//! Trial steps of classes along a direction.

use std::ops::Range;

use super::ClassObjective;
use super::classes::Loaded;
use super::line::parts;
use crate::Result;
use crate::backend::{Classes, Every, Into};

/// A point and a direction on the backend.
pub(super) struct Aimed<B: Classes> {
    pub(super) at: Loaded<B>,
    pub(super) direction: Loaded<B>,
    /// Both, for the penalty.
    pub(super) ends: [Vec<f64>; 2],
    pub(super) line: Option<B::Line>,
}

impl<B: Classes> ClassObjective<'_, B> {
    /// Shows the line to `look`, part by part.
    pub(super) fn along(&mut self, mut look: impl FnMut(&Self, &B::Line) -> Result<()>) -> Result<()> {
        let Some(aimed) = &self.aimed else { return Ok(()) };
        if let Some(line) = &aimed.line {
            return look(self, line);
        }
        for rows in self.parts() {
            look(self, &self.trace(aimed, rows)?)?;
        }
        self.passes += 1;
        Ok(())
    }

    pub(super) fn parts(&self) -> Vec<Range<usize>> {
        parts(self.design.n_rows, self.contrasts.n_free(), self.design.grain(), self.line_sizes)
    }

    pub(super) fn trace(&self, aimed: &Aimed<B>, rows: Range<usize>) -> Result<B::Line> {
        let targets: Vec<usize> = (0..self.contrasts.n_free()).collect();
        self.on.trace(self.sweep(Every::ROW, &targets), rows, &|work, rows| {
            self.design.stop.check()?;
            self.forward(work, &rows, &aimed.at, Into::Eta);
            self.forward(work, &rows, &aimed.direction, Into::Direction);
            Ok(())
        })
    }
}
