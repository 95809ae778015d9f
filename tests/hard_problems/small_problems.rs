//! Thousands of small problems in whole numbers, of which an enumeration in whole numbers knows whether they are separated.
//!
//! The directions that a response allows form a cone. If its conditions span the space, a cone that holds more than 0 has an edge,
//! and an edge is where all but one of as many independent conditions as there are coordinates hold exactly: a vector of
//! determinants. So there is a direction of recession if and only if one of these vectors, or its negative, meets all
//! conditions.

use ndarray::Array2;
use rheobase::backend::{Cpu, Model};
use rheobase::design::{DesignPlan, Source};
use rheobase::glm::{CategoricalSpec, GlmSpec, Labelled};
use rheobase::inverse_link::InverseLink;
use rheobase::observation::{Label, NegativeBinomial, ObservationModel};
use rheobase::solver::Status;

use crate::common::Random;
use crate::ways::{SOLVERS, Storage, Way, fit_by, solved};

/// The determinant of a square matrix of whole numbers, by the first row.
fn determinant(rows: &[Vec<i64>]) -> i64 {
    if rows.is_empty() {
        return 1;
    }
    let minor = |skip: usize| -> Vec<Vec<i64>> {
        let without = |row: &Vec<i64>| (0..row.len()).filter(|&j| j != skip).map(|j| row[j]).collect();
        rows[1..].iter().map(without).collect()
    };
    let sign = |j: usize| if j.is_multiple_of(2) { 1 } else { -1 };
    (0..rows.len())
        .map(|j| if rows[0][j] == 0 { 0 } else { sign(j) * rows[0][j] * determinant(&minor(j)) })
        .sum()
}

/// The vector that is orthogonal to one row less than there are coordinates.
fn orthogonal(rows: &[&Vec<i64>]) -> Vec<i64> {
    let n = rows.len() + 1;
    let of_one = |skip: usize| {
        let minor: Vec<Vec<i64>> =
            rows.iter().map(|row| (0..n).filter(|&j| j != skip).map(|j| row[j]).collect()).collect();
        determinant(&minor) * if skip.is_multiple_of(2) { 1 } else { -1 }
    };
    (0..n).map(of_one).collect()
}

fn dot(a: &[i64], b: &[i64]) -> i64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Calls `visit` with every choice of `k` of `n` until it returns true; whether it did.
fn choices(n: usize, k: usize, chosen: &mut Vec<usize>, visit: &mut dyn FnMut(&[usize]) -> bool) -> bool {
    if chosen.len() == k {
        return visit(chosen);
    }
    let first = chosen.last().map_or(0, |last| last + 1);
    (first..n).any(|next| {
        chosen.push(next);
        let found = choices(n, k, chosen, visit);
        chosen.pop();
        found
    })
}

/// Whether a direction meets all conditions `row · d >= 0` and is not 0; `None` if the rows do not span the space.
fn has_direction(conditions: &[Vec<i64>]) -> Option<bool> {
    let n = conditions[0].len();
    let mut all: Vec<&Vec<i64>> = conditions.iter().collect();
    all.sort();
    all.dedup();
    let spans = choices(all.len(), n, &mut Vec::new(), &mut |chosen| {
        let rows: Vec<Vec<i64>> = chosen.iter().map(|&k| all[k].clone()).collect();
        determinant(&rows) != 0
    });
    let is_direction = |d: &[i64]| d.iter().any(|x| *x != 0) && all.iter().all(|row| dot(row, d) >= 0);
    spans.then(|| {
        choices(all.len(), n - 1, &mut Vec::new(), &mut |chosen| {
            let rows: Vec<&Vec<i64>> = chosen.iter().map(|&k| all[k]).collect();
            let d = orthogonal(&rows);
            let back: Vec<i64> = d.iter().map(|x| -x).collect();
            is_direction(&d) || is_direction(&back)
        })
    })
}

/// A random design of whole numbers; often with columns of 0 and 1.
fn design(random: &mut Random, n: usize, p: usize) -> Vec<Vec<i64>> {
    let spread: Vec<f64> = (0..p).map(|_| if random.uniform() < 0.4 { 2.0 } else { 5.0 }).collect();
    let offset: Vec<i64> = spread.iter().map(|spread| if *spread == 2.0 { 0 } else { 2 }).collect();
    (0..n).map(|_| (0..p).map(|j| (random.uniform() * spread[j]) as i64 - offset[j]).collect()).collect()
}

fn as_numbers(rows: &[Vec<i64>]) -> Array2<f64> {
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j] as f64)
}

/// A row with a 1 before it, times a factor.
fn condition(row: &[i64], factor: i64) -> Vec<i64> {
    std::iter::once(factor).chain(row.iter().map(|x| factor * x)).collect()
}

/// Problems of either kind, and their fits.
#[derive(Default)]
struct Tried {
    separated: usize,
    bounded: usize,
    fits: usize,
}

impl Tried {
    /// Adds a problem whose fits have all said what is expected.
    fn add(&mut self, is_separated: bool, n_fits: usize) {
        *(if is_separated { &mut self.separated } else { &mut self.bounded }) += 1;
        self.fits += n_fits;
    }

    /// Fits one target with every solver, all of which have to say whether it is separated.
    fn fit(
        &mut self,
        storage: Storage,
        spec: &GlmSpec,
        (x, y): (&Array2<f64>, &Array2<f64>),
        expected: bool,
    ) {
        for solver in SOLVERS {
            let way = Way { solver, storage };
            let target = fit_by(way, spec, x, y).targets.remove(0);
            assert_eq!(target.status, said(expected), "{way:?} {:?} {x:?} {y:?} {target:?}", spec.model);
        }
        self.add(expected, SOLVERS.len());
    }

    /// Keeps the numbers, of which there are enough of either kind.
    fn keep(&self, enough: usize) {
        let Self { separated, bounded, fits } = *self;
        assert!(separated > enough && bounded > enough, "{separated} {bounded}");
        solved(separated + bounded, fits);
    }
}

fn said(is_separated: bool) -> Status {
    if is_separated { Status::Separated } else { Status::Converged }
}

#[test]
fn counts_are_separated_where_whole_numbers_say_so() {
    let mut random = Random(101);
    let dispersed = ObservationModel::NegativeBinomial(NegativeBinomial::new(0.7).unwrap());
    let softplus = |observation| Model { observation, inverse_link: InverseLink::Softplus };
    let models =
        [Model::default(), softplus(ObservationModel::Poisson), Model::from(dispersed), softplus(dispersed)];
    let mut tried = Tried::default();
    for round in 0..600 {
        let (n, p) = (6 + round % 9, 1 + round % 3);
        let rows = design(&mut random, n, p);
        let y: Vec<i64> =
            (0..n).map(|_| (random.uniform() * 2.6) as i64 * i64::from(random.uniform() < 0.6)).collect();
        let mut conditions = Vec::new();
        for (row, &y) in rows.iter().zip(&y) {
            conditions.push(condition(row, -1));
            if y > 0 {
                conditions.push(condition(row, 1));
            }
        }
        let Some(expected) = has_direction(&conditions).filter(|_| y.iter().any(|y| *y > 0)) else {
            continue;
        };
        let x = as_numbers(&rows);
        let y = Array2::from_shape_fn((n, 1), |(i, _)| y[i] as f64);
        let spec = GlmSpec { model: models[round % 4], ..GlmSpec::default() };
        let storage = if round % 2 == 0 { Storage::Double } else { Storage::Single };
        tried.fit(storage, &spec, (&x, &y), expected);
    }
    tried.keep(100);
}

#[test]
fn events_are_separated_where_whole_numbers_say_so() {
    let mut random = Random(102);
    let links = [InverseLink::Logistic, InverseLink::Probit];
    let mut tried = Tried::default();
    for round in 0..600 {
        let (n, p) = (7 + round % 10, 1 + round % 3);
        let rows = design(&mut random, n, p);
        // the first column helps now and then
        let y: Vec<bool> =
            rows.iter().map(|row| random.uniform() < 0.5 + 0.24 * (row[0] as f64).clamp(-2.0, 2.0)).collect();
        let sign = |y: bool| if y { 1 } else { -1 };
        let conditions: Vec<Vec<i64>> =
            rows.iter().zip(&y).map(|(row, &y)| condition(row, sign(y))).collect();
        let both = y.iter().any(|y| *y) && y.iter().any(|y| !*y);
        let Some(expected) = has_direction(&conditions).filter(|_| both) else { continue };
        let x = as_numbers(&rows);
        let y = Array2::from_shape_fn((n, 1), |(i, _)| f64::from(y[i]));
        let model = Model { observation: ObservationModel::Bernoulli, inverse_link: links[round % 2] };
        let spec = GlmSpec { model, ..GlmSpec::default() };
        let storage = if round % 3 == 0 { Storage::Single } else { Storage::Mixed };
        tried.fit(storage, &spec, (&x, &y), expected);
    }
    tried.keep(100);
}

#[test]
fn classes_are_separated_where_whole_numbers_say_so() {
    let mut random = Random(103);
    let mut tried = Tried::default();
    for round in 0..150 {
        let n = 7 + round % 6;
        let rows = design(&mut random, n, 1);
        let codes: Vec<usize> = rows
            .iter()
            .map(|row| ((random.uniform() * 3.0 + 0.5 * row[0] as f64).rem_euclid(3.0)) as usize)
            .collect();
        if (0..3).any(|class| !codes.contains(&class)) {
            continue;
        }
        // coordinates: intercept and slope of the first two classes against the third
        let mut conditions = Vec::new();
        for (row, &own) in rows.iter().zip(&codes) {
            for rival in (0..3).filter(|rival| *rival != own) {
                let factor = |class: usize| i64::from(own == class) - i64::from(rival == class);
                conditions.push([condition(row, factor(0)), condition(row, factor(1))].concat());
            }
        }
        let Some(expected) = has_direction(&conditions) else { continue };
        let x = as_numbers(&rows);
        let source = Source { name: "x".into(), labels: vec!["x0".into()], x: x.view().into() };
        let plan = DesignPlan::new(vec![source], 0..n).unwrap();
        let labels = codes.iter().map(|class| Some(Label::from(["a", "b", "c"][*class])));
        let response = [Labelled::learn("turn", labels)];
        for solver in SOLVERS {
            let spec = CategoricalSpec::new(GlmSpec { solver, ..GlmSpec::default() }).unwrap();
            let target =
                spec.fit(&Cpu::<f32>::default(), &plan, &response, &mut |_| {}).unwrap().targets.remove(0);
            assert_eq!(target.status, said(expected), "{solver:?} {x:?} {codes:?} {target:?}");
        }
        tried.add(expected, SOLVERS.len());
    }
    tried.keep(20);
}
