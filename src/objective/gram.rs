//! Gram matrices of the columns, intercept first.

use super::glm::column;
use super::{GlmObjective, Objective, Weight};
use crate::Result;
use crate::backend::{Backend, Beside, Cast, Every, Into};
use crate::math::dense::{Cholesky, Matrix, symmetric};

impl<B: Backend> GlmObjective<'_, B> {
    /// The flat Gram over some of the rows, and whether the columns stand in terms of others whose own Gram has no pivot below
    /// `least`: then single precision has lost nothing of what makes them differ.
    ///
    /// # Errors
    /// If the backend fails.
    pub fn flat_gram(&mut self, every: Every, least: f64) -> Result<(Matrix, bool)> {
        let mut gram = self.gram_of_blocks(every, Weight::Flat)?;
        if self.design.whitening.is_empty() {
            return Ok((gram, false));
        }
        let factor = Cholesky::new(&gram);
        let is_good = factor.is_some_and(|factor| factor.jitter() == 0.0 && factor.smallest_pivot() > least);
        self.in_terms_of_columns(&mut gram);
        Ok((gram, is_good))
    }

    /// The Gram of the columns, intercept first, from that of what stands for them.
    pub(super) fn in_terms_of_columns(&self, gram: &mut Matrix) {
        self.design.whitening.iter().for_each(|whitening| whitening.around(gram));
    }

    /// The Gram of the columns of the blocks, without the penalty.
    pub(super) fn gram_of_blocks(&mut self, every: Every, weight: Weight) -> Result<Matrix> {
        let p = self.n_parameters();
        let flat = vec![0.0; p];
        let (target, weighted) = match weight {
            // the weights come with the pointwise stage
            Weight::Flat if self.weights.is_some() && self.cast == Cast::RESPONSES => {
                (0, Some((&flat[..], Beside::One)))
            }
            Weight::Flat | Weight::One => (0, None),
            // the first response there
            Weight::Part(part) => (part * self.cast.n_responses, Some((&flat[..], Beside::One))),
            Weight::Point { target, at } => (target, Some((at, Beside::Curvature))),
        };
        let weighted = match weighted {
            Some((at, beside)) => Some((self.load(&column(at))?, [at[0]], beside)),
            None => None,
        };
        self.passes += 1;
        let sums = self.on.pass(self.sweep(every, &[target]), &[1, 1, p * p], &|work, rows| {
            self.design.stop.check()?;
            if let Some((loaded, intercept, beside)) = &weighted {
                self.forward(work, &rows, intercept, loaded, Into::Eta);
                self.on.pointwise(work, rows.clone(), self.model, self.observed(), *beside);
            }
            self.write(work, &rows);
            self.on.weighted_gram(work, rows, self.design.matrix(), weighted.is_none(), 2);
            Ok(())
        })?;
        let mut gram = symmetric(&sums[2], p, 1.0 / self.n_rows_of(every) as f64);
        self.without_intercept(&mut gram);
        Ok(gram)
    }

    /// Leaves nothing of an intercept that is no parameter but a 1, which a step of 0 belongs to.
    pub(super) fn without_intercept(&self, gram: &mut Matrix) {
        if !self.has_intercept {
            gram.row_mut(0).fill(0.0);
            gram.column_mut(0).fill(0.0);
            gram[(0, 0)] = 1.0;
        }
    }
}
