//! The snippets of observation models and inverse links: a member without one does not compile.

use super::shader::Constants;
use crate::backend::Model;
use crate::inverse_link::InverseLink;
use crate::observation::{ObservationModel, Observe};

/// The snippet of an inverse link.
pub(super) fn inverse_link(link: InverseLink) -> &'static str {
    match link {
        InverseLink::Exp => include_str!("../../../shaders/inverse_link/exp.wgsl"),
        InverseLink::Softplus => include_str!("../../../shaders/inverse_link/softplus.wgsl"),
        InverseLink::Identity => include_str!("../../../shaders/inverse_link/identity.wgsl"),
        InverseLink::Logistic => include_str!("../../../shaders/inverse_link/logistic.wgsl"),
        InverseLink::Probit => include_str!("../../../shaders/inverse_link/probit.wgsl"),
        InverseLink::OneOverX => include_str!("../../../shaders/inverse_link/one_over_x.wgsl"),
    }
}

/// The snippet of an observation model.
pub(super) fn observation(model: ObservationModel) -> &'static str {
    match model {
        ObservationModel::Poisson => include_str!("../../../shaders/observation/poisson.wgsl"),
        ObservationModel::Gaussian => include_str!("../../../shaders/observation/gaussian.wgsl"),
        ObservationModel::Bernoulli => include_str!("../../../shaders/observation/bernoulli.wgsl"),
        ObservationModel::Gamma => include_str!("../../../shaders/observation/gamma.wgsl"),
        ObservationModel::NegativeBinomial(_) => {
            include_str!("../../../shaders/observation/negative_binomial.wgsl")
        }
    }
}

/// What the text is compiled for: whether the link is the canonical one, and the bits of a dispersion and its logarithm.
pub(super) fn constants(model: Model) -> Constants {
    let mut constants = vec![("CANONICAL", u32::from(model.is_canonical()))];
    if let Some(dispersion) = model.observation.dispersion() {
        constants.push(("DISPERSION", (dispersion as f32).to_bits()));
        constants.push(("LOG_DISPERSION", (dispersion.ln() as f32).to_bits()));
    }
    constants
}
