//! Fits of every kind give the same bits in pools of any number of threads, and the same numbers at every level of vector
//! instructions.

use std::sync::LazyLock;

use crate::common::{Random, poisson_data, relative};
use ndarray::Array2;
use rheobase::backend::cpu::convolution::lags::Lags;
use rheobase::backend::cpu::simd::Level;
use rheobase::backend::{Backend, Costs, Cpu};
use rheobase::basis::RaisedCosineLog;
use rheobase::design::{Convolution, Course, DesignPlan, Evaluation, Form, Rows, Source, Values};
use rheobase::glm::{FittedGlm, GlmSpec, Response, SolverChoice, TargetFit};
use rheobase::solver::Status;

/// Bins of channels: several runs of tiles, also of those that transforms like to have together.
const N_BINS: usize = 190_000;
const WINDOW: usize = 30;
const N_FUNCTIONS: usize = 4;
/// Rows of a matrix that is large enough to be read in place.
const N_ROWS: usize = 95_000;

static DATA: LazyLock<Data> = LazyLock::new(Data::new);

/// What is fitted: columns, and counts of one target or several.
struct Data {
    /// One target with many events for its parameters.
    dense: (Array2<f64>, Array2<f64>),
    population: (Array2<f64>, Array2<f64>),
    /// Its columns in single precision.
    single: Array2<f32>,
    trains: (Convolution, Array2<f64>),
    signals: (Convolution, Array2<f64>),
    evaluated: (Evaluation, Array2<f64>),
}

impl Data {
    fn new() -> Self {
        let mut random = Random(1);
        let mut channels = |value: &dyn Fn(&mut Random) -> f64| -> Vec<Vec<f64>> {
            (0..3).map(|_| (0..N_BINS).map(|_| value(&mut random)).collect()).collect()
        };
        let trains = channels(&|random| f64::from(u8::from(random.uniform() < 0.03)));
        let trains = convolution(trains.iter().map(|counts| Course::of_counts(counts)).collect());
        let signals = channels(&|random| 7.0 + random.normal());
        let signals = convolution(signals.into_iter().map(Course::from).collect());
        let slow = |period: f64| (0..N_BINS).map(|bin| 0.5 + 0.5 * (bin as f64 / period).sin()).collect();
        let basis = RaisedCosineLog::new(N_FUNCTIONS).unwrap().into();
        let evaluated = Evaluation::new([300.0, 777.0].map(slow).to_vec(), N_BINS, basis).unwrap();
        let of = [trains.all().into(), signals.all().into(), evaluated.all().into()];
        let [of_trains, of_signals, of_evaluated] = of.map(|x: Values| counts(x, &mut random));
        let population = poisson_data(3, N_ROWS, 12, 3);
        Self {
            dense: poisson_data(2, 70_000, 5, 1),
            single: population.0.mapv(|x| x as f32),
            population,
            trains: (trains, of_trains),
            signals: (signals, of_signals),
            evaluated: (evaluated, of_evaluated),
        }
    }

    /// Every kind of fit.
    fn cases(&self) -> Vec<Case<'_>> {
        let rows = |of: &Convolution| Rows::from_ranges(of.complete().iter().cloned());
        let dense = Case {
            what: "Newton",
            x: self.dense.0.view().into(),
            rows: (0..self.dense.0.nrows()).into(),
            y: &self.dense.1,
            form: Form::Written,
            solver: SolverChoice::Newton,
            storage: "f32",
            is_sampled: false,
        };
        let (trains, signals) = (&self.trains, &self.signals);
        let of_trains =
            Case { x: trains.0.all().into(), rows: rows(&trains.0), y: &trains.1, ..dense.clone() };
        let of_signals =
            Case { x: signals.0.all().into(), rows: rows(&signals.0), y: &signals.1, ..dense.clone() };
        let (x, y) = (self.evaluated.0.all().into(), &self.evaluated.1);
        let of_evaluated = Case { x, rows: (0..N_BINS).into(), y, ..dense.clone() };
        let (solver, rows) = (SolverChoice::Lbfgs, Rows::from_ranges([7..50_001, 50_004..N_ROWS]));
        let population =
            Case { x: self.population.0.view().into(), rows, y: &self.population.1, solver, ..dense.clone() };
        let single = self.single.view().into();
        let (again, free) = (Form::Rewritten, Form::MatrixFree);
        vec![
            Case { what: "Newton in f64", storage: "f64", ..dense.clone() },
            Case { what: "from part of the rows on", solver, is_sampled: true, ..dense.clone() },
            Case { what: "evaluated, written again", form: again, ..of_evaluated },
            Case { what: "events, written again", form: again, ..of_trains.clone() },
            Case { what: "signals, written again", form: again, ..of_signals.clone() },
            Case { what: "events without a matrix", form: free, ..of_trains },
            Case { what: "spectra", form: free, solver, ..of_signals },
            Case { what: "population in place", x: single, ..population.clone() },
            Case { what: "population, written out", ..population },
            dense,
        ]
    }
}

fn convolution(channels: Vec<Course>) -> Convolution {
    let functions = Array2::from_shape_fn((WINDOW, N_FUNCTIONS), |(lag, i)| {
        let z = (lag as f64 - 7.0 * i as f64) / 5.0;
        (-z * z).exp()
    });
    let lags = Lags { window_bins: WINDOW, shift: -1 };
    Convolution::new(channels, N_BINS, functions, lags, &[0..100_001, 100_001..N_BINS]).unwrap()
}

/// Counts whose rate depends on all columns.
fn counts(x: Values, random: &mut Random) -> Array2<f64> {
    let weights: Vec<f64> = (0..x.ncols()).map(|_| random.normal()).collect();
    let eta = x.product(&weights);
    let known: Vec<f64> = eta.iter().copied().filter(|eta| eta.is_finite()).collect();
    let mean = known.iter().sum::<f64>() / known.len() as f64;
    let sd = (known.iter().map(|eta| (eta - mean).powi(2)).sum::<f64>() / known.len() as f64).sqrt();
    let count = |(bin, _): (usize, usize)| {
        let rate = (0.5 * (eta[bin] - mean) / sd - 2.0).exp();
        if rate.is_finite() { random.poisson(rate) } else { 0.0 }
    };
    Array2::from_shape_fn((eta.len(), 1), count)
}

/// A kind of fit.
#[derive(Clone)]
struct Case<'a> {
    what: &'static str,
    x: Values<'a>,
    rows: Rows,
    y: &'a Array2<f64>,
    form: Form,
    solver: SolverChoice,
    /// The numbers that the fit begins with.
    storage: &'static str,
    /// Whether it begins with part of the rows.
    is_sampled: bool,
}

impl<'a> Case<'a> {
    /// The design, whose means and deviations are summed up in the present pool.
    fn design(&self) -> DesignPlan<'a> {
        let labels = (0..self.x.ncols()).map(|j| format!("x{j}")).collect();
        let source = Source { name: "x".into(), labels, x: self.x };
        DesignPlan::new(vec![source], self.rows.clone()).unwrap()
    }

    fn fit_to<B: Backend>(&self, on: &B, design: &DesignPlan, solver: SolverChoice) -> FittedGlm {
        let names = (0..self.y.ncols()).map(|k| format!("y{k}")).collect();
        let response = Response { y: self.y.view().into(), names };
        let spec = GlmSpec { solver, ..GlmSpec::default() };
        spec.check().unwrap().fit(on, design, &response, &mut |_| {}).unwrap()
    }

    /// The fit of this kind.
    fn fit(&self, level: Level) -> FittedGlm {
        let design = self.design().with_forms("cpu", vec![self.form]);
        let is_in_place = design.needed_bytes(self.y.ncols(), size_of::<f32>(), &Costs::of_cpu(level)) == 0;
        assert_eq!(
            is_in_place,
            self.form == Form::Rewritten || matches!(self.x, Values::F32(_)),
            "{}",
            self.what
        );
        let fitted = match self.storage {
            "f64" => self.fit_to(&Cpu::<f64>::at(level), &design, self.solver),
            _ => self.fit_to(&Cpu::<f32>::at(level), &design, self.solver),
        };
        let plan = &fitted.plan;
        let found = (plan.storage.as_str(), plan.features[0].form.as_str(), plan.sample_every.is_some());
        assert_eq!(found, (self.storage, self.form.name(), self.is_sampled), "{}", self.what);
        assert_eq!(
            (plan.solver == "newton", plan.level.as_str()),
            (self.solver == SolverChoice::Newton, level.name())
        );
        assert!(fitted.targets.iter().all(|target| target.status == Status::Converged), "{}", self.what);
        fitted
    }
}

/// What `work` finds in a pool of so many threads.
fn on_threads<T: Send>(n_threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap().install(work)
}

fn bits(fitted: &FittedGlm) -> Vec<u64> {
    let of_target = |own: &TargetFit| {
        let numbers = [own.intercept, own.kkt_residual, own.loss, own.loss_gap];
        numbers
            .into_iter()
            .chain(own.coef.clone())
            .chain(own.standard_errors.clone())
            .map(f64::to_bits)
            .collect()
    };
    fitted.targets.iter().flat_map(|own| -> Vec<u64> { of_target(own) }).collect()
}

#[test]
fn bits_do_not_depend_on_the_threads() {
    for case in DATA.cases() {
        let one = on_threads(1, || case.fit(Level::best()));
        for n_threads in [2, 5] {
            let more = on_threads(n_threads, || case.fit(Level::best()));
            assert!(bits(&more) == bits(&one), "{} with {n_threads} threads", case.what);
        }
    }
}

#[test]
fn plans_do_not_depend_on_the_threads() {
    for case in DATA.cases() {
        let plan = |n_threads| {
            let on = Cpu::<f32>::default();
            on_threads(n_threads, || case.fit_to(&on, &case.design(), SolverChoice::Auto).plan)
        };
        assert_eq!(plan(5), plan(1), "{}", case.what);
    }
}

#[test]
fn numbers_are_those_of_the_portable_kernels_at_every_level() {
    for case in DATA.cases() {
        let portable = case.fit(Level::Scalar);
        for level in Level::available() {
            let found = case.fit(level);
            for (found, expected) in found.targets.iter().zip(&portable.targets) {
                let numbers = |own: &TargetFit| [own.coef.clone(), vec![own.intercept, own.loss]].concat();
                let apart = relative(&numbers(found), &numbers(expected));
                assert!(apart <= 1e-9, "{}, {level:?}: {apart:e}", case.what);
            }
        }
    }
}
