//! What one file holds, by key: plain data, no file handle.
//!
//! A recording is a list of entries (time series, tables of intervals, tables of units), each under a short
//! key. Reading is the business of `read`; what it finds is described here, so that the layers above never
//! see a file format. An entry that cannot be used stays in the list with its defect: one broken object must
//! not hide the others, and asking for it returns that defect as an error.

mod column;
mod contents;
mod intervals;
mod key;
mod series;
mod units;

pub use column::{Column, ColumnValues};
pub use contents::{Defect, Entry, Kind, Recording};
pub use intervals::{Epoch, IntervalTable};
pub use key::unique_keys;
pub use series::{Samples, SeriesFacts, Timing, median_spacing, split_signal};
pub use units::UnitsTable;
