//! What the certificate needs: loss, gradient and optimality residual at one point.

use super::{GlmObjective, Objective};
use crate::Result;
use crate::backend::cpu::Storage;
use crate::backend::{Backend, Beside, Cpu, Every, Into};
use crate::math::dense::Matrix;

/// One target at one point.
#[derive(Clone, Debug)]
pub struct Optimality {
    /// Mean loss, its penalty included.
    pub loss: f64,
    /// Mean loss without the penalty.
    pub unpenalised: f64,
    /// Mean gradient, intercept first; where the penalty has kinks, what its best subgradient leaves of it.
    pub gradient: Vec<f64>,
    /// `max_j |sum_i c_ij r_i + n p_j| / (sum_i |c_ij| m_i + n |p_j|)`, `p` the gradient of the penalty (at a kink the
    /// subgradient that makes the numerator smallest; for `|p_j|` the magnitudes of the terms that it is the sum of), 0/0 being 0. Numerators are `f64`; of several
    /// targets, and of a matrix that lies in single precision or nowhere, the denominators are good to six digits.
    pub kkt_residual: f64,
    /// Rows in which the magnitude is below the limit that was asked about.
    pub n_faint: f64,
}

impl<T: Storage> GlmObjective<'_, Cpu<T>> {
    /// Loss, gradient and optimality residual of the given targets at `at` (1 + columns, targets), and the rows whose
    /// magnitude (of counts `mu + |mu - y|`) is below `faint`, one limit per target.
    ///
    /// # Errors
    /// If the backend fails.
    pub fn optimality(&mut self, at: &Matrix, targets: &[usize], faint: &[f64]) -> Result<Vec<Optimality>> {
        let intercepts = at.row(0).to_vec();
        let loaded = self.load(at)?;
        let p = self.n_parameters();
        let mut sizes = self.gradient_sums();
        let magnitudes = sizes.len();
        sizes.extend([p, 1]);
        self.passes += 1;
        let sums = self.on.pass(self.sweep(Every::ROW, targets), &sizes, &|work, rows| {
            self.design.stop.check()?;
            self.forward(work, &rows, &intercepts, &loaded, Into::Eta);
            self.on.pointwise(work, rows.clone(), self.model, self.observed(), Beside::Magnitude);
            self.backward(work, &rows);
            self.write(work, &rows);
            self.on.magnitudes(work, rows, self.design.matrix(), magnitudes);
            self.on.faint(work, faint, magnitudes + 1);
            Ok(())
        })?;
        let n = self.design.n_rows;
        let of_target = |k: usize| {
            let at = at.column(k).to_vec();
            let mut gradient = self.gradient_of(&sums, k, n);
            let mut below = sums[magnitudes][k * p..(k + 1) * p].to_vec();
            let penalty = self.penalty_of(targets[k]);
            let own = penalty.subgradient(&at, &gradient);
            let sizes = penalty.sizes(&at, &own);
            for ((g, m), (own, size)) in gradient.iter_mut().zip(&mut below).zip(own.iter().zip(sizes)) {
                *g += own;
                *m += n as f64 * size;
            }
            let ratio = |(&g, &m): (&f64, &f64)| if g == 0.0 { 0.0 } else { (g * n as f64).abs() / m };
            // a NaN must not vanish in a maximum
            let kkt_residual = gradient
                .iter()
                .zip(&below)
                .map(ratio)
                .fold(0.0, |a: f64, b| if b > a || b.is_nan() { b } else { a });
            let n_faint = sums[magnitudes + 1][k];
            let unpenalised = sums[0][k] / n as f64;
            let loss = unpenalised + penalty.value(&at);
            Optimality { loss, unpenalised, gradient, kkt_residual, n_faint }
        };
        Ok((0..targets.len()).map(of_target).collect())
    }
}
