//! The snippets of observation models and inverse links: a member without one does not compile.

use super::shader::Constants;
use crate::backend::Model;
use crate::inverse_link::InverseLink;
use crate::observation::ObservationModel;

/// The snippet of an inverse link.
pub(super) fn inverse_link(link: InverseLink) -> &'static str {
    match link {
        InverseLink::Exp => include_str!("../../../shaders/inverse_link/exp.wgsl"),
        InverseLink::Softplus => include_str!("../../../shaders/inverse_link/softplus.wgsl"),
        InverseLink::Identity => include_str!("../../../shaders/inverse_link/identity.wgsl"),
        InverseLink::Logistic => include_str!("../../../shaders/inverse_link/logistic.wgsl"),
    }
}

/// The snippet of an observation model.
pub(super) fn observation(model: ObservationModel) -> &'static str {
    match model {
        ObservationModel::Poisson => include_str!("../../../shaders/observation/poisson.wgsl"),
        ObservationModel::Gaussian => include_str!("../../../shaders/observation/gaussian.wgsl"),
        ObservationModel::Bernoulli => include_str!("../../../shaders/observation/bernoulli.wgsl"),
    }
}

/// What the text that both share is compiled for: whether the link is the canonical one.
pub(super) fn constants(model: Model) -> Constants {
    vec![("CANONICAL", u32::from(model.inverse_link == model.observation.canonical_link()))]
}
