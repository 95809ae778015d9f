//! A copy of a recording with the results of a fit in it: the input is read, never written.
//!
//! The copy is made byte by byte under a temporary name, so that everything in the input is in it as it was; then
//! the results are added, and the file is opened again by the reader of this program and compared with the input
//! before it gets its name. Results of an earlier fit are replaced, anything else under their name is not touched.

use std::io::Seek;
use std::path::Path;

use hdf5::{File, Group, IndexType, IterationOrder, LinkType};

use super::results::{MODULE, Results};
use super::unwritable;
use crate::read::nwb::{self, NwbFile};
use crate::recording::{Entry, Kind};
use crate::write::digest::copy_and_digest;
use crate::write::save::{PendingFile, folder_of};
use crate::{Error, Result};

/// What only the module of this program holds.
const MARK: &str = "model/rheobase_version";

/// Groups nest a few levels deep; a circle of links must not be followed for ever.
const DEEPEST: usize = 24;

/// Finds out whether a recording can be copied to `path` and results be added: whether their place in it is free or
/// holds older ones, and whether links to other files would still lead there.
///
/// # Errors
/// What opening the file returns; [`Error::Object`] if something else has the name of the results, or if there are
/// links to other files and `path` is in another folder.
pub fn check_place(input: &Path, path: &Path) -> Result<()> {
    nwb::open(input)?;
    let file = File::open(input).map_err(|e| unwritable(input, &e))?;
    let folder = |path: &Path| std::fs::canonicalize(folder_of(path)).ok();
    if folder(input) != folder(path)
        && let Some(link) = first_external(&file, "", 0)
    {
        let problem =
            "expected everything in this file, found a link to another file, which leads from this folder";
        return Err(Error::object(input, link, problem, "write the copy into the folder of the input"));
    }
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
/// that was fitted any more, if the copy does not hold what the recording holds, and where [`check_place`] says so.
pub fn write_copy(path: &Path, results: &Results) -> Result<PendingFile> {
    let input = results.input.path.as_path();
    check_place(input, path)?;
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
        let (input, copy) = (nwb::open(input)?, nwb::open(temporary.path())?);
        compare(&input, &copy, path, (results.series_name(), results.centres_s.len()))
    })
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

/// The first link to another file.
fn first_external(group: &Group, base: &str, depth: usize) -> Option<String> {
    let links = group.links(IndexType::Name, IterationOrder::Increasing).unwrap_or_default();
    links.into_iter().find_map(|(name, info)| {
        let path = format!("{base}/{name}");
        match info.link_type {
            LinkType::External => Some(path),
            LinkType::Hard if depth < DEEPEST => first_external(&group.group(&name).ok()?, &path, depth + 1),
            _ => None,
        }
    })
}

/// The copy holds what the input holds, and the prediction.
fn compare(input: &NwbFile, copy: &NwbFile, path: &Path, (series, n_bins): (&str, usize)) -> Result<()> {
    let module = format!("/{MODULE}/");
    let others = |file: &NwbFile| -> Vec<Entry> {
        let entries = file.recording().entries.iter();
        entries.filter(|entry| !entry.path.starts_with(&module)).cloned().map(without_key).collect()
    };
    let (before, after) = (others(input), others(copy));
    let changed = before.iter().find(|entry| !after.contains(entry));
    if let Some(entry) = changed.or_else(|| after.iter().find(|entry| !before.contains(entry))) {
        let help = "check the disk and write it again";
        return Err(Error::object(path, &entry.path, "expected it as in the input, found it changed", help));
    }
    let entry = copy.recording().find(&format!("{module}{series}"), Kind::Series)?;
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
