//! Targets of several parts of the rows on the GPU against the same pass of the CPU in `f64`.

use std::ops::Range;

use super::{gpu, numbers};
use crate::backend::{
    Backend, Beside, Cast, Cpu, Every, Into, Model, Observed, POINTWISE_SUMS, Reach, Sweep,
};
use crate::math::real::Real;
use crate::observation::ObservationModel;

const N: usize = 1300;
const P: usize = 5;
const N_RESPONSES: usize = 3;
const N_PARTS: usize = 4;
/// Some of the responses in some of the parts, once more for a second penalty.
const TARGETS: [usize; 7] = [0, 2, 4, 7, 11, 12, 22];

/// Rows of several columns, tile by tile.
fn fill<T: Real>(value: impl Fn(usize, usize) -> f64, columns: usize, rows: Range<usize>, out: &mut [T]) {
    for (k, row) in rows.enumerate() {
        for column in 0..columns {
            out[(k / 256 * columns + column) * 256 + k % 256] = T::from_f64(value(row, column));
        }
    }
}

/// What a row counts for in a part: nothing in its own quarter.
fn weight(row: usize, part: usize) -> f64 {
    if row * N_PARTS / N == part { 0.0 } else { 1.0 + 0.25 * (row % 3) as f64 }
}

/// Sums of a pass, changes along a line, and how far it reaches.
fn found<B: Backend>(on: &B, model: Model) -> Vec<Vec<f64>> {
    let (x_values, y_values) = (numbers(N * P, 3), numbers(N * N_RESPONSES, 4));
    let x = on.matrix(N, P, &|rows, out| fill(|i, j| x_values[i * P + j], P, rows, out)).unwrap();
    let count = |i: usize, k: usize| (3.0 * y_values[i * N_RESPONSES + k]).max(0.0).floor();
    let y = on.response(N, N_RESPONSES, &|rows, out| fill(count, N_RESPONSES, rows, out)).unwrap();
    let weights = on.response(N, N_PARTS, &|rows, out| fill(weight, N_PARTS, rows, out)).unwrap();
    let cast = Cast { n_responses: N_RESPONSES, n_parts: N_PARTS };
    let observed = Observed { y: &y, weights: Some(&weights), cast };
    let m = TARGETS.len();
    let coef: Vec<f64> = (0..P * m).map(|k| f64::from((0.3 * (k as f64).cos()) as f32)).collect();
    let (coef, toward) = (on.upload(&coef).unwrap(), on.upload(&vec![0.125; P * m]).unwrap());
    let constants: Vec<f64> = (0..m).map(|k| 0.125 * k as f64 - 0.5).collect();
    let (n_rows, n_columns, every) = (N, P, Every::ROW);
    let sweep = Sweep { n_rows, n_columns, grain: 0, every, alone: false, targets: &TARGETS };
    let sizes = [POINTWISE_SUMS[0], POINTWISE_SUMS[1], P];
    let sums = on.pass(sweep, &sizes, &|work, rows| {
        on.start(work, Into::Eta, &constants);
        on.matmul(work, rows.clone(), &x, &coef, Into::Eta);
        on.pointwise(work, rows.clone(), model, observed, Beside::Nothing);
        on.matmul_transposed(work, rows, &x, 2);
        Ok(())
    });
    let line = on.trace(sweep, 0..N, &|work, rows| {
        on.start(work, Into::Eta, &constants);
        on.matmul(work, rows.clone(), &x, &coef, Into::Eta);
        on.start(work, Into::Direction, &vec![0.25; m]);
        on.matmul(work, rows, &x, &toward, Into::Direction);
        Ok(())
    });
    let (line, mut changes, mut reach) = (line.unwrap(), vec![0.0; m], vec![Reach::NONE; m]);
    on.loss_changes(&line, model, observed, &vec![0.5; m], &mut changes).unwrap();
    on.reach(&line, observed, &mut reach).unwrap();
    let mut all = sums.unwrap();
    all.push(changes);
    all.push(reach.iter().flat_map(|own| [own.all, own.events, own.silent, own.fall]).collect());
    all
}

#[test]
fn parts_of_the_rows_are_those_of_the_cpu() {
    let Some((gpu, _turn)) = gpu() else { return };
    for observation in [ObservationModel::Poisson, ObservationModel::Gaussian] {
        let (own, truth) =
            (found(gpu, observation.into()), found(&Cpu::<f64>::default(), observation.into()));
        for (k, (own, truth)) in own.iter().zip(&truth).enumerate() {
            let largest = truth.iter().fold(1e-6, |a: f64, b| a.max(b.abs()));
            for (a, b) in own.iter().zip(truth) {
                assert!((a - b).abs() <= 2e-5 * largest, "{observation:?}, sum {k}: {a}, not {b}");
            }
        }
    }
}

/// What is asked of parts is what plain loops over their rows find.
#[test]
fn rows_outside_a_part_do_not_count() {
    let model = Model::default();
    let found = found(&Cpu::<f64>::default(), model);
    let (x, y) = (numbers(N * P, 3), numbers(N * N_RESPONSES, 4));
    for (k, &target) in TARGETS.iter().enumerate() {
        let (response, part) = (target % N_RESPONSES, target / N_RESPONSES % N_PARTS);
        let (mut residuals, mut fall): (f64, f64) = (0.0, f64::NEG_INFINITY);
        for i in 0..N {
            let own = |j: usize| x[i * P + j] * f64::from((0.3 * ((k * P + j) as f64).cos()) as f32);
            let eta = 0.125 * k as f64 - 0.5 + (0..P).map(own).sum::<f64>();
            let count = (3.0 * y[i * N_RESPONSES + response]).max(0.0).floor();
            residuals += weight(i, part) * (eta.exp() - count);
            if weight(i, part) > 0.0 && count > 0.0 {
                fall = fall.max(-0.25 - 0.125 * x[i * P..(i + 1) * P].iter().sum::<f64>());
            }
        }
        assert!((found[1][k] - residuals).abs() < 1e-9 * residuals.abs().max(1.0), "{target}");
        assert!((found[4][4 * k + 3] - fall).abs() < 1e-12, "{target}");
    }
}
