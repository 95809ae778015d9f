//! Whole fits, from columns in memory to certified coefficients, compared before they are timed.

use serde_json::{Map, Value, json};

use super::super::super::run::in_pool;
use super::super::timing::Times;
use super::contest::{Contest, wrong};
use super::dense::{Data, size};
use crate::Result;
use crate::backend::{Backend, Cpu};
use crate::design::DesignPlan;
use crate::glm::{CheckedSpec, FittedGlm, GlmSpec, Response, TOLERANCE_F64};

/// Fits that are timed.
const RUNS: usize = 5;
/// Largest difference of losses, relative.
const EXACT_LOSS: f64 = 1e-12;
/// Largest difference of coefficients times deviations where columns are hardly dependent, relative to the largest.
const EXACT: f64 = 1e-10;

/// Fits one problem on every processor.
pub(super) fn timed(contest: &Contest, own: [usize; 3]) -> Result<Value> {
    let data = Data::new(own)?;
    let plan = data.plan()?;
    let names = (0..own[2]).map(|k| format!("y{k}")).collect();
    let response = Response { y: data.y.view().into(), names };
    let spec = GlmSpec { tolerance: TOLERANCE_F64, ..GlmSpec::default() }.check()?;
    let n_runs = if contest.quick { 1 } else { RUNS };
    let truth = fit(&Cpu::<f64>::default(), &spec, &plan, &response)?;
    let what = |on: &str| format!("a fit of {} on the {on}", size(own).text);
    let mut row = size(own).fields;
    let on_cpu = repeated(n_runs, || fit(&contest.cpu, &spec, &plan, &response))?;
    row.insert("cpu".into(), outcome(&on_cpu, &truth, &plan, &what("CPU"))?);
    let on_gpu = match &contest.gpu {
        Some(gpu) => {
            let fits = repeated(n_runs, || gpu.fit(&spec, &plan, &response))?;
            outcome(&fits, &truth, &plan, &what("GPU"))?
        }
        None => Value::Null,
    };
    row.insert("gpu".into(), on_gpu);
    Ok(row.into())
}

fn fit<B: Backend>(on: &B, spec: &CheckedSpec, plan: &DesignPlan, response: &Response) -> Result<FittedGlm> {
    in_pool(|| spec.fit(on, plan, response, &mut |_| {}))
}

/// Fits once without counting it, then as often as asked for.
fn repeated(n_runs: usize, fit: impl Fn() -> Result<FittedGlm>) -> Result<Vec<FittedGlm>> {
    fit()?;
    (0..n_runs).map(|_| fit()).collect()
}

/// How fits ended, and what they took.
fn outcome(fits: &[FittedGlm], truth: &FittedGlm, plan: &DesignPlan, what: &str) -> Result<Value> {
    let seconds: Vec<f64> = fits.iter().map(|fit| fit.seconds.fit).collect();
    let mut fields = Map::new();
    if let Some(last) = fits.last() {
        let (coefficients, loss) = apart(last, truth, plan);
        let has_arrived = last.converged() && truth.converged();
        let most = bound(truth.condition);
        let is_exact = coefficients <= most && loss <= EXACT_LOSS;
        if !(has_arrived && is_exact) {
            return Err(wrong(what, if coefficients <= most { loss } else { coefficients }));
        }
        let passes = last.targets.iter().map(|target| target.passes).max();
        let parts = [
            ("seconds", Times::of(&seconds).json()),
            ("backend", json!(last.plan.backend)),
            ("solver", json!(last.solver)),
            ("most_passes", json!(passes)),
            ("converged", json!(has_arrived)),
            ("coefficients_apart", json!(coefficients)),
            ("loss_apart", json!(loss)),
        ];
        fields.extend(parts.map(|(name, value)| (name.to_string(), value)));
    }
    Ok(fields.into())
}

/// What coefficients may differ by, by the condition of the problem if it is known.
fn bound(condition: f64) -> f64 {
    EXACT.max(10.0 * f64::EPSILON * condition.powi(2))
}

/// The largest differences of coefficients in deviations, relative to the largest of a target, and of losses.
fn apart(found: &FittedGlm, truth: &FittedGlm, plan: &DesignPlan) -> (f64, f64) {
    let larger = |a: f64, b: f64| if b > a || b.is_nan() { b } else { a };
    let sd = &plan.scaling().sd;
    let (mut coefficients, mut loss) = (0.0, 0.0);
    for (found, truth) in found.targets.iter().zip(&truth.targets) {
        let effects = truth.coef.iter().zip(sd).map(|(w, sd)| (w * sd).abs());
        let largest = effects.fold(f64::MIN_POSITIVE, f64::max);
        let differences = found.coef.iter().zip(&truth.coef).zip(sd).map(|((a, b), sd)| ((a - b) * sd).abs());
        coefficients = larger(coefficients, differences.fold(0.0, larger) / largest);
        loss = larger(loss, ((found.loss - truth.loss) / truth.loss).abs());
    }
    (coefficients, loss)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_condition_leaves_the_narrow_bound() {
        assert_eq!((bound(f64::NAN), bound(2.0)), (EXACT, EXACT));
        assert!(bound(1e4) > 1e-8);
    }
}
