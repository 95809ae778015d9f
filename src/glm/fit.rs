//! The fit: rank, start, solver, certificate, in that order.

use std::time::{Duration, Instant};

use ndarray::ArrayView2;

use super::certificate::{Inference, Reported, infer, read_back, report};
use super::choice::{Plan, choose};
use super::fitted::{FittedGlm, GapFrom, Seconds, TargetFit};
use super::rank::{Rank, rank, varying};
use super::score::score;
use super::spec::{CheckedSpec, StandardErrors};
use crate::backend::Backend;
use crate::design::{Design, DesignPlan};
use crate::inverse_link::{Exp, InverseLink, InvertLink};
use crate::math::dense::{Cholesky, Matrix};
use crate::objective::{GlmObjective, Objective, Optimality, Weight};
use crate::observation::{ObservationModel, Observe, Poisson};
use crate::solver::{Lbfgs, Metric, Minimize, Newton, Outcome, Progress, Status, Watch};
use crate::{Error, Result};

/// Largest rows x columns x (columns + 1) x targets for which standard errors are computed without asking.
const INFERENCE_LIMIT: f64 = 1e11;
/// Condition of the standardised Hessian above which a user is told.
const ILL_CONDITIONED: f64 = 1e8;
/// Bytes of the design in `f64`, beside the source, per value.
const BYTES_PER_VALUE: u64 = 8;

/// What is to be explained: counts, shape (bins, targets).
#[derive(Clone, Debug)]
pub struct Response<'a> {
    /// The counts.
    pub y: ArrayView2<'a, f64>,
    /// One name per target.
    pub names: Vec<String>,
}

/// A fit in progress: everything but the parameters.
struct Fit<'a, 'd, 'r, B: Backend> {
    spec: &'a CheckedSpec,
    on: &'a B,
    plan: &'a DesignPlan<'d>,
    response: &'a Response<'r>,
    rank: Rank,
    metric: Metric,
}

impl CheckedSpec {
    /// Fits every target of the response to the rows of the design that the plan uses.
    ///
    /// # Errors
    /// [`Error::Length`] if response and design have different numbers of bins, [`Error::NonFinite`] or
    /// [`Error::Domain`] with the first used row whose response is not finite or not a count, [`Error::Memory`] if
    /// the design is larger than allowed. Not arriving is a status, not an error.
    pub fn fit<B: Backend + 'static>(
        &self,
        on: &B,
        plan: &DesignPlan,
        response: &Response,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<FittedGlm> {
        let started = Instant::now();
        self.check_inputs(plan, response)?;
        let varying = varying(plan.scaling());
        let design = plan.place(on, &varying)?;
        let y = on.matrix(plan.n_rows(), response.y.ncols(), &|rows, out| {
            let n = rows.len();
            for (column, out) in response.y.columns().into_iter().zip(out.chunks_exact_mut(n)) {
                out.iter_mut().zip(&plan.rows()[rows.clone()]).for_each(|(out, &row)| *out = column[row]);
            }
        })?;
        let gram = GlmObjective::new(on, &design, &y, self.get().model).gram(Weight::Flat)?;
        let rank = rank(plan.scaling(), &varying, &without_intercept(&gram));
        let (design, gram) = if rank.kept == varying {
            (design, gram)
        } else {
            drop(design);
            let design = plan.place(on, &rank.kept)?;
            let gram = GlmObjective::new(on, &design, &y, self.get().model).gram(Weight::Flat)?;
            (design, gram)
        };
        let mean_y = means(plan, response);
        let Some(factor) = Cholesky::new(&gram) else {
            return Err(Error::argument(
                "features",
                "columns whose squares can be added",
                "values that overflow",
                "divide the largest features by a power of ten",
            ));
        };
        let fit = Fit { spec: self, on, plan, response, rank, metric: Metric { factor, mean_y } };
        fit.run(&design, &y, started, progress)
    }

    fn check_inputs(&self, plan: &DesignPlan, response: &Response) -> Result<()> {
        if let Some(source) = plan.sources().first()
            && source.nrows() != response.y.nrows()
        {
            return Err(Error::Length {
                what: "bins of the response, as the features have".into(),
                expected: source.nrows(),
                found: response.y.nrows(),
            });
        }
        for &row in plan.rows() {
            for (column, &value) in response.y.row(row).iter().enumerate() {
                let what = || "response".to_string();
                if !value.is_finite() {
                    return Err(Error::NonFinite { what: what(), row, column, value });
                }
                let outside = match self.get().model.observation {
                    ObservationModel::Poisson => Poisson.outside(value),
                };
                if let Some(expected) = outside {
                    return Err(Error::Domain { what: what(), row, column, expected, value });
                }
            }
        }
        let needed_bytes = (plan.n_rows() * plan.n_columns()) as u64 * BYTES_PER_VALUE;
        match self.get().memory_limit_bytes {
            Some(limit_bytes) if needed_bytes > limit_bytes => {
                Err(Error::Memory { what: "the design".into(), needed_bytes, limit_bytes })
            }
            _ => Ok(()),
        }
    }
}

/// The Gram of the columns alone.
fn without_intercept(gram: &Matrix) -> Matrix {
    let p = gram.nrows() - 1;
    Matrix::from_shape_fn((p, p), |(i, j)| gram[(1 + i, 1 + j)])
}

fn means(plan: &DesignPlan, response: &Response) -> Vec<f64> {
    let n = plan.n_rows() as f64;
    let mean = |column: usize| {
        plan.rows().iter().map(|&row| response.y[(row, column)]).collect::<crate::math::sum::Sum>().value()
            / n
    };
    (0..response.y.ncols()).map(mean).collect()
}

impl<B: Backend> Fit<'_, '_, '_, B> {
    fn run(
        &self,
        design: &Design<B>,
        y: &B::Array,
        started: Instant,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<FittedGlm> {
        let spec = self.spec.get();
        let live: Vec<usize> =
            (0..self.metric.mean_y.len()).filter(|&target| self.metric.mean_y[target] > 0.0).collect();
        let plan = self.choose(&live);
        let mut f = GlmObjective::new(self.on, design, y, spec.model);
        let mut watch = Watch {
            tolerance: spec.tolerance,
            max_iterations: spec.max_iterations,
            // a limit beyond what a clock can show is none
            deadline: spec
                .time_limit_s
                .and_then(|limit| started.checked_add(Duration::try_from_secs_f64(limit).ok()?)),
            progress,
        };
        let solver: &dyn Minimize = if plan.solver == Newton.name() { &Newton } else { &Lbfgs };
        let solution = solver.minimize(&mut f, &self.metric, &live, self.start(&live), &mut watch)?;
        let (points, reports) = self.report(solution.at);
        let optimality = if live.is_empty() { Vec::new() } else { f.optimality(&points, &live)? };
        let fit_seconds = started.elapsed().as_secs_f64();
        let left_out = self.inference_left_out(live.len());
        let mut targets: Vec<TargetFit> = (0..self.response.names.len()).map(|k| self.silent(k)).collect();
        let mut condition = f64::NAN;
        for (k, &target) in live.iter().enumerate() {
            let at = points.column(k).to_vec();
            let inference = match left_out {
                Some(_) => None,
                None => infer(&mut f, &self.rank, self.plan.scaling(), target, &at, &optimality[k])?,
            };
            condition = inference.as_ref().map_or(f64::NAN, |inference| inference.condition).max(condition);
            targets[target] =
                self.target(target, &reports[k], &optimality[k], inference, &solution.outcomes[k]);
        }
        let layout = self.plan.layout();
        Ok(FittedGlm {
            model: spec.model,
            solver: plan.solver.clone(),
            tolerance: spec.tolerance,
            features: layout.features.clone(),
            labels: layout.labels.clone(),
            targets,
            condition,
            rank: self.rank.kept.len(),
            inference_left_out: left_out,
            seconds: Seconds { fit: fit_seconds, inference: started.elapsed().as_secs_f64() - fit_seconds },
            plan,
        })
    }

    /// The solver for these targets.
    fn choose(&self, live: &[usize]) -> Plan {
        let n = self.plan.n_rows();
        let events = |&target: &usize| self.metric.mean_y[target] * n as f64;
        let fewest = live.iter().map(events).min_by(f64::total_cmp).unwrap_or(0.0);
        choose(self.spec.get().solver, n, self.rank.kept.len(), live.len(), fewest)
    }

    /// No effect of any feature, the mean rate.
    fn start(&self, live: &[usize]) -> Matrix {
        let link = |mean: f64| match self.spec.get().model.inverse_link {
            InverseLink::Exp => Exp.link(mean),
        };
        Matrix::from_shape_fn((1 + self.rank.kept.len(), live.len()), |(j, k)| {
            if j > 0 { 0.0 } else { link(self.metric.mean_y[live[k]]) }
        })
    }

    /// What is reported, and the points that it stands for.
    fn report(&self, mut points: Matrix) -> (Matrix, Vec<Reported>) {
        let scaling = self.plan.scaling();
        let mut reports = Vec::with_capacity(points.ncols());
        for mut parameters in points.columns_mut() {
            let own = parameters.to_vec();
            let reported = report(&self.rank, scaling, &own);
            let back = read_back(&self.rank, scaling, &reported, &own);
            parameters.iter_mut().zip(back).for_each(|(p, back)| *p = back);
            reports.push(reported);
        }
        (points, reports)
    }

    fn inference_left_out(&self, n_targets: usize) -> Option<String> {
        let p = self.rank.kept.len() as f64;
        let cost = self.plan.n_rows() as f64 * p * (p + 1.0) * n_targets as f64;
        match self.spec.get().standard_errors {
            StandardErrors::Off => Some("not asked for".into()),
            StandardErrors::Auto if cost > INFERENCE_LIMIT => Some(format!(
                "rows x columns x (columns + 1) x targets = {cost:.1e} is above {INFERENCE_LIMIT:.0e}; \
                 `--standard-errors on` computes them all the same"
            )),
            _ => None,
        }
    }

    /// Puts one target's numbers together and decides its status.
    fn target(
        &self,
        target: usize,
        reported: &Reported,
        optimality: &Optimality,
        inference: Option<Inference>,
        outcome: &Outcome,
    ) -> TargetFit {
        let labels = &self.plan.layout().labels;
        let gap = match &inference {
            Some(inference) => inference.loss_gap,
            None => self.flat_gap(target, optimality),
        };
        let recession = outcome.recession.as_ref().or(inference.as_ref().and_then(|i| i.recession.as_ref()));
        let status = self.status(target, outcome.status, optimality, gap, recession.is_some());
        let aliased: Vec<String> = self.rank.aliased.iter().map(|&column| labels[column].clone()).collect();
        let warnings = self.warnings(recession, &aliased, inference.as_ref());
        let gap_from = if inference.is_some() { GapFrom::Hessian } else { GapFrom::FlatGram };
        let (standard_errors, intercept_standard_error) = match inference {
            Some(inference) => (inference.standard_errors, inference.intercept_standard_error),
            None => (vec![f64::NAN; labels.len()], f64::NAN),
        };
        let y: Vec<f64> = self.plan.rows().iter().map(|&row| self.response.y[(row, target)]).collect();
        TargetFit {
            name: self.response.names[target].clone(),
            status,
            coef: reported.coef.clone(),
            intercept: reported.intercept,
            standard_errors,
            intercept_standard_error,
            kkt_residual: optimality.kkt_residual,
            loss_gap: gap,
            gap_from,
            loss: optimality.loss,
            iterations: outcome.iterations,
            passes: outcome.passes,
            n_bins_used: y.len(),
            scores: score(self.spec.get().model, &y, &self.means(reported)),
            aliased,
            warnings,
        }
    }

    /// The gap by the flat Gram times the target's mean response.
    fn flat_gap(&self, target: usize, optimality: &Optimality) -> f64 {
        let flat = self.metric.factor.solve(&optimality.gradient);
        let squared: f64 = flat.iter().zip(&optimality.gradient).map(|(a, b)| a * b).sum();
        0.5 * squared / self.metric.mean_y[target]
    }

    /// Converged only with proof at the reported point, whatever the solver says.
    fn status(
        &self,
        target: usize,
        said: Status,
        optimality: &Optimality,
        gap: f64,
        recedes: bool,
    ) -> Status {
        let tolerance = self.spec.get().tolerance;
        let scale = optimality.loss.abs().max(self.metric.mean_y[target]);
        let proven = gap <= tolerance * scale && optimality.kkt_residual <= tolerance.sqrt();
        match said {
            Status::Failed => Status::Failed,
            _ if recedes => Status::Separated,
            _ if proven => Status::Converged,
            Status::Converged => Status::Stalled,
            said => said,
        }
    }

    fn warnings(
        &self,
        recession: Option<&Vec<f64>>,
        aliased: &[String],
        inference: Option<&Inference>,
    ) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Some(direction) = recession {
            warnings.push(self.separation_warning(direction));
        }
        if !aliased.is_empty() {
            warnings.push(format!(
                "the data do not determine {} each (constant, or linear combinations of one another): \
                 the answer of smallest norm is given",
                aliased.join(", ")
            ));
        }
        if let Some(Inference { condition, worst_column: Some(worst), .. }) = inference
            && *condition > ILL_CONDITIONED
        {
            warnings.push(format!(
                "ill-conditioned (condition {condition:.1e}), {} most of all: use fewer functions for it, or a \
                 ridge or smoothness penalty",
                self.plan.layout().labels[*worst]
            ));
        }
        warnings
    }

    /// Expected counts of the used rows.
    fn means(&self, reported: &Reported) -> Vec<f64> {
        let mean = |eta: f64| match self.spec.get().model.inverse_link {
            InverseLink::Exp => Exp.mean(eta).mu,
        };
        let of_row = |&row: &usize| {
            let terms = self.plan.sources().iter().flat_map(|source| source.row(row));
            mean(reported.intercept + terms.zip(&reported.coef).map(|(x, w)| x * w).sum::<f64>())
        };
        self.plan.rows().iter().map(of_row).collect()
    }

    fn separation_warning(&self, direction: &[f64]) -> String {
        let largest = direction[1..].iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        let names: Vec<&str> = self
            .rank
            .kept
            .iter()
            .zip(&direction[1..])
            .filter(|(_, d)| d.abs() > 0.05 * largest)
            .map(|(&column, _)| self.plan.layout().labels[column].as_str())
            .collect();
        format!(
            "separated: the likelihood rises for ever along {}, so its estimate is infinite; leave it out, merge it \
             with another feature, or add a ridge penalty",
            names.join(", ")
        )
    }

    /// A target without events: its rate is 0, whatever the features.
    fn silent(&self, target: usize) -> TargetFit {
        let n = self.plan.n_rows();
        let n_columns = self.plan.n_columns();
        TargetFit {
            name: self.response.names[target].clone(),
            status: Status::NoEvents,
            coef: vec![0.0; n_columns],
            intercept: f64::NEG_INFINITY,
            standard_errors: vec![f64::NAN; n_columns],
            intercept_standard_error: f64::NAN,
            kkt_residual: 0.0,
            loss_gap: 0.0,
            gap_from: GapFrom::FlatGram,
            loss: 0.0,
            iterations: 0,
            passes: 0,
            n_bins_used: n,
            scores: score(self.spec.get().model, &vec![0.0; n], &vec![0.0; n]),
            aliased: Vec::new(),
            warnings: vec![
                "no event in the used bins: the rate is 0 and the intercept minus infinity".into(),
            ],
        }
    }
}
