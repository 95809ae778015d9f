//! Files that can be read twice, and whose size is known: neither folders nor pipes nor devices.
//!
//! Opening a pipe waits for whoever writes to it, and a device may never end; so both are refused before they are opened.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;

use crate::error::{Error, Result};

/// Bytes of a table that says something about features and targets: a hundred million cells of 0 and 1.
pub const MOST_TABLE_BYTES: u64 = 256 << 20;

/// What is known about a file that is one.
///
/// # Errors
/// [`Error::Io`] for a file that is not there; [`Error::Format`] for a folder, of which `help` says what to do instead, and
/// for a pipe or a device.
pub fn facts(path: &Path, expected: &str, help: &str) -> Result<Metadata> {
    let facts = std::fs::metadata(path).map_err(|e| Error::io(path, e))?;
    let (found, help) = if facts.is_dir() {
        ("a folder", help)
    } else if facts.is_file() {
        return Ok(facts);
    } else {
        ("a pipe or a device", "save what comes from it to a file first")
    };
    Err(Error::Format {
        path: path.to_path_buf(),
        expected: expected.into(),
        found: found.into(),
        help: help.into(),
    })
}

/// Opens a file that is one.
///
/// # Errors
/// Those of [`facts`], and [`Error::Io`] for one that cannot be opened.
pub fn open(path: &Path, expected: &str, help: &str) -> Result<File> {
    facts(path, expected, help)?;
    File::open(path).map_err(|e| Error::io(path, e))
}

/// All of a file that is read at once.
///
/// # Errors
/// Those of [`open`], and [`Error::Memory`] for more than `limit_bytes`.
pub fn bytes(path: &Path, expected: &str, help: &str, limit_bytes: u64) -> Result<Vec<u8>> {
    let needed_bytes = facts(path, expected, help)?.len();
    if needed_bytes > limit_bytes {
        return Err(Error::Memory { what: path.display().to_string(), needed_bytes, limit_bytes });
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|e| Error::io(path, e))?;
    // some files of the system say that they are empty and are not
    file.take(limit_bytes).read_to_end(&mut bytes).map_err(|e| Error::io(path, e))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_is_refused_before_it_is_opened() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("five");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(bytes(&path, "five", "", 5).unwrap(), b"12345");
        assert!(matches!(bytes(&path, "five", "", 4), Err(Error::Memory { needed_bytes: 5, .. })));
        assert!(matches!(facts(&place.path().join("none"), "", ""), Err(Error::Io { .. })));
        let folder = open(place.path(), "a file", "not a folder").unwrap_err();
        assert!(
            folder.to_string().ends_with("expected a file, found a folder")
                && folder.help() == "not a folder"
        );
        #[cfg(unix)]
        {
            let endless = bytes(Path::new("/dev/zero"), "a file", "", 1 << 20).unwrap_err();
            assert!(endless.to_string().contains("a pipe or a device"), "{endless}");
        }
    }
}
