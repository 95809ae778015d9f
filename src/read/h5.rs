//! Arrays in HDF5 files that are no recordings.
//!
//! A dataset of one or two dimensions becomes a matrix (rows, columns): float32 stays float32, all other numbers become
//! float64. What a header claims is compared with the limit before anything is read.

use std::path::Path;

use hdf5::types::{FloatSize, TypeDescriptor as Type};
use ndarray::{Array2, ShapeError};

use super::nwb::element::{Element, attribute_text, description, element, member_names, n_items};
use super::nwb::heaps::Verdict;
use super::nwb::signature;
use super::nwb::storage::Storage;
use crate::error::{Error, Result};
use crate::math::numbers::Numbers;

const HELP: &str = "store real numbers in one or two dimensions, (rows,) or (rows, columns)";

/// Reads the dataset at `object`, a path inside the file: a matrix, of one column where it has one dimension.
///
/// # Errors
/// [`Error::Io`] or [`Error::Format`] for a file that cannot be opened or is no whole HDF5 file; [`Error::Unknown`]
/// for a path that is no dataset, with the datasets that are there; [`Error::Object`] for one that holds no numbers,
/// has other dimensions or cannot be read; [`Error::Memory`] above `limit_bytes`.
pub fn read_h5(path: &Path, object: &str, limit_bytes: u64) -> Result<Numbers> {
    let storage = open(path, limit_bytes)?;
    let set = dataset(&storage, object)?;
    storage.expect_numbers(&set, object)?;
    let shape = match set.shape()[..] {
        [n] => (n, 1),
        [n_rows, n_columns] => (n_rows, n_columns),
        ref shape => {
            let problem = format!("expected one or two dimensions, found {}", shape.len());
            return Err(storage.error(object, problem, HELP));
        }
    };
    // rows and columns of nothing take no numbers, but names and flags
    if shape.0 == 0 || shape.1 == 0 {
        storage.check_size(object, shape.0.max(shape.1), size_of::<f64>())?;
    }
    let wrong_shape = |error: ShapeError| storage.error(object, error.to_string(), HELP);
    if matches!(description(&set), Ok(Type::Float(FloatSize::U4))) {
        let values: Vec<f32> = storage.numbers(&set, object)?;
        return Array2::from_shape_vec(shape, values).map(Numbers::F32).map_err(wrong_shape);
    }
    let values: Vec<f64> = if element(&set) == Element::Truth {
        storage.check_readable(&set, object, n_items(&set), size_of::<f64>())?;
        storage.numbers::<bool>(&set, object)?.into_iter().map(|truth| f64::from(u8::from(truth))).collect()
    } else {
        storage.numbers(&set, object)?
    };
    Array2::from_shape_vec(shape, values).map(Numbers::F64).map_err(wrong_shape)
}

/// Dimensions of the dataset at `object`, a path inside the file.
///
/// # Errors
/// As [`read_h5`] for a file or a path that is none.
pub fn n_dims(path: &Path, object: &str) -> Result<usize> {
    let storage = open(path, 0)?;
    dataset(&storage, object).map(|set| set.ndim())
}

fn dataset(storage: &Storage, object: &str) -> Result<hdf5::Dataset> {
    let set =
        storage.file.dataset(object).ok().filter(|_| !object.is_empty()).ok_or_else(|| Error::Unknown {
            kind: "dataset",
            name: object.into(),
            place: storage.path.display().to_string(),
            present: datasets(&storage.file),
        })?;
    storage.expect_here(&set, object)?;
    Ok(set)
}

/// Whether a file is HDF5 that says it is a recording (the attribute `nwb_version`).
pub fn is_recording(path: &Path) -> bool {
    open(path, 0).is_ok_and(|storage| attribute_text(&storage.file, "nwb_version").is_some())
}

/// Checks that a file is whole HDF5 that the library can be trusted with.
///
/// # Errors
/// [`Error::Io`] or [`Error::Format`] if it is not.
pub fn check(path: &Path) -> Result<()> {
    heaps(path).map(drop)
}

fn heaps(path: &Path) -> Result<Verdict> {
    signature::check(path, "an HDF5 file", "give an HDF5 file; the suffix does not matter, the content does")
}

fn open(path: &Path, limit_bytes: u64) -> Result<Storage> {
    Storage::open(path, limit_bytes, heaps(path)?)
}

/// Groups above a dataset that are walked to list it.
const DEEPEST: usize = 8;
/// Datasets that are listed.
const MOST_LISTED: usize = 50;

/// Paths of the datasets of a file.
fn datasets(file: &hdf5::File) -> Vec<String> {
    let mut found = Vec::new();
    collect(file, "", DEEPEST, &mut found);
    found.sort();
    found
}

fn collect(group: &hdf5::Group, base: &str, deeper: usize, found: &mut Vec<String>) {
    for name in member_names(group) {
        let path = format!("{base}/{name}");
        if found.len() >= MOST_LISTED {
            return;
        }
        if group.dataset(&name).is_ok() {
            found.push(path);
        } else if let (true, Ok(inner)) = (deeper > 0, group.group(&name)) {
            collect(&inner, &path, deeper - 1, found);
        }
    }
}
