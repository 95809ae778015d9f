//! A copy of a recording with the results of a fit in it: the input is read, never written.
//!
//! The copy is made byte by byte under a temporary name, so that everything in the input is in it as it was; then
//! the results are added, and the file is opened again by the reader of this program and compared with the input
//! before it gets its name. Results of an earlier fit are replaced, anything else under their name is not touched.

use std::io::{self, Seek};
use std::path::Path;

use hdf5::File;

use super::results::{MODULE, Results};
use crate::read::nwb::{self, NwbFile};
use crate::recording::{Entry, Kind};
use crate::write::digest::copy_and_digest;
use crate::write::save::PendingFile;
use crate::{Error, Result};

/// What only the module of this program holds.
const MARK: &str = "model/rheobase_version";

/// Finds out whether results can be added to a recording: whether their place in it is free or holds older ones.
///
/// # Errors
/// What opening the file returns, and [`Error::Object`] if something else has the name of the results.
pub fn check_place(input: &Path) -> Result<()> {
    nwb::open(input)?;
    let file = File::open(input).map_err(|e| unwritable(input, &e))?;
    if !file.link_exists("processing") || !file.link_exists(MODULE) || is_own(&file) {
        return Ok(());
    }
    Err(Error::object(
        input,
        MODULE,
        "expected nothing or the results of an earlier fit, found something that this program did not write",
        "rename it in a copy of the file and fit that, or leave --write-nwb out and use --out",
    ))
}

/// Writes the copy that is to become `path`: the recording with `results` in `processing/rheobase`.
///
/// It has the name `path` after [`PendingFile::commit`] only. Results of an earlier fit in the recording are
/// replaced in the copy.
///
/// # Errors
/// [`Error::Io`] if it cannot be written, also when HDF5 says so; [`Error::Object`] if the recording is not the one
/// that was fitted any more, if something else has the name of the results, or if the copy does not hold what the
/// recording holds (links to other files that lead nowhere from the folder of the copy).
pub fn write_copy(path: &Path, results: &Results) -> Result<PendingFile> {
    let input = results.input.path.as_path();
    check_place(input)?;
    PendingFile::write(path, |temporary| {
        let sha256 = copy_and_digest(input, temporary, path)?;
        if sha256 != results.input.sha256 {
            let problem = format!("expected sha256 {}, found {sha256}", results.input.sha256);
            return Err(Error::object(
                input,
                "the file",
                problem,
                "it changed while it was fitted: fit it again",
            ));
        }
        temporary.rewind().map_err(|e| Error::io(path, e))?;
        fill(temporary.path(), results).map_err(|e| unwritable(path, &e))?;
        compare(&nwb::open(input)?, &nwb::open(temporary.path())?, path, results.centres_s.len())
    })
}

fn unwritable(path: &Path, error: &hdf5::Error) -> Error {
    Error::io(path, io::Error::other(error.to_string()))
}

/// Adds the results to the file at `path`.
fn fill(path: &Path, results: &Results) -> hdf5::Result<()> {
    let file = File::open_rw(path)?;
    if file.link_exists("processing") && file.link_exists(MODULE) {
        file.unlink(MODULE)?;
    }
    results.write(&file)?;
    file.flush()?;
    file.close()
}

fn is_own(file: &File) -> bool {
    file.group(MODULE).is_ok_and(|module| module.link_exists("model") && module.link_exists(MARK))
}

/// The copy holds what the input holds, and the prediction.
fn compare(input: &NwbFile, copy: &NwbFile, path: &Path, n_bins: usize) -> Result<()> {
    let module = format!("/{MODULE}/");
    let others = |file: &NwbFile| -> Vec<Entry> {
        let entries = file.recording().entries.iter();
        entries.filter(|entry| !entry.path.starts_with(&module)).cloned().map(without_key).collect()
    };
    let (before, after) = (others(input), others(copy));
    let changed = before.iter().find(|entry| !after.contains(entry));
    if let Some(entry) = changed.or_else(|| after.iter().find(|entry| !before.contains(entry))) {
        let help = "write the copy into the folder of the input: links to other files lead from there";
        return Err(Error::object(path, &entry.path, "expected it as in the input, found it changed", help));
    }
    let entry = copy.recording().find(&format!("{module}predicted_rate"), Kind::Series)?;
    let n_samples = copy.series(&entry.path)?.facts().n_samples;
    if n_samples != n_bins {
        let problem = format!("expected {n_bins} samples, found {n_samples}");
        return Err(Error::object(path, &entry.path, problem, "check the disk and write it again"));
    }
    Ok(())
}

/// Keys are made unique in a file, so that they may depend on what else is in it.
fn without_key(entry: Entry) -> Entry {
    Entry { key: String::new(), ..entry }
}
