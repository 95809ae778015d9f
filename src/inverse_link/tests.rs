//! Every link against its definition, its slope, and itself in twice the precision.

use super::{Exp, Identity, InverseLink, InvertLink, Logistic, Mean, OneOverX, Probit, Softplus};
use crate::math::elementary::{Standard, Vector};
use crate::math::real::Real;

/// Runs `check` with every link.
macro_rules! every {
    ($check:ident) => {{
        $check(Exp, InverseLink::Exp);
        $check(Softplus, InverseLink::Softplus);
        $check(Identity, InverseLink::Identity);
        $check(Logistic, InverseLink::Logistic);
        $check(Probit, InverseLink::Probit);
        $check(OneOverX, InverseLink::OneOverX);
    }};
}

/// Linear predictors from tail to tail, with digits that do not repeat.
fn points(named: InverseLink) -> impl Iterator<Item = f64> {
    (-60..=60).map(move |k| match named {
        // probabilities that single precision can hold
        InverseLink::Probit => f64::from(k) * 0.2093 + 0.0071,
        // above 0, from far below 1 to far above
        InverseLink::OneOverX => (f64::from(k) * 0.1993 + 0.0071).exp(),
        _ => f64::from(k) * 0.993 + 0.0071,
    })
}

fn near(found: f64, expected: f64, bound: f64, what: &str) {
    let same = found == expected || (found.is_nan() && expected.is_nan());
    assert!(same || (found - expected).abs() <= bound * expected.abs(), "{what}: {found}, not {expected}");
}

fn parts<T: Real>(mean: Mean<T>) -> [f64; 7] {
    [mean.mu, mean.rest, mean.slope, mean.log_mu, mean.log_rest, mean.rise, mean.fall].map(Real::to_f64)
}

fn is_defined(link: impl InvertLink, named: InverseLink) {
    for eta in points(named) {
        let what = format!("{named:?} at {eta}");
        let mean = link.mean(eta, Standard);
        let step = match named {
            InverseLink::OneOverX => 1e-5 * eta,
            InverseLink::Probit => 1e-5 * eta.abs().clamp(1e-3, 1.0),
            _ => 1e-5 * eta.abs().max(1e-3),
        };
        let [low, high] = [eta - step, eta + step].map(|eta| link.mean(eta, Standard));
        // where the mean is near a bound its own digits cannot show the slope; those of what is left of it can
        let rise = if mean.mu > 0.5 && mean.rest > 0.0 { low.rest - high.rest } else { high.mu - low.mu };
        near(rise / (2.0 * step), mean.slope, 1e-6, &what);
        near(mean.mu + mean.rest, 1.0, 4e-16 * mean.mu.abs().max(1.0), &what);
        if !mean.log_mu.is_nan() {
            near(mean.log_mu.exp(), mean.mu, 3e-14, &what);
            near((high.log_mu - low.log_mu) / (2.0 * step), mean.slope / mean.mu, 2e-6, &what);
            near(mean.rise, mean.slope / mean.mu, 1e-14, &what);
        }
        if !mean.log_rest.is_nan() {
            near(mean.log_rest.exp(), mean.rest, 3e-14, &what);
            near(mean.fall, mean.slope / mean.rest, 1e-14, &what);
        }
        near(mean.mu, named.mean(eta, Standard).mu, 0.0, &what);
        if mean.mu < 1e6 && mean.rest.abs() > 1e-6 {
            assert!((named.link(mean.mu) - eta).abs() < 1e-9 * eta.abs().max(1.0), "{what}");
        }
    }
}

#[test]
fn means_slopes_and_logarithms_belong_together() {
    every!(is_defined);
}

fn vectors_are_like_the_library(link: impl InvertLink, named: InverseLink) {
    for eta in points(named) {
        let truth = parts(link.mean(eta, Standard));
        let single = f64::from(eta as f32);
        let of_single = parts(link.mean(single, Standard));
        let double = [parts(link.mean(eta, Vector::<true>)), parts(link.mean(eta, Vector::<false>))];
        let rough = [link.mean(eta as f32, Vector::<true>), link.mean(eta as f32, Vector::<false>)];
        for (k, (truth, single)) in truth.into_iter().zip(of_single).enumerate() {
            let what = format!("{named:?} {k} at {eta}");
            // a logarithm near 0 is as good as the mean near 1 that it is of
            let room = if k > 2 { 1.0 / truth.abs().min(1.0) } else { truth.recip().abs().clamp(1.0, 1e3) };
            let room = if named == InverseLink::Logistic { 1.0 } else { room };
            double.iter().for_each(|found| near(found[k], truth, 4e-15 * room, &what));
            rough.map(parts).iter().for_each(|found| near(found[k], single, 2e-6 * room, &what));
        }
    }
}

#[test]
fn both_precisions_agree_with_the_library() {
    every!(vectors_are_like_the_library);
}

fn changes_are_differences(link: impl InvertLink, named: InverseLink) {
    for eta in points(named) {
        let mean = link.mean(eta, Standard);
        for delta in [40.0, 3.0, 1.001, 0.999, 0.5, 0.1].into_iter().flat_map(|d: f64| [d, -d]) {
            if named == InverseLink::OneOverX && eta + delta <= 0.0 {
                continue;
            }
            let what = format!("{named:?} from {eta} by {delta}");
            let there = link.mean(eta + delta, Standard);
            for change in [
                link.mean_change(eta, mean, delta, Standard),
                link.mean_change(eta, mean, delta, Vector::<true>),
            ] {
                let pairs = [
                    (change.mu, there.mu - mean.mu, mean.mu.abs().max(there.mu.abs())),
                    (change.log_mu, there.log_mu - mean.log_mu, there.log_mu.abs().max(mean.log_mu.abs())),
                    (change.log_rest, there.log_rest - mean.log_rest, there.log_rest.abs().max(1.0)),
                ];
                for (found, expected, size) in pairs {
                    let bound = 1e-14 * size.max(1e-300) + 4e-15 * expected.abs();
                    let both = found.is_nan() && expected.is_nan();
                    assert!(both || (found - expected).abs() <= bound, "{what}: {found}, not {expected}");
                }
            }
        }
    }
}

#[test]
fn changes_by_long_steps_are_differences() {
    every!(changes_are_differences);
}

fn tiny_steps_keep_their_digits(link: impl InvertLink, named: InverseLink) {
    for eta in points(named) {
        let mean = link.mean(eta, Standard);
        for delta in [1e-9, -1e-9, 1e-15, -1e-15] {
            let delta = match named {
                InverseLink::OneOverX => delta * eta,
                InverseLink::Probit => delta / eta.abs().max(1.0),
                _ => delta,
            };
            let what = format!("{named:?} from {eta} by {delta}");
            let change = link.mean_change(eta, mean, delta, Vector::<true>);
            // to first order; the second is 1e-9 of it
            near(change.mu, mean.slope * delta, 2e-9, &what);
            if !mean.log_mu.is_nan() {
                near(change.log_mu, mean.slope / mean.mu * delta, 2e-9, &what);
            }
            if !mean.log_rest.is_nan() {
                near(change.log_rest, -mean.slope / mean.rest * delta, 2e-9, &what);
            }
        }
    }
}

#[test]
fn changes_by_tiny_steps_keep_their_digits() {
    every!(tiny_steps_keep_their_digits);
}

#[test]
fn tails_have_limits() {
    let low = Softplus.mean(-50.0, Vector::<true>);
    assert!((low.slope / low.mu - 1.0).abs() < 1e-15 && (low.log_mu + 50.0).abs() < 1e-14);
    let high = Softplus.mean(50.0, Vector::<true>);
    assert_eq!((high.mu, high.slope), (50.0, 1.0));
    let sure = Logistic.mean(50.0_f32, Vector::<true>);
    assert!(sure.mu == 1.0 && sure.rest > 1e-22 && sure.log_mu < 0.0 && sure.log_rest == -50.0);
    for link in InverseLink::ALL {
        let bottom = link.mean(f64::NEG_INFINITY, Standard).mu;
        match link {
            InverseLink::Identity => assert_eq!(bottom, f64::NEG_INFINITY),
            InverseLink::OneOverX => assert!(bottom.is_nan()),
            _ => assert_eq!(bottom, 0.0),
        }
        assert!(link.mean(f64::NAN, Standard).mu.is_nan());
    }
    assert_eq!(
        [Logistic.link(1.0), Probit.link(1.0), Probit.link(0.0)],
        [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY]
    );
    // a long step down from far above overflows nothing
    let change = Softplus.mean_change(40.0, Softplus.mean(40.0, Standard), -100.0, Standard);
    assert!((change.mu + 40.0).abs() < 1e-13 && (change.log_mu + 60.0 + 40f64.ln()).abs() < 1e-12);
}

/// Against values that another program computed with 50 digits.
#[test]
fn normal_tails_keep_their_digits() {
    for (eta, log_tail, hazard) in TAILS {
        for functions in [true, false] {
            let low = if functions { Probit.mean(-eta, Vector::<true>) } else { Probit.mean(-eta, Standard) };
            let high = if functions { Probit.mean(eta, Vector::<false>) } else { Probit.mean(eta, Standard) };
            for (found, expected) in
                [(low.log_mu, log_tail), (high.log_rest, log_tail), (low.rise, hazard), (high.fall, hazard)]
            {
                near(found, expected, 2e-15, &format!("{eta}"));
            }
        }
        let single = Probit.mean(-eta as f32, Vector::<true>);
        near(single.log_mu.into(), log_tail, 1e-6, &format!("{eta} single"));
        near(single.rise.into(), hazard, 1e-6, &format!("{eta} single"));
    }
    let median = Probit.mean(0.0, Vector::<true>);
    near(median.mu, 0.5, 2e-16, "median");
    near(Probit.link(1e-300), -37.047_096_299_361_2, 1e-14, "quantile");
}

/// Distance from 0, logarithm of the probability beyond, density over that probability.
const TAILS: [(f64, f64, f64); 5] = [
    (0.5, -1.175_911_761_593_618_5, 1.141_077_770_368_064_6),
    (5.25, -16.391_880_010_037_79, 5.428_655_388_386_098),
    (13.5, -94.652_041_881_282_9, 13.573_282_630_296_497),
    (40.0, -804.608_442_013_753_8, 40.024_968_847_207_26),
    (1000.0, -500_007.826_694_812_16, 1_000.000_999_998),
];
