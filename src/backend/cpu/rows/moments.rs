//! One read of a matrix for everything that centring and scaling needs to know.

use super::{Rows, WIDTH, add_last, last};
use crate::backend::cpu::simd::{Kernel, Level, run};
use crate::math::real::{Real, Widen};

/// `sums[j] += sum_i d` and `squares[j] += sum_i d²` with `d = x_ij - shift[j]`, in `f64`, for `n_rows` rows of
/// `shift.len()` columns. Returns whether every entry was finite.
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

struct Moments<'a, S> {
    sums: &'a mut [f64],
    squares: &'a mut [f64],
    x: Rows<'a, S>,
    n_rows: usize,
    shift: &'a [f64],
}

/// Sums of eight columns.
#[derive(Clone, Copy, Default)]
struct Window {
    sums: [f64; WIDTH],
    squares: [f64; WIDTH],
}

impl<S: Widen<f64>> Kernel for Moments<'_, S> {
    type Output = bool;

    #[inline(always)]
    fn run<const FUSED: bool>(mut self) -> bool {
        let mut tail = Window::default();
        // stays 0 until a NaN or an infinity is multiplied by 0
        let mut marks = [S::ZERO; WIDTH];
        let n_whole = self.n_rows / 8 * 8;
        for first in (0..n_whole).step_by(8) {
            self.block::<FUSED, 8>(self.x.block(first), &mut tail, &mut marks);
        }
        for i in n_whole..self.n_rows {
            self.block::<FUSED, 1>(self.x.block(i), &mut tail, &mut marks);
        }
        add_last(self.sums, &tail.sums);
        add_last(self.squares, &tail.squares);
        marks.iter().all(|&mark| mark == S::ZERO)
    }
}

impl<S: Widen<f64>> Moments<'_, S> {
    #[inline(always)]
    fn block<const FUSED: bool, const N: usize>(
        &mut self,
        rows: [&[S]; N],
        tail: &mut Window,
        marks: &mut [S; WIDTH],
    ) {
        let (shifts, rest) = self.shift.as_chunks::<WIDTH>();
        let pieces = rows.map(|row| &row.as_chunks::<WIDTH>().0[..shifts.len()]);
        let sums = self.sums.as_chunks_mut::<WIDTH>().0.iter_mut();
        let squares = self.squares.as_chunks_mut::<WIDTH>().0.iter_mut();
        for (c, ((shift, sums), squares)) in shifts.iter().zip(sums).zip(squares).enumerate() {
            let x = std::array::from_fn(|k| &pieces[k][c]);
            let new = window::<S, FUSED, N>(x, shift, marks);
            for lane in 0..WIDTH {
                sums[lane] += new.sums[lane];
                squares[lane] += new.squares[lane];
            }
        }
        if !rest.is_empty() {
            let x = rows.map(last);
            let new = window::<S, FUSED, N>(x.each_ref(), &last(self.shift), marks);
            for lane in 0..WIDTH {
                tail.sums[lane] += new.sums[lane];
                tail.squares[lane] += new.squares[lane];
            }
        }
    }
}

#[inline(always)]
fn window<S: Widen<f64>, const FUSED: bool, const N: usize>(
    x: [&[S; WIDTH]; N],
    shift: &[f64; WIDTH],
    marks: &mut [S; WIDTH],
) -> Window {
    let mut new = Window::default();
    for x in x {
        for lane in 0..WIDTH {
            let d = x[lane].widen() - shift[lane];
            new.sums[lane] += d;
            new.squares[lane] = d.fma::<FUSED>(d, new.squares[lane]);
            marks[lane] = x[lane].fma::<FUSED>(S::ZERO, marks[lane]);
        }
    }
    new
}
