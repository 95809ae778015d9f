//! Simulated populations: the reference without spikes, laws of counts, growth, and couplings that a fit finds again.

use crate::common::{Random, fit, golden, matrix, number, numbers};
use ndarray::{Array1, Array2, Array3, Axis};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rheobase::basis::{Expand, RaisedCosineLog};
use rheobase::features::{Causality, Channel, convolved};
use rheobase::glm::GlmSpec;
use rheobase::inverse_link::InverseLink;
use rheobase::regularizer::{Groups, Regularizer};
use rheobase::simulate::{CoupledFilters, CoupledPopulation, difference_of_gammas};
use rheobase::time::{BinGrid, IntervalSet};
use serde_json::Value;

fn cube(value: &Value) -> Array3<f64> {
    let planes: Vec<Array2<f64>> = value.as_array().unwrap().iter().map(matrix).collect();
    let (rows, columns) = planes[0].dim();
    Array3::from_shape_fn((planes.len(), rows, columns), |(k, i, j)| planes[k][(i, j)])
}

#[test]
fn rates_without_spikes_are_those_of_the_reference() {
    let reference = golden("reference_nemos.json");
    let is_whole = |record: &&Value| !record["coupling_coef"].is_null();
    for record in reference["recurrent"].as_array().unwrap().iter().filter(is_whole) {
        let (coupling, basis) = (cube(&record["coupling_coef"]), matrix(&record["coupling_basis"]));
        let (input, weights) = (cube(&record["feedforward_input"]), matrix(&record["feedforward_coef"]));
        let (n_bins, n, n_features) = input.dim();
        let drive = Array2::from_shape_fn((n_bins, n), |(t, i)| {
            (0..n_features).map(|f| weights[(i, f)] * input[(t, i, f)]).sum()
        });
        let before = matrix(&record["init_y"]);
        let intercepts = vec![number(&record["intercept"]); n];
        let population = CoupledPopulation {
            filters: &CoupledFilters::new(coupling.view(), basis.view()).unwrap(),
            intercepts: &intercepts,
            drive: drive.view(),
            before: before.view(),
            inverse_link: InverseLink::Exp,
            most_expected: 100.0,
        };
        let found = population.simulate(&mut ChaCha8Rng::seed_from_u64(1)).unwrap();
        assert!(found.counts.iter().all(|count| *count == 0.0) && found.n_held == 0);
        let expected = matrix(&record["log_rate_plus_45"]);
        for (rate, log) in found.expected.iter().zip(&expected) {
            assert!((rate.ln() + 45.0 - log).abs() < 1e-10, "{} {log}", rate.ln() + 45.0);
        }
    }
}

fn pair(coupling: &Array3<f64>, n_bins: usize, seed: u64) -> rheobase::simulate::CoupledCounts {
    let basis = Array2::from_shape_vec((3, 1), vec![1.0, 0.5, 0.25]).unwrap();
    let (drive, before) = (Array2::zeros((n_bins, 2)), Array2::zeros((3, 2)));
    let population = CoupledPopulation {
        filters: &CoupledFilters::new(coupling.view(), basis.view()).unwrap(),
        intercepts: &[-2.0, -2.0],
        drive: drive.view(),
        before: before.view(),
        inverse_link: InverseLink::Exp,
        most_expected: 5.0,
    };
    population.simulate(&mut ChaCha8Rng::seed_from_u64(seed)).unwrap()
}

#[test]
fn counts_follow_their_rates_and_rates_the_counts_before() {
    let coupling = Array3::from_shape_vec((2, 2, 1), vec![0.0, 0.0, 1.2, -0.5]).unwrap();
    let found = pair(&coupling, 40_000, 3);
    assert_eq!(found, pair(&coupling, 40_000, 3), "the same seed");
    assert_ne!(found.counts, pair(&coupling, 40_000, 4).counts);
    for (bin, expected) in found.expected.rows().into_iter().enumerate().skip(3) {
        let effect: f64 = (0..3)
            .map(|k| {
                [1.0, 0.5, 0.25][k]
                    * (1.2 * found.counts[(bin - 1 - k, 0)] - 0.5 * found.counts[(bin - 1 - k, 1)])
            })
            .sum();
        assert!((expected[1].ln() - (effect - 2.0)).abs() < 1e-12 || expected[1] == 5.0);
        assert!((expected[0].ln() + 2.0).abs() < 1e-12);
    }
    for unit in 0..2 {
        let (counts, expected) = (found.counts.column(unit), found.expected.column(unit));
        let (sum, mean): (f64, f64) = (counts.sum(), expected.sum());
        assert!((sum - mean).abs() < 4.0 * mean.sqrt(), "{sum} {mean}");
        let scaled: Array1<f64> = counts.iter().zip(expected).map(|(y, mu)| (y - mu).powi(2) / mu).collect();
        assert!((scaled.mean().unwrap() - 1.0).abs() < 0.1, "a Poisson variance");
    }
    assert!(found.counts.column(1).sum() > 1.05 * found.counts.column(0).sum());
}

#[test]
fn what_runs_away_is_held_and_said() {
    let wild = Array3::from_elem((2, 2, 1), 3.0);
    let found = pair(&wild, 2000, 5);
    assert!(found.n_held > 100 && found.expected.iter().all(|mean| *mean <= 5.0));
    let (basis, zeros) = (Array2::from_elem((1, 1), 1.0), Array2::zeros((1, 2)));
    let growth = |coupling: &Array3<f64>, expected: [f64; 2]| {
        let population = CoupledPopulation {
            filters: &CoupledFilters::new(coupling.view(), basis.view()).unwrap(),
            intercepts: &[0.0, 0.0],
            drive: zeros.view(),
            before: zeros.view(),
            inverse_link: InverseLink::Exp,
            most_expected: 5.0,
        };
        population.growth(&expected).unwrap()
    };
    // of the exponential link the slope is the rate: the matrix is [[0, 0.5], [0.2, 0]]
    let chain = Array3::from_shape_vec((2, 2, 1), vec![0.0, 1.0, -2.0, 0.0]).unwrap();
    assert!((growth(&chain, [0.5, 0.1]) - 0.1f64.sqrt()).abs() < 1e-9);
    assert!((growth(&Array3::from_elem((2, 2, 1), 1.0), [0.3, 0.4]) - 0.7).abs() < 1e-9);
    assert_eq!(growth(&Array3::zeros((2, 2, 1)), [1.0, 1.0]), 0.0);
    // of excitation alone: inhibition closes no circle, and lets nothing run away
    let excitatory = |values: Vec<f64>, expected: [f64; 2]| {
        let coupling = Array3::from_shape_vec((2, 2, 1), values).unwrap();
        let population = CoupledPopulation {
            filters: &CoupledFilters::new(coupling.view(), basis.view()).unwrap(),
            intercepts: &[0.0, 0.0],
            drive: zeros.view(),
            before: zeros.view(),
            inverse_link: InverseLink::Exp,
            most_expected: 5.0,
        };
        population.excitatory_growth(&expected).unwrap()
    };
    assert!(excitatory(vec![0.0, 1.0, -2.0, 0.0], [0.5, 0.1]) == 0.0);
    assert!((excitatory(vec![1.5, -9.0, 2.0, -4.0], [0.5, 0.1]) - 0.75).abs() < 1e-9);
}

#[test]
fn means_that_are_no_number_are_left_undrawn_and_counted() {
    // the mean of the first unit overflows: without a bound that is no number to draw at
    let (coupling, zeros) = (Array3::zeros((2, 2, 1)), Array2::zeros((4, 2)));
    let population = |most_expected: f64, intercepts: &'static [f64]| {
        CoupledPopulation {
            filters: &CoupledFilters::of_lags(coupling.view()).unwrap(),
            intercepts,
            drive: zeros.view(),
            before: Array2::zeros((1, 2)).view(),
            inverse_link: InverseLink::Exp,
            most_expected,
        }
        .simulate_with(None, |_, mean| mean)
        .unwrap()
    };
    let held = population(5.0, &[800.0, 0.0]);
    assert_eq!((held.n_held, held.n_undrawn, held.counts[(3, 0)]), (4, 0, 5.0));
    let free = population(f64::INFINITY, &[800.0, 0.0]);
    assert_eq!((free.n_held, free.n_undrawn, free.counts[(3, 1)]), (0, 4, 1.0));
    assert!(free.counts.column(0).iter().chain(free.expected.column(0)).all(|value| value.is_nan()));
}

#[test]
fn a_filter_that_excites_and_then_inhibits_is_that_of_the_reference() {
    let reference = golden("reference_nemos.json");
    let record =
        reference["recurrent"].as_array().unwrap().iter().find_map(|own| own.get("difference_of_gammas_ws8"));
    let expected = numbers(record.unwrap());
    let found = difference_of_gammas(8, 0.99, [2.0, 2.0], [1.0, 1.0]).unwrap();
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-8, "{found} {expected}");
    }
    assert!(difference_of_gammas(1, 0.99, [2.0, 2.0], [1.0, 1.0]).is_err());
    assert!(difference_of_gammas(8, 1.0, [2.0, 2.0], [1.0, 1.0]).is_err());
    assert!(difference_of_gammas(8, 0.9, [0.0, 2.0], [1.0, 1.0]).is_err());
}

#[test]
fn couplings_are_found_again() {
    const N: usize = 12;
    const N_BINS: usize = 60_000;
    let basis = RaisedCosineLog::new(3).unwrap().kernel(20).unwrap();
    let mut random = Random(61);
    // each unit is quiet after its own spikes; a fifth of the pairs are coupled, with either sign
    let coupling = Array3::from_shape_fn((N, N, 3), |(i, j, b)| {
        let is_coupled = i != j && (5 * i + 7 * j) % 5 == 0;
        match b {
            _ if i == j => -1.5,
            0 | 1 if is_coupled => {
                if (i + j) % 3 == 0 {
                    -0.8
                } else {
                    0.5
                }
            }
            _ => 0.0,
        }
    });
    let (drive, before) = (Array2::zeros((N_BINS, N)), Array2::zeros((20, N)));
    let intercepts: Vec<f64> = (0..N).map(|_| -3.0 + 0.2 * random.normal()).collect();
    let population = CoupledPopulation {
        filters: &CoupledFilters::new(coupling.view(), basis.view()).unwrap(),
        intercepts: &intercepts,
        drive: drive.view(),
        before: before.view(),
        inverse_link: InverseLink::Exp,
        most_expected: 2.0,
    };
    let simulated = population.simulate(&mut ChaCha8Rng::seed_from_u64(62)).unwrap();
    assert_eq!(simulated.n_held, 0);
    let rates: Vec<f64> =
        simulated.counts.columns().into_iter().map(|own| own.sum() / N_BINS as f64).collect();
    assert!(population.growth(&rates).unwrap() < 1.0);
    let grid = BinGrid::new(&IntervalSet::new(&[0.0], &[N_BINS as f64 * 0.01]).unwrap(), 0.01).unwrap();
    let channel = |(unit, counts): (usize, ndarray::ArrayView1<f64>)| Channel {
        label: format!("units[{unit}]"),
        values: counts.to_vec(),
    };
    let channels: Vec<Channel> = simulated.counts.columns().into_iter().enumerate().map(channel).collect();
    let block = convolved(&grid, "units", &channels, &basis, Causality::Causal, false).unwrap();
    let rows: Vec<usize> = (20..N_BINS).collect();
    let (x, y) = (block.x.select(Axis(0), &rows), simulated.counts.select(Axis(0), &rows));
    let groups = Groups::Columns((0..N).map(|j| (3 * j..3 * j + 3).collect()).collect());
    let regularizer = Regularizer::GroupLasso { strength: 1e-4.into(), groups };
    let fitted = fit(GlmSpec { regularizer, tolerance: 1e-10, ..GlmSpec::default() }, &x, &y);
    assert!(fitted.converged());
    // what a spike adds in all
    let total =
        |coef: &dyn Fn(usize) -> f64| -> f64 { (0..3).map(|b| coef(b) * basis.column(b).sum()).sum() };
    let pairs: Vec<[f64; 2]> = (0..N * N)
        .map(|k| {
            let (i, j) = (k / N, k % N);
            [total(&|b| coupling[(i, j, b)]), total(&|b| fitted.targets[i].coef[3 * j + b])]
        })
        .collect();
    let mean = |side: usize| pairs.iter().map(|pair| pair[side]).sum::<f64>() / pairs.len() as f64;
    let means = [mean(0), mean(1)];
    let moment =
        |a: usize, b: usize| pairs.iter().map(|p| (p[a] - means[a]) * (p[b] - means[b])).sum::<f64>();
    let correlation = moment(0, 1) / (moment(0, 0) * moment(1, 1)).sqrt();
    assert!(correlation > 0.95, "{correlation}");
}
