//! Whether the columns that one model has and another lacks explain anything.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::categorical::{ClassFit, FittedCategorical};
use super::fitted::{FittedGlm, TargetFit};
use crate::observation::{ObservationModel, Observe};
use crate::regularizer::Regularizer;
use crate::solver::Status;
use crate::{Error, Result, number};

/// A likelihood-ratio test between two nested fits of one target to the same bins.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LikelihoodRatio {
    /// Twice the gain in log-likelihood; where the scale is estimated the fall of the deviance divided by the scale of the
    /// larger model.
    #[serde(with = "number")]
    pub statistic: f64,
    /// Parameters that the larger model has more.
    pub degrees_of_freedom: usize,
    /// Chance of a statistic at least as large where the smaller model is true, by its chi-squared distribution in many bins.
    #[serde(with = "number")]
    pub p_value: f64,
}

/// What a test asks of a fit of any kind and one of its targets.
struct Side<'f> {
    regularizer: &'f Regularizer,
    labels: &'f [String],
    name: &'f str,
    status: Status,
    n_bins_used: usize,
    /// Whether there are intercepts, and an offset.
    terms: [bool; 2],
    total_weight: Option<f64>,
    dof_resid: usize,
    n_parameters: usize,
}

impl<'f> Side<'f> {
    fn of(fit: &'f FittedGlm, target: &'f TargetFit) -> Self {
        Self {
            regularizer: &fit.regularizer,
            labels: &fit.labels,
            name: &target.name,
            status: target.status,
            n_bins_used: target.n_bins_used,
            terms: [fit.has_intercept, fit.has_offset],
            total_weight: target.total_weight,
            dof_resid: target.dof_resid,
            n_parameters: target.n_parameters,
        }
    }

    fn of_classes(fit: &'f FittedCategorical, target: &'f ClassFit) -> Self {
        Self {
            regularizer: &fit.regularizer,
            labels: &fit.labels,
            name: &target.name,
            status: target.status,
            n_bins_used: target.n_bins_used,
            terms: [fit.has_intercept, fit.has_offset],
            total_weight: target.total_weight,
            dof_resid: target.dof_resid,
            n_parameters: target.n_parameters,
        }
    }
}

fn wrong<T>(expected: &str, found: String, help: &str) -> Result<T> {
    Err(Error::argument("likelihood-ratio test", expected, found, help))
}

impl LikelihoodRatio {
    /// The test of target number `target` of `larger` against target number `smaller_target` of `smaller`.
    ///
    /// # Errors
    /// [`Error::Argument`] for fits with a penalty, of different models or to different numbers of bins, one of them without the
    /// intercept, offset or weights of the other, for weights that sum to no more than there are parameters, for targets that are not
    /// at their optimum, columns of the smaller model that the larger has not, and none that it has more.
    ///
    /// # Source
    /// S. S. Wilks, Ann. Math. Stat. 9 (1938).
    pub fn new(
        (larger, target): (&FittedGlm, usize),
        (smaller, smaller_target): (&FittedGlm, usize),
    ) -> Result<Self> {
        // dispersions may differ
        let kinds = [larger, smaller].map(|fit| (fit.model.observation.name(), fit.model.inverse_link));
        if kinds[0] != kinds[1] {
            let found = format!("{} and {}", kinds[0].0, kinds[1].0);
            return wrong("one observation model and link", found, "fit both with the same");
        }
        let (own, other) = (&larger.targets[target], &smaller.targets[smaller_target]);
        let statistic = Self::statistic(larger.model.observation, own, other);
        Self::of_sides([&Side::of(larger, own), &Side::of(smaller, other)], statistic)
    }

    /// The same test between fits to labels: with `K` classes every column that is independent of the others is `K - 1` parameters.
    ///
    /// # Errors
    /// [`Error::Argument`] as [`LikelihoodRatio::new`] says, and for targets of different classes.
    pub fn of_classes(
        (larger, target): (&FittedCategorical, usize),
        (smaller, smaller_target): (&FittedCategorical, usize),
    ) -> Result<Self> {
        let (own, other) = (&larger.targets[target], &smaller.targets[smaller_target]);
        if own.classes != other.classes {
            let found = format!("{} and {} classes", own.n_classes(), other.n_classes());
            return wrong("fits with the same classes", found, "fit both to the same labels");
        }
        let statistic = 2.0 * (own.scores.log_likelihood_sum - other.scores.log_likelihood_sum);
        Self::of_sides([&Side::of_classes(larger, own), &Side::of_classes(smaller, other)], statistic)
    }

    /// The test by a statistic, for fits of any kind.
    fn of_sides([own, other]: [&Side; 2], statistic: f64) -> Result<Self> {
        if [own, other].iter().any(|side| *side.regularizer != Regularizer::None) {
            return wrong("fits without a penalty", "one with".into(), "fit both without --regularizer");
        }
        if own.terms != other.terms {
            let help = "fit both with or both without an intercept, and with the same offset";
            return wrong("fits with the same intercept and offset", "one of them without".into(), help);
        }
        if own.total_weight != other.total_weight {
            let found = format!("{:?} and {:?}", own.total_weight, other.total_weight);
            return wrong("fits with the same weights", found, "give both the same weights");
        }
        if own.total_weight.is_some() && own.dof_resid == 0 {
            let found = format!("weights that sum to {:?}", own.total_weight);
            let help = "divide the weights by their mean, so that they sum to the number of bins";
            return wrong("more data than parameters", found, help);
        }
        if own.n_bins_used != other.n_bins_used {
            let found = format!("{} and {} bins", own.n_bins_used, other.n_bins_used);
            return wrong("fits to the same bins", found, "fit the smaller model to the bins of the larger");
        }
        if let Some(label) = other.labels.iter().find(|label| !own.labels.contains(label)) {
            let help = "test against a model whose columns are among those of the fit";
            return wrong("a model within the fit", format!("{label}, which the fit has not"), help);
        }
        if let Some(open) = [own, other].iter().find(|side| side.status != Status::Converged) {
            let found = format!("{} {}", open.name, open.status.name());
            return wrong("two optima", found, "see the warning of that target");
        }
        // fits that were read from files do not say their parameters
        let are_known = [own, other].iter().all(|side| side.n_parameters > 0);
        let degrees_of_freedom = if are_known {
            own.n_parameters.saturating_sub(other.n_parameters)
        } else {
            other.dof_resid.saturating_sub(own.dof_resid)
        };
        if degrees_of_freedom == 0 {
            let help = "test against a model with fewer columns";
            return wrong("a smaller model", "as many parameters".into(), help);
        }
        if !statistic.is_finite() {
            let help = "fit fewer columns or more bins";
            return wrong("likelihoods that are numbers", statistic.to_string(), help);
        }
        // what rounding leaves of nothing may have either sign
        let statistic = statistic.max(0.0);
        let p_value = match ChiSquared::new(degrees_of_freedom as f64) {
            Ok(law) => law.sf(statistic),
            Err(_) => f64::NAN,
        };
        Ok(Self { statistic, degrees_of_freedom, p_value })
    }

    fn statistic(observation: ObservationModel, own: &TargetFit, other: &TargetFit) -> f64 {
        // of a scale that is estimated both likelihoods would have their own
        if observation.scale_term(1.0, 1.0).is_some() {
            return (other.scores.deviance - own.scores.deviance) / own.scale;
        }
        2.0 * (own.scores.log_likelihood_sum - other.scores.log_likelihood_sum)
    }
}
