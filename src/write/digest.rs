//! SHA-256 digests, which tie a result to its input and its files to each other.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// SHA-256 of bytes: 64 lower-case hexadecimal digits.
pub fn digest_bytes(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// SHA-256 of a file, read in pieces of 1 MiB.
///
/// # Errors
/// [`Error::Io`] if it cannot be read.
pub fn digest_file(path: &Path) -> Result<String> {
    read_pieces(path, |_| Ok(()))
}

/// Copies a file in pieces of 1 MiB and returns the SHA-256 of what was copied.
///
/// # Errors
/// [`Error::Io`] with the path that cannot be read, or with `target` where writing fails.
pub fn copy_and_digest(path: &Path, to: &mut impl Write, target: &Path) -> Result<String> {
    read_pieces(path, |piece| to.write_all(piece).map_err(|e| Error::io(target, e)))
}

/// Gives the pieces of a file to `visit`; returns the digest of all.
fn read_pieces(path: &Path, mut visit: impl FnMut(&[u8]) -> Result<()>) -> Result<String> {
    let mut file = File::open(path).map_err(|e| Error::io(path, e))?;
    let mut sha = Sha256::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(hexadecimal(&sha.finalize())),
            Ok(n) => {
                sha.update(&piece[..n]);
                visit(&piece[..n])?;
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::io(path, e)),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // writing to a string cannot fail
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples() {
        // FIPS 180-4 example messages
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(digest_bytes(b"abc"), abc);
        assert_eq!(digest_bytes(b""), empty);
    }

    #[test]
    fn a_file_longer_than_a_piece_has_the_digest_of_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long");
        let bytes: Vec<u8> = (0..2_500_001u32).map(|i| (i % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(digest_file(&path).unwrap(), digest_bytes(&bytes));
        assert!(matches!(digest_file(&folder.path().join("absent")), Err(Error::Io { .. })));
        assert!(matches!(digest_file(folder.path()), Err(Error::Io { .. })));
    }
}
