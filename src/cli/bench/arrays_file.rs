//! npz files of large arrays, written array by array without a copy in memory.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use ndarray::{ArrayBase, Data, Ix2};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::math::real::Real;
use crate::write::npz::npy_start;
use crate::write::save::save_with;
use crate::{Error, Result};

/// A file that is being written.
pub(super) struct ArraysFile<'f> {
    path: PathBuf,
    writer: ZipWriter<BufWriter<&'f mut std::fs::File>>,
}

/// Writes a file whose arrays `add` gives.
///
/// # Errors
/// [`Error::Io`] with the path; the old file, if any, is then untouched.
pub(super) fn write_arrays(path: &Path, add: impl FnOnce(&mut ArraysFile) -> Result<()>) -> Result<()> {
    save_with(path, |file| {
        let writer = ZipWriter::new(BufWriter::new(file.as_file_mut()));
        let mut arrays = ArraysFile { path: path.to_path_buf(), writer };
        add(&mut arrays)?;
        let finished = arrays.writer.finish().map_err(std::io::Error::other);
        finished.and_then(|mut file| file.flush()).map_err(|error| Error::io(path, error))
    })
}

impl ArraysFile<'_> {
    /// Adds an array under a name.
    pub(super) fn add<T: Real, S: Data<Elem = T>>(
        &mut self,
        name: &str,
        array: &ArrayBase<S, Ix2>,
    ) -> Result<()> {
        self.write(name, array).map_err(|error| Error::io(&self.path, error))
    }

    fn write<T: Real, S: Data<Elem = T>>(
        &mut self,
        name: &str,
        array: &ArrayBase<S, Ix2>,
    ) -> std::io::Result<()> {
        let options =
            SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
        self.writer.start_file(format!("{name}.npy"), options).map_err(std::io::Error::other)?;
        let is_single = size_of::<T>() == size_of::<f32>();
        let descriptor = if is_single { "<f4" } else { "<f8" };
        self.writer.write_all(&npy_start(descriptor, &format!("{}, {}", array.nrows(), array.ncols())))?;
        let mut bytes = Vec::new();
        for row in array.rows() {
            bytes.clear();
            for x in row {
                // a number of single precision is one of double precision, too
                if is_single {
                    bytes.extend((x.to_f64() as f32).to_le_bytes());
                } else {
                    bytes.extend(x.to_f64().to_le_bytes());
                }
            }
            self.writer.write_all(&bytes)?;
        }
        Ok(())
    }
}
