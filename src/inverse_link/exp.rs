use super::{InvertLink, Mean, MeanChange};

/// `mu = exp(eta)`: effects multiply the rate; the canonical link of Poisson counts.
#[derive(Clone, Copy, Debug)]
pub struct Exp;

impl InvertLink for Exp {
    #[inline]
    fn mean(&self, eta: f64) -> Mean {
        let mu = eta.exp();
        Mean { mu, log_mu: eta }
    }

    #[inline]
    fn mean_change(&self, mean: Mean, delta: f64) -> MeanChange {
        MeanChange { mu: mean.mu * delta.exp_m1(), log_mu: delta }
    }

    #[inline]
    fn link(&self, mu: f64) -> f64 {
        mu.ln()
    }
}
