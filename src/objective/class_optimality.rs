//! What the certificate of a fit to classes needs: loss, gradient and optimality residual of every class at one point.

use super::{ClassObjective, Penalty};
use crate::Result;
use crate::backend::cpu::Storage;
use crate::backend::{Backend, Beside, Classes, Cpu, Every, Into};
use crate::math::contrasts::Contrasts;
use crate::math::dense::Matrix;

/// Loss, gradient and optimality residual at one point.
#[derive(Clone, Debug)]
pub struct ClassOptimality {
    /// Mean loss, its penalty included.
    pub loss: f64,
    /// Mean loss without the penalty.
    pub unpenalised: f64,
    /// Gradient with respect to the parameters of every class, shape (parameters, classes); where the penalty has kinks, what its
    /// best subgradient leaves of it.
    pub gradient: Matrix,
    /// As [`super::Optimality::kkt_residual`], the largest over columns and classes.
    pub kkt_residual: f64,
}

impl<T: Storage> ClassObjective<'_, Cpu<T>> {
    /// Loss, gradient and optimality residual at `at`, the parameters of every class, shape (1 + columns, classes), with this
    /// penalty on them.
    ///
    /// # Errors
    /// If the backend fails.
    pub fn optimality(&mut self, at: &Matrix, penalty: &Penalty) -> Result<ClassOptimality> {
        let every_class = Contrasts::none(self.contrasts.n_classes());
        let loaded = self.load(at, &every_class)?;
        let (p, n) = (self.of_block(), self.design.n_rows);
        let targets: Vec<usize> = (0..every_class.n_classes()).collect();
        let mut sizes = self.gradient_sums();
        let magnitudes = sizes.len();
        sizes.push(p);
        self.passes += 1;
        let sums = self.on.pass(self.sweep(Every::ROW, &targets), &sizes, &|work, rows| {
            self.design.stop.check()?;
            self.forward(work, &rows, &loaded, Into::Eta);
            self.on.pointwise_classes(work, rows.clone(), &every_class, self.observed(), Beside::Magnitude);
            self.backward(work, &rows);
            self.write(work, &rows);
            self.on.magnitudes(work, rows, self.design.matrix(), magnitudes);
            Ok(())
        })?;
        let all: Vec<f64> = at.columns().into_iter().flat_map(|column| column.to_vec()).collect();
        let mut gradient: Vec<f64> = targets.iter().flat_map(|&k| self.gradient_of(&sums, k, n)).collect();
        let own = penalty.subgradient(&all, &gradient);
        let mut terms = penalty.sizes(&all, &own);
        terms.resize(all.len(), 0.0);
        let mut kkt_residual: f64 = 0.0;
        gradient.iter_mut().zip(&own).for_each(|(g, own)| *g += own);
        for ((g, magnitude), size) in gradient.iter().zip(&sums[magnitudes]).zip(terms) {
            let ratio = if *g == 0.0 { 0.0 } else { (g * n as f64).abs() / (magnitude + n as f64 * size) };
            // a NaN must not vanish in a maximum
            kkt_residual = if ratio > kkt_residual || ratio.is_nan() { ratio } else { kkt_residual };
        }
        let unpenalised = sums[0][0] / n as f64;
        let loss = unpenalised + penalty.value(&all);
        Ok(ClassOptimality { loss, unpenalised, gradient: self.blocks(&gradient), kkt_residual })
    }
}
