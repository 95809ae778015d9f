//! Columns in terms of others that are not correlated, for numbers that could not tell them apart.

use std::ops::Range;
use std::sync::Arc;

use super::placement::Part;
use super::{Block, Column, Dense, Design, DesignPlan, Form};
use crate::Result;
use crate::backend::Backend;
use crate::backend::cpu::TILE_ROWS;
use crate::math::real::Real;
use crate::math::whitening::Whitening;

impl DesignPlan<'_> {
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
        let own = whitening.clone();
        let rounded = move |mut exact: Vec<f64>, tiles: &mut [B::Scalar]| {
            for tile in exact.chunks_mut(TILE_ROWS * n_columns.max(1)) {
                own.inverse_of_columns(tile, TILE_ROWS);
            }
            tiles.iter_mut().zip(exact).for_each(|(to, z)| *to = B::Scalar::from_f64(z));
        };
        let stays = self.forms(n_targets, &on.costs()).iter().all(|form| *form == Form::Written);
        let x = if stays {
            let writers = self.writers::<f64>(&parts, level);
            on.matrix(n_rows, n_columns, &|rows: Range<usize>, tiles: &mut [B::Scalar]| {
                let mut exact = vec![0.0; tiles.len()];
                self.write_with(&writers, &rows, &mut exact, n_columns);
                rounded(exact, tiles);
            })?
        } else {
            // all columns are asked for, and none for magnitudes
            let write = move |rows: Range<usize>, _: Range<usize>, tiles: &mut [B::Scalar]| {
                let mut exact = vec![0.0; tiles.len()];
                self.write_with(&self.writers(&parts, level), &rows, &mut exact, n_columns);
                rounded(exact, tiles);
            };
            on.rewritten(n_rows, n_columns, n_columns, Arc::new(write), Arc::new(|_, _, _: &mut [f32]| {}))?
        };
        let blocks = vec![Box::new(Dense::new(x, n_columns)) as Box<dyn Block<'p, B> + 'p>];
        Ok(Design { blocks, n_rows, whitening: vec![whitening] })
    }
}
