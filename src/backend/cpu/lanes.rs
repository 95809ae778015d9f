//! Running sums of a kernel: a few numbers side by side, so that adding is a vector operation.
//!
//! A lane of `f32` may take a few hundred terms before its rounding shows; [`flush`] then moves it to `f64`.

use crate::math::real::Real;

/// Numbers side by side: one or two registers of the widest level.
pub(super) const LANES: usize = 16;

/// Partial sums of one number.
pub(super) type Lanes<T> = [T; LANES];

/// `sums[j] += sum of lanes[j]`, in `f64`; the lanes start again at 0.
pub(super) fn flush<T: Real>(lanes: &mut [Lanes<T>], sums: &mut [f64]) {
    for (lanes, sum) in lanes.iter_mut().zip(sums) {
        *sum += total(lanes);
        *lanes = [T::ZERO; LANES];
    }
}

/// Sum of the lanes in `f64`, halves first.
#[inline(always)]
pub(super) fn total<T: Real>(lanes: &Lanes<T>) -> f64 {
    let mut sums = [0.0; LANES / 2];
    for (k, sum) in sums.iter_mut().enumerate() {
        *sum = lanes[k].to_f64() + lanes[k + LANES / 2].to_f64();
    }
    let quarters: [f64; 4] = std::array::from_fn(|k| sums[k] + sums[k + 4]);
    (quarters[0] + quarters[2]) + (quarters[1] + quarters[3])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flush_adds_in_f64_and_starts_again() {
        let mut lanes = [[1e8_f32; LANES], [0.5; LANES]];
        lanes[0][3] = 1.0;
        let mut sums = [1.0, 2.0];
        flush(&mut lanes, &mut sums);
        assert_eq!(sums, [1.5e9 + 2.0, 10.0]);
        assert_eq!(lanes, [[0.0; LANES]; 2]);
    }
}
