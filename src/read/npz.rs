//! Arrays written by numpy: `.npy` and `.npz`.
//!
//! Whatever the stored type and order, the result is float64, (rows, columns); whether it came as float32 is
//! kept, because the precision of a fit follows the data. The header is read before the data, so a size that
//! the file cannot hold, or that exceeds the limit, allocates nothing; numbers are converted as they stream in.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use ndarray::{Array2, ShapeBuilder};
use ndarray_npy::npy::header::Header;
use zip::ZipArchive;
use zip::result::ZipError;

use crate::error::{Error, Result};

/// A numpy array of one or two dimensions.
#[derive(Clone, Debug, PartialEq)]
pub struct NumpyArray {
    /// Its values, (rows, columns); one column where it had one dimension.
    pub values: Array2<f64>,
    /// Whether it was stored as float32.
    pub was_f32: bool,
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
    let n_bytes = entry.size();
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
    let file = File::open(path).map_err(|e| Error::io(path, e))?;
    if file.metadata().map_err(|e| Error::io(path, e))?.is_dir() {
        return Err(Error::Format {
            path: path.to_path_buf(),
            expected: "a numpy file".into(),
            found: "a folder".into(),
            help: "give the path of one .npy or .npz file".into(),
        });
    }
    Ok(file)
}

fn open_archive(path: &Path) -> Result<ZipArchive<BufReader<File>>> {
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
fn array_names(archive: &ZipArchive<BufReader<File>>) -> Vec<(String, String)> {
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
        let header = Header::from_reader(&mut reader)
            .map_err(|error| self.error("a numpy array", format!("a damaged header ({error})")))?;
        let descriptor = header.type_descriptor.to_string();
        let number = Number::parse(descriptor.trim_matches('\''))
            .ok_or_else(|| self.error("real numbers", describe(&descriptor)))?;
        let (n_rows, n_columns) = match header.shape[..] {
            [n] => (n, 1),
            [rows, columns] => (rows, columns),
            _ => {
                let found = format!("{} (shape {:?})", header.shape.len(), header.shape);
                return Err(self.error("1 or 2 dimensions", found));
            }
        };
        let n = n_rows.saturating_mul(n_columns);
        self.check_sizes(n as u64, number.n_bytes() as u64, n_bytes)?;
        let flat = self.numbers(&mut reader, number, n)?;
        let shape = (n_rows, n_columns).set_f(header.layout.is_fortran() && header.shape.len() == 2);
        let values = Array2::from_shape_vec(shape, flat)
            .map_err(|error| self.error("a numpy array", error.to_string()))?;
        let values = values.as_standard_layout().into_owned();
        Ok(NumpyArray {
            values,
            was_f32: number.kind == Kind::Float && number.size == 4,
            n_dims: header.shape.len(),
        })
    }

    fn check_sizes(&self, n: u64, item_bytes: u64, n_bytes: u64) -> Result<()> {
        let stored = n.saturating_mul(item_bytes);
        if stored > n_bytes {
            return Err(self.error(
                &format!("{stored} bytes of numbers"),
                format!("{n_bytes} bytes with the header: the data are truncated"),
            ));
        }
        let needed_bytes = n.saturating_mul(8);
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

    fn numbers(&self, reader: &mut impl Read, number: Number, n: usize) -> Result<Vec<f64>> {
        let mut values = Vec::with_capacity(n);
        let mut buffer = vec![0; number.n_bytes() * 8192];
        while values.len() < n {
            let piece = &mut buffer[..number.n_bytes() * 8192.min(n - values.len())];
            reader.read_exact(piece).map_err(|error| match error.kind() {
                std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::InvalidData => self.error(
                    &format!("{n} numbers"),
                    format!("about {}: the data are truncated or damaged ({error})", values.len()),
                ),
                _ => Error::io(self.path, error),
            })?;
            values.extend(piece.chunks_exact(number.n_bytes()).map(|bytes| number.decode(bytes)));
        }
        Ok(values)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Float,
    Signed,
    Unsigned,
    Bool,
}

/// A stored number: numpy's `<f8`, `>i4`, `|b1` and so on.
#[derive(Clone, Copy, Debug)]
struct Number {
    kind: Kind,
    size: usize,
    is_big_endian: bool,
}

impl Number {
    fn parse(descriptor: &str) -> Option<Self> {
        let mut chars = descriptor.chars();
        let is_big_endian = match chars.next()? {
            '>' => true,
            '<' | '|' | '=' => false,
            _ => return None,
        };
        let kind = match chars.next()? {
            'f' => Kind::Float,
            'i' => Kind::Signed,
            'u' => Kind::Unsigned,
            'b' => Kind::Bool,
            _ => return None,
        };
        let size: usize = chars.as_str().parse().ok()?;
        let is_known = match kind {
            Kind::Float => matches!(size, 4 | 8),
            Kind::Signed | Kind::Unsigned => matches!(size, 1 | 2 | 4 | 8),
            Kind::Bool => size == 1,
        };
        is_known.then_some(Self { kind, size, is_big_endian })
    }

    fn n_bytes(self) -> usize {
        self.size
    }

    /// The number in `bytes`, which has its size.
    fn decode(self, bytes: &[u8]) -> f64 {
        let mut word = [0; 8];
        for (i, &byte) in bytes.iter().enumerate() {
            word[if self.is_big_endian { bytes.len() - 1 - i } else { i }] = byte;
        }
        let bits = u64::from_le_bytes(word);
        // moves the sign bit of a short integer to the top and back
        let unused_bits = 64 - 8 * bytes.len() as u32;
        match self.kind {
            Kind::Float if self.size == 4 => f64::from(f32::from_bits(bits as u32)),
            Kind::Float => f64::from_bits(bits),
            Kind::Signed => (((bits << unused_bits) as i64) >> unused_bits) as f64,
            Kind::Unsigned => bits as f64,
            Kind::Bool => f64::from(u8::from(bits != 0)),
        }
    }
}

/// What a descriptor that is no real number stands for.
fn describe(descriptor: &str) -> String {
    let kind = match descriptor.trim_matches('\'').trim_start_matches(['<', '>', '|', '=']).chars().next() {
        Some('O') => "Python objects",
        Some('U' | 'S') => "strings",
        Some('c') => "complex numbers",
        Some('M' | 'm') => "dates",
        Some('f') => "floating-point numbers of another size than 4 or 8 bytes",
        _ => "another type",
    };
    format!("{kind} ({descriptor})")
}
