//! Every kernel at every level, storage and arithmetic against a plain loop in `f64`.

use super::{Rows, magnitudes_rows, matmul_rows, matmul_transposed_rows, moments, standardised_rows};
use crate::backend::cpu::TILE_ROWS;
use crate::backend::cpu::simd::Level;
use crate::backend::cpu::standardise::standardise;
use crate::backend::cpu::tests::{close, numbers};
use crate::backend::cpu::vector::Lanes;
use crate::math::real::{Real, Widen};

const SHAPES: [(usize, usize); 14] = [
    (0, 5),
    (1, 1),
    (3, 2),
    (8, 7),
    (9, 8),
    (16, 9),
    (31, 15),
    (17, 16),
    (40, 25),
    (256, 100),
    (255, 31),
    (256, 8),
    (5, 0),
    (256, 33),
];

/// Runs `check(level, n, matrix, entry(i, j))` for every shape, rows packed and with numbers between them.
fn each<S: Real>(mut check: impl FnMut(Level, usize, Rows<S>)) {
    for level in Level::available() {
        for (n, p) in SHAPES {
            for between in [0, 3] {
                let stride = p + between;
                let values: Vec<S> = numbers(n * stride, 11);
                // nothing after the last entry of the last row may be read
                let end = if n == 0 { 0 } else { (n - 1) * stride + p };
                check(level, n, Rows { values: &values[..end], stride, n_columns: p });
            }
        }
    }
}

fn products<S: Widen<A>, A: Real>() {
    each::<S>(|level, n, x| {
        let p = x.n_columns;
        let (w, r, mean) = (numbers::<A>(p, 12), numbers::<A>(n, 13), numbers::<A>(p, 14));
        let entry = |i: usize, j: usize| x.values[i * x.stride + j].to_f64();
        let mut eta: Vec<A> = vec![A::ONE; n];
        matmul_rows(level, &mut eta, x, &w);
        for i in 0..n {
            let terms = (0..p).map(|j| entry(i, j) * w[j].to_f64());
            let size = 1.0 + terms.clone().map(f64::abs).sum::<f64>();
            close::<A>(eta[i].to_f64(), 1.0 + terms.sum::<f64>(), size, "matmul_rows");
        }
        let m: Vec<A> = r.iter().map(|r| r.abs()).collect();
        let (mut sums, mut sizes) = (vec![A::ONE; p], vec![A::ONE; p]);
        matmul_transposed_rows(level, &mut sums, x, &r);
        magnitudes_rows(level, &mut sizes, x, &mean, &m);
        for j in 0..p {
            let terms = (0..n).map(|i| entry(i, j) * r[i].to_f64());
            let size = 1.0 + terms.clone().map(f64::abs).sum::<f64>();
            close::<A>(sums[j].to_f64(), 1.0 + terms.sum::<f64>(), size, "matmul_transposed_rows");
            let truth = (0..n).map(|i| (entry(i, j) - mean[j].to_f64()).abs() * m[i].to_f64()).sum::<f64>();
            close::<A>(sizes[j].to_f64(), 1.0 + truth, 1.0 + truth, "magnitudes_rows");
        }
    });
}

#[test]
fn products_of_rows() {
    products::<f32, f32>();
    products::<f32, f64>();
    products::<f64, f64>();
}

fn centre_and_spread<S: Widen<f64>>() {
    each::<S>(|level, n, x| {
        let p = x.n_columns;
        let shift: Vec<f64> = numbers(p, 15);
        let (mut sums, mut squares) = (vec![1.0; p], vec![2.0; p]);
        assert!(moments(level, &mut sums, &mut squares, x, n, &shift));
        for j in 0..p {
            let d: Vec<f64> = (0..n).map(|i| x.values[i * x.stride + j].to_f64() - shift[j]).collect();
            let size = 2.0 + d.iter().map(|d| d.abs().max(d * d)).sum::<f64>();
            close::<f64>(sums[j], 1.0 + d.iter().sum::<f64>(), size, "sums");
            close::<f64>(squares[j], 2.0 + d.iter().map(|d| d * d).sum::<f64>(), size, "squares");
        }
    });
}

#[test]
fn moments_of_columns() {
    centre_and_spread::<f32>();
    centre_and_spread::<f64>();
}

#[test]
fn no_entry_that_is_not_finite_escapes() {
    for (level, (n, p, between)) in Level::available()
        .into_iter()
        .flat_map(|level| [(19, 13, 0), (5, 45, 2), (9, 5, 1)].map(|n| (level, n)))
    {
        let stride = p + between;
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for at in 0..n * stride {
                let mut values: Vec<f32> = numbers(n * stride, 16);
                values[at] = bad;
                let x = Rows { values: &values, stride, n_columns: p };
                let (mut sums, mut squares) = (vec![0.0; p], vec![0.0; p]);
                // what lies between rows is none of them
                let is_between = at % stride >= p;
                let are_finite = moments(level, &mut sums, &mut squares, x, n, &vec![0.0; p]);
                assert_eq!(are_finite, is_between, "{bad} at {at}");
            }
        }
    }
    let x = Rows { values: &[f64::MAX; 16], stride: 8, n_columns: 8 };
    assert!(moments(Level::best(), &mut [0.0; 8], &mut [0.0; 8], x, 2, &[0.0; 8]), "large is finite");
}

fn tiles<S: Widen<f64>, T: Lanes>() {
    each::<S>(|level, n, x| {
        let p = x.n_columns;
        let (shift, inverse) = (numbers::<f64>(p, 17), numbers::<f64>(p, 18));
        let mut tile = vec![T::INFINITY; p * TILE_ROWS];
        standardise(level, &mut tile, x, n, &shift, &inverse);
        for j in 0..p {
            for i in 0..TILE_ROWS {
                let scaled = || (x.values[i * x.stride + j].to_f64() - shift[j]) * inverse[j];
                let truth = if i < n { T::from_f64(scaled()) } else { T::ZERO };
                assert_eq!(tile[j * TILE_ROWS + i], truth, "row {i}, column {j} of {n} x {p}");
            }
        }
        let mut rows = vec![T::INFINITY; n * p];
        standardised_rows(level, &mut rows, x.n_columns, x, &shift, &inverse);
        for (k, row) in rows.iter().enumerate() {
            assert_eq!(*row, tile[k % p * TILE_ROWS + k / p], "number {k} of {n} x {p}");
        }
    });
}

#[test]
fn rows_become_tiles() {
    tiles::<f32, f32>();
    tiles::<f32, f64>();
    tiles::<f64, f32>();
    tiles::<f64, f64>();
}
