//! Everything that centring and scaling needs to know of a matrix, from one read of it.

use super::{Rows, STRIP, WIDTH, counted};
use crate::backend::cpu::simd::{Kernel, Level, run};
use crate::math::real::{Real, Widen};

/// `sums[j] += sum_i d` and `squares[j] += sum_i d²` with `d = x_ij - shift[j]`, in `f64`, for `n_rows` rows of
/// `shift.len()` columns, at most as many as stay in cache. Returns whether every entry was finite.
///
/// With a shift near the mean (a row of the matrix will do) mean and deviation follow without cancellation.
pub fn moments<S: Widen<f64>>(
    level: Level,
    sums: &mut [f64],
    squares: &mut [f64],
    x: Rows<S>,
    n_rows: usize,
    shift: &[f64],
) -> bool {
    run(level, Moments { sums, squares, x, n_rows, shift })
}

/// Numbers that are looked at together.
const MARKS: usize = 4 * WIDTH;

struct Moments<'a, S> {
    sums: &'a mut [f64],
    squares: &'a mut [f64],
    x: Rows<'a, S>,
    n_rows: usize,
    shift: &'a [f64],
}

impl<S: Widen<f64>> Kernel for Moments<'_, S> {
    type Output = bool;

    #[inline(always)]
    fn run<const FUSED: bool>(mut self) -> bool {
        let p = self.shift.len();
        if p < WIDTH {
            return self.single_columns::<FUSED>();
        }
        // memory is fastest when it is read in order: afterwards the rows are in cache
        let mut marks = [S::ZERO; MARKS];
        if self.x.stride == p {
            mark::<S, FUSED>(&mut marks, &self.x.values[..self.n_rows * p]);
        } else {
            for i in 0..self.n_rows {
                mark::<S, FUSED>(&mut marks, self.x.row(i));
            }
        }
        for k in 0..p / STRIP {
            self.strip::<FUSED, STRIP>(k * STRIP, 0);
        }
        if p % STRIP >= WIDTH {
            self.strip::<FUSED, WIDTH>(p / STRIP * STRIP, 0);
        }
        if !p.is_multiple_of(WIDTH) {
            self.strip::<FUSED, WIDTH>(p - WIDTH, counted(p));
        }
        marks == [S::ZERO; MARKS]
    }
}

impl<S: Widen<f64>> Moments<'_, S> {
    #[inline(always)]
    fn single_columns<const FUSED: bool>(self) -> bool {
        let mut mark = S::ZERO;
        for i in 0..self.n_rows {
            for (j, &x) in self.x.row(i).iter().enumerate() {
                let d = x.widen() - self.shift[j];
                self.sums[j] += d;
                self.squares[j] = d.fma::<FUSED>(d, self.squares[j]);
                mark = x.fma::<FUSED>(S::ZERO, mark);
            }
        }
        mark == S::ZERO
    }

    /// Adds the sums of the `W` columns from `first` on, but those of the first `counted`.
    #[inline(always)]
    fn strip<const FUSED: bool, const W: usize>(&mut self, first: usize, counted: usize) {
        let mut shift = [0.0; W];
        shift.copy_from_slice(&self.shift[first..first + W]);
        let (mut sums, mut squares) = ([0.0; W], [0.0; W]);
        for i in 0..self.n_rows {
            let x = self.x.window::<W>(i, first);
            for lane in 0..W {
                let d = x[lane].widen() - shift[lane];
                sums[lane] += d;
                squares[lane] = d.fma::<FUSED>(d, squares[lane]);
            }
        }
        for lane in counted..W {
            self.sums[first + lane] += sums[lane];
            self.squares[first + lane] += squares[lane];
        }
    }
}

/// Leaves a mark that is not 0 where a number is NaN or infinite.
#[inline(always)]
fn mark<S: Real, const FUSED: bool>(marks: &mut [S; MARKS], values: &[S]) {
    let (chunks, rest) = values.as_chunks::<MARKS>();
    for x in chunks {
        for lane in 0..MARKS {
            marks[lane] = x[lane].fma::<FUSED>(S::ZERO, marks[lane]);
        }
    }
    for (mark, x) in marks.iter_mut().zip(rest) {
        *mark = x.fma::<FUSED>(S::ZERO, *mark);
    }
}
