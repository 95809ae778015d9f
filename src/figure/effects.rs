//! What effects of features add up to, by the inverse link.

use crate::inverse_link::InverseLink;

/// As an axis says it, and in a sentence.
pub fn sum_of_effects(link: InverseLink) -> [&'static str; 2] {
    match link {
        InverseLink::Exp => ["log rate", "the logarithm of the rate"],
        InverseLink::Softplus => ["linear predictor", "the linear predictor, whose softplus is the mean"],
        InverseLink::Identity => ["mean", "the mean"],
        InverseLink::Logistic => ["log odds", "the log odds of an event"],
        InverseLink::Probit => ["probit", "the probit of an event's probability"],
        InverseLink::OneOverX => ["1 / mean", "one over the mean"],
    }
}
