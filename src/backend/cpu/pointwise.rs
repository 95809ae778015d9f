//! Loss and residual of the rows of one tile.

use super::lanes::{LANES, total};
use super::simd::{Kernel, Level, run};
use super::{Piece, TILE_ROWS};
use crate::backend::{Beside, Model};
use crate::inverse_link::{Exp, InverseLink, InvertLink};
use crate::math::elementary::Vector;
use crate::math::real::Real;
use crate::observation::{ObservationModel, Observe, Poisson};

/// Sums of one tile.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PointwiseSums {
    /// Sum of the losses.
    pub loss: f64,
    /// Sum of the residuals.
    pub residual: f64,
}

/// Turns the linear predictors `eta` of a tile and its responses `y` into residuals `d loss / d eta`, and what
/// `beside` asks for. Rows from `n_valid` on get 0 everywhere and count in no sum. If `beside` is
/// [`Beside::Nothing`], `out` is used as scratch.
#[allow(clippy::too_many_arguments)]
pub fn pointwise<T: Real>(
    level: Level,
    model: Model,
    beside: Beside,
    eta: &Piece<T>,
    y: &Piece<T>,
    n_valid: usize,
    residual: &mut Piece<T>,
    out: &mut Piece<T>,
) -> PointwiseSums {
    match (model.observation, model.inverse_link) {
        (ObservationModel::Poisson, InverseLink::Exp) => {
            run(level, Canonical { observation: Poisson, link: Exp, beside, eta, y, n_valid, residual, out })
        }
    }
}

/// An observation model with its canonical link: residual `mu - y`, curvature the variance.
struct Canonical<'a, T, O, L> {
    observation: O,
    link: L,
    beside: Beside,
    eta: &'a Piece<T>,
    y: &'a Piece<T>,
    n_valid: usize,
    residual: &'a mut Piece<T>,
    out: &'a mut Piece<T>,
}

impl<T: Real, O: Observe, L: InvertLink> Kernel for Canonical<'_, T, O, L> {
    type Output = PointwiseSums;

    #[inline(always)]
    fn run<const FUSED: bool>(mut self) -> PointwiseSums {
        let sums = self.residuals::<FUSED>();
        match self.beside {
            Beside::Nothing => {}
            Beside::Curvature => self.rewrite(|o, _, mu, _| o.variance(mu)),
            Beside::Magnitude => self.rewrite(|_, _, mu, r| mu + r.abs()),
            Beside::Events => self.rewrite(|_, y, _, _| if y == T::ZERO { T::ZERO } else { T::ONE }),
        }
        self.residual[self.n_valid..].fill(T::ZERO);
        self.out[self.n_valid..].fill(T::ZERO);
        sums
    }
}

impl<T: Real, O: Observe, L: InvertLink> Canonical<'_, T, O, L> {
    /// Residuals into `residual`, means into `out`.
    #[inline(always)]
    fn residuals<const FUSED: bool>(&mut self) -> PointwiseSums {
        let functions = Vector::<FUSED>;
        let (mut losses, mut residuals) = ([T::ZERO; LANES], [T::ZERO; LANES]);
        for first in (0..TILE_ROWS).step_by(LANES) {
            for lane in 0..LANES {
                let (eta, y) = (self.eta[first + lane], self.y[first + lane]);
                let mean = self.link.mean(eta, functions);
                let residual = mean.mu - y;
                let loss = self.observation.loss(y, mean, functions);
                self.residual[first + lane] = residual;
                self.out[first + lane] = mean.mu;
                let valid = first + lane < self.n_valid;
                losses[lane] += if valid { loss } else { T::ZERO };
                residuals[lane] += if valid { residual } else { T::ZERO };
            }
        }
        PointwiseSums { loss: total(&losses), residual: total(&residuals) }
    }

    /// `out = f(observation, y, mu, residual)`.
    #[inline(always)]
    fn rewrite(&mut self, f: impl Fn(&O, T, T, T) -> T) {
        for i in 0..TILE_ROWS {
            self.out[i] = f(&self.observation, self.y[i], self.out[i], self.residual[i]);
        }
    }
}
