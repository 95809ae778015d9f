//! The dispersion of negative binomial counts by maximum likelihood.
//!
//! Coefficients and dispersion take turns: the fit at one dispersion, then the dispersion at which these means make the
//! counts most likely. The two are orthogonal in the expected information, so each round leaves a small part of the error,
//! and the first round begins at the means of a Poisson fit. Every target has its own.

use std::time::Instant;

use super::fitted::{FittedGlm, TargetFit, expected_counts};
use super::inputs::Response;
use super::journal::{Journal, Waypoint};
use super::spec::{CheckedSpec, GlmSpec, PlanFrom, StandardErrors};
use super::start::StartPoint;
use crate::backend::{Backend, Model};
use crate::design::DesignPlan;
use crate::math::sum::Sum;
use crate::observation::{NegativeBinomial, ObservationModel};
use crate::solver::{Progress, Status};
use crate::{Error, Result};

/// The least dispersion that is looked for, which stands for none: the likelihood there is that of Poisson counts to all digits that
/// matter.
pub const LEAST_DISPERSION: f64 = 1e-8;
/// The largest one that is looked for.
const MOST: f64 = 1e8;
/// The largest count: how many there are of each is kept.
const LARGEST: f64 = 1e7;
/// Change of the logarithm of the dispersion that ends the rounds.
const SETTLED: f64 = 1e-10;
/// Rounds; about five are usual.
const MOST_ROUNDS: usize = 100;
/// Newton steps and halvings of one round.
const MOST_STEPS: usize = 200;
/// Below it a series has more digits than the logarithm.
const SMALL: f64 = 0.05;
/// Terms of the series.
const N_TERMS: i32 = 16;

/// Counts and means, as the likelihood of a dispersion needs them.
struct Spread<'a> {
    y: &'a [f64],
    mu: &'a [f64],
    /// What each counts for; 1 if there are none.
    weights: &'a [f64],
    /// How many counts are above 0, 1, 2 ..
    n_above: Vec<f64>,
}

/// `(ln(1 + x) - x) / x²` and its derivative.
fn bend(x: f64) -> [f64; 2] {
    if x < SMALL {
        // sum over j from 2 on of (-1)^(j+1) x^(j-2) / j
        let term = |j: i32| if j % 2 == 0 { -1.0 } else { 1.0 } / f64::from(j);
        let value = (2..N_TERMS).rev().fold(0.0, |sum, j| sum * x + term(j));
        let slope = (3..N_TERMS).rev().fold(0.0, |sum, j| sum * x + f64::from(j - 2) * term(j));
        return [value, slope];
    }
    let value = (x.ln_1p() - x) / (x * x);
    [value, -((1.0 + x).recip() + 2.0 * value) / x]
}

impl<'a> Spread<'a> {
    fn new(y: &'a [f64], mu: &'a [f64], weights: &'a [f64]) -> Self {
        let largest = y.iter().fold(0.0, |a: f64, &b| a.max(b));
        let mut n_above = vec![0.0; largest as usize];
        // first how many there are of each, then how many of it or more
        let weights_of = weights.iter().copied().chain(std::iter::repeat(1.0));
        y.iter().zip(weights_of).filter(|(y, _)| **y > 0.0).for_each(|(&y, w)| n_above[y as usize - 1] += w);
        for k in (1..n_above.len()).rev() {
            n_above[k - 1] += n_above[k];
        }
        Self { y, mu, weights, n_above }
    }

    /// First and second derivative of the log-likelihood by the dispersion `a`: with `h` the bend the first is the sum of
    /// `sum_(k < y) k / (1 + a k) + mu² h(a mu) + mu (mu - y) / (1 + a mu)`, which keeps its digits where `a` is small.
    fn slopes(&self, a: f64) -> [f64; 2] {
        let (mut first, mut second) = (Sum::default(), Sum::default());
        for (k, &n) in self.n_above.iter().enumerate() {
            let part = k as f64 / (1.0 + a * k as f64);
            first.add(n * part);
            second.add(-n * part * part);
        }
        let weights = self.weights.iter().copied().chain(std::iter::repeat(1.0));
        for ((&y, &mu), weight) in self.y.iter().zip(self.mu).zip(weights) {
            let [value, slope] = bend(a * mu);
            let part = mu / (1.0 + a * mu);
            first.add(weight * (mu * mu * value + part * (mu - y)));
            second.add(weight * (mu * mu * mu * slope - part * part * (mu - y)));
        }
        [first.value(), second.value()]
    }

    /// The dispersion that makes the counts most likely; [`LEAST_DISPERSION`] where less would make them more likely still.
    fn most_likely(&self) -> f64 {
        if self.slopes(LEAST_DISPERSION)[0] <= 0.0 {
            return LEAST_DISPERSION;
        }
        let (mut low, mut high) = (LEAST_DISPERSION.ln(), MOST.ln());
        let mut at = 0.0_f64;
        for _ in 0..MOST_STEPS {
            let a = at.exp();
            let [first, second] = self.slopes(a);
            if first > 0.0 {
                low = at;
            } else {
                high = at;
            }
            // by the logarithm: a l', and a l' + a² l''
            let (slope, curvature) = (a * first, a * first + a * a * second);
            let newton = at - slope / curvature;
            let next =
                if curvature < 0.0 && newton > low && newton < high { newton } else { 0.5 * (low + high) };
            if (next - at).abs() <= 0.01 * SETTLED {
                return next.exp();
            }
            at = next;
        }
        at.exp()
    }

    /// The standard error of a dispersion, by the curvature of the likelihood there.
    fn standard_error(&self, a: f64) -> f64 {
        if a > LEAST_DISPERSION { (-self.slopes(a)[1]).sqrt().recip() } else { f64::NAN }
    }
}

impl CheckedSpec {
    /// Fits every target with the dispersion that makes its counts most likely.
    pub(super) fn fit_dispersed<B: Backend>(
        &self,
        on: &B,
        plan: &DesignPlan,
        response: &Response,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<FittedGlm> {
        let started = Instant::now();
        check_whole(plan, response)?;
        let mut joined: Option<FittedGlm> = None;
        for target in 0..response.y.ncols() {
            let own = Response { y: response.y.target(target), names: vec![response.names[target].clone()] };
            let fit = self.fit_own(on, plan, &own, target, started, progress);
            let fit = match fit {
                // those that are done are not lost
                Err(Error::Interrupted) if target > 0 => self.not_begun(plan, &own)?,
                fit => fit.map_err(|error| numbered(error, target))?,
            };
            match &mut joined {
                None => joined = Some(fit),
                Some(joined) => joined.join(fit),
            }
        }
        joined.ok_or_else(|| Error::argument("targets", "one or more", "none", "give a response"))
    }

    /// One target.
    fn fit_own<B: Backend>(
        &self,
        on: &B,
        plan: &DesignPlan,
        response: &Response,
        target: usize,
        started: Instant,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<FittedGlm> {
        let journal = self.get().journal.within(format!("target {target}"));
        let mut fit = |observation: ObservationModel, start: Vec<StartPoint>, is_last: bool| {
            let mut spec = self.of_round(observation, start, is_last, target, started);
            // points of one round are none of another's
            spec.journal = if is_last { journal.within("last") } else { Journal::default() };
            spec.check()?.fit_given(on, plan, response, progress)
        };
        let y: Vec<f64> = plan.rows().iter().map(|row| response.y.get(row, 0)).collect();
        let weights: Vec<f64> =
            plan.weights().map_or(Vec::new(), |own| plan.rows().iter().map(|row| own.get(row)).collect());
        let means = |of: &TargetFit, model: Model| -> Vec<f64> {
            let mu = expected_counts(model, plan, of.intercept, &of.coef);
            plan.rows().iter().map(|row| mu[row]).collect()
        };
        let (mut dispersion, mut settled) = (1.0, false);
        let (mut iterations, mut passes) = (0, 0);
        let mut fitted = match journal.done().as_deref() {
            Some([noted]) => {
                (dispersion, iterations, passes) = (noted.scale, noted.iterations, noted.passes);
                fit(NegativeBinomial::new(dispersion)?.into(), vec![noted.start()], false)?
            }
            _ => {
                let start = self.get().start.get(target).cloned();
                fit(ObservationModel::Poisson, start.into_iter().collect(), false)?
            }
        };
        for _ in 0..MOST_ROUNDS {
            let own = &fitted.targets[0];
            (iterations, passes) = (iterations + own.iterations, passes + own.passes);
            if own.status == Status::NoEvents {
                settled = true;
                break;
            }
            let next = Spread::new(&y, &means(own, fitted.model), &weights).most_likely();
            settled = fitted.model.observation != ObservationModel::Poisson
                && (next / dispersion).ln().abs() <= SETTLED;
            dispersion = next;
            if settled || !matches!(own.status, Status::Converged) {
                break;
            }
            let start = vec![StartPoint::from(own)];
            journal.finish(vec![Waypoint {
                target,
                coef: own.coef.clone(),
                intercept: vec![own.intercept],
                iterations,
                passes,
                status: None,
                scale: dispersion,
            }]);
            fitted = fit(NegativeBinomial::new(dispersion)?.into(), start, false)?;
        }
        if self.get().stop.is_requested() {
            // means of a Poisson fit are no answer of this model
            let is_answer = fitted.model.observation != ObservationModel::Poisson;
            fitted.targets[0].status = Status::Stopped;
            return if is_answer { Ok(fitted) } else { Err(Error::Interrupted) };
        }
        let start = vec![StartPoint::from(&fitted.targets[0])];
        let mut last = fit(NegativeBinomial::new(dispersion)?.into(), start, true)?;
        let model = last.model;
        let own = &mut last.targets[0];
        (own.iterations, own.passes) = (own.iterations + iterations, own.passes + passes);
        if own.status == Status::NoEvents {
            return Ok(last);
        }
        own.scale_standard_error = Spread::new(&y, &means(own, model), &weights).standard_error(dispersion);
        if dispersion <= LEAST_DISPERSION {
            own.warnings.push(
                "the counts vary no more than Poisson's: the dispersion is at its limit 0 and the fit that of Poisson counts"
                    .into(),
            );
        }
        if !settled && own.status == Status::Converged {
            own.status = Status::Stalled;
            own.warnings.push("the dispersion has not settled: give one with `--dispersion D`".into());
        }
        Ok(last)
    }

    /// What a round asks for: but for the last no more than coefficients.
    fn of_round(
        &self,
        observation: ObservationModel,
        start: Vec<StartPoint>,
        is_last: bool,
        target: usize,
        started: Instant,
    ) -> GlmSpec {
        let mut spec = self.get().clone();
        spec.model.observation = observation;
        spec.dispersion = super::Dispersion::OfModel;
        spec.start = start;
        spec.time_limit_s =
            spec.time_limit_s.map(|limit| (limit - started.elapsed().as_secs_f64()).max(f64::MIN_POSITIVE));
        if let PlanFrom::Plan(plan) = &mut spec.plan_from {
            plan.n_targets = 1;
        }
        if is_last {
            spec.n_histories = usize::from(target < spec.n_histories);
        } else {
            (spec.standard_errors, spec.n_histories) = (StandardErrors::Off, 0);
            spec.covariance_of.clear();
        }
        spec
    }
}

/// The error of a device that failed, with the target's own number.
fn numbered(mut error: Error, target: usize) -> Error {
    if let Error::Unfinished { reached, .. } = &mut error {
        reached.iter_mut().for_each(|point| point.target = target);
    }
    error
}

/// The likelihood of a dispersion is that of whole numbers.
fn check_whole(plan: &DesignPlan, response: &Response) -> Result<()> {
    for row in plan.rows().iter().filter(|&row| row < response.y.nrows()) {
        for column in 0..response.y.ncols() {
            let value = response.y.get(row, column);
            if value.is_finite() && (value.fract() != 0.0 || value > LARGEST) {
                let expected = "whole numbers up to 1e7, of which a dispersion can be estimated";
                return Err(Error::Domain { what: "response".into(), row, column, expected, value });
            }
        }
    }
    Ok(())
}

impl FittedGlm {
    /// Adds the targets of another fit to the same design.
    fn join(&mut self, other: Self) {
        self.condition = other.condition.max(self.condition);
        self.rank = self.rank.max(other.rank);
        self.seconds.fit += other.seconds.fit;
        self.seconds.inference += other.seconds.inference;
        self.seconds.history += other.seconds.history;
        self.inference_left_out = self.inference_left_out.take().or(other.inference_left_out);
        let plan = &mut self.plan;
        plan.n_targets += other.plan.n_targets;
        plan.n_taken_over += other.plan.n_taken_over;
        plan.events_per_parameter = plan.events_per_parameter.min(other.plan.events_per_parameter);
        self.targets.extend(other.targets);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Observe;

    fn log_likelihood(y: &[f64], mu: &[f64], a: f64) -> f64 {
        let model = NegativeBinomial::new(a).unwrap();
        y.iter().zip(mu).map(|(&y, &mu)| model.log_likelihood(y, mu, 1.0)).sum()
    }

    #[test]
    fn slopes_are_those_of_the_log_likelihood() {
        let (y, mu) = ([0.0, 1.0, 7.0, 2.0, 30.0, 0.0], [0.2, 1.4, 3.0, 1e-3, 12.0, 4.0]);
        let spread = Spread::new(&y, &mu, &[]);
        for a in [1e-3, 0.04, 0.7, 9.0, 500.0] {
            let step = 1e-4 * a;
            let [down, here, up] = [a - step, a, a + step].map(|a| log_likelihood(&y, &mu, a));
            let [first, second] = spread.slopes(a);
            assert!(((up - down) / (2.0 * step) / first - 1.0).abs() < 1e-5, "{a}: {first}");
            let slopes = [a - step, a + step].map(|a| spread.slopes(a)[0]);
            assert!(((slopes[1] - slopes[0]) / (2.0 * step) / second - 1.0).abs() < 1e-5, "{a}: {second}");
            assert!(here.is_finite());
        }
        // where there is none: half of the sum of (y - mu)² - y
        let at_0 = y.iter().zip(mu).map(|(y, mu)| 0.5 * ((y - mu).powi(2) - y)).sum::<f64>();
        assert!((spread.slopes(1e-12)[0] / at_0 - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_most_likely_dispersion_is_where_the_likelihood_is_flat() {
        let mu = [1.0, 2.0, 3.0, 4.0, 1.5, 2.5];
        for y in [[0.0, 5.0, 1.0, 9.0, 0.0, 7.0], [1.0, 3.0, 2.0, 11.0, 1.0, 2.0]] {
            let spread = Spread::new(&y, &mu, &[]);
            let a = spread.most_likely();
            let [slope, curvature] = spread.slopes(a);
            assert!(
                a > LEAST_DISPERSION && (slope / (a * curvature)).abs() < 1e-9 && curvature < 0.0,
                "{a} {slope}"
            );
            assert!((spread.standard_error(a) - (-curvature).sqrt().recip()).abs() < 1e-12);
            for other in [0.9 * a, 1.1 * a] {
                assert!(log_likelihood(&y, &mu, other) < log_likelihood(&y, &mu, a));
            }
        }
        // counts that are their means: no more varied than Poisson's
        let spread = Spread::new(&[1.0, 2.0, 3.0, 4.0, 1.0, 3.0], &mu, &[]);
        assert_eq!(spread.most_likely(), LEAST_DISPERSION);
        assert!(spread.standard_error(LEAST_DISPERSION).is_nan());
    }
}
