//! The error tables of the functions that vectorise.

use super::reference::{self, Twofold};
use super::{Elementary, Standard, Vector};
use crate::math::real::Real;

/// Points spread evenly over a range, with digits that do not repeat.
fn points(from: f64, to: f64) -> impl Iterator<Item = f64> {
    let n = 8000;
    (0..n).map(move |k| from + (to - from) * (f64::from(k) + 0.618) / f64::from(n))
}

/// Points with evenly spread logarithms, of both signs.
fn small_points(from: f64, to: f64) -> impl Iterator<Item = f64> {
    points(from.ln(), to.ln()).map(f64::exp).flat_map(|x| [x, -x])
}

/// Largest relative error and mean error of `f` against the truth at arguments rounded to `T`.
fn errors<T: Real>(
    arguments: impl Iterator<Item = f64>,
    f: impl Fn(T) -> T,
    truth: impl Fn(f64) -> Twofold,
) -> (f64, f64) {
    let (mut largest, mut sum, mut n) = (0.0_f64, 0.0, 0.0);
    for x in arguments.map(T::from_f64) {
        let (value, truth) = (f(x).to_f64(), truth(x.to_f64()));
        let error = truth.relative_error(value);
        assert!(error < 1e-3, "at {x:?}: {value}, not {truth:?}");
        largest = largest.max(error);
        sum += truth.signed_error(value);
        n += 1.0;
    }
    (largest, sum / n)
}

/// Holds one function over several ranges to a bound, with and without fused multiplication.
fn table<T: Real>(
    name: &str,
    bound: f64,
    bias: f64,
    ranges: &[(f64, f64)],
    functions: [fn(T) -> T; 2],
    truth: fn(f64) -> Twofold,
) {
    for &(from, to) in ranges {
        for f in functions {
            let (largest, mean) = errors(points(from, to), f, truth);
            println!("{name} [{from}, {to}]: {largest:.2e}, bias {mean:.1e}");
            assert!(largest <= bound, "{name} [{from}, {to}]: {largest:.3e}");
            assert!(mean.abs() <= bias, "{name} [{from}, {to}]: bias {mean:.3e}");
        }
    }
}

const RANGES: [(f64, f64); 7] =
    [(-87.0, 88.3), (-5.0, 1.0), (-20.0, -10.0), (-80.0, -40.0), (0.0, 20.0), (-0.4, 0.4), (-1e-3, 1e-3)];

fn exp<T: Real>() -> [fn(T) -> T; 2] {
    [|x| Vector::<true>.exp(x), |x| Vector::<false>.exp(x)]
}

fn exp_m1<T: Real>() -> [fn(T) -> T; 2] {
    [|x| Vector::<true>.exp_m1(x), |x| Vector::<false>.exp_m1(x)]
}

fn ln_1p<T: Real>() -> [fn(T) -> T; 2] {
    [|x| Vector::<true>.ln_1p(x), |x| Vector::<false>.ln_1p(x)]
}

fn softplus<T: Real>() -> [fn(T) -> T; 2] {
    [|x| Vector::<true>.softplus(x), |x| Vector::<false>.softplus(x)]
}

#[test]
fn the_reference_agrees_with_the_library() {
    for x in points(-30.0, 30.0) {
        assert!(reference::exp(x).relative_error(x.exp()) < 2.3e-16, "{x}");
        assert!(reference::exp_m1(x).relative_error(x.exp_m1()) < 2.3e-16, "{x}");
    }
    for x in points(-0.99, 30.0) {
        assert!(reference::ln_1p(x).relative_error(x.ln_1p()) < 2.3e-16, "{x}");
    }
}

#[test]
fn exponential() {
    table::<f32>("exp f32", 1e-7, 5e-9, &RANGES, exp(), reference::exp);
    table::<f64>("exp f64", 2e-16, 2e-17, &RANGES, exp(), reference::exp);
    table::<f64>("exp f64", 2e-16, 2e-17, &[(-690.0, 690.0)], exp(), reference::exp);
}

#[test]
fn exponential_less_one() {
    table::<f32>("exp_m1 f32", 1.3e-7, 1e-8, &RANGES, exp_m1(), reference::exp_m1);
    table::<f64>("exp_m1 f64", 3e-16, 3e-17, &RANGES, exp_m1(), reference::exp_m1);
    for f in exp_m1::<f32>() {
        assert!(errors(small_points(1e-30, 1.0), f, reference::exp_m1).0 < 1.3e-7);
    }
    for f in exp_m1::<f64>() {
        assert!(errors(small_points(1e-250, 1.0), f, reference::exp_m1).0 < 3e-16);
    }
}

#[test]
fn logarithm() {
    let ranges = [(-0.99, -0.5), (-0.5, -1e-5), (1e-5, 1.0), (0.4, 0.42), (1.0, 100.0), (1e4, 1e9)];
    table::<f32>("ln_1p f32", 1.3e-7, 1e-8, &ranges, ln_1p(), reference::ln_1p);
    table::<f64>("ln_1p f64", 3e-16, 5e-17, &ranges, ln_1p(), reference::ln_1p);
    // below 1e-6: x - x²/2 + x³/3 is exact to more than 16 digits
    let series = |x: f64| x - x * (x / 2.0 - x * x / 3.0);
    for x in small_points(1e-250, 1e-6) {
        for f in ln_1p::<f64>() {
            assert!((f(x) / series(x) - 1.0).abs() < 4.5e-16, "{x}");
        }
        let x = (x as f32).max(1e-37);
        for f in ln_1p::<f32>() {
            assert!((f64::from(f(x)) / series(f64::from(x)) - 1.0).abs() < 1.3e-7, "{x}");
        }
    }
}

#[test]
fn softened_maximum() {
    let ranges = [(-12.0, -1.0), (-1.0, 1.0), (1.0, 80.0)];
    table::<f32>("softplus f32", 1.6e-7, 1e-8, &ranges, softplus(), reference::softplus);
    table::<f64>("softplus f64", 3e-16, 3e-17, &ranges, softplus(), reference::softplus);
    for x in points(-80.0, -12.0) {
        for f in softplus::<f64>() {
            assert!((f(x) / Standard.softplus(x) - 1.0).abs() < 8e-16, "{x}");
        }
    }
}

#[test]
fn plain_logarithm() {
    fn check<T: Real>(bound: f64, least: f64, most: f64) {
        for x in points(least.ln(), most.ln()).map(|x| T::from_f64(x.exp())) {
            let truth = x.to_f64().ln();
            for found in [Vector::<true>.ln(x), Vector::<false>.ln(x)] {
                assert!(
                    (found.to_f64() - truth).abs() <= bound * truth.abs(),
                    "{x:?}: {found:?}, not {truth}"
                );
            }
        }
    }
    check::<f32>(1.3e-7, 1e-37, 1e37);
    check::<f64>(3.5e-16, 1e-300, 1e300);
    check::<f64>(3.5e-16, 0.9, 1.1);
    for f in [Vector::<true>; 1] {
        assert_eq!([f.ln(0.0), f.ln(1.0)], [f64::NEG_INFINITY, 0.0]);
        assert!(f.ln(-1.0_f64).is_nan() && f.ln(f64::NAN).is_nan() && f.ln(f64::INFINITY) > 700.0);
    }
}

/// The polynomial against the error function and the continued fraction, its differences against an integral.
#[test]
fn tails_of_the_normal_distribution() {
    fn near<T: Real>(found: T, truth: f64, bound: f64, what: &str) {
        let error = (found.to_f64() / truth - 1.0).abs();
        assert!(error <= bound, "{what}: {found:?}, not {truth} ({error:.1e})");
    }
    for x in points(-1.0, 12.0).step_by(7).chain(points(12.0, 1e4).step_by(29)) {
        let single = x as f32;
        let truth = Standard.mills(f64::from(single));
        // the definition itself is good to 2.5e-15
        near(Vector::<true>.mills(x), Standard.mills(x), 3.5e-15, &format!("{x}"));
        near(Vector::<false>.mills(x), Standard.mills(x), 3.5e-15, &format!("{x}"));
        near(Vector::<true>.mills(single), truth, 6e-7, &format!("{x}"));
        for delta in [1.0, 0.3, 1e-3, 1e-9, -1e-13, -0.04, -0.9] {
            if x < 0.0 {
                continue;
            }
            let truth = Standard.ln_tail_change(x, delta);
            near(Vector::<true>.ln_tail_change(x, delta), truth, 5e-15, &format!("{x} by {delta}"));
            near(Vector::<false>.ln_tail_change(x, delta), truth, 5e-15, &format!("{x} by {delta}"));
            let truth = Standard.ln_tail_change(f64::from(single), f64::from(delta as f32));
            near(
                Vector::<true>.ln_tail_change(single, delta as f32),
                truth,
                3e-6,
                &format!("{x} by {delta}"),
            );
        }
    }
    assert!(Vector::<true>.mills(f64::NAN).is_nan() && Vector::<true>.mills(f64::INFINITY) < 1e-17);
}

/// What happens where the functions end.
fn ends<T: Real, const FUSED: bool>(low: T, high: T) {
    let f = Vector::<FUSED>;
    let nan = T::from_f64(f64::NAN);
    let is_nan = |x: T| x.partial_cmp(&x).is_none();
    for value in [f.exp(nan), f.exp_m1(nan), f.ln_1p(nan), f.softplus(nan)] {
        assert!(is_nan(value));
    }
    for above in [high, high + high, T::INFINITY] {
        assert_eq!(f.exp(above), T::INFINITY);
        assert_eq!(f.exp_m1(above), T::INFINITY);
    }
    for below in [low, low + low, -T::INFINITY] {
        assert_eq!(f.exp(below), f.exp(low));
        assert_eq!(f.exp_m1(below), -T::ONE);
        assert_eq!(f.softplus(below), f.exp(low));
    }
    assert!(f.exp(low) > T::ZERO);
    assert_eq!(f.exp(T::ZERO), T::ONE);
    assert_eq!(f.exp_m1(T::ZERO), T::ZERO);
    assert_eq!(f.ln_1p(T::ZERO), T::ZERO);
    assert_eq!(f.ln_1p(-T::ONE), -T::INFINITY);
    assert!(is_nan(f.ln_1p(-T::ONE - T::ONE)));
    assert_eq!(f.softplus(high), high);
    assert!(f.ln_1p(T::INFINITY) > low.abs());
}

#[test]
fn ends_of_the_ranges() {
    ends::<f32, true>(-87.0, 89.0);
    ends::<f32, false>(-87.0, 89.0);
    ends::<f64, true>(-708.0, 710.0);
    ends::<f64, false>(-708.0, 710.0);
}
