//! Packing of panels: columns of a tile, turned so that the numbers of a row lie side by side.
//!
//! Compilers do not vectorise a transposition, and moving numbers one by one takes as long as a fifth of the products.
//! Here four columns are exchanged in registers. How a machine exchanges lanes is not promised, so a pass over
//! the numbers 0, 1, 2, ... decides whether it may be used.

use pulp::Simd;

use super::TILE_ROWS;
use super::vector::Lanes;

/// Columns that are exchanged together.
const TOGETHER: usize = 4;
/// Most lanes of a vector.
const MOST_LANES: usize = 16;

/// Writes the `columns` of a tile (256 rows each) to `panel`, row after row of `width` numbers with zeros behind the
/// last column, each times the weight of its row if there is one.
#[inline(always)]
pub(super) fn transpose<S: Simd, T: Lanes>(
    simd: S,
    panel: &mut [T],
    width: usize,
    columns: &[T],
    weight: Option<&[T; TILE_ROWS]>,
) {
    let n = columns.len() / TILE_ROWS;
    if n < width {
        panel.fill(T::ZERO);
    }
    let whole = if exchange_transposes::<S, T>(simd) { n - n % TOGETHER } else { 0 };
    for c in (0..whole).step_by(TOGETHER) {
        let four: [&[T::Vector<S>]; TOGETHER] =
            std::array::from_fn(|i| T::vectors::<S>(&columns[(c + i) * TILE_ROWS..][..TILE_ROWS]));
        let lanes = T::count::<S>();
        for t in 0..TILE_ROWS / lanes {
            let mut block: [T::Vector<S>; TOGETHER] = std::array::from_fn(|i| four[i][t]);
            if let Some(weight) = weight {
                let w = T::vectors::<S>(weight)[t];
                block = block.map(|x| T::mul_lanes(simd, x, w));
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
    for (c, column) in columns.chunks_exact(TILE_ROWS).enumerate().skip(whole) {
        for (t, &x) in column.iter().enumerate() {
            panel[t * width + c] = x * weight.map_or(T::ONE, |weight| weight[t]);
        }
    }
}

/// Where the h-th run of row `l` lies in the numbers of an exchanged block.
#[inline(always)]
fn piece<S: Simd, T: Lanes>(l: usize, h: usize) -> usize {
    let vector = h * T::RUN + l % T::RUN;
    vector * T::count::<S>() + l / T::RUN * T::RUN
}

#[inline(always)]
fn exchanged<S: Simd, T: Lanes>(
    simd: S,
    block: [T::Vector<S>; TOGETHER],
) -> [T; TOGETHER * MOST_LANES] {
    let mut numbers = [T::ZERO; TOGETHER * MOST_LANES];
    T::vectors_mut::<S>(&mut numbers)[..TOGETHER].copy_from_slice(&T::exchange(simd, block));
    numbers
}

/// Whether an exchanged block holds its rows where [`piece`] says.
#[inline(always)]
fn exchange_transposes<S: Simd, T: Lanes>(simd: S) -> bool {
    let lanes = T::count::<S>();
    if lanes < T::RUN {
        return false;
    }
    let counting: [T; TOGETHER * MOST_LANES] = std::array::from_fn(|i| T::from_f64(i as f64));
    let block = T::vectors::<S>(&counting);
    let block = exchanged::<S, T>(simd, [block[0], block[1], block[2], block[3]]);
    (0..lanes).all(|l| {
        (0..TOGETHER)
            .all(|c| block[piece::<S, T>(l, c / T::RUN) + c % T::RUN] == counting[c * lanes + l])
    })
}
