use statrs::distribution::{Continuous, ContinuousCDF, Gamma};

use crate::{Error, Result};

/// A filter that excites first and inhibits later, or the other way round: the density of one gamma law less that of another, at
/// `n_lags` equal steps from 0 to the larger of their quantiles at `upper`, scaled to a sum of squares of 1. Both laws are
/// given as shape and rate.
///
/// # Errors
/// [`Error::Argument`] for fewer than 2 lags, a quantile outside (0, 1), and shapes or rates that are not above 0, and laws whose difference is
/// nothing or infinite.
///
/// # Source
/// `difference_of_gammas` in `NeMoS`.
pub fn difference_of_gammas(
    n_lags: usize,
    upper: f64,
    excitation: [f64; 2],
    inhibition: [f64; 2],
) -> Result<Vec<f64>> {
    if n_lags < 2 {
        return Err(Error::argument("lags", "2 or more", n_lags.to_string(), "give a longer window"));
    }
    if !(upper > 0.0 && upper < 1.0) {
        return Err(Error::argument("quantile", "a number between 0 and 1", upper.to_string(), "try 0.99"));
    }
    let law = |[shape, rate]: [f64; 2]| {
        let found = format!("{shape} and {rate}");
        Gamma::new(shape, rate)
            .map_err(|_| Error::argument("gamma law", "a shape and a rate above 0", found, "try 2 and 1"))
    };
    let [excitation, inhibition] = [law(excitation)?, law(inhibition)?];
    let last = excitation.inverse_cdf(upper).max(inhibition.inverse_cdf(upper));
    let at = |lag: usize| lag as f64 * last / (n_lags - 1) as f64;
    let mut filter: Vec<f64> =
        (0..n_lags).map(at).map(|lag| excitation.pdf(lag) - inhibition.pdf(lag)).collect();
    let size = filter.iter().map(|value| value * value).sum::<f64>().sqrt();
    filter.iter_mut().for_each(|value| *value /= size);
    if filter.iter().any(|value| !value.is_finite()) {
        let help = "use two different laws with shapes of 1 or more";
        return Err(Error::argument("gamma laws", "densities that differ and are finite", "others", help));
    }
    Ok(filter)
}
