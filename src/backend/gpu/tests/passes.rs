//! Passes over designs of many shapes against plain sums in `f64`.

use super::{Truth, gpu, numbers, open, poisson};
use crate::backend::gpu::device::Limits;
use crate::backend::{Backend, Beside, Every, Gpu, Into, Model, POINTWISE_SUMS, Reach, Sweep};

/// A design, responses and parameters.
struct Case {
    n: usize,
    p: usize,
    m: usize,
    x: Vec<f64>,
    y: Vec<f64>,
    intercepts: Vec<f64>,
    coef: Vec<f64>,
}

impl Case {
    fn new(n: usize, p: usize, m: usize) -> Self {
        let y = numbers(n * m, 7).iter().map(|u| (4.0 * u.powi(5)).max(0.0).floor()).collect();
        let coef = numbers(p * m, 3).iter().map(|u| f64::from((u / (p as f64).sqrt()) as f32)).collect();
        let intercepts = (0..m).map(|k| -1.0 - 0.125 * k as f64).collect();
        Self { n, p, m, x: numbers(n * p, 5), y, intercepts, coef }
    }

    fn place(&self, gpu: &Gpu, is_bytes: bool) -> [super::super::Array<'static>; 2] {
        let fill = |from: &[f64], columns: usize, rows: std::ops::Range<usize>, out: &mut [f32]| {
            for (k, i) in rows.enumerate() {
                for j in 0..columns {
                    out[(k / 256 * columns + j) * 256 + k % 256] = from[i * columns + j] as f32;
                }
            }
        };
        let x = gpu.matrix(self.n, self.p, &|rows, out| fill(&self.x, self.p, rows, out)).unwrap();
        let y = if is_bytes {
            let mut tiles = vec![0; self.n.div_ceil(256) * 256 * self.m];
            for i in 0..self.n {
                for k in 0..self.m {
                    tiles[(i / 256 * self.m + k) * 256 + i % 256] = self.y[i * self.m + k] as u8;
                }
            }
            gpu.bytes(self.m, tiles.into()).unwrap()
        } else {
            gpu.response(self.n, self.m, &|rows, out| fill(&self.y, self.m, rows, out)).unwrap()
        };
        [x, y]
    }

    fn eta(&self, i: usize, k: usize) -> f64 {
        let product: f64 = (0..self.p).map(|j| self.x[i * self.p + j] * self.coef[k * self.p + j]).sum();
        self.intercepts[k] + product
    }

    fn sweep<'t>(&self, every: usize, targets: &'t [usize]) -> Sweep<'t> {
        let (n_rows, n_columns, alone) = (self.n, self.p, self.m == 1);
        Sweep { n_rows, n_columns, grain: 0, every: Every(every), alone, targets }
    }
}

fn gradient(
    gpu: &Gpu,
    case: &Case,
    is_bytes: bool,
    every: usize,
    targets: &[usize],
    what: &str,
) -> Vec<Vec<f64>> {
    let [x, y] = case.place(gpu, is_bytes);
    let own: Vec<f64> =
        targets.iter().flat_map(|&k| case.coef[k * case.p..(k + 1) * case.p].to_vec()).collect();
    let constants: Vec<f64> = targets.iter().map(|&k| case.intercepts[k]).collect();
    let coef = gpu.upload(&own).unwrap();
    let sizes = [POINTWISE_SUMS[0], POINTWISE_SUMS[1], case.p];
    let found = gpu
        .pass(case.sweep(every, targets), &sizes, &|work, rows| {
            gpu.start(work, Into::Eta, &constants);
            gpu.matmul(work, rows.clone(), &x, &coef, Into::Eta);
            gpu.pointwise(work, rows.clone(), Model::default(), (&y).into(), Beside::Nothing);
            gpu.matmul_transposed(work, rows, &x, 2);
            Ok(())
        })
        .unwrap();
    let mut truth = Truth::new(&sizes, targets.len());
    for i in (0..case.n).filter(|i| (i / 256) % every == 0) {
        for (at, &k) in targets.iter().enumerate() {
            let (eta, y) = (case.eta(i, k), case.y[i * case.m + k]);
            let [loss, r, mu] = poisson(eta, y);
            truth.add(0, at, loss, mu + (y * eta).abs());
            truth.add(1, at, r, mu + r.abs());
            for j in 0..case.p {
                let x = case.x[i * case.p + j];
                truth.add(2, at * case.p + j, x * r, (x * (mu + r.abs())).abs());
            }
        }
    }
    truth.check(&found, 1e-6, what);
    found
}

#[test]
fn one_target_of_every_width() {
    let Some((gpu, _turn)) = gpu() else { return };
    for (n, p) in [
        (1, 1),
        (1, 3),
        (63, 4),
        (64, 5),
        (65, 1),
        (1023, 8),
        (1024, 32),
        (1025, 33),
        (2049, 64),
        (3000, 96),
        (1500, 200),
        (700, 520),
        (600, 1024),
        (600, 1025),
    ] {
        gradient(gpu, &Case::new(n, p, 1), false, 1, &[0], &format!("{n} x {p}"));
    }
    gradient(gpu, &Case::new(65_537, 6, 1), true, 1, &[0], "counts as bytes");
    for (n, p, every) in [(10_000, 8, 3), (10_000, 40, 16), (300, 5, 7)] {
        gradient(gpu, &Case::new(n, p, 1), false, every, &[0], &format!("{n} x {p} every {every}"));
    }
}

#[test]
fn several_targets() {
    let Some((gpu, _turn)) = gpu() else { return };
    for (n, p, m) in [(1, 1, 2), (65, 3, 2), (257, 5, 3), (1025, 33, 16), (1000, 64, 17), (600, 130, 33)] {
        for is_bytes in [false, true] {
            let targets: Vec<usize> = (0..m).collect();
            gradient(gpu, &Case::new(n, p, m), is_bytes, 1, &targets, &format!("{n} x {p} x {m}"));
        }
    }
}

#[test]
fn bits_of_a_target_do_not_depend_on_its_companions() {
    let Some((gpu, _turn)) = gpu() else { return };
    let case = Case::new(2500, 37, 40);
    let all: Vec<usize> = (0..40).collect();
    let together = gradient(gpu, &case, true, 1, &all, "all");
    for targets in [vec![7], vec![39, 7, 0], (3..25).collect()] {
        let some = gradient(gpu, &case, true, 1, &targets, "some");
        for (at, &k) in targets.iter().enumerate() {
            assert_eq!(some[0][at].to_bits(), together[0][k].to_bits());
            assert_eq!(some[2][at * 37..(at + 1) * 37], together[2][k * 37..(k + 1) * 37]);
        }
    }
}

#[test]
fn the_same_bits_again_and_again_whatever_was_left_in_memory() {
    let Some((gpu, _turn)) = gpu() else { return };
    for (p, m) in [(8, 1), (50, 1), (20, 5)] {
        let case = Case::new(3000, p, m);
        let targets: Vec<usize> = (0..m).collect();
        let first = gradient(gpu, &case, false, 1, &targets, "first");
        for k in 0..20 {
            gpu.device().poison([f32::NAN, 1e30, -3e38][k % 3]);
            assert_eq!(gradient(gpu, &case, false, 1, &targets, "again"), first);
        }
    }
}

#[test]
fn bits_do_not_depend_on_how_memory_is_cut() {
    let Some((whole, _turn)) = gpu() else { return };
    let Some(small) = open(Limits { binding_bytes: Some(1 << 21), ..Limits::default() }) else { return };
    for (n, p, m) in [(50_000, 12, 1), (9000, 200, 1), (20_000, 40, 3)] {
        let case = Case::new(n, p, m);
        let targets: Vec<usize> = (0..m).collect();
        for is_bytes in [false, true] {
            let expected = gradient(whole, &case, is_bytes, 1, &targets, "whole");
            assert_eq!(gradient(&small, &case, is_bytes, 1, &targets, "cut"), expected, "{n} x {p} x {m}");
        }
        let grams = [whole, &small].map(|gpu| gram(gpu, &case, 1, Some(Beside::Curvature)));
        assert_eq!(grams[0], grams[1]);
    }
}

/// The Gram of target 0, and beside it loss and gradient.
fn gram(gpu: &Gpu, case: &Case, every: usize, beside: Option<Beside>) -> Vec<Vec<f64>> {
    let [x, y] = case.place(gpu, false);
    let coef = gpu.upload(&case.coef[..case.p]).unwrap();
    let q = 1 + case.p;
    gpu.pass(case.sweep(every, &[0]), &[1, 1, case.p, q * q], &|work, rows| {
        if let Some(beside) = beside {
            gpu.start(work, Into::Eta, &case.intercepts[..1]);
            gpu.matmul(work, rows.clone(), &x, &coef, Into::Eta);
            gpu.pointwise(work, rows.clone(), Model::default(), (&y).into(), beside);
            gpu.matmul_transposed(work, rows.clone(), &x, 2);
        }
        gpu.weighted_gram(work, rows, Some(&x), beside.is_none(), 3);
        Ok(())
    })
    .unwrap()
}

#[test]
fn grams_of_every_width() {
    let Some((gpu, _turn)) = gpu() else { return };
    for (n, p, m, every) in [
        (1, 1, 1, 1),
        (300, 3, 1, 1),
        (1025, 8, 1, 1),
        (3000, 17, 1, 4),
        (2000, 33, 2, 1),
        (900, 70, 1, 1),
        (500, 200, 1, 1),
    ] {
        let case = Case::new(n, p, m);
        let x1 = |i: usize, j: usize| if j == 0 { 1.0 } else { case.x[i * p + j - 1] };
        for beside in [None, Some(Beside::Curvature), Some(Beside::One), Some(Beside::Magnitude)] {
            let found = gram(gpu, &case, every, beside);
            let q = p + 1;
            let mut truth = Truth::new(&[q * q], 1);
            for i in (0..n).filter(|i| (i / 256) % every == 0) {
                let y = case.y[i * m];
                let [_, r, mu] = poisson(case.eta(i, 0), y);
                let weight = match beside {
                    None | Some(Beside::One) => 1.0,
                    Some(Beside::Magnitude) => mu + r.abs(),
                    Some(_) => mu,
                };
                for j in 0..q {
                    for k in j..q {
                        let term = weight * x1(i, j) * x1(i, k);
                        truth.add(0, j * q + k, term, term.abs());
                    }
                }
            }
            truth.check(&found[3..], 1e-6, &format!("{n} x {p} every {every} {beside:?}"));
        }
    }
}

#[test]
fn columns_of_several_matrices_are_multiplied_with_one_another() {
    let Some((gpu, _turn)) = gpu() else { return };
    let (left, right) = (Case::new(1300, 5, 1), Case::new(1300, 9, 1));
    let blocks = [&left, &right].map(|case| case.place(gpu, false)[0].clone());
    let coefs = [&left, &right].map(|case| gpu.upload(&case.coef).unwrap());
    let [_, y] = left.place(gpu, false);
    let sweep = Sweep { n_columns: 14, ..left.sweep(1, &[0]) };
    let found = gpu
        .pass(sweep, &[1, 1, 5, 9, 225], &|work, rows| {
            gpu.start(work, Into::Eta, &[-0.5]);
            for (k, (x, coef)) in blocks.iter().zip(&coefs).enumerate() {
                gpu.matmul(work, rows.clone(), x, coef, Into::Eta);
                gpu.copy_rows(work, rows.clone(), x, 5 * k);
            }
            gpu.pointwise(work, rows.clone(), Model::default(), (&y).into(), Beside::Curvature);
            for (k, x) in blocks.iter().enumerate() {
                gpu.matmul_transposed(work, rows.clone(), x, 2 + k);
            }
            gpu.weighted_gram(work, rows, None, false, 4);
            Ok(())
        })
        .unwrap();
    let mut truth = Truth::new(&[1, 1, 5, 9, 225], 1);
    for i in 0..1300 {
        let row: Vec<f64> = std::iter::once(1.0)
            .chain(left.x[5 * i..5 * i + 5].iter().copied())
            .chain(right.x[9 * i..9 * i + 9].iter().copied())
            .collect();
        let eta = left.eta(i, 0) + 1.0 + right.eta(i, 0) + 1.0 - 0.5;
        let [loss, r, mu] = poisson(eta, left.y[i]);
        truth.add(0, 0, loss, mu + (left.y[i] * eta).abs());
        truth.add(1, 0, r, mu + r.abs());
        for j in 1..15 {
            let (sum, place) = if j <= 5 { (2, j - 1) } else { (3, j - 6) };
            truth.add(sum, place, row[j] * r, row[j].abs() * (mu + r.abs()));
        }
        for j in 0..15 {
            for k in j..15 {
                truth.add(4, j * 15 + k, mu * row[j] * row[k], mu * (row[j] * row[k]).abs());
            }
        }
    }
    truth.check(&found, 1e-6, "two blocks");
}

#[test]
fn trial_steps_and_reach() {
    let Some((gpu, _turn)) = gpu() else { return };
    for (n, p, m, rows) in
        [(1, 2, 1, 0..1), (5000, 7, 1, 0..5000), (9000, 40, 5, 4096..9000), (4100, 3, 20, 0..4096)]
    {
        let case = Case::new(n, p, m);
        let [x, y] = case.place(gpu, m > 1);
        let coef = gpu.upload(&case.coef).unwrap();
        let toward: Vec<f64> = case.coef.iter().map(|w| 0.5 - w).collect();
        let (direction, shifts) = (gpu.upload(&toward).unwrap(), vec![0.25; m]);
        let targets: Vec<usize> = (0..m).collect();
        let line = gpu
            .trace(case.sweep(1, &targets), rows.clone(), &|work, rows| {
                gpu.start(work, Into::Eta, &case.intercepts);
                gpu.matmul(work, rows.clone(), &x, &coef, Into::Eta);
                gpu.start(work, Into::Direction, &shifts);
                gpu.matmul(work, rows, &x, &direction, Into::Direction);
                Ok(())
            })
            .unwrap();
        let along = |i: usize, k: usize| {
            0.25 + (0..p).map(|j| case.x[i * p + j] * f64::from(toward[k * p + j] as f32)).sum::<f64>()
        };
        for step in [1.0, 1e-3, 1e-6] {
            let steps = vec![f64::from(step as f32); m];
            let mut changes = vec![0.5; m];
            gpu.loss_changes(&line, Model::default(), (&y).into(), &steps, &mut changes).unwrap();
            let mut truth = Truth::new(&[1], m);
            for i in rows.clone() {
                for k in 0..m {
                    let (eta, d) = (case.eta(i, k), steps[k] * along(i, k));
                    let (rise, count) = (eta.exp() * d.exp_m1(), case.y[i * m + k] * d);
                    truth.add(0, k, rise - count, rise.abs() + count.abs());
                }
            }
            for (change, sum) in changes.iter_mut().zip(&truth.sums[0]) {
                // what stood there before is kept
                let error = (*change - 0.5 - sum).abs();
                assert!(error <= 1e-15 + 1e-6 * sum.abs().max(1.0), "{change} {sum}");
                *change -= 0.5;
            }
            truth.check(&[changes], 2e-6, &format!("{n} x {p} x {m}, step {step}"));
        }
        let mut reach = vec![Reach::NONE; m];
        gpu.reach(&line, (&y).into(), &mut reach).unwrap();
        for (k, reach) in reach.iter().enumerate() {
            let mut truth = Reach::NONE;
            for i in rows.clone() {
                let d = along(i, k);
                truth.all = truth.all.max(d.abs());
                if case.y[i * m + k] == 0.0 {
                    truth.silent = truth.silent.max(d);
                } else {
                    truth.events = truth.events.max(d.abs());
                }
            }
            let same = |a: f64, b: f64| a == b || (a - b).abs() <= 1e-6 * truth.all;
            assert!(same(reach.all, truth.all) && same(reach.events, truth.events), "{reach:?} {truth:?}");
            assert!(same(reach.silent, truth.silent), "{reach:?} {truth:?}");
        }
    }
}
