//! Arrays written by numpy: `.npy` and `.npz`.
//!
//! Whatever the stored order, the result is (rows, columns), row after row; float32 stays float32, because the
//! precision of a fit follows the data, and all other numbers become float64. The header is read before the data, so
//! a size that the file cannot hold, or that exceeds the limit, allocates nothing; numbers are converted, and columns
//! turned into rows, as they stream in: the matrix is in memory once.

use std::fs::File;
use std::io::{BufReader, Read};
use std::ops::Range;
use std::path::Path;

use ndarray::Array2;
use rayon::prelude::*;
use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

use super::npy_header::NpyHeader;
use super::npy_number::Number;
use super::regular;
use crate::error::{Error, Result};
use crate::math::numbers::Numbers;
use crate::math::real::Real;

/// Numbers that are converted at a time.
const PIECE: usize = 1 << 13;
/// Numbers of the columns that are turned into rows at a time, at least those of one column.
const TRANSPOSED: usize = 1 << 21;
/// Rows that one thread turns at a time.
const TRANSPOSED_ROWS: usize = 1 << 12;

/// A numpy array of one or two dimensions.
#[derive(Clone, Debug, PartialEq)]
pub struct NumpyArray {
    /// Its values, (rows, columns); one column where it had one dimension.
    pub values: Numbers,
    /// Number of dimensions in the file, 1 or 2.
    pub n_dims: usize,
}

/// Reads a `.npy` file.
///
/// # Errors
/// [`Error::Io`] for a file that cannot be opened, [`Error::Format`] for one that is no npy file, is truncated
/// or holds objects, strings or more than two dimensions, [`Error::Memory`] above `limit_bytes`.
pub fn read_npy(path: &Path, limit_bytes: u64) -> Result<NumpyArray> {
    let file = open(path)?;
    let n_bytes = file.metadata().map_err(|e| Error::io(path, e))?.len();
    Source { path, array: None, limit_bytes }.read(BufReader::new(file), n_bytes)
}

/// Reads one array of a `.npz` file by its name.
///
/// # Errors
/// As [`read_npy`]; [`Error::Unknown`] for a name that is not there, with those that are.
pub fn read_npz(path: &Path, name: &str, limit_bytes: u64) -> Result<NumpyArray> {
    let mut archive = open_archive(path)?;
    let found = array_names(&archive).into_iter().find(|(_, array)| array == name);
    let Some((member, _)) = found else {
        return Err(Error::Unknown {
            kind: "array",
            name: name.to_string(),
            place: path.display().to_string(),
            present: array_names(&archive).into_iter().map(|(_, array)| array).collect(),
        });
    };
    let source = Source { path, array: Some(name), limit_bytes };
    let entry = archive.by_name(&member).map_err(|e| source.error("a readable entry", e.to_string()))?;
    let n_bytes = unpacked_bytes(&entry);
    source.read(BufReader::new(entry), n_bytes)
}

/// Names of the arrays in a `.npz` file, in its order.
///
/// # Errors
/// [`Error::Io`] or [`Error::Format`] for a file that is no npz file.
pub fn npz_names(path: &Path) -> Result<Vec<String>> {
    Ok(array_names(&open_archive(path)?).into_iter().map(|(_, array)| array).collect())
}

fn open(path: &Path) -> Result<File> {
    regular::open(path, "a numpy file", "give the path of one .npy or .npz file")
}

/// No archive packs more bytes than these into one.
const MOST_PACKED: u64 = 1032;

/// Bytes of an entry of an archive: those that it claims, as far as the bytes that it takes can hold them.
pub(super) fn unpacked_bytes<R: Read>(entry: &ZipFile<'_, R>) -> u64 {
    entry.size().min(entry.compressed_size().saturating_mul(MOST_PACKED))
}

pub(super) fn open_archive(path: &Path) -> Result<ZipArchive<BufReader<File>>> {
    ZipArchive::new(BufReader::new(open(path)?)).map_err(|error| match error {
        ZipError::Io(source) => Error::io(path, source),
        other => Error::Format {
            path: path.to_path_buf(),
            expected: "an npz file (a zip archive of npy arrays)".into(),
            found: other.to_string(),
            help: "write it with numpy.savez; a file that was cut short has lost its list of arrays".into(),
        },
    })
}

/// Members of the archive with the names of their arrays.
pub(super) fn array_names(archive: &ZipArchive<BufReader<File>>) -> Vec<(String, String)> {
    archive
        .file_names()
        .map(|member| (member.to_string(), member.strip_suffix(".npy").unwrap_or(member).to_string()))
        .collect()
}

/// Where an array comes from, for messages, and what reading it may cost.
struct Source<'a> {
    path: &'a Path,
    array: Option<&'a str>,
    limit_bytes: u64,
}

impl Source<'_> {
    fn error(&self, expected: &str, found: impl Into<String>) -> Error {
        let found = found.into();
        Error::Format {
            path: self.path.to_path_buf(),
            expected: expected.into(),
            found: self.array.map_or_else(|| found.clone(), |name| format!("{found} in array {name:?}")),
            help: "save real numbers in one or two dimensions, for example numpy.save(path, numpy.asarray(x, float))"
                .into(),
        }
    }

    fn read(&self, mut reader: impl Read, n_bytes: u64) -> Result<NumpyArray> {
        let header = NpyHeader::read(&mut reader)
            .map_err(|said| self.error("a numpy array", format!("a damaged header ({said})")))?;
        let number = Number::parse(&header.descriptor)
            .ok_or_else(|| self.error("real numbers", describe(&header.descriptor)))?;
        let (n_rows, n_columns) = match header.shape[..] {
            [n] => (n, 1),
            [rows, columns] => (rows, columns),
            _ => {
                let found = format!("{} (shape {:?})", header.shape.len(), header.shape);
                return Err(self.error("1 or 2 dimensions", found));
            }
        };
        self.check_sizes([n_rows, n_columns], number, n_bytes)?;
        let stream = Stream {
            source: self,
            reader,
            number,
            shape: (n_rows, n_columns),
            // a single row or column is the same either way
            is_by_columns: header.is_by_columns && n_rows > 1 && n_columns > 1,
            n_read: 0,
        };
        let values =
            if number.is_f32() { Numbers::F32(stream.matrix()?) } else { Numbers::F64(stream.matrix()?) };
        Ok(NumpyArray { values, n_dims: header.shape.len() })
    }

    fn check_sizes(&self, [n_rows, n_columns]: [usize; 2], number: Number, n_bytes: u64) -> Result<()> {
        let n = n_rows.saturating_mul(n_columns) as u64;
        let stored = n.saturating_mul(number.n_bytes() as u64);
        if stored > n_bytes {
            return Err(self.error(
                &format!("{stored} bytes of numbers"),
                format!("{n_bytes} bytes with the header: the data are truncated"),
            ));
        }
        // rows and columns of nothing take no numbers, but names and flags
        let most = n.max(n_rows.max(n_columns) as u64);
        let needed_bytes = most.saturating_mul(if number.is_f32() { 4 } else { 8 });
        if needed_bytes > self.limit_bytes {
            let what = format!("{} {}", self.path.display(), self.array.unwrap_or_default());
            return Err(Error::Memory {
                what: what.trim().into(),
                needed_bytes,
                limit_bytes: self.limit_bytes,
            });
        }
        Ok(())
    }
}

/// The numbers of an array, in the order of the file.
struct Stream<'a, R> {
    source: &'a Source<'a>,
    reader: R,
    number: Number,
    /// Rows and columns.
    shape: (usize, usize),
    is_by_columns: bool,
    n_read: usize,
}

impl<R: Read> Stream<'_, R> {
    /// All numbers, row after row.
    fn matrix<T: Real>(mut self) -> Result<Array2<T>> {
        let shape = self.shape;
        let values = if self.is_by_columns {
            self.transposed()?
        } else {
            let mut values = Vec::with_capacity(shape.0 * shape.1);
            self.append(shape.0 * shape.1, &mut values)?;
            values
        };
        Array2::from_shape_vec(shape, values)
            .map_err(|error| self.source.error("a numpy array", error.to_string()))
    }

    /// Columns, several at a time, as rows.
    fn transposed<T: Real>(&mut self) -> Result<Vec<T>> {
        let (n_rows, n_columns) = self.shape;
        let mut values = vec![T::ZERO; n_rows * n_columns];
        let mut block = Vec::new();
        for columns in pieces(n_columns, TRANSPOSED / n_rows) {
            block.clear();
            self.append(columns.len() * n_rows, &mut block)?;
            values.par_chunks_mut(TRANSPOSED_ROWS * n_columns).enumerate().for_each(|(k, rows)| {
                for (row, values) in (k * TRANSPOSED_ROWS..).zip(rows.chunks_exact_mut(n_columns)) {
                    for (value, column) in values[columns.clone()].iter_mut().zip(block.chunks_exact(n_rows))
                    {
                        *value = column[row];
                    }
                }
            });
        }
        Ok(values)
    }

    /// Appends the next `n` numbers.
    fn append<T: Real>(&mut self, n: usize, values: &mut Vec<T>) -> Result<()> {
        let mut buffer = vec![0; self.number.n_bytes() * PIECE.min(n)];
        for piece in pieces(n, PIECE) {
            let bytes = &mut buffer[..self.number.n_bytes() * piece.len()];
            self.reader.read_exact(bytes).map_err(|error| self.broken(error))?;
            self.number.decode(bytes, values);
            self.n_read += piece.len();
        }
        Ok(())
    }

    fn broken(&self, error: std::io::Error) -> Error {
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::InvalidData => self.source.error(
                &format!("{} numbers", self.shape.0 * self.shape.1),
                format!("about {}: the data are truncated or damaged ({error})", self.n_read),
            ),
            _ => Error::io(self.source.path, error),
        }
    }
}

/// The numbers below `n` in pieces of at most `most` (or 1).
fn pieces(n: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let most = most.max(1);
    (0..n).step_by(most).map(move |first| first..(first + most).min(n))
}

/// What a descriptor that is no real number stands for.
pub(super) fn describe(descriptor: &str) -> String {
    let kind = match descriptor.trim_start_matches(['<', '>', '|', '=']).chars().next() {
        Some('O') => "Python objects",
        Some('U' | 'S') => "strings",
        Some('c') => "complex numbers",
        Some('M' | 'm') => "dates",
        Some('f') => "floating-point numbers of another size than 4 or 8 bytes",
        _ => "another type",
    };
    let start: String = descriptor.chars().take(60).collect();
    format!("{kind} ({start})")
}
