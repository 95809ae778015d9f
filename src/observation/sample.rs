//! Responses drawn at random.

use rand::Rng;
use rand_distr::{Distribution, Gamma, Normal, Poisson};

use super::ObservationModel;

impl ObservationModel {
    /// A response with this mean, at the scale of a fit (see [`crate::glm::TargetFit::scale`]): its variance is `scale` times
    /// [`super::Observe::variance`]. NaN where there is no such response: for a mean that is none, or no scale.
    ///
    /// | | drawn from |
    /// |---|---|
    /// | Poisson | `Poisson(mu)` |
    /// | Gaussian | `N(mu, scale)` |
    /// | Bernoulli | 1 with probability `mu`, else 0 |
    /// | Gamma | `Gamma(shape 1 / scale, mean mu)`: variance `scale mu²` |
    /// | negative binomial | `Poisson(Gamma(shape 1 / dispersion, mean mu))`: variance `mu + dispersion mu²` |
    pub fn sample<R: Rng + ?Sized>(self, mu: f64, scale: f64, random: &mut R) -> f64 {
        match self {
            Self::Poisson => count(mu, random),
            Self::Gaussian => drawn(Normal::new(mu, scale.sqrt()).ok(), random),
            Self::Bernoulli if (0.0..=1.0).contains(&mu) => {
                // 53 random bits: below 1 always
                let uniform = (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
                f64::from(uniform < mu)
            }
            Self::Bernoulli => f64::NAN,
            Self::Gamma => gamma(mu, scale, random),
            Self::NegativeBinomial(own) => match own.dispersion() {
                _ if mu == 0.0 => 0.0,
                dispersion => count(gamma(mu, dispersion, random), random),
            },
        }
    }
}

fn drawn<D: Distribution<f64>>(from: Option<D>, random: &mut (impl Rng + ?Sized)) -> f64 {
    from.map_or(f64::NAN, |distribution| distribution.sample(random))
}

/// A Poisson count; of a rate that a Gamma variable took to 0 none.
fn count(mu: f64, random: &mut (impl Rng + ?Sized)) -> f64 {
    if mu == 0.0 { 0.0 } else { drawn(Poisson::new(mu).ok(), random) }
}

fn gamma(mu: f64, scale: f64, random: &mut (impl Rng + ?Sized)) -> f64 {
    drawn(Gamma::new(scale.recip(), scale * mu).ok(), random)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::inverse_link::Mean;
    use crate::observation::{NegativeBinomial, Observe};

    #[test]
    fn samples_have_the_mean_and_the_variance_of_the_model() {
        let n = 200_000;
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let dispersed = |dispersion: f64| NegativeBinomial::new(dispersion).unwrap().into();
        // the reference draws Gamma responses of mean 3 and scale 0.5 with a variance of 1.5, not 4.5
        for (model, mu, scale) in [
            (ObservationModel::Poisson, 0.3, 1.0),
            (ObservationModel::Poisson, 40.0, 1.0),
            (ObservationModel::Gaussian, -2.0, 0.3),
            (ObservationModel::Bernoulli, 0.2, 1.0),
            (ObservationModel::Gamma, 3.0, 0.5),
            (ObservationModel::Gamma, 1e-3, 1.7),
            (dispersed(0.7), 2.0, 1.0),
            (dispersed(5.0), 0.4, 1.0),
        ] {
            let all: Vec<f64> = (0..n).map(|_| model.sample(mu, scale, &mut random)).collect();
            assert!(all.iter().all(|&y| model.outside(y).is_none()));
            let moment = |of: &dyn Fn(f64) -> f64| all.iter().map(|&y| of(y)).sum::<f64>() / f64::from(n);
            let mean = moment(&|y| y);
            let variance = moment(&|y| (y - mean).powi(2));
            let at =
                Mean { mu, rest: 1.0 - mu, slope: 1.0, log_mu: 0.0, log_rest: 0.0, rise: 1.0, fall: 1.0 };
            let expected = scale * model.variance(at);
            // five standard errors, that of a variance by the fourth moment
            let fourth = moment(&|y| (y - mean).powi(4));
            let [of_mean, of_variance] =
                [expected, fourth - variance * variance].map(|v| (v / f64::from(n)).sqrt());
            assert!((mean - mu).abs() < 5.0 * of_mean, "{model:?}: {mean}, not {mu}");
            assert!((variance - expected).abs() < 5.0 * of_variance, "{model:?}: {variance}, not {expected}");
        }
    }

    #[test]
    fn means_at_the_bounds_and_beyond() {
        let mut random = ChaCha8Rng::seed_from_u64(4);
        let mut draw = |model: ObservationModel, mu: f64| model.sample(mu, 1.0, &mut random);
        assert_eq!(draw(ObservationModel::Poisson, 0.0), 0.0);
        assert_eq!(draw(NegativeBinomial::UNIT.into(), 0.0), 0.0);
        assert_eq!([0.0, 1.0].map(|mu| draw(ObservationModel::Bernoulli, mu)), [0.0, 1.0]);
        for model in ObservationModel::ALL {
            assert!(draw(model, f64::NAN).is_nan(), "{model:?}");
            assert!(model == ObservationModel::Gaussian || draw(model, -1.0).is_nan(), "{model:?}");
        }
    }
}
