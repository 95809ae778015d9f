//! What the columns of a target determine: which are aliased, degrees of freedom, standard errors.

use super::class_curvature::Curvature;
use super::classes::ClassProblem;
use super::linear::Factor;
use super::pointwise::factor;
use super::target::{Problem, unit};
use crate::math::dense::Matrix;
use crate::observation::ObservationModel;
use crate::regularizer::Regularizer;

/// A pivot of the flat Gram below which it is not clear whether a column is one of its own.
const UNCLEAR: f64 = 1e-10;
/// A column takes part in a relation if its factor is larger than this part of the largest.
const TAKES_PART: f64 = 1e-6;
/// Factors that may be on either side of that, by rounding.
const MAY_TAKE_PART: [f64; 2] = [1e-9, 1e-4];
/// Columns are their own parameters in a fit if the others leave more than a part of `1 / INFLATION` of the variance of each.
const INFLATION: f64 = 1e5;
/// Rounding of a sum of weights.
const ROUNDING: f64 = 1e-12;

/// What the flat Gram says of the columns.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    /// How many are independent, if that is clear.
    pub(super) rank: Option<usize>,
    /// Those that take part in a relation, and constant ones, if that is clear.
    pub(super) aliased: Option<Vec<usize>>,
    /// Why it is not.
    pub(super) why_no_aliased: &'static str,
    /// Whether none is close to a combination of others.
    pub(super) is_plain: bool,
}

impl Columns {
    /// From the Gram of the standardised `varying` columns, intercept first, if it was asked for.
    pub(super) fn new(
        (regularizer, has_intercept): (&Regularizer, bool),
        flat: Option<&Matrix>,
        (varying, n_columns): (&[usize], usize),
    ) -> Self {
        let mut own =
            Self { rank: None, aliased: None, why_no_aliased: "the Hessian was left out", is_plain: false };
        let Some(flat) = flat else { return own };
        let factor = Factor::of(flat);
        let n_varying = varying.len();
        if factor.least > UNCLEAR {
            own.rank = Some(factor.kept.len() - usize::from(has_intercept));
        }
        let inflation = |k: usize| flat[(k, k)] * factor.form(&unit(1 + n_varying, k));
        // a penalty leaves columns as they are
        own.is_plain = *regularizer != Regularizer::None
            || (own.rank == Some(n_varying) && (1..=n_varying).all(|k| inflation(k) < INFLATION));
        match regularizer {
            Regularizer::None if own.rank.is_none() => own.why_no_aliased = "rounding hides it",
            Regularizer::None => {
                own.why_no_aliased = "rounding hides it";
                own.aliased = aliased(flat, &factor, varying, n_columns);
            }
            Regularizer::Smooth { .. } => own.why_no_aliased = "not looked for beside a smoothness penalty",
            // it holds columns that repeat one another
            _ => own.aliased = Some(constant(varying, n_columns)),
        }
        own
    }
}

fn constant(varying: &[usize], n_columns: usize) -> Vec<usize> {
    (0..n_columns).filter(|column| !varying.contains(column)).collect()
}

/// Columns that are constant or take part in a linear relation; `None` if rounding hides of one whether it does.
fn aliased(flat: &Matrix, factor: &Factor, varying: &[usize], n_columns: usize) -> Option<Vec<usize>> {
    let mut all = constant(varying, n_columns);
    for other in (1..=varying.len()).filter(|k| !factor.kept.contains(k)) {
        let made_of = factor.solve(&flat.column(other).to_vec());
        let largest = made_of.iter().fold(1.0, |a: f64, b| a.max(b.abs()));
        all.push(varying[other - 1]);
        for (k, part) in made_of.iter().map(|part| part.abs() / largest).enumerate().skip(1) {
            if part > MAY_TAKE_PART[0] && part < MAY_TAKE_PART[1] {
                return None;
            }
            if part > TAKES_PART {
                all.push(varying[k - 1]);
            }
        }
    }
    all.sort_unstable();
    all.dedup();
    Some(all)
}

/// Degrees of freedom that so many parameters leave, rounded down; and between what they are as the rounding of weights may be.
pub(super) fn degrees(total: f64, n_parameters: usize, has_weights: bool) -> (f64, [f64; 2]) {
    let left = total - n_parameters as f64;
    let rounding = if has_weights { ROUNDING * total } else { 0.0 };
    let down = |left: f64| left.max(0.0).floor();
    (down(left), [down(left - rounding), down(left + rounding)])
}

/// Standard errors of the coefficients in their units and of the intercept, NaN for those that are held at a kink; `None` if some
/// are not determined.
pub(super) fn errors(
    problem: &Problem,
    factor_of: &Factor,
    (free, varying): (&[usize], &[usize]),
    scale: f64,
) -> Option<Vec<f64>> {
    if factor_of.kept.len() < free.len() || varying.len() < problem.coef.len() {
        return None;
    }
    let variance = factor(problem.model)
        * match problem.model.observation {
            ObservationModel::Gaussian | ObservationModel::Gamma => scale,
            _ => 1.0,
        }
        / problem.total_weight();
    let error = |a: &[f64]| (variance * factor_of.form(a)).sqrt();
    let mut errors = vec![f64::NAN; problem.coef.len() + 1];
    let mut of_intercept = vec![0.0; free.len()];
    for (k, &parameter) in free.iter().enumerate() {
        match parameter.checked_sub(1).map(|k| varying[k]) {
            None => of_intercept[k] = 1.0,
            Some(j) => {
                errors[j] = error(&unit(free.len(), k)) / problem.moments.sd[j];
                of_intercept[k] = -problem.moments.mean[j] / problem.moments.sd[j];
            }
        }
    }
    errors[problem.coef.len()] = if problem.has_intercept { error(&of_intercept) } else { 0.0 };
    Some(errors)
}

/// The same of classes, whose numbers are known up to a common shift: of every coefficient less the mean of its column over the
/// classes, column after column, then of every intercept. No coefficient is held at a kink.
pub(super) fn class_errors(
    problem: &ClassProblem,
    curvature: &Curvature,
    varying: &[usize],
) -> Option<Vec<f64>> {
    let (n_classes, n_columns) = (problem.intercept.len(), problem.rows.n_columns());
    let n_parameters = curvature.free.len();
    let of_class = n_parameters / n_classes;
    if !curvature.is_whole() || varying.len() < n_columns {
        return None;
    }
    let total = problem.total_weight();
    let first = usize::from(problem.has_intercept);
    let error = |class: usize, terms: &[(usize, f64)]| {
        let mut a = vec![0.0; n_parameters];
        for &(parameter, size) in terms {
            a[class * of_class + parameter] += size;
            (0..n_classes).for_each(|other| a[other * of_class + parameter] -= size / n_classes as f64);
        }
        (curvature.form(&a) / total).sqrt()
    };
    let moments = problem.moments;
    let of_columns = (0..n_columns)
        .flat_map(|j| (0..n_classes).map(move |k| (j, k)))
        .map(|(j, k)| error(k, &[(first + j, 1.0 / moments.sd[j])]));
    let shifts = (0..n_columns).map(|j| (first + j, -moments.mean[j] / moments.sd[j]));
    let of_intercept: Vec<(usize, f64)> = std::iter::once((0, 1.0)).chain(shifts).collect();
    let of_intercepts =
        (0..n_classes).map(|k| if problem.has_intercept { error(k, &of_intercept) } else { 0.0 });
    Some(of_columns.chain(of_intercepts).collect())
}
