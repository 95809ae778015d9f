//! What a cross-validation costs: 10 folds and 20 strengths of 12 targets, against the 20 fits to all bins alone, each from
//! the answer of the one before.
//!
//! Both end at the same tolerance.
#![forbid(unsafe_code)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::Instant;

use common::{Random, source};
use ndarray::Array2;
use rheobase::backend::Cpu;
use rheobase::design::{DesignPlan, Rows};
use rheobase::glm::{CrossValidation, FittedGlm, Folds, GlmSpec, Pick, Response, StandardErrors};
use rheobase::regularizer::Regularizer;

const ROUNDS: usize = 3;
const N_TARGETS: usize = 12;

fn strengths(from: f64, to: f64) -> Vec<f64> {
    (0..20).map(|k| from * (to / from).powf(f64::from(k) / 19.0)).collect()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Normal features, of which each target follows a few, and counts with a mean of about 0.2 per bin.
fn population(n: usize, p: usize) -> (Array2<f64>, Array2<f64>) {
    let mut random = Random(3);
    let x = Array2::from_shape_simple_fn((n, p), || random.normal());
    let w = Array2::from_shape_fn(
        (p, N_TARGETS),
        |(j, k)| if (j + k) % 4 == 0 { 0.2 * random.normal() } else { 0.0 },
    );
    let y = x.dot(&w).mapv(|eta| random.poisson((eta - 1.8).exp()));
    (x, y)
}

fn main() {
    let menu = [
        ("ridge", Regularizer::Ridge { strength: 1.0.into() }, strengths(1e-4, 1.0)),
        ("lasso", Regularizer::Lasso { strength: 1.0.into() }, strengths(1e-4, 0.1)),
    ];
    for (n, p) in [(20_000, 40), (60_000, 80)] {
        let (x, y) = population(n, p);
        let plan = DesignPlan::new(source(&x), 0..n).unwrap();
        let names: Vec<String> = (0..N_TARGETS).map(|k| format!("y{k}")).collect();
        let response = || Response { y: y.view().into(), names: names.clone() };
        let on = Cpu::<f32>::default();
        for (name, regularizer, strengths) in &menu {
            let spec = GlmSpec {
                regularizer: regularizer.clone(),
                tolerance: 1e-8,
                standard_errors: StandardErrors::Off,
                ..GlmSpec::default()
            };
            let spec = spec.check().unwrap();
            let falling: Vec<f64> = strengths.iter().rev().copied().collect();
            let folds = Folds::blocked(&Rows::from(0..n), 10, 0).unwrap();
            let how = CrossValidation { strengths: strengths.clone(), folds, pick: Pick::Best };
            let (mut path, mut all) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                let started = Instant::now();
                let fits = spec.fit_path(&on, &plan, &response(), &falling, &mut |_| {}).unwrap();
                path.push(started.elapsed().as_secs_f64());
                assert!(fits.iter().all(FittedGlm::converged), "{name}: the path did not arrive");
                let started = Instant::now();
                let fit = spec.cross_validate(&on, &plan, &response(), &how, &mut |_| {}).unwrap();
                all.push(started.elapsed().as_secs_f64());
                assert!(fit.converged(), "{name}: the chosen fits did not arrive");
                let chosen = fit.targets.iter().map(|target| target.strength.unwrap());
                let passes: usize = fits.iter().map(|fit| fit.targets[0].passes).sum();
                if path.len() == 1 {
                    println!(
                        "{n} x {p}, {name}: {passes} passes of the first target; chosen {:?}",
                        chosen.collect::<Vec<_>>()
                    );
                }
            }
            let (path, all) = (median(path), median(all));
            println!(
                "{n} x {p}, {name}: path {path:.3} s, cross-validation {all:.3} s, ratio {:.2}",
                all / path
            );
        }
    }
}
