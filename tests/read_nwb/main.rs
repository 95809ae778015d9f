//! Reading recordings: the reference file, ordinary layouts, broken files, numpy arrays, spikes, inspection.

mod broken;
mod inspection;
mod npz;
mod reference;
mod series;
mod tables;

use std::path::PathBuf;

use rheobase::Error;
use rheobase::read::nwb::{self, NwbFile};

/// A file of `tests/data`.
pub(crate) fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// An opened fixture of `tests/data/nwb`.
pub(crate) fn fixture(name: &str) -> NwbFile {
    nwb::open(&data("nwb").join(name)).unwrap()
}

/// The names an error lists as present, and its two lines.
pub(crate) fn said(error: &Error) -> String {
    format!("{error}\nhelp: {}", error.help())
}
