//! Heaps of an HDF5 file that the library would walk through for ever.
//!
//! libhdf5 (2.2) follows the list of free blocks of a local heap wherever it leads, also in a circle, with a piece of memory
//! for each step; and it never gets past an object of no bytes in a global heap. A single changed byte is enough for either.
//! So a file is searched for heaps before the library sees it. What merely looks like one does no harm: only a heap that
//! would hang the library is refused.
//!
//! Source: HDF5 file format specification, sections III.D (local heap) and III.E (global heap).

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// Bytes of a file that are searched: all of a smaller one, of a larger one as much at either end.
const SEARCHED: u64 = 256 << 20;
/// Bytes that are searched at a time.
const PIECE: usize = 1 << 20;
/// Bytes of the longest signature, less one.
const OVERLAP: usize = 3;
/// Free blocks of the longest list, and bytes of the largest collection: those of a heap that was written take thousands.
const MOST: u64 = 64 << 20;
/// What stands for the end of the list of free blocks.
const END_OF_LIST: u64 = 1;

/// The place of a heap that goes in circles, if there is one; addresses count from `start`.
pub(super) fn endless(file: &mut File, start: u64, n_bytes: u64) -> std::io::Result<Option<u64>> {
    let half = SEARCHED / 2;
    // the second part is empty where the first is the whole
    let parts =
        if n_bytes <= SEARCHED { [0..n_bytes, n_bytes..n_bytes] } else { [0..half, n_bytes - half..n_bytes] };
    let mut piece = vec![0; PIECE + OVERLAP];
    for part in parts {
        for from in part.clone().step_by(PIECE) {
            let len = (part.end.min(from + (PIECE + OVERLAP) as u64) - from) as usize;
            file.seek(SeekFrom::Start(from))?;
            file.read_exact(&mut piece[..len])?;
            for at in heaps(&piece[..len]) {
                let place = from + at as u64;
                let is_endless = match piece[at] {
                    b'H' => list_is_endless(file, start, place)?,
                    _ => collection_is_endless(file, place, n_bytes)?,
                };
                if is_endless {
                    return Ok(Some(place));
                }
            }
        }
    }
    Ok(None)
}

/// Where the signatures of heaps are.
fn heaps(bytes: &[u8]) -> Vec<usize> {
    let is_one = |word: &[u8]| (word[3] == b'P' || word[3] == b'L') && (word == b"HEAP" || word == b"GCOL");
    bytes.windows(4).enumerate().filter(|(_, word)| is_one(word)).map(|(at, _)| at).collect()
}

/// `N` bytes at a place; none beyond the end of the file.
fn bytes_at<const N: usize>(file: &mut File, place: u64) -> std::io::Result<Option<[u8; N]>> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(place))?;
    match file.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// The whole number of 8 bytes at a place of a block.
fn number(block: &[u8], at: usize) -> u64 {
    block[at..at + 8].iter().rev().fold(0, |all, &byte| all << 8 | u64::from(byte))
}

/// Whether the free blocks of the local heap at a place follow one another in a circle.
fn list_is_endless(file: &mut File, start: u64, place: u64) -> std::io::Result<bool> {
    // signature, version 0, 3 reserved bytes, size of the data, first free block, address of the data
    let Some(prefix) = bytes_at::<32>(file, place)?.filter(|prefix| prefix[4] == 0) else { return Ok(false) };
    let (size, mut free, data) = (number(&prefix, 8), number(&prefix, 16), number(&prefix, 24));
    let mut seen = HashSet::new();
    while free != END_OF_LIST && free.checked_add(16).is_some_and(|end| end <= size) {
        if !seen.insert(free) || seen.len() as u64 > MOST / 16 {
            return Ok(true);
        }
        let at =
            start.checked_add(data).and_then(|at| at.checked_add(free)).filter(|&at| at < i64::MAX as u64);
        let Some(at) = at else { return Ok(false) };
        match bytes_at::<8>(file, at)? {
            Some(next) => free = number(&next, 0),
            None => return Ok(false),
        }
    }
    Ok(false)
}

/// Whether the global heap at a place has an object of no bytes.
fn collection_is_endless(file: &mut File, place: u64, n_bytes: u64) -> std::io::Result<bool> {
    // signature, version 1, 3 reserved bytes, size of all
    let Some(prefix) = bytes_at::<16>(file, place)?.filter(|prefix| prefix[4] == 1) else { return Ok(false) };
    let size = number(&prefix, 8);
    let mut objects = vec![0; size.min(n_bytes - place).min(MOST).saturating_sub(16) as usize];
    file.seek(SeekFrom::Start(place + 16))?;
    file.read_exact(&mut objects)?;
    let mut at = 0_usize;
    while let Some(object) = objects.get(at..at.saturating_add(16)) {
        // number (0 is the free space), references, 4 reserved bytes, size
        let size = number(object, 8);
        let is_free = object[0] == 0 && object[1] == 0;
        let padded = size.wrapping_add(7) & !7;
        let needed = if is_free { size } else { padded.wrapping_add(16) };
        if needed == 0 {
            return Ok(true);
        }
        at = at.saturating_add(usize::try_from(needed).unwrap_or(usize::MAX));
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn found(bytes: &[u8]) -> Option<u64> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        endless(&mut file, 0, bytes.len() as u64).unwrap()
    }

    /// A local heap at byte 8 with its data at byte 40, whose free blocks lead from one to the next.
    fn local(blocks: &[(usize, u64)], first: u64) -> Vec<u8> {
        let mut bytes = vec![0; 40 + 128];
        bytes[8..12].copy_from_slice(b"HEAP");
        bytes[16..24].copy_from_slice(&128_u64.to_le_bytes());
        bytes[24..32].copy_from_slice(&first.to_le_bytes());
        bytes[32..40].copy_from_slice(&40_u64.to_le_bytes());
        for &(at, next) in blocks {
            bytes[40 + at..48 + at].copy_from_slice(&next.to_le_bytes());
        }
        bytes
    }

    #[test]
    fn lists_of_free_blocks_may_not_go_in_circles() {
        assert_eq!(found(&local(&[(16, 48), (48, 1)], 16)), None);
        assert_eq!(found(&local(&[], 1)), None);
        // beyond the data, which the library refuses itself
        assert_eq!(found(&local(&[(16, 120)], 16)), None);
        assert_eq!(found(&local(&[(16, 48), (48, 16)], 16)), Some(8));
        assert_eq!(found(&local(&[(16, 16)], 16)), Some(8));
        let mut other = local(&[(16, 16)], 16);
        other[12] = 1;
        assert_eq!(found(&other), None);
    }

    #[test]
    fn objects_of_a_global_heap_take_bytes() {
        let collection = |objects: &[(u16, u64)]| {
            let mut bytes = b"abcGCOL\x01\0\0\0".to_vec();
            bytes.extend(4096_u64.to_le_bytes());
            for &(number, size) in objects {
                bytes.extend(number.to_le_bytes());
                bytes.extend([0_u8; 6]);
                bytes.extend(size.to_le_bytes());
                bytes.extend(vec![
                    0_u8;
                    if number > 0 { size.min(64).next_multiple_of(8) as usize } else { 0 }
                ]);
            }
            bytes
        };
        assert_eq!(found(&collection(&[(1, 5), (2, 16), (0, 3000)])), None);
        assert_eq!(found(&collection(&[(1, 5), (0, 0)])), Some(3));
        assert_eq!(found(&collection(&[(1, 5), (2, u64::MAX - 15), (0, 0)])), Some(3));
        assert_eq!(found(&collection(&[(1, 5), (2, u64::MAX / 2)])), None);
        // an object of no letters has a header
        assert_eq!(found(&collection(&[(1, 0), (2, 0), (0, 3000)])), None);
    }

    #[test]
    fn heaps_are_found_across_pieces() {
        let mut bytes = vec![b'x'; PIECE - 10];
        bytes.extend(local(&[], 1));
        assert_eq!(found(&bytes), None);
        let mut bytes = vec![0; PIECE - 2];
        bytes.extend(b"GCOL\x01\0\0\0\0\x10\0\0\0\0\0\0");
        bytes.extend([0_u8; 4096]);
        assert_eq!(found(&bytes), Some(PIECE as u64 - 2));
    }
}
