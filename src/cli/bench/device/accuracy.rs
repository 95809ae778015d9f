//! Errors of a gradient against what was added up: near an optimum the gradient itself is no measure.
//!
//! ```text
//! ratio_j = |g_j - truth_j| / sum_i |x_ij| (mu_i + |r_i|)
//! ```
//!
//! with centred and scaled columns, in float64, at a point that is not the optimum. It is to be below 1e-6.

use rayon::prelude::*;

use super::dense::Data;
use super::evaluation::{Problem, Ready, Work};
use crate::Result;
use crate::backend::{Backend, Cpu};
use crate::design::DesignPlan;

/// The largest ratio.
pub(super) const EXACT: f64 = 1e-6;

/// A gradient in float64 and the sizes of its terms.
pub(super) struct Scale {
    /// Mean gradient, intercept first.
    truth: Vec<f64>,
    /// Mean sizes of what was added.
    sizes: Vec<f64>,
    /// The largest magnitude of a linear predictor.
    pub(super) farthest: f64,
}

impl Scale {
    /// Of a problem of one target.
    pub(super) fn of(problem: &Problem, data: &Data) -> Result<Self> {
        let truth = gradient(&Cpu::<f64>::default(), problem)?;
        let at = problem.at.column(0).to_vec();
        let plan = problem.plan;
        let n = plan.n_rows();
        let eta = predictors(plan, &at);
        let farthest = eta.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        let size_of = |(eta, &y): (&f64, &u8)| {
            let mu = eta.exp();
            mu + (mu - f64::from(y)).abs()
        };
        let weights: Vec<f64> = eta.iter().zip(data.y.column(0)).map(size_of).collect();
        let of_column = |j: usize| {
            let x = plan.standardised(j);
            x.iter().zip(&weights).map(|(x, weight)| x.abs() * weight).sum::<f64>() / n as f64
        };
        let mut sizes = vec![weights.iter().sum::<f64>() / n as f64];
        sizes.extend((0..plan.n_columns()).into_par_iter().map(of_column).collect::<Vec<f64>>());
        Ok(Self { truth, sizes, farthest })
    }

    /// The largest ratio of a backend.
    pub(super) fn ratio<B: Backend>(&self, on: &B, problem: &Problem) -> Result<f64> {
        let found = gradient(on, problem)?;
        let ratio = |((found, truth), size): ((&f64, &f64), &f64)| (found - truth).abs() / size;
        let ratios = found.iter().zip(&self.truth).zip(&self.sizes).map(ratio);
        Ok(ratios.fold(0.0, |a: f64, b| if b > a || b.is_nan() { b } else { a }))
    }
}

/// Linear predictors of all rows.
fn predictors(plan: &DesignPlan, at: &[f64]) -> Vec<f64> {
    let terms = |j: usize| {
        let mut x = plan.standardised(j);
        x.iter_mut().for_each(|x| *x *= at[1 + j]);
        x
    };
    let mut eta = vec![at[0]; plan.n_rows()];
    for j in 0..plan.n_columns() {
        eta.iter_mut().zip(terms(j)).for_each(|(eta, x)| *eta += x);
    }
    eta
}

fn gradient<B: Backend>(on: &B, problem: &Problem) -> Result<Vec<f64>> {
    let mut ready = Ready::new(on, problem)?;
    ready.run(Work::Gradient)?;
    Ok(ready.numbers(Work::Gradient)?.swap_remove(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objective::Packed;

    #[test]
    fn the_ratio_is_that_of_the_definition() {
        let data = Data::new([700, 3, 1]).unwrap();
        let plan = data.plan().unwrap();
        let y = Packed::new(data.y.view(), plan.rows());
        let problem = Problem::new(&plan, &y, vec![Work::Gradient]);
        let scale = Scale::of(&problem, &data).unwrap();
        assert_eq!(scale.ratio(&Cpu::<f64>::default(), &problem).unwrap(), 0.0);
        let single = scale.ratio(&Cpu::<f32>::default(), &problem).unwrap();
        assert!(single > 0.0 && single < EXACT, "{single:e}");
        // an error of one entry counts against its own terms
        let mut moved = scale;
        moved.truth[2] += 0.5 * moved.sizes[2];
        let ratio = moved.ratio(&Cpu::<f64>::default(), &problem).unwrap();
        assert!((ratio - 0.5).abs() < 1e-12, "{ratio}");
        // the gradient is the sum whose terms the sizes add up
        assert!(moved.truth[1].abs() <= moved.sizes[1] && moved.sizes[1] < 3.0 * moved.sizes[0]);
    }
}
