//! Products of a population.
use super::{Storage, TILE_ROWS};
use super::simd::Level;
/// eta
pub(super) fn matmul_targets<T: Storage>(_level: Level, eta: &mut [T], x: &[T], w: &[T], m: usize) {
    let p = x.len() / TILE_ROWS;
    for k in 0..m { for j in 0..p { let c = w[k*p+j]; for i in 0..TILE_ROWS { eta[k*TILE_ROWS+i] += c * x[j*TILE_ROWS+i]; } } }
}
/// sums
pub(super) fn matmul_transposed_targets<T: Storage>(_level: Level, sums: &mut [T], x: &[T], r: &[T], m: usize) {
    let p = x.len() / TILE_ROWS;
    for k in 0..m { for j in 0..p { let mut s = T::ZERO; for i in 0..TILE_ROWS { s += r[k*TILE_ROWS+i] * x[j*TILE_ROWS+i]; } sums[k*p+j] += s; } }
}
