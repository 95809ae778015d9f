//! Times, series and the epochs they live in.
//!
//! Every series carries its *time support*, the epochs in which it was observed, because a rate, a bin grid and
//! a convolution mean nothing without it: `rate = N / total length of the support`, grids restart at every epoch
//! and no kernel, lookup or difference crosses a gap. The words and the arithmetic are those of pynapple 0.11.4
//! (restrict, count, `bin_average`, `value_from`, smooth), so that results can be compared number by number;
//! where that package loses data (values that do not follow sorted times, metadata dropped with one bad row),
//! this module returns an error or a notice instead.
//!
//! Times are `f64` seconds and are compared as they are: stamps are never repaired. Values are `f64`.
//! Containers are immutable; an operation returns a new one.
//!
//! ```
//! use rheobase::time::{IntervalSet, Ts};
//!
//! let support = IntervalSet::new(&[0.0, 2.0], &[1.0, 3.0])?;
//! let spikes = Ts::new(vec![0.1, 0.6, 2.2, 5.0], Some(support))?;
//! assert_eq!(spikes.len(), 3); // 5 s lies outside the support
//! assert_eq!(spikes.count(0.5, None)?.d(), [1.0, 1.0, 1.0, 0.0]);
//! # Ok::<(), rheobase::Error>(())
//! ```

mod convolution;
mod difference;
mod epoch_rows;
mod grid;
mod interpolation;
mod interval_algebra;
mod interval_set;
mod lookup;
mod metadata;
mod run;
mod smoothing;
mod trial;
mod ts;
mod ts_group;
mod tsd;
mod tsd_frame;
mod unit;

pub use convolution::{Trim, convolve_direct, convolve_fft, convolve_full};
pub use difference::mean_spacing;
pub use grid::{BinGrid, Segment};
pub use interpolation::Beyond;
pub use interval_set::IntervalSet;
pub use lookup::{Lookup, Match, matches};
pub use metadata::{Metadata, MetadataColumn};
pub use run::Side;
pub use smoothing::{Smoothing, SmoothingWindow};
pub use trial::Align;
pub use ts::Ts;
pub use ts_group::TsGroup;
pub use tsd::Tsd;
pub use tsd_frame::TsdFrame;
pub use unit::TimeUnit;
