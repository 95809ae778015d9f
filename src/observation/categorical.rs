//! Responses that are one of several classes.
//!
//! `P(y = k) = p_k = exp(eta_k) / sum_l exp(eta_l)`, the inverse link being log-softmax: `ln p_k = eta_k - ln sum_l exp(eta_l)`.
//! Log-likelihood `ln p_y`, deviance `-2 ln p_y`. Every class has a predictor of its own, of which only differences matter.
//! Unlike in the models of the menu, a row has several predictors, so that its numbers are vectors.

use rand::Rng;

/// The name of the observation model in options and results.
pub const CATEGORICAL: &str = "categorical";
/// The name of its inverse link.
pub const LOG_SOFTMAX: &str = "log-softmax";

/// Logarithms of the probabilities of all classes from their predictors; all NaN if one of these is.
///
/// ```
/// let found = rheobase::observation::log_softmax(&[1.0, 0.0, 0.0]);
/// assert!((found[0] + 0.5514447139320511).abs() < 1e-15);
/// ```
pub fn log_softmax(eta: &[f64]) -> Vec<f64> {
    if eta.iter().any(|eta| eta.is_nan()) {
        return vec![f64::NAN; eta.len()];
    }
    let largest = (0..eta.len()).fold(0, |a, b| if eta[b] > eta[a] { b } else { a });
    let others = |&(k, _): &(usize, &f64)| k != largest;
    let rest: f64 =
        eta.iter().enumerate().filter(others).map(|(_, eta_k)| (eta_k - eta[largest]).exp()).sum();
    eta.iter().map(|eta_k| (eta_k - eta[largest]) - rest.ln_1p()).collect()
}

/// The number of the most probable class, the first of equals; `None` if a probability is NaN.
pub fn most_probable(probabilities: &[f64]) -> Option<usize> {
    let known = probabilities.iter().all(|p| !p.is_nan()) && !probabilities.is_empty();
    known.then(|| {
        (0..probabilities.len()).fold(0, |a, b| if probabilities[b] > probabilities[a] { b } else { a })
    })
}

/// The number of a class drawn with these probabilities; `None` if they are none.
pub fn draw_class<R: Rng + ?Sized>(probabilities: &[f64], random: &mut R) -> Option<usize> {
    let total: f64 = probabilities.iter().sum();
    let are_good = probabilities.iter().all(|p| *p >= 0.0) && (total - 1.0).abs() < 1e-6;
    // 53 random bits: below 1 always
    let mut left = total * ((random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64);
    let drawn = probabilities.iter().position(|p| {
        left -= p;
        left < 0.0
    });
    // rounding may leave a little of the last
    are_good.then(|| drawn.or_else(|| probabilities.iter().rposition(|p| *p > 0.0))).flatten()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn large_predictors_neither_overflow_nor_lose_digits() {
        let found = log_softmax(&[1e4, 0.0, -1e4]);
        assert_eq!(found, [0.0, -1e4, -2e4]);
        let found = log_softmax(&[40.0, 0.0]);
        assert!((found[0] / -(-40.0f64).exp() - 1.0).abs() < 1e-15, "{found:?}");
        assert!(log_softmax(&[0.0, f64::NAN]).iter().all(|p| p.is_nan()));
    }

    #[test]
    fn draws_have_their_probabilities() {
        let (mut random, p) = (ChaCha8Rng::seed_from_u64(1), [0.2, 0.0, 0.5, 0.3]);
        let mut counts = [0.0; 4];
        for _ in 0..40_000 {
            counts[draw_class(&p, &mut random).unwrap()] += 1.0;
        }
        assert_eq!(counts[1], 0.0);
        for (count, p) in counts.iter().zip(p) {
            assert!((count / 40_000.0 - p).abs() < 0.01, "{counts:?}");
        }
        for wrong in [&[0.5, f64::NAN][..], &[0.5, 0.4], &[1.5, -0.5], &[]] {
            assert_eq!(draw_class(wrong, &mut random), None);
        }
        assert_eq!((most_probable(&[0.2, 0.4, 0.4]), most_probable(&[f64::NAN, 1.0])), (Some(1), None));
    }
}
