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
pub(super) struct PointwiseSums {
    /// Sum of the losses.
    pub(super) loss: f64,
    /// Sum of the residuals.
    pub(super) residual: f64,
}

/// Turns the linear predictors `eta` of a tile and its responses `y` into residuals `d loss / d eta`, and what
/// `beside` asks for. Rows from `n_valid` on get 0 everywhere and count in no sum. If `beside` is
/// [`Beside::Nothing`], `out` is used as scratch.
#[allow(clippy::too_many_arguments)]
pub(super) fn pointwise<T: Real>(
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
        let mut losses = self.residuals::<FUSED>();
        match self.beside {
            Beside::Nothing => {}
            Beside::Curvature => self.rewrite(|o, _, mu, _| o.variance(mu)),
            Beside::Magnitude => self.rewrite(|_, _, mu, r| mu + r.abs()),
            Beside::Events => self.rewrite(|_, y, _, _| if y == T::ZERO { T::ZERO } else { T::ONE }),
        }
        if self.n_valid < TILE_ROWS {
            for rows in [&mut losses.0, self.residual, self.out] {
                rows[self.n_valid..].fill(T::ZERO);
            }
        }
        PointwiseSums { loss: sum(&losses.0), residual: sum(self.residual) }
    }
}

impl<T: Real, O: Observe, L: InvertLink> Canonical<'_, T, O, L> {
    /// Losses; residuals into `residual`, means into `out`.
    #[inline(always)]
    fn residuals<const FUSED: bool>(&mut self) -> Aligned<T> {
        let functions = Vector::<FUSED>;
        let mut losses = Aligned([T::ZERO; TILE_ROWS]);
        let given = self.eta.as_chunks::<LANES>().0.iter().zip(self.y.as_chunks::<LANES>().0);
        let out = self.out.as_chunks_mut::<LANES>().0.iter_mut();
        let written = self.residual.as_chunks_mut::<LANES>().0.iter_mut().zip(out);
        for (((eta, y), (residual, out)), loss) in given.zip(written).zip(losses.0.as_chunks_mut::<LANES>().0)
        {
            let mut results = [[T::ZERO; LANES]; 3];
            for lane in 0..LANES {
                let mean = self.link.mean(eta[lane], functions);
                results[0][lane] = mean.mu;
                results[1][lane] = mean.mu - y[lane];
                results[2][lane] = self.observation.loss(y[lane], mean, functions);
            }
            [*out, *residual, *loss] = results;
        }
        losses
    }

    /// `out = f(observation, y, mu, residual)`.
    #[inline(always)]
    fn rewrite(&mut self, f: impl Fn(&O, T, T, T) -> T) {
        for i in 0..TILE_ROWS {
            self.out[i] = f(&self.observation, self.y[i], self.out[i], self.residual[i]);
        }
    }
}

/// A piece that starts with a line of cache.
#[repr(align(64))]
struct Aligned<T>(Piece<T>);

/// Sum of the rows, in lanes of `T` and then in `f64`.
#[inline(always)]
fn sum<T: Real>(rows: &Piece<T>) -> f64 {
    let mut lanes = [T::ZERO; LANES];
    for rows in rows.as_chunks::<LANES>().0 {
        for lane in 0..LANES {
            lanes[lane] += rows[lane];
        }
    }
    total(&lanes)
}
