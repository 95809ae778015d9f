//! Which samples a convolved feature may use.
//!
//! The default is strictly causal: the row of a bin sees only earlier bins, so a feature made of the target's own
//! spikes cannot predict itself, and a stimulus does not act before it happens.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The side of the present bin on which a window lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Causality {
    /// The past.
    #[default]
    Causal,
    /// The future. The kernel is not mirrored: its row 0 weighs the bin farthest in the future.
    AntiCausal,
    /// Both sides; of an even window, the longer half lies in the future.
    Acausal,
}

impl Causality {
    /// All of them, in the order of [`Self::name`].
    pub const ALL: [Self; 3] = [Self::Causal, Self::AntiCausal, Self::Acausal];

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Causal => "causal",
            Self::AntiCausal => "anti-causal",
            Self::Acausal => "acausal",
        }
    }

    /// Whether the window may hold the present bin when nothing is said: only where it must.
    pub fn includes_present(self) -> bool {
        self == Self::Acausal
    }

    /// The row that the complete window starting at bin `m` belongs to, minus `m`.
    ///
    /// With `v[m] = sum_k K[k] x[m + W - 1 - k]` and row `t = m + offset`:
    ///
    /// | | present left out | present included |
    /// |---|---|---|
    /// | causal | `W`: `sum_k K[k] x[t-1-k]` | `W - 1`: `sum_k K[k] x[t-k]` |
    /// | anti-causal | `-1`: `sum_k K[k] x[t+W-k]` | `0`: `sum_k K[k] x[t+W-1-k]` |
    /// | acausal | | `floor((W-1)/2)` |
    ///
    /// # Errors
    /// [`Error::Argument`] for an acausal window without the present bin.
    ///
    /// # Source
    /// `NeMoS`, `create_convolutional_predictor`.
    pub fn offset(self, include_present: bool, window_bins: usize) -> Result<isize> {
        let window = window_bins as isize;
        match (self, include_present) {
            (Self::Causal, false) => Ok(window),
            (Self::Causal, true) => Ok(window - 1),
            (Self::AntiCausal, false) => Ok(-1),
            (Self::AntiCausal, true) => Ok(0),
            (Self::Acausal, true) => Ok((window - 1).div_euclid(2)),
            (Self::Acausal, false) => Err(Error::argument(
                "acausal window",
                "the present bin inside",
                "a window without it",
                "include the present bin, or use a causal or anti-causal window",
            )),
        }
    }
}
