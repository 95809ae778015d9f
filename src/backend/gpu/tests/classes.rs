//! Classes on the GPU against the same pass of the CPU in `f64`.

use std::ops::Range;

use super::{gpu, numbers};
use crate::backend::{Backend, Beside, Classes, Cpu, Every, Into, Observed, POINTWISE_SUMS, Sweep};
use crate::math::contrasts::Contrasts;
use crate::math::real::Real;

const N: usize = 2500;
const P: usize = 6;

fn fill<T: Real>(from: &[f64], columns: usize, rows: Range<usize>, out: &mut [T]) {
    for (k, i) in rows.enumerate() {
        for j in 0..columns {
            out[(k / 256 * columns + j) * 256 + k % 256] = T::from_f64(from[i * columns + j]);
        }
    }
}

/// Sums of a pass with the Grams of all pairs, changes along a line, and how far it reaches.
fn found<B: Classes>(on: &B, contrasts: &Contrasts, is_weighted: bool, reach: f64) -> Vec<Vec<f64>> {
    let (n_classes, n_free) = (contrasts.n_classes(), contrasts.n_free());
    let x = numbers(N * P, 5);
    let class = |u: &f64| ((u + 1.0) / 2.0 * n_classes as f64).floor().min(n_classes as f64 - 1.0);
    let y: Vec<f64> = numbers(N, 11).iter().map(class).collect();
    let x = on.matrix(N, P, &|rows, out| fill(&x, P, rows, out)).unwrap();
    let y = on.response(N, 1, &|rows, out| fill(&y, 1, rows, out)).unwrap();
    let counts: Vec<f64> = numbers(N, 7).iter().map(|u| u + 1.25).collect();
    let weights = is_weighted.then(|| on.response(N, 1, &|rows, out| fill(&counts, 1, rows, out)).unwrap());
    let observed = Observed { weights: weights.as_ref(), ..Observed::from(&y) };
    let coef = |k: usize| (0..P).map(move |j| reach / P as f64 * ((j + 3 * k) as f64).cos());
    let coef: Vec<f64> = (0..n_free).flat_map(coef).map(|w| f64::from(w as f32)).collect();
    let (coef, toward) = (on.upload(&coef).unwrap(), on.upload(&vec![0.125; P * n_free]).unwrap());
    let constants: Vec<f64> = (0..n_free).map(|a| 0.125 * a as f64 - 0.25).collect();
    let targets: Vec<usize> = (0..n_free).collect();
    let (grain, every) = (0, Every::ROW);
    let sweep = Sweep { n_rows: N, n_columns: P, grain, every, alone: false, targets: &targets };
    let pairs = contrasts.class_pairs();
    let mut sizes = vec![POINTWISE_SUMS[0], POINTWISE_SUMS[1], P];
    sizes.extend(pairs.iter().map(|_| ((1 + P) * (1 + P)).div_ceil(n_free)));
    let sums = on.pass(sweep, &sizes, &|work, rows| {
        on.start(work, Into::Eta, &constants);
        on.matmul(work, rows.clone(), &x, &coef, Into::Eta);
        on.pointwise_classes(work, rows.clone(), contrasts, observed, Beside::Curvature);
        on.matmul_transposed(work, rows.clone(), &x, 2);
        for (k, &pair) in pairs.iter().enumerate() {
            on.class_weights(work, rows.clone(), pair, observed.weights);
            on.weighted_gram(work, rows.clone(), Some(&x), false, 3 + k);
        }
        Ok(())
    });
    let mut sums = sums.unwrap();
    let line = on.trace(sweep, 0..N, &|work, rows| {
        on.start(work, Into::Eta, &constants);
        on.matmul(work, rows.clone(), &x, &coef, Into::Eta);
        on.start(work, Into::Direction, &vec![0.5; n_free]);
        on.matmul(work, rows, &x, &toward, Into::Direction);
        Ok(())
    });
    let line = line.unwrap();
    for step in [1.0, 0.03125, 1.0 / 65_536.0] {
        sums.push(vec![on.class_changes(&line, contrasts, observed, step).unwrap() / step]);
    }
    let own = on.class_reach(&line, contrasts, &y).unwrap();
    sums.push(vec![own.all, own.events, own.fall]);
    sums
}

#[test]
fn classes_are_those_of_the_cpu() {
    let Some((gpu, _turn)) = gpu() else { return };
    for contrasts in [2, 3, 7].into_iter().flat_map(|k| [Contrasts::centred(k), Contrasts::none(k)]) {
        let cases = [1.0, 3.0, 30.0].into_iter().flat_map(|reach| [(false, reach), (true, reach)]);
        for (is_weighted, reach) in cases {
            let found_there = found(gpu, &contrasts, is_weighted, reach);
            let truth = found(&Cpu::<f64>::default(), &contrasts, is_weighted, reach);
            let single = found(&Cpu::<f32>::default(), &contrasts, is_weighted, reach);
            for (k, (truth, found)) in truth.iter().zip(found_there.iter().zip(&single)).enumerate() {
                let largest = truth.iter().map(|b| b.abs()).fold(1e-6, f64::max);
                for (b, (a, single)) in truth.iter().zip(found.0.iter().zip(found.1)) {
                    for own in [a, single] {
                        let near = (own - b).abs() <= 3e-5 * largest;
                        assert!(
                            near,
                            "{contrasts:?} {is_weighted} {reach}, sum {k}: {own}, not {b} of {largest}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_class_whose_probability_underflows_may_win() {
    let Some((gpu, _turn)) = gpu() else { return };
    let contrasts = Contrasts::none(2);
    for (eta, direction, of, expected) in
        [(-200.0, 300.0, 0.0, 100.0), (-200.0, 300.0, 1.0, -200.0), (200.0, -300.0, 0.0, -200.0)]
    {
        let y = gpu.response(1, 1, &|_, out| out[0] = of).unwrap();
        let (grain, every) = (0, Every::ROW);
        let sweep = Sweep { n_rows: 1, n_columns: 0, grain, every, alone: false, targets: &[0, 1] };
        let line = gpu.trace(sweep, 0..1, &|work, _| {
            gpu.start(work, Into::Eta, &[0.0, eta]);
            gpu.start(work, Into::Direction, &[0.0, direction]);
            Ok(())
        });
        let found = gpu.class_changes(&line.unwrap(), &contrasts, (&y).into(), 1.0).unwrap();
        assert!((found / expected - 1.0).abs() < 1e-5, "{eta} {direction} {of}: {found}, not {expected}");
    }
}
