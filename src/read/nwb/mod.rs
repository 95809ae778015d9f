//! NWB files (HDF5): what is there, and its numbers on request.
//!
//! Opening lists every object and checks its structure; samples stay on disk. Long series are read by range,
//! so using one sweep of a session costs the memory of that sweep. All reading goes through one lock of the
//! HDF5 library: read in one thread and compute in the others.

mod catalogue;
mod check;
mod clock;
pub(in crate::read) mod element;
pub(in crate::read) mod heaps;
mod intervals;
mod series;
pub(in crate::read) mod signature;
pub(in crate::read) mod storage;
mod table;
mod type_tree;
mod units;

use std::path::Path;

pub use check::{Finding, Severity};
use element::attribute_text;
pub use series::Series;
use storage::Storage;

use crate::error::{Error, Result};
use crate::recording::{Epoch, IntervalTable, Kind, Recording, UnitsTable, split_signal};

/// Largest single read where no other limit is set: 4 GiB.
pub const DEFAULT_READ_LIMIT_BYTES: u64 = 4 << 30;

/// An open NWB file: what it holds, and its numbers on request.
#[derive(Clone, Debug)]
pub struct NwbFile {
    recording: Recording,
    storage: Storage,
}

/// A series named by a user, with the column in brackets if there was one.
#[derive(Clone, Debug)]
pub struct Signal {
    /// The series.
    pub series: Series,
    /// The column, if one was named.
    pub column: Option<usize>,
}

/// Opens an NWB file and lists what it holds.
///
/// # Errors
/// [`Error::Io`] for a file that cannot be opened, [`Error::Format`] for a folder, an empty, foreign or
/// truncated file and for HDF5 that is not NWB 2. A broken object inside is no error here: it is listed with
/// its defect, and asking for it returns that.
pub fn open(path: &Path) -> Result<NwbFile> {
    open_with_limit(path, DEFAULT_READ_LIMIT_BYTES)
}

/// As [`open`], with a limit on the bytes of a single read.
///
/// # Errors
/// As [`open`].
pub fn open_with_limit(path: &Path, limit_bytes: u64) -> Result<NwbFile> {
    let heaps = signature::check(
        path,
        "an NWB file (HDF5)",
        "give an NWB 2 file stored as HDF5, whatever its suffix; arrays are known by theirs: .npz, .npy, .csv, .tsv, .h5",
    )?;
    let storage = Storage::open(path, limit_bytes, heaps)?;
    let version = nwb_version(path, &storage.file)?;
    let (entries, notices) = catalogue::walk(&storage);
    let recording = Recording {
        path: path.to_path_buf(),
        version,
        identifier: storage.root_text("identifier"),
        description: storage.root_text("session_description"),
        session_start: storage.root_text("session_start_time"),
        entries,
        notices,
    };
    Ok(NwbFile { recording, storage })
}

fn nwb_version(path: &Path, file: &hdf5::File) -> Result<String> {
    let found = match attribute_text(file, "nwb_version") {
        Some(version) if !version.trim_start_matches("NWB-").starts_with("1.") => return Ok(version),
        Some(version) => format!("NWB version {version}"),
        None if file.link_exists("nwb_version") => "an NWB 1 file".into(),
        None => "an HDF5 file without the attribute nwb_version".into(),
    };
    Err(Error::Format {
        path: path.to_path_buf(),
        expected: "an NWB 2 file".into(),
        found,
        help: "export the recording as NWB 2 (for example with pynwb)".into(),
    })
}

impl NwbFile {
    /// What the file holds.
    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    /// The series under a key or path.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the series present, or why it cannot be used.
    pub fn series(&self, name: &str) -> Result<Series> {
        Series::open(&self.storage, self.recording.find(name, Kind::Series)?)
    }

    /// The series, and the column, that a user means by `name`, `name[0]` or `name[x]`.
    ///
    /// # Errors
    /// As [`NwbFile::series`]; [`Error::Unknown`] for a column that is not there.
    pub fn signal(&self, signal: &str) -> Result<Signal> {
        let whole = self.series(signal);
        let (name, column) = split_signal(signal);
        let Some(column) = column.filter(|_| whole.is_err()) else {
            return whole.map(|series| Signal { series, column: None });
        };
        let series = self.series(name)?;
        let column = series.facts().column(column)?;
        Ok(Signal { series, column: Some(column) })
    }

    /// The units table: `units` if there is one of that name, else the only one.
    ///
    /// # Errors
    /// [`Error::Unknown`] where there is none or a choice, or why it cannot be used.
    pub fn units(&self) -> Result<UnitsTable> {
        let tables: Vec<&str> = self.recording.of_kind(Kind::Units).map(|entry| entry.key.as_str()).collect();
        match tables[..] {
            [only] => self.units_named(only),
            _ => self.units_named("units"),
        }
    }

    /// The units table under a key or path.
    ///
    /// # Errors
    /// As [`NwbFile::units`]; [`Error::Memory`] for more spikes than the read limit allows.
    pub fn units_named(&self, name: &str) -> Result<UnitsTable> {
        units::read(&self.storage, self.recording.find(name, Kind::Units)?)
    }

    /// The table of intervals under a key or path.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the tables present, or why it cannot be used.
    pub fn intervals(&self, name: &str) -> Result<IntervalTable> {
        intervals::read(&self.storage, self.recording.find(name, Kind::Intervals)?)
    }

    /// Every epoch that a selector names, in order of start: a tag of the epochs table (`Noise 1`), a table
    /// (`trials`) or a label (`trials:correct=1`).
    ///
    /// # Errors
    /// [`Error::Unknown`] for a tag, table, column or value that is not there, with those that are.
    pub fn epochs(&self, selector: &str) -> Result<Vec<Epoch>> {
        let table = self.table_of(selector)?;
        let tagged = table.rows_tagged(selector);
        let rows = match selector.split_once(':') {
            _ if !tagged.is_empty() => tagged,
            Some((_, label)) => table.rows_labelled(label)?,
            None => (0..table.n_rows()).collect(),
        };
        Ok(rows.into_iter().filter_map(|row| table.epoch(row)).collect())
    }

    /// The `k`-th epoch, from 0, that a selector names.
    ///
    /// # Errors
    /// As [`NwbFile::epochs`]; [`Error::Argument`] where there are not that many.
    pub fn epoch(&self, selector: &str, k: usize) -> Result<Epoch> {
        let mut epochs = self.epochs(selector)?;
        if k >= epochs.len() {
            return Err(Error::argument(
                format!("epoch {k} of {selector:?}"),
                format!("a number below {} (they count from 0)", epochs.len()),
                k.to_string(),
                "leave the number out to use them all",
            ));
        }
        Ok(epochs.swap_remove(k))
    }

    /// The table that a selector speaks of.
    fn table_of(&self, selector: &str) -> Result<IntervalTable> {
        let tagged = self.intervals("epochs");
        if tagged.as_ref().is_ok_and(|epochs| !epochs.rows_tagged(selector).is_empty()) {
            return tagged;
        }
        let name = selector.split_once(':').map_or(selector, |(table, _)| table);
        match self.intervals(name) {
            Err(Error::Unknown { place, present, .. }) => {
                // a broken epochs table is the reason why a tag is not found
                let tags = match tagged {
                    Ok(epochs) => epochs.tags(),
                    Err(Error::Unknown { .. }) => Vec::new(),
                    Err(error) => return Err(error),
                };
                let present = tags.into_iter().chain(present).collect();
                Err(Error::Unknown { kind: "epoch", name: selector.to_string(), place, present })
            }
            found => found,
        }
    }

    /// Reads everything in pieces and reports every problem found, in the order of the entries.
    pub fn check(&self) -> Vec<Finding> {
        check::check(self)
    }
}
