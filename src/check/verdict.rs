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
const ERROR_DIGITS: f64 = 1e-6;
/// The condition above which standard errors have fewer digits.
const ILL_CONDITIONED: f64 = 1e8;

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
    /// Sum of the deviances.
    pub deviance: f64,
    /// That of `McFadden` and that of Cohen.
    pub pseudo_r2: [f64; 2],
    /// Variance in parts of that of the model.
    pub scale: f64,
    /// Standard errors, those of intercepts last; NaN where there are none.
    pub standard_errors: Vec<f64>,
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
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// All that was compared.
    pub comparisons: Vec<Comparison>,
    /// What is wrong, in words; empty if nothing is.
    pub disagreements: Vec<String>,
    /// What could not be compared, and why.
    pub left_out: Vec<String>,
}

impl Verdict {
    /// Compares what was stored with what was found.
    pub fn new(stored: &Stored, found: &Found) -> Self {
        let mut own = Self { comparisons: Vec::new(), disagreements: Vec::new(), left_out: Vec::new() };
        own.compare("rows used", stored.n_rows as f64, found.n_rows as f64, 0.0);
        let size = found.gap_scale;
        let rounding = RESIDUAL_FLOOR + 2.0 * found.kkt_rounding;
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
            own.compare("log-likelihood", stored.log_likelihood, found.log_likelihood, of_likelihood);
            let of_deviance = LOSS_DIGITS * found.deviance.abs().max(size * found.n_rows as f64);
            own.compare("deviance", stored.deviance, found.deviance, of_deviance);
            for (k, name) in ["pseudo-R2 (McFadden)", "pseudo-R2 (Cohen)"].into_iter().enumerate() {
                if stored.pseudo_r2[k].is_finite() && found.pseudo_r2[k].is_finite() {
                    let allowed = LOSS_DIGITS * found.pseudo_r2[k].abs().max(1.0);
                    own.compare(name, stored.pseudo_r2[k], found.pseudo_r2[k], allowed);
                }
            }
            own.compare("scale", stored.scale, found.scale, 1e-8 * found.scale.abs());
            own.errors(stored, found);
        }
        match (stored.rank, found.rank) {
            (Some(rank), Some(of_rows)) => own.compare("rank", rank as f64, of_rows as f64, 0.0),
            (Some(_), None) => {
                own.left_out.push("rank: rounding hides it, or the Hessian was left out".into());
            }
            _ => {}
        }
        if stored.status == Status::Converged {
            own.optimum(stored, found);
        }
        own
    }

    /// That of a target without events, of which there is nothing to compute.
    pub fn silent(stored: &Stored, n_rows: usize, is_silent: bool) -> Self {
        let mut own = Self { comparisons: Vec::new(), disagreements: Vec::new(), left_out: Vec::new() };
        own.compare("rows used", stored.n_rows as f64, n_rows as f64, 0.0);
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

    fn compare(&mut self, quantity: &'static str, stored: f64, recomputed: f64, allowed: f64) {
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
                .push("loss gap: the stored one is an estimate by another matrix (flat Gram)".into());
            return;
        }
        // gaps are squares: what rounding adds to the gradient it adds to their roots
        let rounding = 3.0 * (found.gap_rounding + GAP_FLOOR * found.gap_scale).sqrt();
        let root = rounding + GAP_DIGITS * gap.max(stored.loss_gap).sqrt();
        let allowed = root * (2.0 * gap.max(stored.loss_gap).sqrt() + root);
        self.compare("loss gap", stored.loss_gap, gap, allowed);
    }

    fn errors(&mut self, stored: &Stored, found: &Found) {
        let Some(errors) = &found.standard_errors else {
            if stored.standard_errors.iter().any(|error| error.is_finite()) {
                self.left_out.push("standard errors: not computed here".into());
            }
            return;
        };
        if found.condition > ILL_CONDITIONED {
            self.left_out.push(format!("standard errors: condition {:.1e}", found.condition));
            return;
        }
        let pairs = stored.standard_errors.iter().zip(errors);
        let known = pairs.filter(|(stored, found)| stored.is_finite() && found.is_finite());
        let apart =
            |(stored, found): &(&f64, &f64)| (*stored - *found).abs() / found.abs().max(f64::MIN_POSITIVE);
        if let Some((stored, found)) = known.max_by(|a, b| apart(a).total_cmp(&apart(b))) {
            let allowed = ERROR_DIGITS * found.abs();
            self.compare("standard error (farthest)", *stored, *found, allowed);
        }
    }

    /// What a target that converged must fulfil.
    fn optimum(&mut self, stored: &Stored, found: &Found) {
        let most = stored.tolerance.sqrt();
        let is_above = |value: f64, most: f64| value > most || value.is_nan();
        if is_above(found.kkt_residual, most + 2.0 * found.kkt_rounding) {
            self.disagreements.push(format!(
                "not at the optimum: KKT residual {:.1e}, at most {most:.1e} is allowed",
                found.kkt_residual
            ));
        }
        if let Some(gap) = found.loss_gap.filter(|_| stored.by_hessian) {
            let most = stored.tolerance * found.gap_scale;
            if is_above(gap, most + 4.0 * found.gap_rounding) {
                self.disagreements
                    .push(format!("not at the optimum: loss gap {gap:.1e}, at most {most:.1e} is allowed"));
            }
        }
        if let Some(scale) = stored.gap_scale {
            self.compare("size of the loss", scale, found.gap_scale, 1e-8 * found.gap_scale);
        }
    }
}
