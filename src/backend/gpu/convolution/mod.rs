//! Convolution of channels with filters, its adjoint, and rows of convolved columns, without a design.
//!
//! Samples and events lie on an axis of positions ([`axis`]) on which the window of a used row is a run of neighbours, so
//! kernels test no bounds of epochs. Channels are kept in pieces of a power of two used rows, as matrices are.

pub(super) mod axis;
pub(super) mod build_features;
pub(super) mod convolve;
pub(super) mod convolve_events;
pub(super) mod convolve_fft;
pub(super) mod correlate;
pub(super) mod correlate_events;
mod recorded;
pub(super) mod signals;

pub use signals::Signals;

use super::batch::{Bound, Params};
use super::shader::Constants;

/// Work groups along the first dimension, of which devices allow few.
const GROUPS_OF_X: usize = 1 << 15;
/// Lags whose terms are added up apart.
const LAGS: usize = 256;
/// Positions that a group of rows takes a turn.
const TURN: usize = 1024;

/// Where a linear predictor begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Start {
    /// At a constant.
    Constant(f64),
    /// At what is stored.
    Stored,
}

impl Start {
    /// What a kernel is compiled for, and started with.
    fn set(self, constants: &mut Constants, params: &mut Params) {
        let (start, constant) = match self {
            Self::Constant(constant) => (0, constant),
            Self::Stored => (1, 0.0),
        };
        constants.push(("START", start));
        params.intercept = constant as f32;
    }
}

/// What is correlated with channels, and where the sums of the groups go.
pub(super) struct Correlation<'a> {
    pub(super) residual: &'a Bound,
    pub(super) sums: &'a Bound,
    /// Whether they are added to what is there.
    pub(super) adds: bool,
}

/// Groups over positions, `each` of them a group.
fn groups(params: &Params, each: usize) -> [u32; 2] {
    let n = ((params.end_position - params.first_position) as usize).div_ceil(each);
    [n.min(GROUPS_OF_X) as u32, n.div_ceil(GROUPS_OF_X) as u32]
}
