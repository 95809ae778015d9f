//! How events and signals relate to features, to each other and to moments in time.
//!
//! A tuning curve bins a feature (a stimulus current, a position) and asks for the rate of events, or the mean of
//! a signal, while the feature was in each bin. Bins without data are NaN and bins that were visited without an
//! event are 0: the two mean different things and are never confused unless `zero_fill` asks for it.
//!
//! Correlograms, interval histograms and event-locked responses live here too. All of them respect the time
//! support: lookups, differences and windows never cross a gap.
//!
//! # Source
//! Definitions follow pynapple 0.11.4; where that package turns missing data into 0, this module says NaN.

mod correlogram;
mod curve;
mod edges;
mod information;
mod interval_histogram;
mod perievent;
mod response;
mod streamed;

pub use correlogram::{Correlograms, Scale, autocorrelograms, crosscorrelograms, event_correlograms};
pub use curve::{TuningCurves, TuningPlan, tuning_curves_of_events, tuning_curves_of_signal};
pub use edges::FeatureBins;
pub use information::{Information, mutual_information};
pub use interval_histogram::{IntervalBins, IntervalHistogram, interval_histogram};
pub use perievent::{EventWindow, event_triggered_average, perievent, perievent_signal};
pub use response::{ResponsePerEpoch, response_of_events, response_of_signal};
pub use streamed::{FeatureRange, StreamedCurves};
