//! Fits of every kind, small enough to be done hundreds of times.

use ndarray::Array2;
use rheobase::Result;
use rheobase::backend::cpu::convolution::lags::Lags;
use rheobase::backend::{Classes, Cpu, Gpu, Model};
use rheobase::design::{Convolution, Course, DesignPlan, Rows, Source, Values};
use rheobase::glm::{
    CategoricalSpec, ClassWork, CrossValidation, Dispersion, Fallback, FittedCategorical, FittedGlm, Folds,
    GlmSpec, Labelled, Pick, Response, SolverChoice, StandardErrors, TOLERANCE_F32, TargetWork, Work,
};
use rheobase::observation::{Label, NegativeBinomial, ObservationModel};
use rheobase::regularizer::Regularizer;
use rheobase::solver::Status;

use crate::common::{Random, relative};

/// The numbers of a design.
pub(crate) enum Numbers {
    F64(Array2<f64>),
    F32(Array2<f32>),
    /// Functions of the recent past of channels, never written out.
    Convolved(Convolution),
}

/// What is fitted.
pub(crate) enum Kind {
    Targets(GlmSpec, Array2<f64>),
    Labels(GlmSpec, Labelled),
}

/// A fit.
pub(crate) struct Case {
    pub name: &'static str,
    pub x: Numbers,
    pub kind: Kind,
    pub how: Option<CrossValidation>,
    /// Digits that the tolerance of the fit leaves.
    pub digits: f64,
}

/// What computes it.
pub(crate) enum On<'o, 'f> {
    Cpu,
    Gpu(&'o Gpu),
    Fallback(&'o mut Fallback<'f>),
}

/// What a target came to.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub status: Status,
    coef: Vec<f64>,
    intercept: Vec<f64>,
    errors: Vec<f64>,
    strength: Option<f64>,
}

/// What a fit came to.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub backend: String,
    pub targets: Vec<Target>,
}

impl Answer {
    /// Whether every target is where it is in `truth`, to so many digits.
    pub(crate) fn is(&self, truth: &Self, digits: f64) -> bool {
        let near = |a: &[f64], b: &[f64], digits: f64| {
            a.len() == b.len() && (a.is_empty() || b.iter().all(|b| *b == 0.0) || relative(a, b) <= digits)
        };
        let same = |(own, truth): (&Target, &Target)| {
            own.status == truth.status
                && own.strength == truth.strength
                && near(&own.coef, &truth.coef, digits)
                && near(&own.intercept, &truth.intercept, digits)
                && near(&own.errors, &truth.errors, 100.0 * digits)
        };
        self.targets.len() == truth.targets.len() && self.targets.iter().zip(&truth.targets).all(same)
    }

    /// Whether a target says that it arrived and is elsewhere.
    pub(crate) fn is_wrong(&self, truth: &Self, digits: f64) -> bool {
        let has_arrived = |target: &&Target| !matches!(target.status, Status::Stalled | Status::Failed);
        let arrived = |answer: &Self| Self {
            backend: String::new(),
            targets: (0..answer.targets.len())
                .filter(|&k| has_arrived(&&self.targets[k]))
                .map(|k| answer.targets[k].clone())
                .collect(),
        };
        !arrived(self).is(&arrived(truth), digits)
    }
}

impl From<FittedGlm> for Answer {
    fn from(fit: FittedGlm) -> Self {
        let target = |own: rheobase::glm::TargetFit| Target {
            status: own.status,
            coef: own.coef,
            intercept: vec![own.intercept],
            errors: own.standard_errors.into_iter().filter(|error| !error.is_nan()).collect(),
            strength: own.strength,
        };
        Self { backend: fit.plan.backend, targets: fit.targets.into_iter().map(target).collect() }
    }
}

impl From<FittedCategorical> for Answer {
    fn from(fit: FittedCategorical) -> Self {
        let target = |own: rheobase::glm::ClassFit| Target {
            status: own.status,
            coef: own.coef,
            intercept: own.intercept,
            errors: own.standard_errors.into_iter().filter(|error| !error.is_nan()).collect(),
            strength: own.strength,
        };
        Self { backend: fit.plan.backend, targets: fit.targets.into_iter().map(target).collect() }
    }
}

impl Case {
    fn n_rows(&self) -> usize {
        match &self.kind {
            Kind::Targets(_, y) => y.nrows(),
            Kind::Labels(_, labels) => labels.n_bins(),
        }
    }

    /// Fits.
    pub(crate) fn run(&self, on: On) -> Result<Answer> {
        let values: Values = match &self.x {
            Numbers::F64(x) => x.view().into(),
            Numbers::F32(x) => x.view().into(),
            Numbers::Convolved(x) => x.all().into(),
        };
        let labels = (0..values.ncols()).map(|j| format!("x{j}")).collect();
        let rows: Rows = match &self.x {
            Numbers::Convolved(x) => x.complete().iter().cloned().flatten().collect::<Vec<_>>().into(),
            _ => (0..self.n_rows()).into(),
        };
        let plan = DesignPlan::new(vec![Source { name: "x".into(), labels, x: values }], rows)?;
        let how = self.how.as_ref();
        match &self.kind {
            Kind::Targets(spec, y) => {
                let names = (0..y.ncols()).map(|k| format!("y{k}")).collect();
                let response = Response { y: y.view().into(), names };
                let work = TargetWork { spec: spec.clone().check()?, how, plan: &plan, response: &response };
                done(work, on).map(Answer::from)
            }
            Kind::Labels(spec, response) => {
                let spec = CategoricalSpec::new(spec.clone())?;
                done(ClassWork { spec, how, plan: &plan, response }, on).map(Answer::from)
            }
        }
    }
}

fn done<W: Work>(work: W, on: On) -> Result<W::Fitted> {
    fn on_one<W: Work, B: Classes>(work: &W, on: &B) -> Result<W::Fitted> {
        work.fit(on, &mut |_| {})
    }
    match on {
        On::Cpu => on_one(&work, &Cpu::<f64>::default()),
        On::Gpu(gpu) => on_one(&work, gpu),
        On::Fallback(fallback) => fallback.fit(work, &mut |_| {}),
    }
}

/// Columns that depend on one another, and counts of some targets that they drive.
fn counts(seed: u64, n: usize, p: usize, m: usize) -> (Array2<f64>, Array2<f64>) {
    let mut random = Random(seed);
    let common: Vec<f64> = (0..n).map(|_| random.normal()).collect();
    let x = Array2::from_shape_fn((n, p), |(i, j)| 2.0 + j as f64 + random.normal() + 0.7 * common[i]);
    let w = Array2::from_shape_simple_fn((p, m), || 0.25 * random.normal());
    let eta = x.dot(&w);
    let mean = eta.mean_axis(ndarray::Axis(0)).unwrap();
    let y = Array2::from_shape_fn((n, m), |(i, k)| random.poisson((eta[(i, k)] - mean[k] - 0.5).exp()));
    (x, y)
}

fn convolved() -> (Numbers, Array2<f64>) {
    const N: usize = 1500;
    let mut random = Random(8);
    let trains: Vec<Vec<f64>> =
        (0..2).map(|_| (0..N).map(|_| f64::from(u8::from(random.uniform() < 0.1))).collect()).collect();
    let functions = Array2::from_shape_fn((12, 3), |(lag, i)| {
        let z = (lag as f64 - 4.0 * i as f64) / 3.0;
        (-z * z).exp()
    });
    let rate = |bin: usize| (trains[0][bin.saturating_sub(5)..bin].iter().sum::<f64>() - 1.0).exp();
    let y = Array2::from_shape_fn((N, 1), |(bin, _)| random.poisson(rate(bin)));
    let channels = trains.iter().map(|x| Course::of_counts(x)).collect();
    let lags = Lags { window_bins: 12, shift: -1 };
    (Numbers::Convolved(Convolution::new(channels, N, functions, lags, &[0..700, 710..N]).unwrap()), y)
}

fn labels(y: &Array2<f64>) -> Labelled {
    Labelled::learn("y", y.rows().into_iter().map(|y| Some(Label::from(y[0].min(1.0) + y[1].min(1.0)))))
}

fn how(n: usize, strengths: &[f64]) -> CrossValidation {
    let folds = Folds::blocked(&Rows::from(0..n), 2, 0).unwrap();
    CrossValidation { strengths: strengths.to_vec(), folds, pick: Pick::Best }
}

/// One of every kind.
pub(crate) fn cases() -> Vec<Case> {
    let case = |name, x, kind| Case { name, x, kind, how: None, digits: 1e-8 };
    let of = |solver| GlmSpec { solver, ..GlmSpec::default() };
    let ridge = || Regularizer::Ridge { strength: 1.0.into() };
    let (x, y) = counts(1, 700, 4, 1);
    let single = x.mapv(|x| x as f32);
    let (wide, population) = counts(2, 900, 5, 3);
    let (few, of_two) = counts(3, 500, 3, 2);
    let dense = || Numbers::F64(x.clone());
    let (past, spikes) = convolved();
    let is_event = y.mapv(|y| f64::from(u8::from(y > 0.0)));
    let bernoulli = ObservationModel::Bernoulli.into();
    let dispersed = Model::from(ObservationModel::from(NegativeBinomial::UNIT));
    let lasso = Regularizer::Lasso { strength: 0.02.into() };
    let no_errors = StandardErrors::Off;
    let mut cases = vec![
        case("dense, Newton", dense(), Kind::Targets(of(SolverChoice::Newton), y.clone())),
        case("dense, L-BFGS", dense(), Kind::Targets(of(SolverChoice::Lbfgs), y.clone())),
        case(
            "dense, no standard errors",
            dense(),
            Kind::Targets(GlmSpec { standard_errors: no_errors, ..of(SolverChoice::Lbfgs) }, y.clone()),
        ),
        case("convolved", past, Kind::Targets(GlmSpec::default(), spikes)),
        case("population", Numbers::F64(wide.clone()), Kind::Targets(GlmSpec::default(), population.clone())),
        case(
            "classes, Newton",
            Numbers::F64(few.clone()),
            Kind::Labels(of(SolverChoice::Newton), labels(&of_two)),
        ),
        case(
            "classes, L-BFGS",
            Numbers::F64(few.clone()),
            Kind::Labels(of(SolverChoice::Lbfgs), labels(&of_two)),
        ),
        case(
            "lasso",
            dense(),
            Kind::Targets(GlmSpec { regularizer: lasso, ..GlmSpec::default() }, y.clone()),
        ),
        case(
            "events or none",
            dense(),
            Kind::Targets(GlmSpec { model: bernoulli, ..GlmSpec::default() }, is_event),
        ),
        case(
            "dispersion",
            Numbers::F64(few.clone()),
            Kind::Targets(
                GlmSpec { model: dispersed, dispersion: Dispersion::MaximumLikelihood, ..GlmSpec::default() },
                of_two.column(0).mapv(|y| 2.0 * y).insert_axis(ndarray::Axis(1)),
            ),
        ),
    ];
    let tolerance = TOLERANCE_F32;
    cases.push(Case {
        digits: 1e-3,
        ..case(
            "single precision",
            Numbers::F32(single),
            Kind::Targets(GlmSpec { tolerance, ..GlmSpec::default() }, y),
        )
    });
    let spec = |solver| GlmSpec { regularizer: ridge(), ..of(solver) };
    cases.push(Case {
        how: Some(how(900, &[1e-2, 1.0])),
        ..case("cross-validation", Numbers::F64(wide), Kind::Targets(spec(SolverChoice::Auto), population))
    });
    cases.push(Case {
        how: Some(how(500, &[1e-2, 1.0])),
        ..case(
            "cross-validation of classes",
            Numbers::F64(few),
            Kind::Labels(spec(SolverChoice::Lbfgs), labels(&of_two)),
        )
    });
    cases
}
