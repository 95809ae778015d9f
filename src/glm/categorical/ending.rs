//! The end of a fit to labels: whether it goes on, statuses, warnings and what is reported.

use super::certificate::Standing;
use super::course::Course;
use super::fitted::ClassFit;
use super::score::class_scores;
use crate::design::Weights;
use crate::glm::doubt::DOUBTED;
use crate::glm::ending::{UNPROVEN, joined, weights_warning};
use crate::glm::fit::FLOOR;
use crate::glm::fitted::GapFrom;
use crate::glm::spec::StandardErrors;
use crate::observation::Recession;
use crate::regularizer::Regularizer;
use crate::solver::{Iterate, Status, Watch};

/// A feature is named in a direction if its part is at least this much of the largest.
const NAMED: f64 = 0.05;
/// Condition of the standardised Hessian above which a user is told.
const ILL_CONDITIONED: f64 = 1e8;

impl Course<'_, '_> {
    /// Whether the Hessian at the point costs too much to be computed for the certificate alone.
    pub(super) fn is_too_costly(&self) -> bool {
        let asked = self.spec.get().standard_errors;
        self.spec.is_scored() || (self.left_out.is_some() && asked != StandardErrors::Off)
    }

    /// The loss gap of the certificate, and where it is from.
    fn gap(standing: &Standing) -> (f64, GapFrom) {
        match &standing.inference {
            Some(inference) => (inference.loss_gap, GapFrom::Hessian),
            None => (standing.flat_gap, GapFrom::FlatGram),
        }
    }

    /// Whether both numbers of the certificate are small enough.
    fn is_proven(&self, standing: &Standing) -> bool {
        let tolerance = self.spec.get().tolerance;
        let scale = self.metric.nulls[0].scale(standing.loss);
        Self::gap(standing).0 <= tolerance * scale && standing.kkt_residual <= tolerance.sqrt()
    }

    /// Whether the solver says that a target has arrived that surely has not.
    pub(super) fn is_doubted(&self, standing: &Standing) -> bool {
        let scale = self.metric.nulls[0].scale(standing.loss);
        let has_arrived = standing.flat_gap <= DOUBTED * self.spec.get().tolerance * scale;
        standing.outcome.status == Status::Converged && !has_arrived
    }

    /// Whether the solver goes on. One that should, but may not, is told why.
    pub(super) fn goes_on(&self, standing: &mut Standing, watch: &Watch) -> bool {
        let is_open = !self.spec.is_scored()
            && standing.outcome.status == Status::Converged
            && standing.recession().is_none()
            && (standing.is_restless() || !self.is_proven(standing));
        if !is_open {
            return false;
        }
        if watch.max_iterations.is_some_and(|most| standing.outcome.iterations >= most) {
            standing.outcome.status = Status::MaxIterations;
            return false;
        }
        if watch.is_late() {
            standing.outcome.status = Status::Stopped;
            return false;
        }
        watch.goal > FLOOR
    }

    /// Converged only with proof at the reported point, whatever the solver says.
    fn status(&self, standing: &Standing) -> Status {
        let numbers = [Self::gap(standing).0, standing.kkt_residual, standing.loss];
        match standing.outcome.status {
            Status::Failed => Status::Failed,
            Status::Stopped if standing.loss.is_nan() => Status::Stopped,
            _ if numbers.iter().any(|number| !number.is_finite()) => Status::Failed,
            _ if standing.recession().is_some() => Status::Separated,
            said if self.spec.is_scored() => said,
            _ if self.is_proven(standing) && !standing.is_in_doubt() => {
                if self.is_settled(standing) {
                    Status::Converged
                } else {
                    Status::Stopped
                }
            }
            Status::Converged => Status::Stalled,
            said => said,
        }
    }

    /// Whether small numbers are proof enough. A fit that was stopped may not have looked whether a class runs away, nor at what the kinks
    /// of a penalty leave.
    fn is_settled(&self, standing: &Standing) -> bool {
        let may_run = self.penalty.recession() != Recession::Never;
        standing.is_examined || (!may_run && self.penalty.of_block.kinks().is_none())
    }

    /// Puts one target's numbers together.
    pub(super) fn target(&self, standing: Standing) -> ClassFit {
        let labels = &self.plan.layout().labels;
        let (n_classes, n_columns) = (self.contrasts.n_classes(), self.plan.n_columns());
        let (loss_gap, gap_from) = Self::gap(&standing);
        let status = self.status(&standing);
        let aliased: Vec<String> = self.rank.aliased.iter().map(|&column| labels[column].clone()).collect();
        let warnings = self.warnings(&standing);
        let place = |k: usize| (k / n_classes, k % n_classes);
        let coef: Vec<f64> = (0..n_columns * n_classes)
            .map(|k| {
                let (column, class) = place(k);
                standing.reported[class].coef[column]
            })
            .collect();
        // an infinite estimate has no error
        let (standard_errors, intercept_standard_error, covariances) = match standing.inference {
            Some(inference) if self.left_out.is_none() && status != Status::Separated => {
                (inference.standard_errors, inference.intercept_standard_errors, inference.covariances)
            }
            _ => (vec![f64::NAN; coef.len()], vec![f64::NAN; n_classes], Vec::new()),
        };
        let (outcome, kkt_residual) = (standing.outcome, standing.kkt_residual);
        let (mut history, n_parameters) = (outcome.history, self.n_parameters(&coef));
        if let Some(last) = history.last_mut() {
            *last = Iterate { iteration: outcome.iterations, loss: standing.loss, loss_gap, kkt_residual };
        }
        ClassFit {
            name: self.response.name.clone(),
            status,
            classes: self.response.classes().to_vec(),
            intercept: standing.reported.iter().map(|own| own.intercept).collect(),
            standard_errors,
            intercept_standard_error,
            kkt_residual,
            loss_gap,
            gap_from,
            loss: standing.loss,
            iterations: outcome.iterations,
            passes: outcome.passes,
            gap_scale: Some(self.metric.nulls[0].scale(standing.loss)).filter(|scale| scale.is_finite()),
            history,
            covariances,
            n_bins_used: self.plan.n_rows(),
            total_weight: self.plan.weights().map(Weights::total),
            dof_resid: (self.plan.total_weight() - n_parameters as f64).max(0.0) as usize,
            n_parameters,
            strength: None,
            cv: None,
            apart: None,
            scores: class_scores(-standing.unpenalised, self.plan.total_weight(), self.metric.nulls[0].loss),
            coef,
            aliased,
            warnings,
        }
    }

    /// The parameters that the data were used up for: `K - 1` intercepts and `K - 1` coefficients of every independent column, with a
    /// penalty of every column, or those that it chose: of all `K` classes, as the reference counts coefficients that are not 0, although
    /// only `K - 1` of a column are free.
    fn n_parameters(&self, coef: &[f64]) -> usize {
        let regularizer = &self.spec.get().regularizer;
        let n_free = self.contrasts.n_classes() - 1;
        let of_columns = match regularizer {
            Regularizer::None => self.rank.n_members() * n_free,
            _ if regularizer.selects() => coef.iter().filter(|w| **w != 0.0).count(),
            _ => self.plan.n_columns() * n_free,
        };
        let of_intercepts = if self.plan.has_intercept() { n_free } else { 0 };
        of_intercepts + of_columns
    }

    fn warnings(&self, standing: &Standing) -> Vec<String> {
        let labels = &self.plan.layout().labels;
        let mut warnings = Vec::new();
        let n_free = self.contrasts.n_classes() - 1;
        if standing.outcome.status == Status::Stopped && standing.loss.is_nan() {
            warnings.push(UNPROVEN.into());
        }
        warnings.extend(weights_warning(self.plan, n_free * (1 + self.rank.n_members())));
        if let Some(direction) = standing.recession() {
            warnings.push(self.separation_warning(direction));
        }
        let is_constant = |&&column: &&usize| !self.varying.contains(&column);
        let names =
            |columns: Vec<&usize>| columns.into_iter().map(|&column| &labels[column]).collect::<Vec<_>>();
        let (constant, related): (Vec<&usize>, Vec<&usize>) = self.rank.aliased.iter().partition(is_constant);
        if !constant.is_empty() {
            let constant = names(constant);
            warnings.push(format!(
                "{} never changes in the used bins: its coefficients are 0",
                joined(&constant)
            ));
        }
        if !self.rank.left_out.is_empty() {
            let left_out = names(self.rank.left_out.iter().collect());
            warnings.push(format!(
                "{} cannot be told from combinations of the other features in the digits that numbers have: left out, \
                 coefficients 0",
                joined(&left_out)
            ));
        } else if !related.is_empty() {
            let related = names(related);
            warnings.push(format!(
                "{} are linear combinations of one another, so the data do not determine each: the answer of smallest \
                 norm is given",
                joined(&related)
            ));
        }
        if let Some(inference) = &standing.inference
            && inference.condition > ILL_CONDITIONED
        {
            warnings.push(format!(
                "ill-conditioned (condition {:.1e}): use fewer functions or a longer window (`--regularizer ridge` helps, too)",
                inference.condition
            ));
        }
        warnings
    }

    /// Names the features and classes of a direction of recession, given as parameters of the members.
    fn separation_warning(&self, direction: &[f64]) -> String {
        let p = 1 + self.rank.n_members();
        let labels = &self.plan.layout().labels;
        let of_blocks: Vec<Vec<f64>> = direction
            .chunks(p)
            .map(|block| self.rank.to_standard.dot(&ndarray::ArrayView1::from(&block[1..])).to_vec())
            .collect();
        let size = |column: usize| of_blocks.iter().map(|own| own[column].abs()).fold(0.0, f64::max);
        let largest = (0..labels.len()).map(size).fold(0.0, f64::max);
        let names: Vec<&String> = labels
            .iter()
            .enumerate()
            .filter(|(column, _)| size(*column) > NAMED * largest)
            .map(|(_, label)| label)
            .collect();
        let of_class = |class: usize, column: usize| -> f64 {
            let parts = of_blocks.iter().enumerate();
            parts.map(|(a, own)| self.contrasts.factor(class, a) * own[column]).sum::<f64>().abs()
        };
        let moves =
            |class: usize| (0..labels.len()).map(|column| of_class(class, column)).fold(0.0, f64::max);
        let moves: Vec<f64> = (0..self.contrasts.n_classes()).map(moves).collect();
        let most = moves.iter().copied().fold(0.0, f64::max);
        let classes: Vec<String> = self
            .response
            .classes()
            .iter()
            .zip(&moves)
            .filter(|(_, own)| **own > NAMED * most)
            .map(|(class, _)| class.to_string())
            .collect();
        let classes: Vec<&String> = classes.iter().collect();
        format!(
            "separated: the likelihood rises for ever along a combination of {} for the classes {}, so the estimate is infinite (it can tell \
             bins of one class from those of others by a threshold); leave features out, or of a basis take fewer functions \
             (a ridge penalty would bound it: `--regularizer ridge --strength 1e-3`)",
            joined(&names),
            joined(&classes)
        )
    }
}
