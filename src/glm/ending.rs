//! The end of a fit: statuses, warnings and what is reported of each target.

use super::certificate::{Inference, Reported};
use super::fit::Fit;
use super::fitted::{GapFrom, TargetFit};
use super::response_sums::ResponseSums;
use super::score::{Scores, score_by};
use super::standing::Standing;
use crate::design::{DesignPlan, Weights};
use crate::objective::Optimality;
use crate::observation::{ObservationModel, Observe, Recession};
use crate::solver::{Iterate, Status};

/// Condition of the standardised Hessian above which a user is told.
const ILL_CONDITIONED: f64 = 1e8;
/// Mean of a column, in its standard deviations, above which its digits suffer.
const FAR_FROM_ZERO: f64 = 1e8;
/// A response is predicted to rounding if the mean square of what is left is this part of its own.
const EXACT: f64 = 1e-27;
/// A feature is named in a direction if its part is at least this much of the largest.
const NAMED: f64 = 0.05;
/// What to say of a target that was asked to stop and has no certificate.
pub(super) const UNPROVEN: &str =
    "stopped before loss, certificate and scores could be computed at these coefficients: they are NaN";
/// Most names in a warning; the whole list of aliased columns is in the result.
const MOST_NAMES: usize = 8;

impl Fit<'_, '_, '_> {
    /// The loss gap of the certificate, and where it is from.
    fn gap(&self, standing: &Standing, left_out: bool) -> (f64, GapFrom) {
        match &standing.inference {
            Some(inference) if !left_out || !self.penalty.kinks().is_none() => {
                (inference.loss_gap, GapFrom::Hessian)
            }
            _ => (standing.flat_gap, GapFrom::FlatGram),
        }
    }

    /// The gap by the flat Gram times the curvature of the target's null model, and the penalty.
    pub(super) fn flat_gap(&self, target: usize, optimality: &Optimality) -> f64 {
        let flat = self.metric.step(target, &optimality.gradient);
        let squared: f64 = flat.iter().zip(&optimality.gradient).map(|(a, b)| a * b).sum();
        0.5 * squared
    }

    /// Whether both numbers of the certificate are small enough.
    pub(super) fn is_proven(&self, target: usize, standing: &Standing, left_out: bool) -> bool {
        let tolerance = self.spec.get().tolerance;
        let scale = self.metric.nulls[target].scale(standing.optimality.loss);
        let (gap, _) = self.gap(standing, left_out);
        gap <= tolerance * scale && standing.optimality.kkt_residual <= tolerance.sqrt()
    }

    /// Converged only with proof at the reported point, whatever the solver says.
    fn status(&self, target: usize, standing: &Standing, left_out: bool) -> Status {
        let (gap, _) = self.gap(standing, left_out);
        let numbers = [gap, standing.optimality.kkt_residual, standing.optimality.loss];
        match standing.outcome.status {
            Status::Failed => Status::Failed,
            Status::Stopped if standing.is_unproven() => Status::Stopped,
            _ if numbers.iter().any(|number| !number.is_finite()) => Status::Failed,
            _ if standing.recession().is_some() => Status::Separated,
            _ if self.is_proven(target, standing, left_out) && !standing.is_in_doubt() => {
                if self.is_settled(standing) { Status::Converged } else { Status::Stopped }
            }
            Status::Converged => Status::Stalled,
            said => said,
        }
    }

    /// Whether small numbers are proof enough. A fit that was stopped may not have looked whether a target runs away, nor at what the kinks
    /// of a penalty leave.
    fn is_settled(&self, standing: &Standing) -> bool {
        let may_run = match self.recession() {
            Recession::Never => false,
            Recession::Down => standing.optimality.n_faint > 0.0,
            Recession::Apart => true,
        };
        standing.is_examined || (self.penalty.kinks().is_none() && !may_run)
    }

    /// The dispersion that the model was given.
    fn dispersion(&self) -> Option<f64> {
        self.spec.get().model.observation.dispersion()
    }

    /// Puts one target's numbers together.
    pub(super) fn target(
        &self,
        target: usize,
        standing: Standing,
        of_response: &ResponseSums,
        left_out: bool,
    ) -> TargetFit {
        let labels = &self.plan.layout().labels;
        let (loss_gap, gap_from) = self.gap(&standing, left_out);
        let status = self.status(target, &standing, left_out);
        let aliased: Vec<String> = self.rank.aliased.iter().map(|&column| labels[column].clone()).collect();
        let mut warnings = self.warnings(&standing, &aliased, of_response.are_whole);
        warnings.extend(self.exact_warning(target, of_response.scale));
        let Standing { reported, optimality, inference, outcome, .. } = standing;
        let mut history = outcome.history;
        if let Some(last) = history.last_mut() {
            let kkt_residual = optimality.kkt_residual;
            *last = Iterate { iteration: outcome.iterations, loss: optimality.loss, loss_gap, kkt_residual };
        }
        // an infinite estimate has no error
        let (standard_errors, intercept_standard_error, covariances) = match inference {
            Some(inference) if !left_out && status != Status::Separated => {
                (inference.standard_errors, inference.intercept_standard_error, inference.covariances)
            }
            _ => (vec![f64::NAN; labels.len()], f64::NAN, Vec::new()),
        };
        let (dof_resid, n_parameters) = (self.dof_resid(&reported.coef), self.n_parameters(&reported.coef));
        TargetFit {
            name: self.response.names[target].clone(),
            status,
            scores: self.scores(target, &reported, of_response, optimality.unpenalised),
            coef: reported.coef,
            intercept: reported.intercept,
            standard_errors,
            intercept_standard_error,
            kkt_residual: optimality.kkt_residual,
            loss_gap,
            gap_from,
            loss: optimality.loss,
            iterations: outcome.iterations,
            passes: outcome.passes,
            n_bins_used: self.plan.n_rows(),
            scale: self.dispersion().unwrap_or(of_response.scale),
            gap_scale: Some(self.metric.nulls[target].scale(optimality.loss))
                .filter(|scale| scale.is_finite()),
            total_weight: self.plan.weights().map(Weights::total),
            scale_standard_error: f64::NAN,
            dof_resid,
            n_parameters,
            strength: None,
            cv: None,
            apart: None,
            aliased,
            warnings,
            history,
            covariances,
        }
    }

    fn warnings(&self, standing: &Standing, aliased: &[String], whole: bool) -> Vec<String> {
        let labels = &self.plan.layout().labels;
        let mut warnings = Vec::new();
        if standing.is_unproven() {
            warnings.push(UNPROVEN.into());
        } else if standing.scale.is_nan() {
            warnings.push(
                "as many parameters as bins: no scale can be estimated, and with it no log-likelihood and no error".into(),
            );
        }
        warnings.extend(weights_warning(self.plan, 1 + self.rank.n_members()));
        if let Some(direction) = standing.recession() {
            warnings.push(self.separation_warning(direction));
        }
        let is_constant = |label: &&String| {
            labels.iter().position(|own| own == *label).is_some_and(|column| !self.varying.contains(&column))
        };
        let (constant, related): (Vec<&String>, Vec<&String>) = aliased.iter().partition(is_constant);
        if !constant.is_empty() {
            let what = if self.plan.has_intercept() { "never changes" } else { "is 0" };
            warnings.push(format!("{} {what} in the used bins: its coefficient is 0", joined(&constant)));
        }
        let left_out: Vec<&String> = self.rank.left_out.iter().map(|&column| &labels[column]).collect();
        if !related.is_empty() && left_out.is_empty() {
            warnings.push(format!(
                "{} are linear combinations of one another, so the data do not determine each: the answer of \
                 smallest norm is given",
                joined(&related)
            ));
        }
        if !left_out.is_empty() {
            warnings.push(format!(
                "{} cannot be told from combinations of the other features in the digits that numbers have (they \
                 differ by less than 1e-7 of it): left out, coefficient 0; {} are not determined each",
                joined(&left_out),
                joined(&related)
            ));
        }
        if !whole && self.spec.get().model.observation.is_of_counts() {
            warnings.push("the response is not whole numbers, which counts are: check its units".into());
        }
        if let Some(Inference { condition, worst_column, .. }) = &standing.inference
            && *condition > ILL_CONDITIONED
        {
            let worst =
                worst_column.map_or(String::new(), |worst| format!(", {} most of all", labels[worst]));
            warnings.push(format!(
                "ill-conditioned (condition {condition:.1e}){worst}: use fewer functions for it or a longer window \
                 (`--regularizer ridge` helps, too)"
            ));
        }
        let scaling = self.plan.scaling();
        for &column in &self.varying {
            if scaling.mean[column].abs() > FAR_FROM_ZERO * scaling.sd[column] {
                warnings.push(format!(
                    "{} varies by {:.1e} around {:.1e}: subtract that offset, or digits of the intercept are lost",
                    labels[column], scaling.sd[column], scaling.mean[column]
                ));
            }
        }
        warnings
    }

    /// What to say of a response that leaves nothing to chance: its likelihood is that of a distribution without width.
    fn exact_warning(&self, target: usize, scale: f64) -> Option<String> {
        let null = &self.metric.nulls[target];
        // squares: of the response, and by how much it varies
        let (square, spread, unit) = match self.spec.get().model.observation {
            ObservationModel::Gaussian => {
                (null.mean * null.mean + null.loss, null.loss, "variance of the noise")
            }
            ObservationModel::Gamma => (1.0, f64::INFINITY, "squared coefficient of variation"),
            _ => return None,
        };
        if scale.is_nan() || scale > EXACT * square {
            return None;
        }
        let what = if spread <= EXACT * square {
            "the response never changes in the used bins"
        } else {
            "the model predicts the response to rounding"
        };
        Some(format!(
            "{what}: the {unit} is {scale:.1e}, so that log-likelihoods are infinite or only rounding, and standard errors say \
             nothing"
        ))
    }

    /// Names the features of a direction of recession, given as parameters of the members.
    fn separation_warning(&self, direction: &[f64]) -> String {
        let coef = self.rank.to_standard.dot(&ndarray::ArrayView1::from(&direction[1..]));
        let largest = coef.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        let names: Vec<&String> = coef
            .iter()
            .zip(&self.plan.layout().labels)
            .filter(|(part, _)| part.abs() > NAMED * largest)
            .map(|(_, label)| label)
            .collect();
        format!(
            "separated: the likelihood rises for ever along a combination of {}, so the estimate is infinite (it can \
             {}); leave features out, or of a basis take fewer functions or a longer window (a ridge penalty \
             would bound it: `--regularizer ridge --strength 1e-3`)",
            joined(&names),
            match self.spec.get().model.observation.recession() {
                Recession::Apart => "tell bins with an event from bins without by a threshold",
                _ => "lower the rate of bins without events for ever and leave that of all others",
            }
        )
    }

    /// How well the reported numbers predict the used rows: by the loss there, or by every expected count where that would
    /// cost digits.
    fn scores(&self, target: usize, reported: &Reported, of_response: &ResponseSums, loss: f64) -> Scores {
        let scores = of_response.scores(loss);
        if loss.is_nan() || of_response.keep_digits(&scores, loss) {
            return scores;
        }
        let (y, mu) = self.expected(target, reported);
        let terms = self.plan.into();
        score_by(self.spec.get().model, of_response, &terms, &y, &mu)
    }

    /// A target without events, or with one in every bin of a model of one or none: its mean is that, whatever the features.
    pub(super) fn silent(&self, target: usize, of_response: &ResponseSums) -> TargetFit {
        let n = self.plan.n_rows();
        let n_columns = self.plan.n_columns();
        let null = &self.metric.nulls[target];
        let warning = if null.mean > 0.0 {
            "an event in every used bin: the probability is 1 and the intercept infinite"
        } else if self.spec.get().model.observation == ObservationModel::Bernoulli {
            "no event in the used bins: the probability is 0 and the intercept minus infinity"
        } else {
            "no event in the used bins: the rate is 0 and the intercept minus infinity"
        };
        TargetFit {
            name: self.response.names[target].clone(),
            status: Status::NoEvents,
            coef: vec![0.0; n_columns],
            intercept: null.eta,
            standard_errors: vec![f64::NAN; n_columns],
            intercept_standard_error: f64::NAN,
            kkt_residual: 0.0,
            loss_gap: 0.0,
            gap_from: GapFrom::FlatGram,
            loss: 0.0,
            iterations: 0,
            passes: 0,
            n_bins_used: n,
            scale: self.dispersion().unwrap_or(1.0),
            gap_scale: None,
            total_weight: self.plan.weights().map(Weights::total),
            scale_standard_error: f64::NAN,
            dof_resid: self.dof_resid(&[]),
            n_parameters: self.n_parameters(&[]),
            strength: None,
            cv: None,
            apart: None,
            scores: of_response.scores(0.0),
            aliased: Vec::new(),
            warnings: vec![warning.into()],
            history: Vec::new(),
            covariances: Vec::new(),
        }
    }
}

/// What to say of weights that sum to no more than there are parameters.
pub(super) fn weights_warning(plan: &DesignPlan, n_parameters: usize) -> Option<String> {
    let total = plan.weights().map(Weights::total).filter(|total| *total <= n_parameters as f64)?;
    Some(format!(
        "the weights of {} bins sum to {total:.3e}, no more than there are parameters: errors and scale are those of so \
         little data; divide weights by their mean if they are no counts",
        plan.n_rows()
    ))
}

/// Names in a row, not more than a line of them.
pub(super) fn joined(names: &[&String]) -> String {
    let shown: Vec<&str> = names.iter().take(MOST_NAMES).map(|name| name.as_str()).collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
