//! Arrays for numpy: `.npz`, which `numpy.load` reads without pickle.
//!
//! Numbers are little-endian float64 or int64, texts are numpy's fixed-width unicode (`<U`), all in C order. The
//! archive stores them uncompressed, and carries no dates, so that the same arrays give the same bytes.

use std::io::{Cursor, Write};

use ndarray::{ArrayView1, ArrayView2};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::read::npz_entries::{Entry, EntryValues};
use crate::{Error, Result};

/// One array.
#[derive(Clone, Debug)]
pub enum Array<'a> {
    /// Numbers, (n,).
    Numbers(ArrayView1<'a, f64>),
    /// Numbers, (rows, columns).
    Table(ArrayView2<'a, f64>),
    /// Whole numbers, (n,).
    Integers(&'a [i64]),
    /// Texts, (n,).
    Texts(&'a [String]),
    /// Values of any shape.
    Entry(&'a Entry),
}

/// The bytes of an npz file with these arrays under these names.
///
/// ```
/// use ndarray::array;
/// use rheobase::read::npz::read_npz;
/// use rheobase::write::npz::{Array, npz_bytes};
///
/// let rates = array![[1.0, 2.0], [3.0, f64::NAN]];
/// let bytes = npz_bytes(&[("rate_hz", Array::Table(rates.view())), ("targets", Array::Texts(&["0".into()]))])?;
/// let place = tempfile::tempdir().unwrap();
/// let path = place.path().join("rates.npz");
/// std::fs::write(&path, bytes).unwrap();
/// assert_eq!(read_npz(&path, "rate_hz", 1 << 20)?.values.into_f64().row(0), rates.row(0));
/// # Ok::<(), rheobase::Error>(())
/// ```
///
/// # Errors
/// [`Error::Argument`] if two arrays have one name.
pub fn npz_bytes(arrays: &[(&str, Array<'_>)]) -> Result<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(zip::DateTime::default())
        .large_file(true);
    let wrong = |name: &str, said: String| {
        Error::argument(
            format!("array {name:?}"),
            "an entry of an npz file",
            said,
            "give every array a name of its own",
        )
    };
    for (name, array) in arrays {
        archive.start_file(format!("{name}.npy"), options).map_err(|e| wrong(name, e.to_string()))?;
        archive.write_all(&array.npy_bytes()).map_err(|e| wrong(name, e.to_string()))?;
    }
    archive.finish().map(Cursor::into_inner).map_err(|e| wrong("", e.to_string()))
}

/// What comes before the numbers of an array in C order: magic bytes, version 1.0, and the header. `shape` is what stands in
/// the parentheses.
pub(crate) fn npy_start(descriptor: &str, shape: &str) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descriptor}', 'fortran_order': False, 'shape': ({shape}), }}");
    // magic, version and length take 10 bytes, the line end one; the numbers begin at a multiple of 64
    while !(header.len() + 11).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes
}

impl Array<'_> {
    /// A whole npy file, version 1.0.
    fn npy_bytes(&self) -> Vec<u8> {
        let (descriptor, shape) = match self {
            Self::Numbers(values) => ("<f8".to_string(), format!("{},", values.len())),
            Self::Table(values) => ("<f8".into(), format!("{}, {}", values.nrows(), values.ncols())),
            Self::Integers(values) => ("<i8".into(), format!("{},", values.len())),
            Self::Texts(texts) => (format!("<U{}", longest(texts)), format!("{},", texts.len())),
            Self::Entry(entry) => {
                let descriptor = match &entry.values {
                    EntryValues::Numbers(_) => "<f8".into(),
                    EntryValues::Integers(_) => "<i8".into(),
                    EntryValues::Flags(_) => "|b1".into(),
                    EntryValues::Texts(texts) => format!("<U{}", longest(texts)),
                };
                let lengths = entry.shape.iter().map(|len| format!("{len},")).collect::<Vec<_>>();
                (descriptor, lengths.join(" "))
            }
        };
        let mut bytes = npy_start(&descriptor, &shape);
        match self {
            // iteration is in the order of the rows, whatever the layout
            Self::Numbers(values) => bytes.extend(values.iter().flat_map(|x| x.to_le_bytes())),
            Self::Table(values) => bytes.extend(values.iter().flat_map(|x| x.to_le_bytes())),
            Self::Integers(values) => bytes.extend(values.iter().flat_map(|n| n.to_le_bytes())),
            Self::Texts(texts) => push_texts(texts, &mut bytes),
            Self::Entry(entry) => match &entry.values {
                EntryValues::Numbers(values) => bytes.extend(values.iter().flat_map(|x| x.to_le_bytes())),
                EntryValues::Integers(values) => bytes.extend(values.iter().flat_map(|n| n.to_le_bytes())),
                EntryValues::Flags(values) => bytes.extend(values.iter().map(|&flag| u8::from(flag))),
                EntryValues::Texts(texts) => push_texts(texts, &mut bytes),
            },
        }
        bytes
    }
}

/// Texts of one width.
fn push_texts(texts: &[String], bytes: &mut Vec<u8>) {
    let width = longest(texts);
    for text in texts {
        let padded = text.chars().map(u32::from).chain(std::iter::repeat(0)).take(width);
        bytes.extend(padded.flat_map(u32::to_le_bytes));
    }
}

/// Letters of the longest text; numpy has no texts of width 0.
fn longest(texts: &[String]) -> usize {
    texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1)
}
