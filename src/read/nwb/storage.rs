//! Numbers and texts out of HDF5 datasets.
//!
//! A header may claim any size, so shape x item size is compared with a limit before anything is read, and what is more
//! than a little with what the file can hold: the library fills what was never written with zeros. Filters are asked
//! for before the data, so that a missing one is named instead of failing inside the library. A single chunk, which is
//! unpacked as a whole whatever is read of it, has to keep to the limit as well.
//! Objects are named by the path that was walked: through a soft link the library returns the target's name.

use std::path::{Path, PathBuf};

use hdf5::filters::Filter;
use hdf5::plist::dataset_create::{FillValue, Layout};
use hdf5::types::TypeDescriptor as Type;
use hdf5::{Dataset, Group, H5Type, Location};

use super::element::{
    Element, clean, description, element, n_items, text_bytes, texts_at_once, texts_in_pieces,
};
use super::heaps::Verdict;
use crate::error::{Error, Result};

/// What may be claimed without being there: nobody minds the memory.
const SMALL_BYTES: u64 = 16 << 20;
/// The number of deflate in HDF5.
const DEFLATE: i32 = 1;
/// Those of the filters that make nothing smaller: shuffle and Fletcher's checksum.
const NO_PACKERS: [i32; 2] = [2, 3];
/// Deflate packs no more bytes than these into one: 1032 of zeros.
const MOST_PACKED: u64 = 2000;
/// Bytes that a chunk takes at least where other filters may pack it to nearly nothing: scale-offset writes 21.
const LEAST_CHUNK_BYTES: u64 = 16;
/// Bytes of the largest chunk. Each read of a sample unpacks its chunk, so a larger one would take seconds per sweep.
const MOST_CHUNK_BYTES: u64 = 1 << 30;

/// The open file and what reading may cost.
#[derive(Clone, Debug)]
pub(in crate::read) struct Storage {
    pub(in crate::read) path: PathBuf,
    pub(in crate::read) file: hdf5::File,
    pub(in crate::read) limit_bytes: u64,
    pub(super) heaps: Verdict,
}

impl Storage {
    /// Opens a file that is known to be HDF5 of its full length, with these heaps.
    pub(in crate::read) fn open(path: &Path, limit_bytes: u64, heaps: Verdict) -> Result<Self> {
        let file = hdf5::File::open(path).map_err(|error| unreadable(path, &error))?;
        Ok(Self { path: path.to_path_buf(), file, limit_bytes, heaps })
    }

    /// Bytes of the file.
    fn n_bytes(&self) -> u64 {
        std::fs::metadata(&self.path).map_or_else(|_| self.file.size(), |facts| facts.len())
    }

    pub(in crate::read) fn error(&self, object: &str, problem: impl Into<String>, help: &str) -> Error {
        Error::object(&self.path, object, problem, help)
    }

    /// An error of the HDF5 library about `object`.
    pub(super) fn hdf5_error(&self, object: &str, error: &hdf5::Error) -> Error {
        let text = clean(&error.to_string());
        let problem = format!("cannot be read ({})", text.lines().next().unwrap_or("HDF5 error"));
        self.error(object, problem, "the file may be damaged; copy or export it again")
    }

    pub(super) fn group(&self, path: &str) -> Result<Group> {
        let group = self.file.group(path).map_err(|e| self.hdf5_error(path, &e))?;
        self.expect_here(&group, path)?;
        Ok(group)
    }

    /// Checks that an object is in this file: others that it links to have not been looked at, and no digest covers them.
    pub(in crate::read) fn expect_here(&self, at: &Location, object: &str) -> Result<()> {
        let number =
            |at: &Location| at.loc_info().map(|info| info.fileno).map_err(|e| self.hdf5_error(object, &e));
        if number(at)? == number(&self.file)? {
            Ok(())
        } else {
            Err(self.elsewhere(object, "in another file, behind a link"))
        }
    }

    fn elsewhere(&self, object: &str, place: &str) -> Error {
        self.error(
            object,
            format!("expected its values in this file, found that they are {place}"),
            "files that a recording names are not read; copy the values into it, for example with h5repack or pynwb's export",
        )
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
        let set = group.dataset(name).map_err(|e| self.hdf5_error(&object, &e))?;
        self.expect_here(&set, &object)?;
        Ok(set)
    }

    /// The dataset `name`, or none if nothing has that name.
    pub(super) fn optional(&self, group: &Group, base: &str, name: &str) -> Result<Option<Dataset>> {
        if group.link_exists(name) { self.dataset(group, base, name).map(Some) } else { Ok(None) }
    }

    /// Checks that `n_items` of `item_bytes` may be read, that the file can hold them, and how they are stored.
    pub(in crate::read) fn check_readable(
        &self,
        set: &Dataset,
        object: &str,
        n_items: usize,
        item_bytes: usize,
    ) -> Result<()> {
        self.check_size(object, n_items, item_bytes)?;
        self.check_layout(set, object)?;
        let is_large = (n_items as u64).saturating_mul(item_bytes as u64) > SMALL_BYTES;
        if is_large && self.is_hollow(set) && !has_fill_value(set) {
            return Err(self.error(
                object,
                format!("expected {n_items} values, found room for hardly any: they were never written"),
                "the file was cut short while it was written, or is damaged; write it again",
            ));
        }
        Ok(())
    }

    /// Whether the file claims more numbers than its bytes can hold, so that most of them were never written.
    pub(super) fn is_hollow(&self, set: &Dataset) -> bool {
        let item_bytes = set.dtype().map_or(8, |dtype| dtype.size());
        let claimed = (n_items(set) as u64).saturating_mul(item_bytes as u64);
        match set.layout() {
            Layout::Contiguous | Layout::Compact => claimed > self.n_bytes(),
            Layout::Chunked => {
                let stored = set.storage_size().min(self.n_bytes());
                let ids: Vec<i32> = set.filters().iter().map(Filter::id).collect();
                let n_deflate = ids.iter().filter(|&&id| id == DEFLATE).count();
                if n_deflate <= 1 && ids.iter().all(|id| *id == DEFLATE || NO_PACKERS.contains(id)) {
                    claimed / MOST_PACKED > stored
                } else {
                    n_chunks(set) > stored / LEAST_CHUNK_BYTES
                }
            }
            // what it is made of is in other datasets
            Layout::Virtual => false,
        }
    }

    /// Checks that reading texts of variable length does not lead to a heap without end. Where they are packed, nobody
    /// sees which heaps they name.
    fn check_heaps(&self, set: &Dataset, object: &str) -> Result<()> {
        match self.heaps.doubtful {
            Some(place) if !set.filters().is_empty() => Err(self.error(
                object,
                format!("expected texts in sound heaps, found one at byte {place} that goes in circles"),
                "the file may be damaged; write it again, for example with h5repack",
            )),
            _ => Ok(()),
        }
    }

    pub(in crate::read) fn check_size(&self, object: &str, n_items: usize, item_bytes: usize) -> Result<()> {
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

    /// Checks that every filter of the dataset is there, that its chunks can be unpacked, and that its numbers are in this
    /// file.
    pub(super) fn check_layout(&self, set: &Dataset, object: &str) -> Result<()> {
        if let Some(filter) = set.filters().iter().find(|filter| !filter.is_available()) {
            return Err(self.error(
                object,
                format!(
                    "is compressed with filter {} ({}), which is not available",
                    filter.id(),
                    filter_name(filter.id())
                ),
                "repack the file with gzip: h5repack -f GZIP=4 IN OUT (where that filter is installed)",
            ));
        }
        if let Some(chunk) = set.chunk() {
            let item_bytes = set.dtype().map_or(8, |dtype| dtype.size());
            let needed_bytes = chunk.iter().fold(item_bytes as u64, |n, &len| n.saturating_mul(len as u64));
            let limit_bytes = self.limit_bytes.min(MOST_CHUNK_BYTES);
            // a chunk may be larger than what there is to read
            if needed_bytes > limit_bytes.max(SMALL_BYTES) {
                let what = format!("{}: one chunk of {object}", self.path.display());
                return Err(Error::Memory { what, needed_bytes, limit_bytes });
            }
        }
        let external = set.create_plist().and_then(|list| list.get_external()).unwrap_or_default();
        match external.first() {
            Some(other) => Err(self.elsewhere(object, &format!("in {:?}", clean(&other.name)))),
            // values of sources that are not there would be zeros
            None if set.layout() == Layout::Virtual => {
                Err(self.elsewhere(object, "in others (a virtual dataset)"))
            }
            None => Ok(()),
        }
    }

    /// About `n_rows` rows of so many columns, as whole chunks of the dataset if they may be read at once.
    pub(super) fn whole_chunks(&self, set: &Dataset, n_rows: usize, n_columns: usize) -> usize {
        let chunk = set.chunk().and_then(|chunk| chunk.first().copied()).unwrap_or(1).max(1);
        let row_bytes = (n_columns.max(1) * size_of::<f64>()) as u64;
        let most = usize::try_from(self.limit_bytes / row_bytes).unwrap_or(usize::MAX);
        let whole = n_rows.div_ceil(chunk).saturating_mul(chunk);
        if whole <= most { whole } else { n_rows }.max(1)
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
        let wrong = |error: hdf5::Error| self.hdf5_error(object, &error);
        let kind = description(set).map_err(wrong)?;
        self.check_readable(set, object, n_items(set), text_bytes(&kind))?;
        let is_variable = matches!(kind, Type::VarLenUnicode | Type::VarLenAscii);
        if is_variable {
            self.check_heaps(set, object)?;
        }
        if !is_variable || set.ndim() == 0 {
            return texts_at_once(set).map_err(wrong);
        }
        if set.ndim() > 1 {
            let problem = format!("expected a list of texts, found {} dimensions", set.ndim());
            return Err(self.error(object, problem, "write the texts as one list"));
        }
        let texts = texts_in_pieces(set, self.n_bytes(), self.limit_bytes).map_err(wrong)?;
        texts.ok_or_else(|| Error::Memory {
            what: format!("{}: the texts of {object}", self.path.display()),
            needed_bytes: self.limit_bytes.saturating_add(1),
            limit_bytes: self.limit_bytes,
        })
    }

    /// A scalar text dataset under the root, empty where there is none.
    pub(super) fn root_text(&self, name: &str) -> String {
        let read = self.file.dataset(name).ok().and_then(|set| self.texts(&set, name).ok());
        read.and_then(|texts| texts.into_iter().next()).unwrap_or_default()
    }
}

/// Whether whoever made the dataset said what stands where nothing was written, so that holes in it are meant.
fn has_fill_value(set: &Dataset) -> bool {
    set.create_plist().is_ok_and(|list| matches!(list.fill_value_defined(), FillValue::UserDefined))
}

/// Chunks that the header of a dataset claims.
fn n_chunks(set: &Dataset) -> u64 {
    let chunk = set.chunk().unwrap_or_default();
    let along = set.shape().into_iter().zip(chunk).map(|(len, chunk)| len.div_ceil(chunk.max(1)) as u64);
    along.fold(1, u64::saturating_mul)
}

/// The error of a file that the HDF5 library does not open.
pub(in crate::read) fn unreadable(path: &Path, error: &hdf5::Error) -> Error {
    let said = clean(&error.to_string());
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
