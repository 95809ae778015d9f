//! Kernels over tiles, compiled here once for each kind of numbers.
//!
//! What is generic is compiled again in every program and test that uses it; these functions are large, in several levels of
//! vector instructions and for every model. Behind a trait whose implementations have no parameters they are part of the library.

use std::ops::Range;

use super::convolution::transforms::Fourier;
use super::simd::Level;
use super::{
    Array, Line, Signals, Storage, Worker, class_changes, class_reach, class_weights, line,
    pointwise_classes, signals, tile,
};
use crate::backend::{Beside, Into, Model, Observed, Reach};
use crate::math::contrasts::Contrasts;

/// The kernels of [`super::Cpu`] for numbers of one kind; see [`crate::backend::Backend`] for what they do.
pub trait Compiled: Sized + Fourier {
    /// `eta += X·B`.
    fn tile_matmul(
        level: Level,
        work: &mut Worker<Self>,
        first: usize,
        x: &Array<'_, Self>,
        coef: &[Self],
        into: Into,
    ) where
        Self: Storage;
    /// `sums[k] += Xᵀ·R`.
    fn tile_matmul_transposed(
        level: Level,
        work: &mut Worker<Self>,
        first: usize,
        x: &Array<'_, Self>,
        sums: usize,
    ) where
        Self: Storage;
    /// Residual, loss and residual total.
    fn tile_pointwise(
        level: Level,
        work: &mut Worker<Self>,
        model: Model,
        first: usize,
        observed: Observed<Array<'_, Self>>,
        beside: Beside,
    ) where
        Self: Storage;
    /// `sums[k] += [1 X]ᵀ·diag(w)·[1 X]`.
    fn tile_gram(
        level: Level,
        work: &mut Worker<Self>,
        first: usize,
        x: Option<&Array<'_, Self>>,
        flat: bool,
        sums: usize,
    ) where
        Self: Storage;
    /// `sums[k] += [1 |X|]ᵀ·m`.
    fn tile_magnitudes(
        level: Level,
        work: &mut Worker<Self>,
        first: usize,
        x: Option<&Array<'_, Self>>,
        sums: usize,
    ) where
        Self: Storage;
    /// Linear predictors of channels.
    fn convolve(
        level: Level,
        work: &mut Worker<Self>,
        rows: Range<usize>,
        x: &Signals<Self>,
        filters: &[Self],
        into: Into,
    ) where
        Self: Storage;
    /// Sums over lags of channels.
    fn correlate(level: Level, work: &mut Worker<Self>, rows: Range<usize>, x: &Signals<Self>, sums: usize)
    where
        Self: Storage;
    /// Changes of the losses along a line.
    fn loss_changes(
        level: Level,
        line: &Line<Self>,
        model: Model,
        observed: Observed<Array<'_, Self>>,
        steps: &[f64],
        changes: &mut [f64],
    ) where
        Self: Storage;
    /// How far a direction reaches.
    fn reach(level: Level, line: &Line<Self>, observed: Observed<Array<'_, Self>>, reach: &mut [Reach])
    where
        Self: Storage;
    /// Residuals and losses of classes.
    fn tile_classes(
        level: Level,
        work: &mut Worker<Self>,
        contrasts: &Contrasts,
        first: usize,
        observed: Observed<Array<'_, Self>>,
        beside: Beside,
    ) where
        Self: Storage;
    /// Weights of the Gram of a pair of classes.
    fn class_weights(
        level: Level,
        work: &mut Worker<Self>,
        classes: (usize, usize),
        first: usize,
        weights: Option<&Array<'_, Self>>,
    ) where
        Self: Storage;
    /// The change of the loss of classes along a line.
    fn class_changes(
        level: Level,
        line: &Line<Self>,
        contrasts: &Contrasts,
        observed: Observed<Array<'_, Self>>,
        step: f64,
    ) -> f64
    where
        Self: Storage;
    /// How far a direction moves classes apart.
    fn class_reach(level: Level, line: &Line<Self>, contrasts: &Contrasts, y: &Array<'_, Self>) -> Reach
    where
        Self: Storage;
}

macro_rules! compiled {
    ($($t:ident),*) => {$(
        impl Compiled for $t {
            fn tile_matmul(
                level: Level,
                work: &mut Worker<Self>,
                first: usize,
                x: &Array<'_, Self>,
                coef: &[Self],
                into: Into,
            ) {
                tile::matmul(level, work, first, x, coef, into);
            }

            fn tile_matmul_transposed(
                level: Level,
                work: &mut Worker<Self>,
                first: usize,
                x: &Array<'_, Self>,
                sums: usize,
            ) {
                tile::matmul_transposed(level, work, first, x, sums);
            }

            fn tile_pointwise(
                level: Level,
                work: &mut Worker<Self>,
                model: Model,
                first: usize,
                observed: Observed<Array<'_, Self>>,
                beside: Beside,
            ) {
                tile::pointwise(level, work, model, first, observed, beside);
            }

            fn tile_gram(
                level: Level,
                work: &mut Worker<Self>,
                first: usize,
                x: Option<&Array<'_, Self>>,
                flat: bool,
                sums: usize,
            ) {
                tile::weighted_gram(level, work, first, x, flat, sums);
            }

            fn tile_magnitudes(
                level: Level,
                work: &mut Worker<Self>,
                first: usize,
                x: Option<&Array<'_, Self>>,
                sums: usize,
            ) {
                tile::magnitudes(level, work, first, x, sums);
            }

            fn convolve(
                level: Level,
                work: &mut Worker<Self>,
                rows: Range<usize>,
                x: &Signals<Self>,
                filters: &[Self],
                into: Into,
            ) {
                signals::convolve(level, work, rows, x, filters, into);
            }

            fn correlate(
                level: Level,
                work: &mut Worker<Self>,
                rows: Range<usize>,
                x: &Signals<Self>,
                sums: usize,
            ) {
                signals::correlate(level, work, rows, x, sums);
            }

            fn loss_changes(
                level: Level,
                line: &Line<Self>,
                model: Model,
                observed: Observed<Array<'_, Self>>,
                steps: &[f64],
                changes: &mut [f64],
            ) {
                line::loss_changes(level, line, model, observed, steps, changes);
            }

            fn reach(
                level: Level,
                line: &Line<Self>,
                observed: Observed<Array<'_, Self>>,
                reach: &mut [Reach],
            ) {
                line::reach(level, line, observed, reach);
            }

            fn tile_classes(
                level: Level,
                work: &mut Worker<Self>,
                contrasts: &Contrasts,
                first: usize,
                observed: Observed<Array<'_, Self>>,
                beside: Beside,
            ) {
                pointwise_classes::pointwise_classes(level, work, contrasts, first, observed, beside);
            }

            fn class_weights(
                level: Level,
                work: &mut Worker<Self>,
                classes: (usize, usize),
                first: usize,
                weights: Option<&Array<'_, Self>>,
            ) {
                class_weights::class_weights(level, work, classes, first, weights);
            }

            fn class_changes(
                level: Level,
                line: &Line<Self>,
                contrasts: &Contrasts,
                observed: Observed<Array<'_, Self>>,
                step: f64,
            ) -> f64 {
                class_changes::class_changes(level, line, contrasts, observed, step)
            }

            fn class_reach(
                level: Level,
                line: &Line<Self>,
                contrasts: &Contrasts,
                y: &Array<'_, Self>,
            ) -> Reach {
                class_reach::class_reach(level, line, contrasts, y)
            }
        }
    )*};
}
compiled!(f32, f64);
