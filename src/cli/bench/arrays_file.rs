//! npz files of large arrays, written array by array without a copy in memory.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use ndarray::{ArrayBase, Data, Ix2};
use ndarray_npy::{NpzWriter, WritableElement, WriteNpzError};

use crate::write::save::save_with;
use crate::{Error, Result};

/// A file that is being written.
pub(super) struct ArraysFile<'f> {
    path: PathBuf,
    writer: NpzWriter<BufWriter<&'f mut std::fs::File>>,
}

/// Writes a file whose arrays `add` gives.
///
/// # Errors
/// [`Error::Io`] with the path; the old file, if any, is then untouched.
pub(super) fn write_arrays(path: &Path, add: impl FnOnce(&mut ArraysFile) -> Result<()>) -> Result<()> {
    save_with(path, |file| {
        let writer = NpzWriter::new(BufWriter::new(file.as_file_mut()));
        let mut arrays = ArraysFile { path: path.to_path_buf(), writer };
        add(&mut arrays)?;
        let flushed = arrays.writer.finish().map_err(|error| unwritten(path, error))?.flush();
        flushed.map_err(|error| Error::io(path, error))
    })
}

impl ArraysFile<'_> {
    /// Adds an array under a name.
    pub(super) fn add<T, S>(&mut self, name: &str, array: &ArrayBase<S, Ix2>) -> Result<()>
    where
        T: WritableElement,
        S: Data<Elem = T>,
    {
        self.writer.add_array(name, array).map_err(|error| unwritten(&self.path, error))
    }
}

fn unwritten(path: &Path, error: WriteNpzError) -> Error {
    Error::io(path, std::io::Error::other(error))
}
