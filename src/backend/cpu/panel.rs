//! Products of one packed panel with many columns: the register kernel below the Gram matrix and the
//! populations.
//!
//! `sums[i][v] += Σ_k stream_i[k] · panel[k][v]`: the panel holds two vectors for each k, a stream is a
//! contiguous run of numbers. A block of sums stays in registers over the whole depth: two vectors times six
//! streams where there are 16 registers, times twelve where there are 32. Each sum is one chain of fused
//! multiply-adds in the order of k, whatever the block it happens to be in: a sum has the same bits whoever
//! its companions are.

use pulp::Simd;

use super::TILE_ROWS;
use super::vector::Lanes;

/// Vectors side by side in a panel.
pub(super) const PANEL_VECTORS: usize = 2;

/// Room of a panel: two vectors of 64 bytes for each of 256 k.
const CAPACITY: usize = TILE_ROWS * PANEL_VECTORS * 16;

/// One packed panel: `width` numbers for each k.
#[derive(Debug)]
pub(super) struct Panel<T>(Box<CacheLines<T>>);

/// Numbers that begin with a cache line, so that no vector lies across two.
#[derive(Debug)]
#[repr(align(64))]
struct CacheLines<T>([T; CAPACITY]);

impl<T: Lanes> Panel<T> {
    /// Zeros.
    pub(super) fn new() -> Panel<T> {
        Panel(Box::new(CacheLines([T::ZERO; CAPACITY])))
    }

    /// Numbers side by side for one k.
    #[inline(always)]
    pub(super) fn width<S: Simd>() -> usize {
        PANEL_VECTORS * T::count::<S>()
    }

    /// The numbers of each k, `n` of them.
    #[inline(always)]
    pub(super) fn numbers_mut(&mut self, n: usize) -> &mut [T] {
        &mut self.0.0[..n]
    }

    #[inline(always)]
    fn vectors<S: Simd>(&self) -> &[[T::Vector<S>; PANEL_VECTORS]] {
        T::vectors::<S>(&self.0.0).as_chunks().0
    }
}

/// Equally long runs of numbers, the i-th from `start + i·stride`, and one more behind the last of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Streams<'a, T> {
    /// Where the runs lie.
    pub(super) numbers: &'a [T],
    /// Where the first begins.
    pub(super) start: usize,
    /// From one to the next.
    pub(super) stride: usize,
    /// How many of them.
    pub(super) count: usize,
    /// Numbers in a run.
    pub(super) depth: usize,
    /// The run behind the last.
    pub(super) last: &'a [T],
}

impl<'a, T> Streams<'a, T> {
    /// The columns of a tile, or of any vectors of 256 rows.
    #[inline(always)]
    pub(super) fn columns(numbers: &'a [T]) -> Streams<'a, T> {
        let count = numbers.len() / TILE_ROWS;
        Streams { numbers, start: 0, stride: TILE_ROWS, count, depth: TILE_ROWS, last: &[] }
    }

    /// The i-th run.
    #[inline(always)]
    pub(super) fn run(&self, i: usize) -> &'a [T] {
        if i < self.count {
            &self.numbers[self.start + i * self.stride..][..self.depth]
        } else {
            &self.last[..self.depth]
        }
    }
}

/// Streams that fit a block beside `vectors` vectors of the panel.
#[inline(always)]
fn block_streams<S: Simd>(vectors: usize) -> usize {
    if S::REGISTER_COUNT >= 32 || vectors == 1 { 12 } else { 6 }
}

/// `sums[(i - first)·stride + v] += Σ_k stream_i[k] · panel[k][v]` for the streams `first..end` and the first
/// `vectors` (1 or 2) vectors of the panel.
#[inline(always)]
pub(super) fn multiply<S: Simd, T: Lanes>(
    simd: S,
    panel: &Panel<T>,
    vectors: usize,
    streams: Streams<'_, T>,
    range: (usize, usize),
    sums: (&mut [T], usize),
) {
    let (first, end) = range;
    let (sums, stride) = sums;
    let most = block_streams::<S>(vectors);
    let blocks = (end - first).div_ceil(most);
    let mut from = first;
    for block in 0..blocks {
        let n = (end - from).div_ceil(blocks - block);
        let out = &mut sums[(from - first) * stride..];
        if vectors == 1 {
            sized::<S, T, 1>(simd, panel, streams, (from, n), (out, stride));
        } else {
            sized::<S, T, 2>(simd, panel, streams, (from, n), (out, stride));
        }
        from += n;
    }
}

#[inline(always)]
fn sized<S: Simd, T: Lanes, const V: usize>(
    simd: S,
    panel: &Panel<T>,
    streams: Streams<'_, T>,
    range: (usize, usize),
    sums: (&mut [T], usize),
) {
    let (first, n) = range;
    let (sums, stride) = sums;
    macro_rules! blocks {
        ($($n:literal)*) => {
            match n {
                $($n => simd.vectorize(Block::<T, V, $n> { panel, streams, first, sums, stride }),)*
                _ => {}
            }
        };
    }
    blocks!(1 2 3 4 5 6);
    if V == 1 || S::REGISTER_COUNT >= 32 {
        blocks!(7 8 9 10 11 12);
    }
}

struct Block<'a, T, const V: usize, const N: usize> {
    panel: &'a Panel<T>,
    streams: Streams<'a, T>,
    first: usize,
    sums: &'a mut [T],
    stride: usize,
}

impl<T: Lanes, const V: usize, const N: usize> pulp::WithSimd for Block<'_, T, V, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let streams: [&[T]; N] = std::array::from_fn(|i| self.streams.run(self.first + i));
        let panel = &self.panel.vectors::<S>()[..self.streams.depth];
        let mut acc = [[T::splat(simd, T::ZERO); V]; N];
        for (i, sums) in acc.iter_mut().enumerate() {
            sums.copy_from_slice(&T::vectors::<S>(&self.sums[i * self.stride..])[..V]);
        }
        for (k, row) in panel.iter().enumerate() {
            for i in 0..N {
                let number = T::splat(simd, streams[i][k]);
                for v in 0..V {
                    acc[i][v] = T::mul_add_lanes(simd, number, row[v], acc[i][v]);
                }
            }
        }
        for (i, sums) in acc.iter().enumerate() {
            T::vectors_mut::<S>(&mut self.sums[i * self.stride..])[..V].copy_from_slice(sums);
        }
    }
}
