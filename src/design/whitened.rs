//! Columns in terms of others that are not correlated, for numbers that could not tell them apart.

use std::ops::Range;
use std::sync::Arc;

use super::placement::{Part, PartWriter};
use super::{Block, Column, Dense, Design, DesignPlan, Form};
use crate::Result;
use crate::backend::cpu::TILE_ROWS;
use crate::backend::{Backend, Costs};
use crate::math::real::Real;
use crate::math::whitening::Whitening;

impl<'a> DesignPlan<'a> {
    /// The same plan for [`DesignPlan::place_whitened`] on a device: all columns stay there if they fit, or none.
    #[must_use]
    pub fn whitened(&self, n_targets: usize, costs: &Costs) -> DesignPlan<'a> {
        let forms = self.forms(n_targets, costs);
        let are_alike = forms.iter().all(|form| *form == forms[0] && *form != Form::MatrixFree);
        let form = match (are_alike, self.fits_written(costs)) {
            // as a plan says
            (true, _) => forms.first().copied().unwrap_or(Form::Written),
            (false, true) => Form::Written,
            (false, false) => Form::Rewritten,
        };
        self.clone().with_forms(costs.backend, vec![form; self.sources.len()])
    }

    /// Places columns of the sources as others, `z` with `x = L z`: in `f64` until they are rounded to the numbers of the
    /// backend. All of them are written, or sent in every pass where they do not fit.
    ///
    /// # Errors
    /// If the backend refuses; [`crate::Error::Argument`] for a column that is not there.
    pub fn place_whitened<'p, B: Backend + 'p>(
        &'p self,
        on: &B,
        columns: &[usize],
        n_targets: usize,
        whitening: Whitening,
    ) -> Result<Design<'p, B>> {
        let (n_rows, n_columns, level) = (self.rows.len(), columns.len(), on.level());
        let columns: Vec<Column<'static>> = columns.iter().map(|&column| Column::Source(column)).collect();
        let parts: Vec<Part<'static, 'p>> = self
            .parts(&columns, &vec![Form::Written; self.sources.len()])?
            .into_iter()
            .map(|(_, part)| part)
            .collect();
        let stays = self.forms(n_targets, &on.costs()).iter().all(|form| *form == Form::Written);
        let x = if stays {
            let writers = Arc::new(self.writers::<f64>(&parts, level, false));
            let write = Written { plan: self, writers, n_columns, whitening: whitening.clone() };
            on.matrix(n_rows, n_columns, &|rows, tiles| write.rows(&rows, tiles))?
        } else {
            let writers = Arc::new(self.writers::<f64>(&parts, level, true));
            // all columns are asked for
            let write = Written { plan: self, writers, n_columns, whitening: whitening.clone() };
            let rough = write.clone();
            let write =
                move |rows: Range<usize>, _: Range<usize>, tiles: &mut [B::Scalar]| write.rows(&rows, tiles);
            let rough =
                move |rows: Range<usize>, _: Range<usize>, tiles: &mut [f32]| rough.rows(&rows, tiles);
            on.rewritten(n_rows, n_columns, n_columns, Arc::new(write), Arc::new(rough))?
        };
        let blocks = vec![Box::new(Dense::new(x, n_columns)) as Box<dyn Block<'p, B> + 'p>];
        Ok(Design {
            blocks,
            n_rows,
            whitening: vec![whitening.moved(1)],
            stop: self.stop.clone(),
            limit_bytes: self.limit_bytes,
        })
    }
}

/// What writes rows of columns in terms of others.
#[derive(Clone)]
struct Written<'p, 'd> {
    plan: &'p DesignPlan<'d>,
    writers: Arc<Vec<(usize, PartWriter<'static, 'p, f64>)>>,
    n_columns: usize,
    whitening: Whitening,
}

impl Written<'_, '_> {
    /// Writes rows into tiles.
    fn rows<T: Real>(&self, rows: &Range<usize>, tiles: &mut [T]) {
        let mut exact = vec![0.0; tiles.len()];
        self.plan.write_with(&self.writers, rows, &mut exact, self.n_columns);
        for tile in exact.chunks_mut(TILE_ROWS * self.n_columns.max(1)) {
            self.whitening.inverse_of_columns(tile, TILE_ROWS);
        }
        tiles.iter_mut().zip(exact).for_each(|(to, z)| *to = T::from_f64(z));
    }
}
