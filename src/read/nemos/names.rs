//! What `NeMoS` calls its models, observation models and links.

/// The classes of models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NemosClass {
    /// One target.
    Glm,
    /// Any number of targets.
    PopulationGlm,
    /// One target that is one of several classes in every bin.
    ClassifierGlm,
    /// Any number of targets with the same classes.
    ClassifierPopulationGlm,
}

/// The observation models of `NeMoS`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NemosObservation {
    /// Counts.
    Poisson,
    /// Numbers of any kind.
    Gaussian,
    /// Numbers above 0.
    Gamma,
    /// An event or none.
    Bernoulli,
    /// Counts whose variance is `mu + scale mu²`.
    NegativeBinomial {
        /// Its dispersion.
        scale: f64,
    },
    /// One of several classes, of classifiers alone, which do not name it.
    Categorical,
}

/// The inverse links of `NeMoS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NemosLink {
    /// `exp(eta)`.
    Exp,
    /// `ln(1 + exp(eta))`.
    Softplus,
    /// `1 / (1 + exp(-eta))`.
    Logistic,
    /// The distribution function of the normal distribution.
    Probit,
    /// `1 / eta`.
    OneOverX,
    /// `eta`.
    Identity,
    /// Logarithms of the probabilities of classes, of classifiers alone.
    LogSoftmax,
}

impl NemosClass {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::Glm, Self::PopulationGlm, Self::ClassifierGlm, Self::ClassifierPopulationGlm];

    /// Whether it has several targets.
    pub fn is_population(self) -> bool {
        matches!(self, Self::PopulationGlm | Self::ClassifierPopulationGlm)
    }

    /// Whether its responses are classes.
    pub fn is_classifier(self) -> bool {
        matches!(self, Self::ClassifierGlm | Self::ClassifierPopulationGlm)
    }

    /// Its name in a file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Glm => "nemos.glm.glm.GLM",
            Self::PopulationGlm => "nemos.glm.glm.PopulationGLM",
            Self::ClassifierGlm => "nemos.glm.classifier_glm.ClassifierGLM",
            Self::ClassifierPopulationGlm => "nemos.glm.classifier_glm.ClassifierPopulationGLM",
        }
    }

    /// The class that a name means.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| last(class.name()) == last(name))
    }
}

impl NemosObservation {
    /// All of them that a file may name, of a dispersion 1.
    pub const ALL: [Self; 5] =
        [Self::Poisson, Self::Gaussian, Self::Gamma, Self::Bernoulli, Self::NegativeBinomial { scale: 1.0 }];

    /// The name of its class in a file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Poisson => "nemos.observation_models.PoissonObservations",
            Self::Gaussian => "nemos.observation_models.GaussianObservations",
            Self::Gamma => "nemos.observation_models.GammaObservations",
            Self::Bernoulli => "nemos.observation_models.BernoulliObservations",
            Self::NegativeBinomial { .. } => "nemos.observation_models.NegativeBinomialObservations",
            Self::Categorical => "nemos.observation_models.CategoricalObservations",
        }
    }

    /// The observation model that a name means, of a dispersion 1.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|model| last(model.name()) == last(name))
    }
}

/// Every link with its names in files, first the one that is written: what `NeMoS` writes if it can read that back, else
/// (identity, probit) a name that it reads.
const LINKS: [(NemosLink, &[&str]); 7] = [
    (
        NemosLink::Exp,
        &["jax.numpy.exp", "jax._src.numpy.ufuncs.exp", "nemos.inverse_link_function_utils.exp", "exp"],
    ),
    (
        NemosLink::Softplus,
        &[
            "jax._src.nn.functions.softplus",
            "jax.nn.softplus",
            "nemos.inverse_link_function_utils.softplus",
            "softplus",
        ],
    ),
    (
        NemosLink::Logistic,
        &[
            "jax.lax.logistic",
            "jax._src.lax.lax.logistic",
            "jax._src.scipy.special.logistic",
            "jax._src.scipy.special.expit",
            "jax.scipy.special.expit",
            "nemos.inverse_link_function_utils.logistic",
            "nemos.inverse_link_function_utils.expit",
            "logistic",
            "expit",
        ],
    ),
    (
        NemosLink::Probit,
        &[
            "norm.cdf",
            "jax.scipy.stats.norm.cdf",
            "jax._src.scipy.stats.norm.cdf",
            "jax._src.scipy.stats.norm.norm_cdf",
            "nemos.inverse_link_function_utils.norm_cdf",
        ],
    ),
    (
        NemosLink::OneOverX,
        &["nemos.utils.one_over_x", "nemos.inverse_link_function_utils.one_over_x", "one_over_x"],
    ),
    (
        NemosLink::Identity,
        &[
            "identity",
            "nemos.inverse_link_function_utils.identity",
            // the only function without a name in the table of NeMoS 0.2.8
            "nemos.inverse_link_function_utils.<lambda>",
        ],
    ),
    (
        NemosLink::LogSoftmax,
        &[
            "jax._src.nn.functions.log_softmax",
            "jax.nn.log_softmax",
            "nemos.inverse_link_function_utils.log_softmax",
            "log_softmax",
        ],
    ),
];

impl NemosLink {
    /// The names that are written, of links that models of numbers have.
    pub fn names() -> Vec<&'static str> {
        let is_of_numbers = |(link, _): &&(Self, &[&str])| *link != Self::LogSoftmax;
        LINKS.iter().filter(is_of_numbers).map(|(_, names)| names[0]).collect()
    }

    /// Its name in a file that `NeMoS` 0.2.8 can load.
    pub fn name(self) -> &'static str {
        LINKS.iter().find(|(link, _)| *link == self).map_or("", |(_, names)| names[0])
    }

    /// The link that a name means.
    pub fn by_name(name: &str) -> Option<Self> {
        LINKS.iter().find(|(_, names)| names.contains(&name)).map(|(link, _)| *link)
    }
}

/// The name of a class without its module, by which `NeMoS` finds it.
pub(super) fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_written_are_read() {
        for class in NemosClass::ALL {
            assert_eq!(NemosClass::by_name(class.name()), Some(class));
        }
        for model in NemosObservation::ALL {
            assert_eq!(NemosObservation::by_name(model.name()), Some(model));
        }
        for (link, names) in LINKS {
            assert!(names.iter().all(|name| NemosLink::by_name(name) == Some(link)), "{names:?}");
            assert_eq!(link.name(), names[0]);
        }
        for other in ["__main__.<lambda>", ""] {
            assert_eq!(NemosLink::by_name(other), None);
        }
        // a class of one's own is not the one that its name ends like
        assert_eq!(NemosClass::by_name("mine.ClassifierGLMs"), None);
    }
}
