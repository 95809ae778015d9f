//! All arrays of an npz file, whatever their shape: numbers, whole numbers, flags and texts.
//!
//! For files that hold a record in many small arrays. Nothing in a file is ever run: Python objects, which numpy stores as
//! pickles, are refused before a byte of them is read.

use std::io::Read;
use std::path::Path;

use ndarray::{ArrayD, IxDyn, ShapeBuilder};

use super::npy_header::NpyHeader;
use super::npy_number::Number;
use super::npz::{array_names, describe, open_archive, unpacked_bytes};
use crate::{Error, Result};

/// Bytes of all arrays together: an archive of few bytes may hold many more. A model of a thousand targets with a hundred
/// thousand coefficients each takes 0.8 GB.
const MAX_BYTES: u64 = 1 << 30;
/// Texts without a letter, which take no bytes.
const MOST_EMPTY: usize = 1 << 16;
/// Bytes that are taken before any were read.
const FIRST_BYTES: usize = 1 << 16;

/// An array of any shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its shape; empty for a single value.
    pub shape: Vec<usize>,
    /// Its values, the last index fastest.
    pub values: EntryValues,
}

/// The values of an array.
#[derive(Clone, Debug, PartialEq)]
pub enum EntryValues {
    /// Numbers; those of single precision are widened.
    Numbers(Vec<f64>),
    /// Whole numbers.
    Integers(Vec<i64>),
    /// True or false.
    Flags(Vec<bool>),
    /// Texts.
    Texts(Vec<String>),
}

impl From<f64> for Entry {
    fn from(number: f64) -> Self {
        Self { shape: Vec::new(), values: EntryValues::Numbers(vec![number]) }
    }
}

impl From<&str> for Entry {
    fn from(text: &str) -> Self {
        Self { shape: Vec::new(), values: EntryValues::Texts(vec![text.into()]) }
    }
}

impl Entry {
    /// Numbers of a shape, the last index fastest.
    pub fn numbers_of(shape: impl Into<Vec<usize>>, values: impl IntoIterator<Item = f64>) -> Self {
        Self { shape: shape.into(), values: EntryValues::Numbers(values.into_iter().collect()) }
    }

    /// Its values as numbers; `None` for texts and flags.
    pub fn numbers(&self) -> Option<Vec<f64>> {
        match &self.values {
            EntryValues::Numbers(values) => Some(values.clone()),
            EntryValues::Integers(values) => Some(values.iter().map(|&n| n as f64).collect()),
            EntryValues::Flags(_) | EntryValues::Texts(_) => None,
        }
    }

    /// The number, if it is a single one.
    pub fn number(&self) -> Option<f64> {
        self.numbers().filter(|_| self.shape.is_empty())?.first().copied()
    }

    /// The text, if it is a single one.
    pub fn text(&self) -> Option<&str> {
        match &self.values {
            EntryValues::Texts(texts) if self.shape.is_empty() => texts.first().map(String::as_str),
            _ => None,
        }
    }

    /// Whether it is a single NaN, which stands for nothing in files that know no `None`.
    pub fn is_nothing(&self) -> bool {
        self.number().is_some_and(f64::is_nan)
    }

    /// What it is, for messages: `numbers of shape [3, 2]`, `the text "exp"`.
    pub fn describe(&self) -> String {
        let kind = match &self.values {
            EntryValues::Numbers(_) => "numbers",
            EntryValues::Integers(_) => "whole numbers",
            EntryValues::Flags(_) => "flags",
            EntryValues::Texts(_) => "texts",
        };
        match (self.text(), self.number()) {
            (Some(text), _) => format!("the text {text:?}"),
            (_, Some(number)) => format!("the number {number}"),
            _ => format!("{kind} of shape {:?}", self.shape),
        }
    }
}

/// Reads all arrays of an npz file with their names, in its order.
///
/// # Errors
/// [`Error::Io`] or [`Error::Format`] for a file that is no npz file; [`Error::Object`] with the name of an array that is
/// damaged or holds anything but numbers, flags and texts: Python objects are never loaded; [`Error::Memory`] for more than
/// 1 GiB in all.
pub fn read_entries(path: &Path) -> Result<Vec<(String, Entry)>> {
    let mut archive = open_archive(path)?;
    let mut entries = Vec::new();
    let mut n_bytes = 0;
    for (member, name) in array_names(&archive) {
        let wrong = |problem: String| Error::object(path, &name, problem, "write the file again");
        let stored = archive.by_name(&member).map_err(|e| wrong(format!("cannot be read ({e})")))?;
        let n_stored = unpacked_bytes(&stored);
        let entry = read_entry(path, &name, stored, n_stored, &mut n_bytes)?;
        entries.push((name, entry));
    }
    Ok(entries)
}

fn read_entry(
    path: &Path,
    name: &str,
    mut reader: impl Read,
    n_stored: u64,
    n_before: &mut u64,
) -> Result<Entry> {
    let wrong = |problem: String| Error::object(path, name, problem, "write the file again");
    let header = NpyHeader::read(&mut reader)
        .map_err(|said| wrong(format!("expected a numpy array, found a damaged header ({said})")))?;
    let kind = Kind::parse(&header.descriptor).ok_or_else(|| refused(path, name, &header.descriptor))?;
    let n = header.shape.iter().fold(1usize, |n, &len| n.saturating_mul(len));
    let n_bytes = (n as u64).saturating_mul(kind.n_bytes() as u64);
    if n_bytes == 0 && n > MOST_EMPTY {
        return Err(wrong(format!("expected at most {MOST_EMPTY} texts without letters, found {n}")));
    }
    // the header is believed as far as the file goes
    if n_bytes > n_stored {
        return Err(wrong(format!("expected {n_bytes} bytes of values, found {n_stored} with the header")));
    }
    *n_before = n_before.saturating_add(n_bytes);
    if *n_before > MAX_BYTES {
        let what = format!("{}: the arrays up to {name:?}", path.display());
        return Err(Error::Memory { what, needed_bytes: *n_before, limit_bytes: MAX_BYTES });
    }
    let mut bytes = Vec::with_capacity(FIRST_BYTES.min(n_bytes as usize));
    reader.take(n_bytes).read_to_end(&mut bytes).map_err(|e| wrong(format!("cannot be read ({e})")))?;
    if bytes.len() as u64 != n_bytes {
        return Err(wrong(format!("expected {n_bytes} bytes of values, found {}", bytes.len())));
    }
    let (shape, by_columns) = (header.shape, header.is_by_columns);
    let numbers = |number: Number| {
        let mut values: Vec<f64> = Vec::with_capacity(n);
        number.decode(&bytes, &mut values);
        by_rows(&shape, by_columns, values)
    };
    let values = match kind {
        Kind::Number(number) if number.is_whole() => {
            EntryValues::Integers(numbers(number).into_iter().map(|n| n as i64).collect())
        }
        Kind::Number(number) if number.is_flag() => {
            EntryValues::Flags(numbers(number).into_iter().map(|flag| flag != 0.0).collect())
        }
        Kind::Number(number) => EntryValues::Numbers(numbers(number)),
        Kind::Text { .. } => {
            let texts: Option<Vec<String>> = (0..n).map(|k| kind.text(&bytes, k)).collect();
            let texts = texts.ok_or_else(|| wrong("expected text, found bytes that are none".into()))?;
            EntryValues::Texts(by_rows(&shape, by_columns, texts))
        }
    };
    Ok(Entry { shape, values })
}

/// An array that is not read.
fn refused(path: &Path, name: &str, descriptor: &str) -> Error {
    let found = format!("expected numbers or text, found {}", describe(descriptor));
    if !descriptor.contains('O') {
        return Error::object(path, name, found, "save numbers or text under this name");
    }
    // what a group lasso of NeMoS 0.2.8 leaves in its file has its numbers in this field
    let of_mask = if name.ends_with("strkey:mask") { ".item().coef" } else { "" };
    let help = format!(
        "objects may run code, so they are never loaded: replace it by numbers, in Python \
         d = dict(numpy.load(FILE, allow_pickle=True)); d[{name:?}] = numpy.asarray(d[{name:?}]{of_mask}, float); \
         numpy.savez(FILE, **d)"
    );
    Error::object(path, name, found, help)
}

/// Values in the order of rows, the last index fastest.
fn by_rows<T: Clone>(shape: &[usize], by_columns: bool, values: Vec<T>) -> Vec<T> {
    if !by_columns {
        return values;
    }
    match ArrayD::from_shape_vec(IxDyn(shape).f(), values) {
        Ok(array) => array.iter().cloned().collect(),
        // there are as many values as the shape says
        Err(_) => Vec::new(),
    }
}

/// What one value is.
#[derive(Clone, Copy)]
enum Kind {
    Number(Number),
    Text { n_letters: usize, is_big_endian: bool },
}

impl Kind {
    /// The kind that numpy's descriptor means; `None` for what is neither number nor text.
    fn parse(descriptor: &str) -> Option<Self> {
        if let Some(number) = Number::parse(descriptor) {
            return Some(Self::Number(number));
        }
        let (order, width) = descriptor.split_once('U')?;
        let is_big_endian = match order {
            "<" | "=" => false,
            ">" => true,
            _ => return None,
        };
        Some(Self::Text { n_letters: width.parse().ok()?, is_big_endian })
    }

    fn n_bytes(self) -> usize {
        match self {
            Self::Number(number) => number.n_bytes(),
            Self::Text { n_letters, .. } => n_letters.saturating_mul(4),
        }
    }

    /// The text number `k`; `None` if its bytes are no letters.
    fn text(self, bytes: &[u8], k: usize) -> Option<String> {
        let Self::Text { is_big_endian, .. } = self else { return None };
        let own = &bytes[k * self.n_bytes()..(k + 1) * self.n_bytes()];
        let (letters, _) = own.as_chunks::<4>();
        let code = |letter: &[u8; 4]| {
            if is_big_endian { u32::from_be_bytes(*letter) } else { u32::from_le_bytes(*letter) }
        };
        let text: Option<String> = letters.iter().map(|letter| char::from_u32(code(letter))).collect();
        text.map(|text| text.trim_end_matches('\0').to_string())
    }
}
