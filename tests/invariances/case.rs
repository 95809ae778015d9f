//! Problems drawn at random, and a runner that shrinks those that fail.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{Array2, Axis};
use proptest::prelude::{Strategy, any};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rheobase::backend::{Backend, Cpu, Model};
use rheobase::design::{DesignPlan, Source};
use rheobase::glm::{FittedGlm, GlmSpec, Response, SolverChoice};
use rheobase::observation::{NegativeBinomial, ObservationModel};
use rheobase::regularizer::{Grid, GridAxis, Groups, Regularizer};

use crate::tally::tally;

/// Penalties, by their number in a case.
pub(crate) const PENALTIES: usize = 6;

/// A problem, by the few numbers that it is made from.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "what a problem has, each or not")]
pub(crate) struct Case {
    pub(crate) seed: u64,
    pub(crate) n_rows: usize,
    pub(crate) n_columns: usize,
    pub(crate) n_targets: usize,
    pub(crate) pair: usize,
    pub(crate) penalty: usize,
    pub(crate) has_intercept: bool,
    pub(crate) has_weights: bool,
    pub(crate) has_offset: bool,
    pub(crate) is_newton: bool,
}

/// What is fitted.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) spec: GlmSpec,
    pub(crate) x: Array2<f64>,
    pub(crate) y: Array2<f64>,
    pub(crate) weights: Option<Vec<f64>>,
    pub(crate) offset: Option<Vec<f64>>,
    /// The rows that are used.
    pub(crate) rows: Vec<usize>,
    /// Where columns are cut into features of their own.
    pub(crate) cuts: Vec<usize>,
}

/// Every observation model with every link that suits it.
pub(crate) fn pairs() -> Vec<Model> {
    let dispersed = ObservationModel::from(NegativeBinomial::new(0.5).unwrap());
    let all = ObservationModel::ALL.map(|own| if own.dispersion_is_given() { dispersed } else { own });
    let links = |observation| {
        Model::links_of(observation).iter().map(move |&inverse_link| Model { observation, inverse_link })
    };
    all.into_iter().flat_map(links).collect()
}

/// Whether a model has a dispersion.
trait Dispersed {
    fn dispersion_is_given(self) -> bool;
}

impl Dispersed for ObservationModel {
    fn dispersion_is_given(self) -> bool {
        matches!(self, Self::NegativeBinomial(_))
    }
}

/// Problems of all kinds; of those with more columns than rows a ridge makes one answer the best.
pub(crate) fn cases() -> impl Strategy<Value = Case> {
    let sizes = (any::<u64>(), 60_usize..240, 1_usize..7, 0_usize..8);
    let kinds = (0..pairs().len(), 0..PENALTIES + 2, any::<bool>());
    let beside = (0_u8..4, 0_u8..4, any::<bool>());
    (sizes, kinds, beside).prop_map(
        |((seed, n_rows, n_columns, wide), (pair, penalty, is_newton), beside)| {
            let is_wide = wide == 7;
            Case {
                seed,
                n_rows: if is_wide { n_rows / 4 + 10 } else { n_rows },
                n_columns: if is_wide { n_rows / 4 + 12 + n_columns } else { n_columns },
                n_targets: 1,
                pair,
                // two of eight have none, as two of six would
                penalty: if is_wide { 1 } else { penalty.saturating_sub(2) },
                has_intercept: beside.0 > 0,
                has_weights: beside.1 == 1,
                has_offset: beside.1 == 2,
                is_newton,
            }
        },
    )
}

impl Case {
    pub(crate) fn model(&self) -> Model {
        pairs()[self.pair]
    }

    /// Whether L-BFGS can fit it.
    pub(crate) fn is_smooth(&self) -> bool {
        !self.regularizer().selects()
    }

    fn regularizer(&self) -> Regularizer {
        let p = self.n_columns;
        match self.penalty {
            1 => Regularizer::Ridge { strength: 0.05.into() },
            2 => Regularizer::Lasso { strength: 0.02.into() },
            3 => Regularizer::ElasticNet { strength: 0.03.into(), ratio: 0.5 },
            4 => {
                let groups = (0..p).step_by(2).map(|j| (j..p.min(j + 2)).collect()).collect();
                Regularizer::GroupLasso { strength: 0.02.into(), groups: Groups::Columns(groups) }
            }
            5 if p > 2 => Regularizer::Smooth {
                strength: 0.1,
                order: 1,
                grids: vec![Grid { first: 0, axes: vec![GridAxis { len: p, is_cyclic: false }] }],
            },
            _ => Regularizer::None,
        }
    }

    /// The data.
    pub(crate) fn problem(&self) -> Problem {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        let mut uniform = || (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        let model = self.model();
        // predictors of an inverse must be above 0
        let is_inverse = model.inverse_link == rheobase::inverse_link::InverseLink::OneOverX;
        let (n, p, m) = (self.n_rows, self.n_columns, self.n_targets);
        let x = Array2::from_shape_simple_fn((n, p), || {
            if is_inverse { 0.2 + uniform() } else { 2.0 * uniform() - 1.0 }
        });
        let weight = |u: f64| if is_inverse { 0.2 + 0.5 * u } else { 1.6 * u - 0.8 };
        let coef =
            Array2::from_shape_simple_fn((p, m), || weight(uniform()) / (p as f64 / 3.0).max(1.0).sqrt());
        let base = if is_inverse && self.has_intercept { 0.5 } else { 0.2 };
        let base = if self.has_intercept || is_inverse { base } else { 0.0 };
        let offset = self.has_offset.then(|| {
            (0..n).map(|_| if is_inverse { 0.3 * uniform() } else { uniform() - 0.5 }).collect::<Vec<f64>>()
        });
        let weights = self.has_weights.then(|| (0..n).map(|_| 0.25 + 2.0 * uniform()).collect());
        let eta = x.dot(&coef);
        let y = Array2::from_shape_fn((n, m), |(i, k)| {
            let eta = base + eta[(i, k)] + offset.as_ref().map_or(0.0, |offset| offset[i]);
            model.observation.sample(model.mean(eta), 0.3, &mut random)
        });
        let spec = GlmSpec {
            model,
            regularizer: self.regularizer(),
            has_intercept: self.has_intercept,
            solver: if self.is_newton || !self.is_smooth() {
                SolverChoice::Newton
            } else {
                SolverChoice::Lbfgs
            },
            ..GlmSpec::default()
        };
        Problem { spec, x, y, weights, offset, rows: (0..n).collect(), cuts: Vec::new() }
    }
}

impl Problem {
    /// The fit on the CPU in the storage that is the default.
    pub(crate) fn fit(&self) -> FittedGlm {
        self.fit_on(&Cpu::<f32>::default())
    }

    pub(crate) fn fit_on<B: Backend>(&self, on: &B) -> FittedGlm {
        let ends = self.cuts.iter().copied().chain([self.x.ncols()]);
        let mut first = 0;
        let mut sources = Vec::new();
        for (k, end) in ends.enumerate() {
            let labels = (first..end).map(|j| format!("x{j}")).collect();
            let x = self.x.slice_axis(Axis(1), ndarray::Slice::from(first..end));
            sources.push(Source { name: format!("block {k}"), labels, x: x.into() });
            first = end;
        }
        let mut plan = DesignPlan::new(sources, self.rows.clone()).unwrap();
        if let Some(weights) = &self.weights {
            plan = plan.with_weights(Arc::new(weights.clone())).unwrap();
        }
        if let Some(offset) = &self.offset {
            plan = plan.with_offset(Arc::new(offset.clone())).unwrap();
        }
        let names = (0..self.y.ncols()).map(|k| format!("y{k}")).collect();
        let response = Response { y: self.y.view().into(), names };
        self.spec.clone().check().unwrap().fit(on, &plan, &response, &mut |_| {}).unwrap()
    }

    /// Standard deviations of the columns over the used rows, 1 for constant ones.
    pub(crate) fn deviations(&self) -> Vec<f64> {
        let used = self.x.select(Axis(0), &self.rows);
        used.std_axis(Axis(0), 0.0).iter().map(|&sd| if sd > 0.0 { sd } else { 1.0 }).collect()
    }
}

/// Cases that were run, by invariance.
static COUNTS: Mutex<BTreeMap<&str, u64>> = Mutex::new(BTreeMap::new());

/// Tries an invariance on so many problems, the same in every run. A test returns whether there was something to compare: both
/// fits had come to an optimum. Of three problems two must have one.
pub(crate) fn holds(
    name: &'static str,
    n_cases: u32,
    strategy: impl Strategy<Value = Case>,
    test: impl Fn(Case) -> Result<bool, TestCaseError>,
) {
    let config =
        Config { cases: n_cases, failure_persistence: None, max_shrink_iters: 400, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let n_compared = std::cell::Cell::new(0_u64);
    let outcome = runner.run(&strategy, |case| {
        n_compared.set(n_compared.get() + u64::from(test(case)?));
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{name}: {error}"));
    let n_compared = n_compared.get();
    assert!(
        3 * n_compared >= 2 * u64::from(n_cases),
        "{name}: only {n_compared} of {n_cases} have an optimum"
    );
    let mut counts = COUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    counts.insert(name, n_compared);
    let all: Vec<(&str, u64)> = counts.iter().map(|(name, n)| (*name, *n)).collect();
    tally("invariances", &all);
}
