//! What effects of features add up to, by the inverse link.

use crate::inverse_link::InverseLink;

/// What effects of features add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effects {
    /// The linear predictor of a mean.
    Of(InverseLink),
    /// That of one class among several, to which the effects of a feature sum to 0.
    OfClass,
    /// That of one class among several, if they need not: only differences between classes mean something.
    OfClassAndShift,
}

impl From<InverseLink> for Effects {
    fn from(link: InverseLink) -> Self {
        Self::Of(link)
    }
}

/// As an axis says it, and in a sentence.
pub fn sum_of_effects(effects: impl Into<Effects>) -> [&'static str; 2] {
    let link = match effects.into() {
        Effects::Of(link) => link,
        Effects::OfClass => {
            return [
                "log odds",
                "the log odds of the class against the geometric mean of the probabilities of all classes",
            ];
        }
        Effects::OfClassAndShift => {
            return [
                "linear predictor",
                "the linear predictor of the class (the difference between two classes is their log odds)",
            ];
        }
    };
    match link {
        InverseLink::Exp => ["log rate", "the logarithm of the rate"],
        InverseLink::Softplus => ["linear predictor", "the linear predictor, whose softplus is the mean"],
        InverseLink::Identity => ["mean", "the mean"],
        InverseLink::Logistic => ["log odds", "the log odds of an event"],
        InverseLink::Probit => ["probit", "the probit of an event's probability"],
        InverseLink::OneOverX => ["1 / mean", "one over the mean"],
    }
}
