//! The metric that all targets share: what the Hessian of each would be if no feature had an effect.

use std::sync::{Arc, OnceLock};

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
    /// One for each set of targets with the same Gram and penalty.
    factored: Vec<Arc<Factored>>,
    /// Null model of each target.
    pub nulls: Vec<Null>,
}

/// The Gram with one penalty.
#[derive(Debug)]
struct Factored {
    /// Factor of `G`, or of `B`.
    factor: Cholesky,
    /// What targets of other curvatures need.
    shared: Option<Shared>,
}

/// Of a Gram with a penalty that several targets have.
#[derive(Debug)]
struct Shared {
    penalty: Penalty,
    /// `c`.
    curvature: f64,
    /// Once a step is wanted.
    directions: OnceLock<Option<Directions>>,
}

/// Directions in which Gram and penalty are both diagonal.
#[derive(Debug)]
struct Directions {
    /// `Q`.
    directions: Matrix,
    /// `s`.
    shares: Vec<f64>,
}

impl Metric {
    /// Factors the flat Gram of targets with these null models. `None` if numbers are not finite.
    pub fn new(gram: Matrix, penalty: &Penalty, nulls: Vec<Null>) -> Option<Self> {
        Self::of_sets(&[(&gram, penalty)], nulls)
    }

    /// The same for sets of targets, one after the other and of one size, each with its Gram and penalty.
    pub fn of_sets(sets: &[(&Matrix, &Penalty)], nulls: Vec<Null>) -> Option<Self> {
        let mut factored: Vec<Arc<Factored>> = Vec::with_capacity(sets.len());
        for (k, (gram, penalty)) in sets.iter().enumerate() {
            // without squares a penalty leaves the Gram as it is
            let is_same = |(other, of): &(&Matrix, &Penalty)| std::ptr::eq(*other, *gram) && of.is_flat();
            let same = if penalty.is_flat() { sets[..k].iter().position(is_same) } else { None };
            factored.push(match same {
                Some(same) => Arc::clone(&factored[same]),
                None => {
                    let alone = (sets.len() == nulls.len()).then(|| &nulls[k]);
                    Arc::new(Factored::new((*gram).clone(), penalty, alone)?)
                }
            });
        }
        Some(Self { factored, nulls })
    }

    /// The smallest squared pivot of what was factored, 0 if it had to be changed; see [`Cholesky::smallest_pivot`].
    pub fn smallest_pivot(&self) -> f64 {
        let pivot = |own: &Arc<Factored>| {
            if own.factor.jitter() == 0.0 { own.factor.smallest_pivot() } else { 0.0 }
        };
        self.factored.iter().map(pivot).fold(f64::INFINITY, f64::min)
    }

    fn factored(&self, target: usize) -> &Factored {
        &self.factored[target * self.factored.len() / self.nulls.len()]
    }

    /// `M⁻¹ g` with the target's estimated Hessian `M`.
    pub fn step(&self, target: usize, gradient: &[f64]) -> Vec<f64> {
        let own = self.nulls[target].curvature;
        let Factored { factor, shared } = self.factored(target);
        let found = shared.as_ref().and_then(|shared| Some((shared, shared.directions(factor)?)));
        let Some((Shared { curvature, .. }, Directions { directions, shares })) = found else {
            let mut step = factor.solve(gradient);
            step.iter_mut().for_each(|d| *d /= own);
            return step;
        };
        let mut along = directions.t().dot(&ndarray::Array1::from(factor.half_solve(gradient)));
        for (along, share) in along.iter_mut().zip(shares) {
            *along /= own * (1.0 - share) + curvature * share;
        }
        factor.half_solve_transposed(&directions.dot(&along).to_vec())
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
            return Some(Self { factor: Cholesky::new(&gram)?, shared: None });
        }
        // what is shared must not depend on which targets there are
        let curvature = alone.filter(|null| !null.is_silent).map_or(1.0, |null| null.curvature);
        penalty.add_to(&mut gram, 1.0 / curvature);
        let factor = Cholesky::new(&gram)?;
        let shared = Shared { penalty: penalty.clone(), curvature, directions: OnceLock::new() };
        Some(Self { factor, shared: alone.is_none().then_some(shared) })
    }
}

impl Shared {
    /// `None` if numbers are not finite.
    fn directions(&self, factor: &Cholesky) -> Option<&Directions> {
        let found = || Directions::new(factor, &self.penalty, self.curvature);
        self.directions.get_or_init(found).as_ref()
    }
}

impl Directions {
    fn new(factor: &Cholesky, penalty: &Penalty, curvature: f64) -> Option<Self> {
        let p = factor.len();
        let unit = |k: usize| -> Vec<f64> { (0..p).map(|j| f64::from(u8::from(j == k))).collect() };
        // columns of L⁻ᵀ, whose products by the penalty are those that are wanted
        let inverse: Vec<Vec<f64>> = (0..p).map(|k| factor.half_solve_transposed(&unit(k))).collect();
        let product = |(i, j): (usize, usize)| penalty.product(&inverse[i], &inverse[j]) / curvature;
        let (shares, directions) = symmetric_eigen(&Matrix::from_shape_fn((p, p), product))?;
        let shares = shares.into_iter().map(|share| share.clamp(0.0, 1.0)).collect();
        Some(Self { directions, shares })
    }
}
