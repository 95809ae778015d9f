//! Numbers and texts out of HDF5 datasets and attributes.
//!
//! A header may claim any size, so shape x item size is compared with a limit before anything is read. Filters
//! are asked for before the data, so that a missing one is named instead of failing inside the library.
//! Objects are named by the path that was walked: through a soft link the library returns the target's name.

use std::path::{Path, PathBuf};

use hdf5::types::{FixedAscii, FixedUnicode, TypeDescriptor as Type, VarLenAscii, VarLenUnicode};
use hdf5::{Container, Dataset, Group, H5Type, Location};

use crate::error::{Error, Result};

/// The open file and what reading may cost.
#[derive(Clone, Debug)]
pub(in crate::read) struct Storage {
    pub(in crate::read) path: PathBuf,
    pub(in crate::read) file: hdf5::File,
    pub(in crate::read) limit_bytes: u64,
}

/// What the elements of a dataset are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::read) enum Element {
    Number,
    Truth,
    Text,
    Reference,
    Other(String),
}

impl Storage {
    pub(in crate::read) fn error(&self, object: &str, problem: impl Into<String>, help: &str) -> Error {
        Error::object(&self.path, object, problem, help)
    }

    /// An error of the HDF5 library about `object`.
    pub(super) fn hdf5_error(&self, object: &str, error: &hdf5::Error) -> Error {
        let text = error.to_string();
        let problem = format!("cannot be read ({})", text.lines().next().unwrap_or("HDF5 error"));
        self.error(object, problem, "the file may be damaged; copy or export it again")
    }

    pub(super) fn group(&self, path: &str) -> Result<Group> {
        self.file.group(path).map_err(|e| self.hdf5_error(path, &e))
    }

    /// The dataset `name` of the group at `base`.
    pub(super) fn dataset(&self, group: &Group, base: &str, name: &str) -> Result<Dataset> {
        let object = format!("{base}/{name}");
        if !group.link_exists(name) {
            return Err(self.error(
                base,
                format!("expected a dataset {name:?}, found none"),
                "the object is incomplete; write it again with its data",
            ));
        }
        group.dataset(name).map_err(|e| self.hdf5_error(&object, &e))
    }

    /// The dataset `name`, or none if nothing has that name.
    pub(super) fn optional(&self, group: &Group, base: &str, name: &str) -> Result<Option<Dataset>> {
        if group.link_exists(name) { self.dataset(group, base, name).map(Some) } else { Ok(None) }
    }

    /// Checks that `n_items` of `item_bytes` may be read and that no filter is missing.
    pub(in crate::read) fn check_readable(
        &self,
        set: &Dataset,
        object: &str,
        n_items: usize,
        item_bytes: usize,
    ) -> Result<()> {
        self.check_size(object, n_items, item_bytes)?;
        self.check_filters(set, object)
    }

    fn check_size(&self, object: &str, n_items: usize, item_bytes: usize) -> Result<()> {
        let needed_bytes = (n_items as u64).saturating_mul(item_bytes as u64);
        if needed_bytes > self.limit_bytes {
            return Err(Error::Memory {
                what: format!("{}: {object}", self.path.display()),
                needed_bytes,
                limit_bytes: self.limit_bytes,
            });
        }
        Ok(())
    }

    /// Checks that every filter of the dataset is there.
    pub(super) fn check_filters(&self, set: &Dataset, object: &str) -> Result<()> {
        match set.filters().iter().find(|filter| !filter.is_available()) {
            None => Ok(()),
            Some(filter) => Err(self.error(
                object,
                format!(
                    "is compressed with filter {} ({}), which is not available",
                    filter.id(),
                    filter_name(filter.id())
                ),
                "repack the file with gzip: h5repack -f GZIP=4 IN OUT (where that filter is installed)",
            )),
        }
    }

    /// All numbers of a dataset, in storage order.
    pub(in crate::read) fn numbers<T: H5Type>(&self, set: &Dataset, object: &str) -> Result<Vec<T>> {
        self.expect_numbers(set, object)?;
        self.check_readable(set, object, n_items(set), size_of::<T>())?;
        set.read_raw::<T>().map_err(|e| self.hdf5_error(object, &e))
    }

    /// Numbers `start .. end` of a 1-D dataset.
    pub(super) fn numbers_in(
        &self,
        set: &Dataset,
        object: &str,
        rows: std::ops::Range<usize>,
    ) -> Result<Vec<f64>> {
        self.check_size(object, rows.len(), size_of::<f64>())?;
        let read = set.read_slice_1d::<f64, _>(rows).map_err(|e| self.hdf5_error(object, &e))?;
        Ok(read.into_raw_vec_and_offset().0)
    }

    /// Checks that a dataset holds numbers.
    pub(in crate::read) fn expect_numbers(&self, set: &Dataset, object: &str) -> Result<()> {
        let found = match element(set) {
            Element::Number | Element::Truth => return Ok(()),
            Element::Text => "text".to_string(),
            Element::Reference => "references".to_string(),
            Element::Other(what) => what,
        };
        Err(self.error(
            object,
            format!("expected numbers, found {found}"),
            "only numeric data can be used here; write them as numbers",
        ))
    }

    /// All texts of a dataset, in storage order.
    pub(super) fn texts(&self, set: &Dataset, object: &str) -> Result<Vec<String>> {
        let item_bytes = set.dtype().map_or(16, |dtype| dtype.size().max(16));
        self.check_readable(set, object, n_items(set), item_bytes)?;
        texts_of(set).map_err(|e| self.hdf5_error(object, &e))
    }

    /// A scalar text dataset under the root, empty where there is none.
    pub(super) fn root_text(&self, name: &str) -> String {
        let read = self.file.dataset(name).ok().and_then(|set| self.texts(&set, name).ok());
        read.and_then(|texts| texts.into_iter().next()).unwrap_or_default()
    }
}

/// Number of elements that the header claims; as many as there can be where their product overflows.
pub(in crate::read) fn n_items(set: &Dataset) -> usize {
    set.shape().iter().fold(1, |n: usize, &m| n.saturating_mul(m))
}

/// What the elements of a dataset are.
pub(in crate::read) fn element(set: &Container) -> Element {
    match set.dtype().and_then(|dtype| dtype.to_descriptor()) {
        Ok(Type::Integer(_) | Type::Unsigned(_) | Type::Float(_)) => Element::Number,
        Ok(Type::Boolean) => Element::Truth,
        Ok(Type::FixedAscii(_) | Type::FixedUnicode(_) | Type::VarLenAscii | Type::VarLenUnicode) => {
            Element::Text
        }
        Ok(Type::Reference(_)) => Element::Reference,
        Ok(other) => Element::Other(other.to_string()),
        Err(error) => Element::Other(error.to_string()),
    }
}

/// Texts of a dataset or attribute: variable or fixed length, ASCII or UTF-8 (invalid bytes replaced).
fn texts_of(container: &Container) -> hdf5::Result<Vec<String>> {
    macro_rules! read_as {
        ($kind:ty) => {
            container.read_raw::<$kind>().map(|texts| {
                texts.iter().map(|text| String::from_utf8_lossy(text.as_bytes()).into_owned()).collect()
            })
        };
    }
    match container.dtype()?.to_descriptor()? {
        Type::VarLenUnicode => read_as!(VarLenUnicode),
        Type::VarLenAscii => read_as!(VarLenAscii),
        Type::FixedAscii(n) if n <= 64 => read_as!(FixedAscii<64>),
        Type::FixedAscii(n) if n <= 1024 => read_as!(FixedAscii<1024>),
        Type::FixedAscii(n) if n <= 16384 => read_as!(FixedAscii<16384>),
        Type::FixedUnicode(n) if n <= 64 => read_as!(FixedUnicode<64>),
        Type::FixedUnicode(n) if n <= 1024 => read_as!(FixedUnicode<1024>),
        Type::FixedUnicode(n) if n <= 16384 => read_as!(FixedUnicode<16384>),
        other => Err(hdf5::Error::from(format!("expected text, found {other}"))),
    }
}

/// Attribute `name` as one text, if it is there and is text.
pub(in crate::read) fn attribute_text(at: &Location, name: &str) -> Option<String> {
    attribute_texts(at, name)?.into_iter().next()
}

/// Attribute `name` as a list of texts, if it is there and is text.
pub(super) fn attribute_texts(at: &Location, name: &str) -> Option<Vec<String>> {
    let attribute = at.attr(name).ok()?;
    texts_of(&attribute).ok()
}

/// Attribute `name` as one number, if it is there and is a number.
pub(super) fn attribute_number(at: &Location, name: &str) -> Option<f64> {
    at.attr(name).ok()?.read_raw::<f64>().ok()?.first().copied()
}

/// The error of a file that the HDF5 library does not open.
pub(in crate::read) fn unreadable(path: &Path, error: &hdf5::Error) -> Error {
    let said = error.to_string();
    let said = said.lines().next().unwrap_or("HDF5 error");
    let (found, help) = if said.contains("lock file") {
        let help = "close the program that writes it; on a file system without locks, set HDF5_USE_FILE_LOCKING=FALSE";
        ("one that cannot be locked", help)
    } else {
        ("a damaged one", "copy or download it again")
    };
    Error::Format {
        path: path.to_path_buf(),
        expected: "a readable HDF5 file".into(),
        found: format!("{found} ({said})"),
        help: help.into(),
    }
}

fn filter_name(id: i32) -> &'static str {
    match id {
        1 => "deflate",
        4 => "szip",
        307 => "bzip2",
        32000 => "lzf",
        32001 => "blosc",
        32004 => "lz4",
        32008 => "bitshuffle",
        32013 => "zfp",
        32015 => "zstandard",
        32026 => "blosc2",
        _ => "unknown",
    }
}
