//! What the machine can do at most: the yardsticks of the kernels.
//!
//! Each thread repeats a short piece of work and keeps its best time, and the rates of the threads add up.
//! Arrays are split among the threads, so a size is that of all of them together.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use pulp::{Simd, WithSimd};

use super::simd::{Level, dispatch};
use super::vector::Lanes;

/// Chains of multiply-adds side by side: more than latency times units on any machine.
const CHAINS: usize = 12;
/// Multiply-adds of a chain in one repetition.
const LENGTH: usize = 200_000;
/// Repetitions of which the best counts.
const REPETITIONS: usize = 7;
/// Bytes that a repetition moves at least.
const LEAST_BYTES: usize = 8 << 20;

/// Fused multiply-adds in registers, in 1e9 floating-point operations a second (two for each).
pub fn multiply_adds<T: Lanes>(level: Level, n_threads: usize) -> f64 {
    rate(n_threads, || (), |()| dispatch(level, Chains::<T>(black_box(T::from_f64(1e-3))))) / 1e9
}

/// Sums over `f32` arrays of `bytes` together, in 1e9 bytes a second.
pub fn read_bandwidth(level: Level, n_threads: usize, bytes: usize) -> f64 {
    let array = || vec![1.0_f32; (bytes / n_threads.max(1) / 4).max(1)];
    rate(n_threads, array, |values| {
        let times = LEAST_BYTES.div_ceil(4 * values.len());
        for _ in 0..times {
            black_box(dispatch(level, Sum(black_box(values))));
        }
        (4 * times * values.len()) as f64
    }) / 1e9
}

/// Fills `f32` arrays of `bytes` together that are already mapped, in 1e9 bytes a second.
pub fn write_bandwidth(n_threads: usize, bytes: usize) -> f64 {
    let array = || vec![1.0_f32; (bytes / n_threads.max(1) / 4).max(1)];
    rate(n_threads, array, |values| {
        let times = LEAST_BYTES.div_ceil(4 * values.len());
        for i in 0..times {
            values.fill(black_box(i as f32));
            black_box(&mut *values);
        }
        (4 * times * values.len()) as f64
    }) / 1e9
}

/// Work a second of all threads together; `work` says how much it did.
fn rate<D>(n_threads: usize, data: impl Fn() -> D + Sync, work: impl Fn(&mut D) -> f64 + Sync) -> f64 {
    let barrier = Barrier::new(n_threads.max(1));
    let best = || {
        let mut data = data();
        work(&mut data);
        barrier.wait();
        let once = |_| {
            let start = Instant::now();
            work(&mut data) / start.elapsed().as_secs_f64()
        };
        (0..REPETITIONS).map(once).fold(0.0, f64::max)
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..n_threads.max(1)).map(|_| scope.spawn(best)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or(0.0)).sum()
    })
}

struct Chains<T>(T);

impl<T: Lanes> WithSimd for Chains<T> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let number = T::splat(simd, self.0);
        let mut chains = [T::splat(simd, T::ZERO); CHAINS];
        for _ in 0..LENGTH {
            for chain in &mut chains {
                *chain = T::mul_add_lanes(simd, number, number, *chain);
            }
        }
        black_box(chains);
        (2 * CHAINS * LENGTH * T::count::<S>()) as f64
    }
}

struct Sum<'a>(&'a [f32]);

impl WithSimd for Sum<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        let (eights, rest) = f32::vectors::<S>(self.0).as_chunks::<8>();
        let mut sums = [simd.splat_f32s(0.0); 8];
        for eight in eights {
            for (sum, &values) in sums.iter_mut().zip(eight) {
                *sum = simd.add_f32s(*sum, values);
            }
        }
        let all = sums.iter().chain(rest).fold(simd.splat_f32s(0.0), |all, &sum| simd.add_f32s(all, sum));
        simd.reduce_sum_f32s(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_roof_is_a_positive_number() {
        for level in Level::available() {
            for n_threads in [1, 2] {
                assert!(multiply_adds::<f32>(level, n_threads) > 0.01);
                assert!(multiply_adds::<f64>(level, n_threads) > 0.01);
                assert!(read_bandwidth(level, n_threads, 1 << 16) > 0.01);
            }
        }
        assert!(write_bandwidth(2, 1 << 16) > 0.01);
    }

    #[test]
    fn the_sum_reads_every_number() {
        let values: Vec<f32> = (0..1024).map(|i| i as f32).collect();
        for level in Level::available() {
            assert_eq!(dispatch(level, Sum(&values)), 523_776.0);
        }
    }
}
