//! Columns that were just convolved, centred and scaled where they lie.

use crate::backend::cpu::simd::{Kernel, Level, run};
use crate::math::real::Real;

/// `x <- (x - mean) factor`.
pub fn scale<T: Real>(level: Level, x: &mut [T], mean: T, factor: T) {
    run(level, Scale { x, mean, factor });
}

struct Scale<'a, T> {
    x: &'a mut [T],
    mean: T,
    factor: T,
}

impl<T: Real> Kernel for Scale<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Self { x, mean, factor } = self;
        for x in x {
            *x = (*x - mean) * factor;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_centres_and_scales() {
        for level in Level::available() {
            let mut x: Vec<f32> = (0..37).map(|i| i as f32).collect();
            scale(level, &mut x, 18.0, 0.5);
            assert!(x.iter().enumerate().all(|(i, &x)| x == (i as f32 - 18.0) * 0.5), "{level:?}");
        }
    }
}
