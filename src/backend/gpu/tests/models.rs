//! Every model on the GPU against the same pass of the CPU in `f64`.

use std::ops::Range;

use super::{gpu, numbers};
use crate::backend::{Backend, Beside, Cpu, Every, Into, Model, Observed, POINTWISE_SUMS, Reach, Sweep};
use crate::inverse_link::InverseLink;
use crate::math::real::Real;
use crate::observation::ObservationModel;

const N: usize = 2500;
const P: usize = 6;
const BESIDES: [Beside; 4] = [Beside::Nothing, Beside::One, Beside::Curvature, Beside::Magnitude];

/// Responses that a model can have, and linear predictors between -reach and reach.
struct Case {
    model: Model,
    y: Vec<f64>,
    x: Vec<f64>,
    reach: f64,
}

impl Case {
    fn new(model: Model, reach: f64) -> Self {
        let y = numbers(2 * N, 11)
            .iter()
            .map(|u| match model.observation {
                ObservationModel::Poisson | ObservationModel::NegativeBinomial(_) => {
                    (5.0 * u.powi(3)).max(0.0).floor()
                }
                ObservationModel::Gaussian => 3.0 * u,
                ObservationModel::Bernoulli => f64::from(u8::from(*u > 0.4)),
                ObservationModel::Gamma => 0.1 + 3.0 * u * u,
            })
            .collect();
        Self { model, y, x: numbers(N * P, 5), reach }
    }

    /// The middle of the linear predictors: 0, or as much as keeps all that are looked at above 0.
    fn centre(&self) -> f64 {
        if self.model.inverse_link == InverseLink::OneOverX { 1.2 * self.reach + 0.9 } else { 0.0 }
    }

    /// The largest coefficients for which no linear predictor is beyond reach.
    fn coef(&self, k: usize) -> Vec<f64> {
        (0..P).map(|j| f64::from((self.reach / P as f64 * ((j + k) as f64).cos()) as f32)).collect()
    }

    /// Sums of a pass, of two targets or one: with `beside` and the Gram of one.
    fn sums<B: Backend>(&self, on: &B, m: usize, beside: Beside, weighted: bool) -> [Vec<Vec<f64>>; 2] {
        fn fill<T: Real>(from: &[f64], columns: usize, stride: usize, rows: Range<usize>, out: &mut [T]) {
            for (k, i) in rows.enumerate() {
                for j in 0..columns {
                    out[(k / 256 * columns + j) * 256 + k % 256] = T::from_f64(from[i * stride + j]);
                }
            }
        }
        let x = on.matrix(N, P, &|rows, out| fill(&self.x, P, P, rows, out)).unwrap();
        let y = on.response(N, m, &|rows, out| fill(&self.y, m, 2, rows, out)).unwrap();
        let weights = numbers(N, 3).iter().map(|u| f64::from((1.5 + u) as f32)).collect::<Vec<f64>>();
        let weights = on.response(N, 1, &|rows, out| fill(&weights, 1, 1, rows, out)).unwrap();
        let observed = Observed { weights: weighted.then_some(&weights), ..(&y).into() };
        let coef: Vec<f64> = (0..m).flat_map(|k| self.coef(k)).collect();
        let (coef, toward) = (on.upload(&coef).unwrap(), on.upload(&vec![0.01; P * m]).unwrap());
        let (targets, constants) = ([0, 1], [0.125, -0.25].map(|constant| constant + self.centre()));
        let sweep = Sweep {
            n_rows: N,
            n_columns: P,
            grain: 0,
            every: Every::ROW,
            alone: m == 1,
            targets: &targets[..m],
        };
        let with_gram = m == 1;
        let mut sizes = vec![POINTWISE_SUMS[0], POINTWISE_SUMS[1], P];
        sizes.extend(with_gram.then_some((1 + P) * (1 + P)));
        let sums = on.pass(sweep, &sizes, &|work, rows| {
            on.start(work, Into::Eta, &constants[..m]);
            on.matmul(work, rows.clone(), &x, &coef, Into::Eta);
            on.pointwise(
                work,
                rows.clone(),
                self.model,
                observed,
                if with_gram { beside } else { Beside::Nothing },
            );
            on.matmul_transposed(work, rows.clone(), &x, 2);
            if with_gram && beside != Beside::Nothing {
                on.weighted_gram(work, rows, Some(&x), false, 3);
            }
            Ok(())
        });
        let line = on.trace(sweep, 0..N, &|work, rows| {
            on.start(work, Into::Eta, &constants[..m]);
            on.matmul(work, rows.clone(), &x, &coef, Into::Eta);
            on.start(work, Into::Direction, &[0.5, -0.5][..m]);
            on.matmul(work, rows, &x, &toward, Into::Direction);
            Ok(())
        });
        let line = line.unwrap();
        let mut changes = vec![vec![0.0; m]; 3];
        for (step, changes) in [1.0, 0.03125, 1.0 / 65_536.0].into_iter().zip(&mut changes) {
            on.loss_changes(&line, self.model, observed, &vec![step; m], changes).unwrap();
            changes.iter_mut().for_each(|change| *change /= step);
        }
        let mut reach = vec![Reach::NONE; m];
        on.reach(&line, observed, &mut reach).unwrap();
        changes.push(
            reach.iter().flat_map(|reach| [reach.all, reach.events, reach.silent, reach.fall]).collect(),
        );
        [sums.unwrap(), changes]
    }
}

fn agree(found: &[Vec<f64>], truth: &[Vec<f64>], what: &str) {
    for (k, (found, truth)) in found.iter().zip(truth).enumerate() {
        let sizes = truth.iter().map(|b| b.abs()).filter(|size| size.is_finite());
        let largest = sizes.fold(1e-6, f64::max);
        for (a, b) in found.iter().zip(truth) {
            assert!(
                a == b || (a - b).abs() <= 2e-5 * largest,
                "{what}, sum {k}: {a}, not {b} (of {largest})"
            );
        }
    }
}

#[test]
fn every_model_is_that_of_the_cpu() {
    let Some((gpu, _turn)) = gpu() else { return };
    let cpu = Cpu::<f64>::default();
    for observation in ObservationModel::ALL {
        for &inverse_link in Model::links_of(observation) {
            // far out means of an exponential differ too much for one scale
            let reaches = if inverse_link == InverseLink::Exp { [1.0, 5.0] } else { [1.0, 40.0] };
            for reach in reaches {
                let case = Case::new(Model { observation, inverse_link }, reach);
                for beside in BESIDES {
                    for (m, weighted) in [(1, false), (2, false), (1, true), (2, true)] {
                        let weights = if weighted { "weighted" } else { "unweighted" };
                        let what =
                            format!("{:?} {beside:?} {m} targets, {weights}, reach {reach}", case.model);
                        let [found, changes] = case.sums(gpu, m, beside, weighted);
                        let [truth, true_changes] = case.sums(&cpu, m, beside, weighted);
                        agree(&found, &truth, &what);
                        agree(&changes, &true_changes, &format!("{what}, changes"));
                    }
                }
            }
        }
    }
}
