//! What was stored of a fit beside what was found.

use serde::Serialize;

use super::target::Found;
use crate::number;
use crate::solver::Status;

/// A stored and a recomputed residual that are both below this are rounding, whatever their digits.
const RESIDUAL_FLOOR: f64 = 1e-13;
/// Digits of a residual: where there are several targets its denominators are good to six.
const RESIDUAL_DIGITS: f64 = 1e-4;
/// Digits of a gap, in its square root.
const GAP_DIGITS: f64 = 1e-3;
/// A gap that is this part of the loss is rounding.
const GAP_FLOOR: f64 = 1e-24;
/// Digits of loss, log-likelihood and what follows from them.
const LOSS_DIGITS: f64 = 1e-10;
/// Digits of standard errors.
pub(super) const ERROR_DIGITS: f64 = 1e-6;
/// The condition above which standard errors have fewer digits.
const ILL_CONDITIONED: f64 = 1e8;
/// Digits of the condition, below that.
const CONDITION_DIGITS: f64 = 1e-3;
/// The gap of a fit without a Hessian is an estimate by the flat Gram, which may be this many times too small: fits believe no larger
/// factor of one either.
pub(super) const FLAT_GRAM: f64 = 1e3;

/// Most names of columns in a disagreement.
const MOST_NAMES: usize = 8;

/// What a fit stored of one target.
#[derive(Clone, Debug)]
pub struct Stored {
    /// How it ended.
    pub status: Status,
    /// Its tolerance.
    pub tolerance: f64,
    /// The residual.
    pub kkt_residual: f64,
    /// The gap.
    pub loss_gap: f64,
    /// Whether the gap is by the Hessian at the point, not an estimate of it.
    pub by_hessian: bool,
    /// What the gap was compared with, if that was stored.
    pub gap_scale: Option<f64>,
    /// Mean loss, the penalty included.
    pub loss: f64,
    /// Mean log-likelihood.
    pub log_likelihood: f64,
    /// Its sum.
    pub log_likelihood_sum: f64,
    /// Degrees of freedom that are left, if that was stored.
    pub dof_resid: Option<usize>,
    /// Sum of the deviances.
    pub deviance: f64,
    /// That of `McFadden` and that of Cohen.
    pub pseudo_r2: [f64; 2],
    /// Variance in parts of that of the model.
    pub scale: f64,
    /// Standard errors, those of intercepts last; NaN where there are none.
    pub standard_errors: Vec<f64>,
    /// Whether the fit says that it left standard errors out, or is of a kind that has none.
    pub has_no_errors: bool,
    /// Names of its columns.
    pub labels: Vec<String>,
    /// Those whose coefficients are not determined.
    pub aliased: Vec<String>,
    /// Columns that may rest at a kink of the penalty, where there is no error: their coefficients are 0.
    pub rests: Vec<bool>,
    /// The intercept, of classes the first.
    pub intercept: f64,
    /// Of a dispersion that was estimated; NaN for all others.
    pub scale_standard_error: f64,
    /// Rows that were used.
    pub n_rows: usize,
    /// The rank, where it is this target's own.
    pub rank: Option<usize>,
}

/// One number that was stored and found.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// What it is.
    pub quantity: &'static str,
    /// As stored.
    #[serde(with = "number")]
    pub stored: f64,
    /// As found.
    #[serde(with = "number")]
    pub recomputed: f64,
    /// How far apart they may be.
    #[serde(with = "number")]
    pub allowed: f64,
    /// Whether they are no farther.
    pub agrees: bool,
}

/// Whether a fit said the truth.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Verdict {
    /// All that was compared.
    pub comparisons: Vec<Comparison>,
    /// What is wrong, in words; empty if nothing is.
    pub disagreements: Vec<String>,
    /// What could not be compared, and why.
    pub left_out: Vec<String>,
    /// Whether rounding hides what would prove an optimum.
    pub is_hidden: bool,
}

impl Verdict {
    /// Compares what was stored with what was found.
    pub fn new(stored: &Stored, found: &Found) -> Self {
        let mut own = Self::default();
        own.compare("rows used", stored.n_rows as f64, found.n_rows as f64, 0.0);
        let size = found.gap_scale;
        let rounding = RESIDUAL_FLOOR + 2.0 * found.kkt_noise;
        let allowed = rounding + RESIDUAL_DIGITS * stored.kkt_residual.max(found.kkt_residual);
        own.compare("KKT residual", stored.kkt_residual, found.kkt_residual, allowed);
        own.gap(stored, found);
        let near = |value: f64| LOSS_DIGITS * value.abs().max(size);
        own.compare("loss", stored.loss, found.loss, near(found.loss));
        if found.is_exact {
            own.left_out
                .push("the response is met to rounding: log-likelihood and errors have no digits".into());
        } else {
            let of_likelihood = LOSS_DIGITS * found.log_likelihood.abs().max(1e-3);
            let is_sure = own.degrees(stored, found);
            if is_sure {
                own.compare("log-likelihood", stored.log_likelihood, found.log_likelihood, of_likelihood);
                let (of_fit, of_rows) = (stored.log_likelihood_sum, found.log_likelihood_sum);
                let of_sum = LOSS_DIGITS * of_rows.abs().max(1e-3 * found.n_rows as f64);
                own.compare("sum of the log-likelihoods", of_fit, of_rows, of_sum);
            }
            let of_deviance = LOSS_DIGITS * found.deviance.abs().max(size * found.n_rows as f64);
            own.compare("deviance", stored.deviance, found.deviance, of_deviance);
            for (k, name) in [(0, "pseudo-R2 (McFadden)"), (1, "pseudo-R2 (Cohen)")] {
                if is_sure || k == 1 {
                    let allowed = LOSS_DIGITS * found.pseudo_r2[k].abs().max(1.0);
                    own.compare(name, stored.pseudo_r2[k], found.pseudo_r2[k], allowed);
                }
            }
            if is_sure {
                own.compare("scale", stored.scale, found.scale, 1e-8 * found.scale.abs());
            }
            own.errors(stored, found);
        }
        match (stored.rank, found.rank) {
            (Some(rank), Some(of_rows)) => own.compare("rank", rank as f64, of_rows as f64, 0.0),
            (Some(_), None) => {
                own.left_out.push("rank: rounding hides it, or the Hessian was left out".into());
            }
            _ => {}
        }
        own.aliased(stored, found);
        own.dispersion(stored, found);
        match stored.status {
            Status::Converged => own.optimum(stored, found),
            Status::Separated => {
                own.left_out.push("separated: that the likelihood rises for ever was not checked".into());
            }
            _ => {}
        }
        own
    }

    /// That of a target without events, whose mean at the intercept is 0, or 1 if it has one in every row: `intercept` is the one that
    /// this takes. Nothing is left of its loss then.
    pub fn silent(stored: &Stored, n_rows: usize, (is_silent, intercept): (bool, f64)) -> Self {
        let mut own = Self::default();
        own.compare("rows used", stored.n_rows as f64, n_rows as f64, 0.0);
        own.compare("intercept", stored.intercept, intercept, 0.0);
        for (name, number) in [
            ("KKT residual", stored.kkt_residual),
            ("loss gap", stored.loss_gap),
            ("loss", stored.loss),
            ("log-likelihood", stored.log_likelihood),
            ("sum of the log-likelihoods", stored.log_likelihood_sum),
            ("deviance", stored.deviance),
        ] {
            own.compare(name, number, 0.0, f64::EPSILON);
        }
        if !is_silent {
            own.disagreements
                .push("there are events to explain, but its status says that there are none".into());
        }
        own
    }

    /// Whether nothing is wrong.
    pub fn agrees(&self) -> bool {
        self.disagreements.is_empty()
    }

    /// Compares the condition, which a model has of all its targets together.
    pub fn condition(&mut self, stored: f64, found: f64) {
        self.compare("condition", stored, found, CONDITION_DIGITS * found.abs());
    }

    /// Whether a condition is small enough to be compared.
    pub fn has_digits(condition: f64) -> bool {
        condition < ILL_CONDITIONED
    }

    pub(super) fn compare(&mut self, quantity: &'static str, stored: f64, recomputed: f64, allowed: f64) {
        // NaN on one side is a disagreement
        let both_unknown = stored.is_nan() && recomputed.is_nan();
        let agrees = both_unknown || stored == recomputed || (stored - recomputed).abs() <= allowed;
        if !agrees {
            let digits = |value: f64| {
                if value.fract() == 0.0 && value.abs() < 1e9 {
                    value.to_string()
                } else {
                    format!("{value:.10e}")
                }
            };
            self.disagreements.push(format!(
                "{quantity}: stored {}, found {}",
                digits(stored),
                digits(recomputed)
            ));
        }
        self.comparisons.push(Comparison { quantity, stored, recomputed, allowed, agrees });
    }

    fn gap(&mut self, stored: &Stored, found: &Found) {
        let Some(gap) = found.loss_gap else {
            self.left_out.push("loss gap: the Hessian was left out".into());
            return;
        };
        if !stored.by_hessian {
            self.left_out
                .push("loss gap: the stored one is an estimate by the flat Gram, not compared with that by the Hessian".into());
            return;
        }
        // gaps are squares: what rounding adds to the gradient it adds to their roots
        let rounding = 3.0 * (found.gap_noise + GAP_FLOOR * found.gap_scale).sqrt();
        let root = rounding + GAP_DIGITS * gap.max(stored.loss_gap).sqrt();
        let allowed = root * (2.0 * gap.max(stored.loss_gap).sqrt() + root);
        self.compare("loss gap", stored.loss_gap, gap, allowed);
    }

    /// Compares the degrees of freedom; whether what is computed with them can be compared.
    fn degrees(&mut self, stored: &Stored, found: &Found) -> bool {
        let Some([low, high]) = found.dof_resid else {
            self.left_out.push("degrees of freedom: the rank is not known here".into());
            let is_other = stored.dof_resid.is_some_and(|dof| dof as f64 != found.dof_if_whole);
            if found.is_scale_estimated && is_other {
                self.left_out.push("log-likelihood, pseudo-R2 (McFadden) and scale, which take them".into());
            }
            return !(found.is_scale_estimated && is_other);
        };
        match stored.dof_resid {
            Some(dof) => {
                let dof = dof as f64;
                self.compare("degrees of freedom", dof, dof.clamp(low, high), 0.0);
            }
            None => self.left_out.push("degrees of freedom: not stored".into()),
        }
        true
    }

    fn aliased(&mut self, stored: &Stored, found: &Found) {
        let Some(columns) = &found.aliased else {
            self.left_out.push(format!("which columns are aliased: {}", found.why_no_aliased));
            return;
        };
        let of_rows: Vec<&String> = columns.iter().map(|&column| &stored.labels[column]).collect();
        let agrees = of_rows.len() == stored.aliased.len()
            && of_rows.iter().all(|label| stored.aliased.contains(*label));
        let (of_fit, recomputed) = (stored.aliased.len() as f64, of_rows.len() as f64);
        let quantity = "aliased columns";
        self.comparisons.push(Comparison { quantity, stored: of_fit, recomputed, allowed: 0.0, agrees });
        if !agrees {
            let named = |names: &[&String]| -> String {
                let some: Vec<&str> = names.iter().take(MOST_NAMES).map(|name| name.as_str()).collect();
                if names.is_empty() { "none".into() } else { some.join(", ") }
            };
            let of_fit: Vec<&String> = stored.aliased.iter().collect();
            self.disagreements.push(format!(
                "{quantity}: stored {}, found {}",
                named(&of_fit),
                named(&of_rows)
            ));
        }
    }

    fn errors(&mut self, stored: &Stored, found: &Found) {
        let has_some = stored.standard_errors.iter().any(|error| error.is_finite());
        let Some(errors) = &found.standard_errors else {
            if has_some {
                self.left_out.push(format!("standard errors: {}", found.why_no_errors));
            }
            return;
        };
        if found.condition > ILL_CONDITIONED {
            self.left_out.push(format!("standard errors: condition {:.1e}", found.condition));
            return;
        }
        if stored.has_no_errors && !has_some {
            self.left_out.push("standard errors: the fit has none".into());
            return;
        }
        let pairs = || stored.standard_errors.iter().zip(errors);
        let known = pairs().filter(|(stored, found)| stored.is_finite() && found.is_finite());
        let apart =
            |(stored, found): &(&f64, &f64)| (*stored - *found).abs() / found.abs().max(f64::MIN_POSITIVE);
        if let Some((stored, found)) = known.max_by(|a, b| apart(a).total_cmp(&apart(b))) {
            let allowed = ERROR_DIGITS * found.abs();
            self.compare("standard error (farthest)", *stored, *found, allowed);
        }
        let of_each = stored.standard_errors.len() / (1 + stored.labels.len());
        let label = |k: usize| stored.labels.get(k / of_each.max(1));
        // one that is held at a kink or not determined has none
        let may_lack = |k: usize| {
            let is_aliased = label(k).is_some_and(|label| stored.aliased.contains(label));
            is_aliased || stored.rests.get(k).is_some_and(|rests| *rests)
        };
        let one_lacks =
            pairs().enumerate().find(|(k, (a, b))| a.is_finite() != b.is_finite() && !may_lack(*k));
        if let Some((k, (of_fit, found))) = one_lacks {
            let name = label(k).map_or("the intercept", String::as_str);
            self.disagreements.push(format!("standard error of {name}: stored {of_fit:e}, found {found:e}"));
        }
    }

    /// What a target that converged must fulfil.
    fn optimum(&mut self, stored: &Stored, found: &Found) {
        let most = stored.tolerance.sqrt();
        let is_above = |value: f64, most: f64| value > most || value.is_nan();
        let rounding = 2.0 * found.kkt_rounding;
        if is_above(found.kkt_residual, most + rounding) {
            self.disagreements.push(format!(
                "not at the optimum: KKT residual {:.1e}, at most {most:.1e} is allowed",
                found.kkt_residual
            ));
        }
        self.hidden("KKT residual", rounding, most);
        if let Some(gap) = found.loss_gap {
            let factor = if stored.by_hessian { 1.0 } else { FLAT_GRAM };
            let most = factor * stored.tolerance * found.gap_scale;
            let rounding = 4.0 * found.gap_rounding;
            if is_above(gap, most + rounding) {
                let beside = if stored.by_hessian {
                    String::new()
                } else {
                    format!(
                        ", {FLAT_GRAM:e} times the tolerance, as the stored one is an estimate by the flat Gram"
                    )
                };
                self.disagreements.push(format!(
                    "not at the optimum: loss gap {gap:.1e}, at most {most:.1e} is allowed{beside}"
                ));
            }
            self.hidden("loss gap", rounding, most);
        }
        if let Some(scale) = stored.gap_scale {
            self.compare("size of the loss", scale, found.gap_scale, 1e-8 * found.gap_scale);
        }
    }

    /// Notes that a number may be above what is allowed, and rounding hides it.
    fn hidden(&mut self, what: &str, rounding: f64, most: f64) {
        if rounding > most || rounding.is_nan() {
            self.is_hidden = true;
            self.left_out.push(format!(
                "{what}: rounding ({rounding:.1e}) hides whether it is at most {most:.1e}, so that nothing is proven"
            ));
        }
    }
}
