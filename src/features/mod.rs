//! Features: what a target's rate may depend on, as columns on a grid of bins.
//!
//! A feature begins as a signal (a series of the file, the target's own spikes, the spikes of units) with one
//! value per bin and channel. It becomes a [`FeatureBlock`] in one of three ways: as it is, evaluated by a basis,
//! or convolved with one. Everything happens epoch by epoch: no window and no interpolation crosses a gap. Bins
//! that cannot have a feature are rows of NaN, and the block says which of them lie at an edge, because those are
//! left out by design while the others are missing data.
//!
//! Columns are channel by channel, the basis function running fastest. Labels name them for people:
//! `stimulus` (as it is), `stimulus.1` to `stimulus.8` (functions of a basis, from 1), `position[x].1` (of one
//! channel of several), `position.2 x theta.5` (of a product of two terms).

mod binned;
mod block;
mod causality;
mod columns;
mod dataset;
mod epochs;
mod group;
mod reading;
mod selection;
mod signal;
mod spec;
pub mod spike_detection;
mod split;
mod term;
mod term_text;
mod units;
mod window;

pub use binned::Signals;
pub use block::{Channel, FeatureBlock, convolution, convolved, evaluated, plain};
pub use causality::Causality;
pub use columns::{ColumnOf, Columns};
pub use dataset::{Dataset, Request, StudyFeature};
pub use epochs::INVALID_TIMES;
pub use group::{Group, Piece};
pub use reading::{Step, Watcher};
pub use selection::Selection;
pub use signal::{Resample, binned_signal, spike_counts};
pub use spec::{Built, FeatureSpec};
pub use split::{FeatureShape, split_by_feature};
pub use term::{Expansion, Signal, Term};
pub use units::DETECTED;
pub use window::Window;
