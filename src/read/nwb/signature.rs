//! Is this a whole HDF5 file? Decided by its bytes, not by its suffix.
//!
//! libhdf5 says the same in its own words; reading the superblock first gives one clear sentence for a folder,
//! an empty file, another format and a file that was cut short (with both sizes). Heaps that would keep the library
//! busy for ever are refused as well.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::heaps::{self, Verdict};
use crate::error::{Error, Result};
use crate::read::regular;

const SIGNATURE: [u8; 8] = *b"\x89HDF\r\n\x1a\n";

/// Checks that `path` is a readable HDF5 file of its full length; `expected` and `help` say what it should be. Returns what
/// is known about its heaps.
///
/// # Errors
/// [`Error::Io`] for a file that cannot be opened, [`Error::Format`] for a folder, a pipe, an empty file, another
/// format, a truncated file and one whose heaps go in circles.
pub(in crate::read) fn check(path: &Path, expected: &str, help: &str) -> Result<Verdict> {
    let of_folder = format!("give the path of {expected}, not of its folder");
    let n_bytes = regular::facts(path, expected, &of_folder)?.len();
    let mut file = File::open(path).map_err(|e| Error::io(path, e))?;
    if n_bytes == 0 {
        return Err(format_error(path, expected, "an empty file", "copy or download it again"));
    }
    let Some(start) = find_signature(&mut file, n_bytes).map_err(|e| Error::io(path, e))? else {
        return Err(format_error(
            path,
            expected,
            format!("another format ({n_bytes} bytes without an HDF5 signature)"),
            help,
        ));
    };
    let block = Superblock::read(&mut file, start).map_err(|e| Error::io(path, e))?;
    if let Some(expected) = block.end.filter(|&end| end > n_bytes) {
        return Err(Error::Format {
            path: path.to_path_buf(),
            expected: format!("{expected} bytes"),
            found: format!("{n_bytes} bytes: the file is truncated"),
            help: "copy or download it again; the end of the file is missing".into(),
        });
    }
    if let Some(width) = block.odd_width {
        let found = format!("one whose addresses have {width} bytes");
        return Err(format_error(path, "an HDF5 file with addresses of 8 bytes", found, help));
    }
    let verdict = heaps::verdict(path, &mut file, start).map_err(|e| Error::io(path, e))?;
    match verdict.endless {
        None => Ok(verdict),
        Some((place, what)) => {
            let found = format!("a damaged one (the heap at byte {place} {what})");
            Err(format_error(path, "a readable HDF5 file", found, "copy or download it again"))
        }
    }
}

fn format_error(path: &Path, expected: &str, found: impl Into<String>, help: &str) -> Error {
    Error::Format {
        path: path.to_path_buf(),
        expected: expected.into(),
        found: found.into(),
        help: help.into(),
    }
}

/// The signature stands at byte 0, or after a user block of 512, 1024, 2048 .. bytes.
fn find_signature(file: &mut File, n_bytes: u64) -> std::io::Result<Option<u64>> {
    let mut at = 0;
    while at + 8 <= n_bytes {
        let mut bytes = [0; 8];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut bytes)?;
        if bytes == SIGNATURE {
            return Ok(Some(at));
        }
        at = if at == 0 { 512 } else { at * 2 };
    }
    Ok(None)
}

/// What the superblock says.
///
/// Source: HDF5 file format specification, section II.A (versions 0 to 3).
struct Superblock {
    /// The end-of-file address; none where the version is not known.
    end: Option<u64>,
    /// Bytes of addresses or sizes, where they are not 8.
    odd_width: Option<u8>,
}

impl Superblock {
    fn read(file: &mut File, start: u64) -> std::io::Result<Self> {
        let mut block = Vec::new();
        file.seek(SeekFrom::Start(start))?;
        file.take(56).read_to_end(&mut block)?;
        let (widths_at, end_at) = match block.get(8) {
            Some(0) => (13, 40),
            Some(1) => (13, 44),
            Some(2 | 3) => (9, 28),
            _ => return Ok(Self { end: None, odd_width: None }),
        };
        let widths = block.get(widths_at..widths_at + 2).unwrap_or_default();
        let odd_width = widths.iter().copied().find(|&width| width != 8);
        let bytes: Option<[u8; 8]> = block
            .get(end_at..end_at + 8)
            .filter(|_| odd_width.is_none())
            .and_then(|bytes| bytes.try_into().ok());
        // a superblock that itself is cut short: at least its own length was promised
        let end = if odd_width.is_some() { None } else { Some(bytes.map_or(start + 56, u64::from_le_bytes)) };
        Ok(Self { end, odd_width })
    }
}
