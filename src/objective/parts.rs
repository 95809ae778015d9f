//! Parts of the rows, each of which every response is fitted to: as weights, so that one pass over all rows serves fits to all
//! parts.

use std::sync::Arc;

use crate::Result;
use crate::backend::Backend;
use crate::backend::cpu::TILE_ROWS;
use crate::design::{DesignPlan, Rows};
use crate::math::real::Real;

/// Parts of the used rows of a plan.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The rows of each, all of them rows that the plan uses.
    pub rows: Arc<Vec<Rows>>,
    /// Every response is fitted to every part so many times, with as many penalties.
    pub n_penalties: usize,
}

impl Parts {
    /// Brings to a backend what every used row counts for in every part, shape (rows, parts): its weight in parts of the mean over
    /// all used rows that the weights of the part have, so that sums over all rows are to be divided by their number.
    ///
    /// # Errors
    /// If the backend refuses.
    pub(super) fn place<'b, B: Backend + 'b>(&self, on: &B, plan: &DesignPlan) -> Result<B::Array<'b>> {
        let all = plan.rows();
        let members: Vec<Vec<bool>> = self.rows.iter().map(|own| members(all, own)).collect();
        let weight = |row: usize| plan.weights().map_or(1.0, |weights| weights.get(row));
        let factor = |own: &Rows| all.len() as f64 / plan.total_weight_of(own);
        let factors: Vec<f64> = self.rows.iter().map(factor).collect();
        let n_parts = self.rows.len();
        on.response(all.len(), n_parts, &|span, out| {
            for (first, tile) in span.clone().step_by(TILE_ROWS).zip(out.chunks_mut(TILE_ROWS * n_parts)) {
                let used = first..span.end.min(first + TILE_ROWS);
                for ((out, members), factor) in tile.chunks_mut(TILE_ROWS).zip(&members).zip(&factors) {
                    let rows = all.some(used.clone()).zip(&members[used.clone()]);
                    out.iter_mut().zip(rows).for_each(|(out, (row, is_member))| {
                        *out = B::Scalar::from_f64(if *is_member { weight(row) * factor } else { 0.0 });
                    });
                }
            }
        })
    }
}

/// Which of these rows, ascending, are among the others.
fn members(all: &Rows, own: &Rows) -> Vec<bool> {
    let mut own = own.iter().peekable();
    let is_member = |row: usize| {
        while own.next_if(|own| *own < row).is_some() {}
        own.next_if_eq(&row).is_some()
    };
    all.iter().map(is_member).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_among_others() {
        let all = Rows::from_ranges([0..3, 5..8]);
        let own: Rows = [1, 2, 4, 7].into_iter().collect();
        assert_eq!(members(&all, &own), [false, true, true, false, false, true]);
        assert_eq!(members(&all, &(0..0).into()), [false; 6]);
    }
}
