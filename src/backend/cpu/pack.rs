//! Packing of panels: columns of a tile, turned so that the numbers of a row lie side by side.
//!
//! Compilers do not vectorise a transposition, and moving numbers one by one takes as long as a fifth of the
//! products. Here four columns are exchanged in registers. How a machine exchanges lanes is not promised, so
//! a pass over the numbers 0, 1, 2, ... decides whether it may be used.

use pulp::Simd;

use super::TILE_ROWS;
use super::panel::{Panel, Streams};
use super::vector::Lanes;

/// Columns that are exchanged together.
pub(in crate::backend::cpu) const TOGETHER: usize = 4;
/// Most lanes of a vector.
const MOST_LANES: usize = 16;

/// Turns `streams`, at most as many as the panel is wide: their k-th numbers lie side by side in the k-th row
/// of the panel, each times the k-th weight if there is one, with zeros behind the last stream.
#[inline(always)]
pub(super) fn transpose<S: Simd, T: Lanes>(
    simd: S,
    panel: &mut Panel<T>,
    streams: Streams<'_, T>,
    weight: Option<&[T; TILE_ROWS]>,
) {
    let width = Panel::<T>::width::<S>();
    let n = streams.count.min(width);
    let panel = panel.numbers_mut(streams.depth * width);
    if n < width {
        panel.fill(T::ZERO);
    }
    let whole = if exchange_transposes::<S, T>(simd) { n - n % TOGETHER } else { 0 };
    for c in (0..whole).step_by(TOGETHER) {
        turn_four(simd, panel, width, c, streams, weight);
    }
    let lanes = T::count::<S>();
    let turned = streams.depth - streams.depth % lanes;
    for c in 0..n {
        let from = if c < whole { turned } else { 0 };
        for (k, &x) in streams.run(c).iter().enumerate().skip(from) {
            panel[k * width + c] = x * weight.map_or(T::ONE, |weight| weight[k]);
        }
    }
}

/// Turns the streams `c..c + 4` as far as whole vectors go.
#[inline(always)]
fn turn_four<S: Simd, T: Lanes>(
    simd: S,
    panel: &mut [T],
    width: usize,
    c: usize,
    streams: Streams<'_, T>,
    weight: Option<&[T; TILE_ROWS]>,
) {
    let four: [&[T::Vector<S>]; TOGETHER] = std::array::from_fn(|i| T::vectors::<S>(streams.run(c + i)));
    let lanes = T::count::<S>();
    for t in 0..streams.depth / lanes {
        let mut block: [T::Vector<S>; TOGETHER] = std::array::from_fn(|i| four[i][t]);
        if let Some(weight) = weight {
            let w = T::vectors::<S>(weight)[t];
            for x in &mut block {
                *x = T::mul_lanes(simd, *x, w);
            }
        }
        let block = exchanged::<S, T>(simd, block);
        let rows = &mut panel[t * lanes * width..][..lanes * width];
        for (l, row) in rows.chunks_exact_mut(width).enumerate() {
            for (h, run) in row[c..c + TOGETHER].chunks_exact_mut(T::RUN).enumerate() {
                run.copy_from_slice(&block[piece::<S, T>(l, h)..][..T::RUN]);
            }
        }
    }
}

/// Copies the first numbers of each stream, as many as the panel is wide, to a row of the panel, with zeros
/// behind the last number.
#[inline(always)]
pub(super) fn copy<S: Simd, T: Lanes>(panel: &mut Panel<T>, streams: Streams<'_, T>) {
    let width = Panel::<T>::width::<S>();
    let n = streams.depth.min(width);
    let streams = Streams { depth: n, ..streams };
    let rows = panel.numbers_mut(streams.count * width).chunks_exact_mut(width);
    if n == width {
        for (i, row) in rows.enumerate() {
            for (out, x) in T::vectors_mut::<S>(row).iter_mut().zip(T::vectors::<S>(streams.run(i))) {
                *out = *x;
            }
        }
        return;
    }
    for (i, row) in rows.enumerate() {
        row.fill(T::ZERO);
        row[..n].copy_from_slice(streams.run(i));
    }
}

/// Where the h-th run of row `l` lies in the numbers of an exchanged block.
#[inline(always)]
pub(super) fn piece<S: Simd, T: Lanes>(l: usize, h: usize) -> usize {
    let vector = h * T::RUN + l % T::RUN;
    vector * T::count::<S>() + l / T::RUN * T::RUN
}

#[inline(always)]
pub(super) fn exchanged<S: Simd, T: Lanes>(
    simd: S,
    block: [T::Vector<S>; TOGETHER],
) -> [T; TOGETHER * MOST_LANES] {
    let mut numbers = [T::ZERO; TOGETHER * MOST_LANES];
    T::vectors_mut::<S>(&mut numbers)[..TOGETHER].copy_from_slice(&T::exchange(simd, block));
    numbers
}

/// Whether an exchanged block holds its rows where [`piece`] says.
#[inline(always)]
pub(super) fn exchange_transposes<S: Simd, T: Lanes>(simd: S) -> bool {
    let lanes = T::count::<S>();
    if lanes < T::RUN {
        return false;
    }
    let counting: [T; TOGETHER * MOST_LANES] = std::array::from_fn(|i| T::from_f64(i as f64));
    let block = T::vectors::<S>(&counting);
    let block = exchanged::<S, T>(simd, [block[0], block[1], block[2], block[3]]);
    (0..lanes).all(|l| {
        (0..TOGETHER).all(|c| block[piece::<S, T>(l, c / T::RUN) + c % T::RUN] == counting[c * lanes + l])
    })
}
