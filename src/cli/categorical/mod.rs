//! Responses that are one of several classes: labels in, certified model out; probabilities and scores of other data.
//!
//! The data are read as for all other models; what differs is that a response may be texts, that a result has numbers for every
//! class, and what is made of it. Tables, figures and the report are those of other models, to which every class is a target of
//! its own (`view.rs`).

mod applied;
mod beside;
mod check;
mod fit;
mod labels;
mod outputs;
mod predict;
mod result;
mod score;
mod scored;
mod simulate;
mod tested;
mod view;

pub(super) use check::check;
pub(super) use fit::fit;
pub(super) use outputs::{reliability_of, stage};
pub(super) use predict::predict;
pub(super) use score::score;
pub(super) use simulate::simulate;
pub(super) use view::{ClassTargets, OfClasses};
