//! Loss and residual of the rows of one tile.

use super::lanes::{LANES, total};
use super::simd::{Kernel, Level, run};
use super::{Piece, TILE_ROWS};
use crate::backend::{Beside, Model};
use crate::inverse_link::{InvertLink, Mean};
use crate::math::elementary::Vector;
use crate::math::real::Real;
use crate::observation::{Observe, Pair, WithPair};

/// Sums of one tile.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct PointwiseSums {
    /// Sum of the losses.
    pub(super) loss: f64,
    /// Sum of the residuals.
    pub(super) residual: f64,
}

/// Turns the linear predictors `eta` of a tile and its responses `y` into residuals `d loss / d eta`, and what
/// `beside` asks for ([`Beside::Nothing`] leaves the curvature there too), times the weights if there are any. Rows from
/// `n_valid` on get 0 everywhere and count in no sum.
#[allow(clippy::too_many_arguments)]
pub(super) fn pointwise<T: Real>(
    level: Level,
    model: Model,
    beside: Beside,
    eta: &Piece<T>,
    y: &Piece<T>,
    weights: Option<&Piece<T>>,
    n_valid: usize,
    residual: &mut Piece<T>,
    out: &mut Piece<T>,
) -> PointwiseSums {
    model.with(Tile { level, beside, eta, y, weights, n_valid, residual, out })
}

/// A tile, before the model is known.
struct Tile<'a, T> {
    level: Level,
    beside: Beside,
    eta: &'a Piece<T>,
    y: &'a Piece<T>,
    weights: Option<&'a Piece<T>>,
    n_valid: usize,
    residual: &'a mut Piece<T>,
    out: &'a mut Piece<T>,
}

impl<T: Real> WithPair for Tile<'_, T> {
    type Output = PointwiseSums;

    #[inline]
    fn run<O: Observe, L: InvertLink, const CANONICAL: bool>(
        self,
        pair: Pair<O, L, CANONICAL>,
    ) -> PointwiseSums {
        run(self.level, Pointwise { pair, tile: self })
    }
}

/// A tile and the pair that the loop is compiled for.
struct Pointwise<'a, T, P> {
    pair: P,
    tile: Tile<'a, T>,
}

impl<T: Real, O: Observe, L: InvertLink, const CANONICAL: bool> Kernel
    for Pointwise<'_, T, Pair<O, L, CANONICAL>>
{
    type Output = PointwiseSums;

    #[inline(always)]
    fn run<const FUSED: bool>(mut self) -> PointwiseSums {
        let mut losses = match self.tile.beside {
            Beside::Nothing | Beside::Curvature => {
                self.residuals::<FUSED>(|pair, _, mean| pair.curvature(mean))
            }
            Beside::One => self.residuals::<FUSED>(|_, _, _| T::ONE),
            Beside::Magnitude => self.residuals::<FUSED>(Pair::magnitude),
        };
        let Tile { n_valid, residual, out, weights, .. } = self.tile;
        if let Some(weights) = weights {
            for rows in [&mut losses.0, &mut *residual, &mut *out] {
                rows.iter_mut().zip(weights).for_each(|(value, &weight)| *value *= weight);
            }
        }
        if n_valid < TILE_ROWS {
            for rows in [&mut losses.0, residual, out] {
                rows[n_valid..].fill(T::ZERO);
            }
        }
        PointwiseSums { loss: sum(&losses.0), residual: sum(residual) }
    }
}

impl<T: Real, O: Observe, L: InvertLink, const CANONICAL: bool> Pointwise<'_, T, Pair<O, L, CANONICAL>> {
    /// Losses; residuals into `residual`, `beside(pair, y, mean)` into `out`.
    #[inline(always)]
    fn residuals<const FUSED: bool>(
        &mut self,
        beside: impl Fn(&Pair<O, L, CANONICAL>, T, Mean<T>) -> T,
    ) -> Aligned<T> {
        let functions = Vector::<FUSED>;
        let Self { pair, tile } = self;
        let mut losses = Aligned([T::ZERO; TILE_ROWS]);
        let given = tile.eta.as_chunks::<LANES>().0.iter().zip(tile.y.as_chunks::<LANES>().0);
        let out = tile.out.as_chunks_mut::<LANES>().0.iter_mut();
        let written = tile.residual.as_chunks_mut::<LANES>().0.iter_mut().zip(out);
        for (((eta, y), (residual, out)), loss) in given.zip(written).zip(losses.0.as_chunks_mut::<LANES>().0)
        {
            let mut results = [[T::ZERO; LANES]; 3];
            for lane in 0..LANES {
                let mean = pair.link.mean(eta[lane], functions);
                results[0][lane] = beside(pair, y[lane], mean);
                results[1][lane] = pair.residual(y[lane], mean);
                results[2][lane] = pair.observation.loss(y[lane], mean, functions);
            }
            [*out, *residual, *loss] = results;
        }
        losses
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
