//! The metric that all targets share: what the Hessian of each would be if no feature had an effect.

use crate::math::dense::{Cholesky, Matrix, symmetric_eigen};
use crate::objective::Penalty;
use crate::observation::Null;

/// The flat Gram `[1 X]ᵀ[1 X]/n` and each penalty, factored, and each target's null model.
///
/// The Hessian of target t at no effect is `M_t = c_t G + P`, with its null curvature `c_t`, the Gram `G` and the Hessian `P`
/// of the penalty. Without one all are multiples of `G`. With one, `B = G + P/c` of any curvature `c` is factored, `B =
/// L Lᵀ`, and `L⁻¹ P L⁻ᵀ / c = Q diag(s) Qᵀ` found once: `M_t = L Q diag(c_t (1 - s) + c s) Qᵀ Lᵀ` for every target, where `s`
/// is the part of the penalty in a direction, between 0 and 1. A target alone is factored with its own `c`.
#[derive(Debug)]
pub struct Metric {
    /// One for each penalty.
    factored: Vec<Factored>,
    /// Null model of each target.
    pub nulls: Vec<Null>,
}

/// The Gram with one penalty.
#[derive(Debug)]
struct Factored {
    /// Factor of `G`, or of `B`.
    factor: Cholesky,
    /// What targets of other curvatures need.
    parts: Option<Parts>,
}

/// Directions in which Gram and penalty are both diagonal.
#[derive(Debug)]
struct Parts {
    /// `c`.
    curvature: f64,
    /// `Q`.
    directions: Matrix,
    /// `s`.
    shares: Vec<f64>,
}

impl Metric {
    /// Factors the flat Gram of targets with these null models. `None` if numbers are not finite.
    pub fn new(gram: Matrix, penalty: &Penalty, nulls: Vec<Null>) -> Option<Self> {
        Self::of_each(&[gram], std::slice::from_ref(penalty), nulls)
    }

    /// The same for targets with several Grams and penalties, one or more of both: for every penalty the targets of the first Gram come
    /// before those of the next, as many of each.
    pub fn of_each(grams: &[Matrix], penalties: &[Penalty], nulls: Vec<Null>) -> Option<Self> {
        let n_sets = grams.len() * penalties.len();
        let of_set = |k: usize| {
            let alone = (n_sets == nulls.len()).then(|| &nulls[k]);
            Factored::new(grams[k % grams.len()].clone(), &penalties[k / grams.len()], alone)
        };
        let factored = (0..n_sets).map(of_set).collect::<Option<_>>()?;
        Some(Self { factored, nulls })
    }

    /// The smallest squared pivot of what was factored, 0 if it had to be changed; see [`Cholesky::smallest_pivot`].
    pub fn smallest_pivot(&self) -> f64 {
        let pivots =
            self.factored.iter().map(
                |Factored { factor, .. }| {
                    if factor.jitter() == 0.0 { factor.smallest_pivot() } else { 0.0 }
                },
            );
        pivots.fold(f64::INFINITY, f64::min)
    }

    fn factored(&self, target: usize) -> &Factored {
        &self.factored[target * self.factored.len() / self.nulls.len()]
    }

    /// `M⁻¹ g` with the target's estimated Hessian `M`.
    pub fn step(&self, target: usize, gradient: &[f64]) -> Vec<f64> {
        let own = self.nulls[target].curvature;
        let Factored { factor, parts } = self.factored(target);
        let Some(parts) = parts else {
            let mut step = factor.solve(gradient);
            step.iter_mut().for_each(|d| *d /= own);
            return step;
        };
        let mut along = parts.directions.t().dot(&ndarray::Array1::from(factor.half_solve(gradient)));
        for (along, share) in along.iter_mut().zip(&parts.shares) {
            *along /= own * (1.0 - share) + parts.curvature * share;
        }
        factor.half_solve_transposed(&parts.directions.dot(&along).to_vec())
    }

    /// `dᵀ G d`, or that of the target's `B`.
    pub(super) fn form(&self, target: usize, direction: &[f64]) -> f64 {
        self.factored(target).factor.form(direction)
    }
}

impl Factored {
    /// For several targets, or for the one with this null model.
    fn new(mut gram: Matrix, penalty: &Penalty, alone: Option<&Null>) -> Option<Self> {
        if penalty.is_flat() {
            return Some(Self { factor: Cholesky::new(&gram)?, parts: None });
        }
        // what is shared must not depend on which targets there are
        let curvature = alone.filter(|null| !null.is_silent).map_or(1.0, |null| null.curvature);
        penalty.add_to(&mut gram, 1.0 / curvature);
        let factor = Cholesky::new(&gram)?;
        let parts = if alone.is_some() { None } else { Some(Parts::new(&factor, penalty, curvature)?) };
        Some(Self { factor, parts })
    }
}

impl Parts {
    fn new(factor: &Cholesky, penalty: &Penalty, curvature: f64) -> Option<Self> {
        let p = factor.len();
        let unit = |k: usize| -> Vec<f64> { (0..p).map(|j| f64::from(u8::from(j == k))).collect() };
        // columns of L⁻ᵀ, whose products by the penalty are those that are wanted
        let inverse: Vec<Vec<f64>> = (0..p).map(|k| factor.half_solve_transposed(&unit(k))).collect();
        let product = |(i, j): (usize, usize)| penalty.product(&inverse[i], &inverse[j]) / curvature;
        let (shares, directions) = symmetric_eigen(&Matrix::from_shape_fn((p, p), product))?;
        let shares = shares.into_iter().map(|share| share.clamp(0.0, 1.0)).collect();
        Some(Self { curvature, directions, shares })
    }
}
