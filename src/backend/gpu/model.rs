//! The snippets of observation models and inverse links: a member without one does not compile.

use super::shader::Constants;
use crate::backend::Model;
use crate::inverse_link::InverseLink;
use crate::observation::ObservationModel;

/// The snippet of an inverse link.
pub(super) fn inverse_link(link: InverseLink) -> &'static str {
    match link {
        InverseLink::Exp => include_str!("../../../shaders/inverse_link/exp.wgsl"),
    }
}

/// The snippet of an observation model.
pub(super) fn observation(model: ObservationModel) -> &'static str {
    match model {
        ObservationModel::Poisson => include_str!("../../../shaders/observation/poisson.wgsl"),
    }
}

/// What the text that both share is compiled for: whether the link is the canonical one, and the factor of the loss.
pub(super) fn constants(model: Model) -> Constants {
    match (model.observation, model.inverse_link) {
        (ObservationModel::Poisson, InverseLink::Exp) => vec![("CANONICAL", 1), ("LOSS_SCALE", 1)],
    }
}
