//! Heaps of an HDF5 file that the library would walk through for ever.
//!
//! libhdf5 (2.2) follows the list of free blocks of a local heap wherever it leads, also in a circle, with a piece of memory
//! for each step; and it never gets past an object of no bytes in a global heap. A single changed byte is enough for either.
//! So a file is searched for heaps before the library sees it. What merely looks like one does no harm: only a heap that
//! would hang the library is refused.
//!
//! What was deleted stays in a file until something else is written over it. The library refuses a list that leads to block 0
//! itself, which is what zeros look like; an endless global heap counts only where something in the file names its address.
//! Numbers that are packed may name it as well, so texts that are packed are not read from a file with such a heap.
//!
//! Of a file above 256 MB the first and the last 128 MB are searched.
//!
//! Source: HDF5 file format specification, sections III.D (local heap) and III.E (global heap).

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use memchr::memmem;

/// Bytes of a file that are searched: all of a smaller one, of a larger one as much at either end.
const SEARCHED: u64 = 256 << 20;
/// Bytes that are searched at a time.
const PIECE: usize = 1 << 20;
/// Bytes of a collection that are read at a time.
const WINDOW: usize = 4096;
/// Bytes of the smallest collection: the library reads no smaller one.
const SMALLEST_COLLECTION: u64 = 4096;
/// Bytes whose reading takes as long as asking for a few.
const PREFIX_COST: u64 = 512;
/// What stands for the end of the list of free blocks.
const END_OF_LIST: u64 = 1;
/// Steps and bytes that any file may cost, however small it is.
const FOR_NOTHING: u64 = 1 << 16;
/// Endless heaps that nothing names: what was deleted leaves few.
const MOST_DOUBTFUL: usize = 1000;
/// A file that was changed later than this may change again without a new time.
const SETTLED: Duration = Duration::from_secs(2);
/// Files of which the verdict is kept.
const MOST_KNOWN: usize = 64;

/// What a search found. Places count from the start of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::read) struct Verdict {
    /// A heap that would hang the library, and what is wrong with it.
    pub(super) endless: Option<(u64, &'static str)>,
    /// An endless global heap that nothing names, unless packed numbers do.
    pub(in crate::read) doubtful: Option<u64>,
}

/// A file as it was searched: its path, size and time of change.
type Key = (PathBuf, u64, SystemTime);

/// Verdicts on files that were searched, the newest last.
static KNOWN: Mutex<Vec<(Key, Verdict)>> = Mutex::new(Vec::new());

/// The verdict on an open file, searched once for as long as it does not change; addresses count from `start`.
pub(super) fn verdict(path: &Path, file: &mut File, start: u64) -> std::io::Result<Verdict> {
    let facts = file.metadata()?;
    let changed = facts.modified().ok().filter(|time| time.elapsed().is_ok_and(|since| since > SETTLED));
    let key = changed.and_then(|time| Some((std::path::absolute(path).ok()?, facts.len(), time)));
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let found = |key: &Key| known().iter().find(|(other, _)| other == key).map(|&(_, verdict)| verdict);
    if let Some(verdict) = key.as_ref().and_then(found) {
        return Ok(verdict);
    }
    let verdict = search(file, start, facts.len())?;
    if let Some(key) = key {
        let mut known = known();
        if known.len() >= MOST_KNOWN {
            known.remove(0);
        }
        known.push((key, verdict));
    }
    Ok(verdict)
}

/// Searches a file of so many bytes.
fn search(file: &mut File, start: u64, n_bytes: u64) -> std::io::Result<Verdict> {
    let mut piece = vec![0; PIECE + 3];
    let mut walk = Walk::new(file, start, n_bytes);
    let mut doubtful = Vec::new();
    let (local, global) = (memmem::Finder::new(b"HEAP"), memmem::Finder::new(b"GCOL"));
    for part in pieces(n_bytes, 3) {
        let bytes = &mut piece[..(part.end - part.start) as usize];
        read_at(walk.file, part.start, bytes)?;
        for at in local.find_iter(bytes) {
            let place = part.start + at as u64;
            if let Some(what) = walk.list(place)?.fault() {
                return Ok(Verdict { endless: Some((place, what)), doubtful: None });
            }
        }
        for at in global.find_iter(bytes) {
            let place = part.start + at as u64;
            match walk.collection(place)? {
                End::Circle if doubtful.len() < MOST_DOUBTFUL => doubtful.push(place),
                end => {
                    if let Some(what) = end.fault() {
                        return Ok(Verdict { endless: Some((place, what)), doubtful: None });
                    }
                }
            }
        }
    }
    let named = named(walk.file, start, n_bytes, &doubtful, &mut piece)?;
    let endless = named.and_then(|place| Some((place, End::Circle.fault()?)));
    Ok(Verdict { endless, doubtful: doubtful.first().copied().filter(|_| endless.is_none()) })
}

/// The parts of a file that are searched, piece by piece, each with so many bytes of the next.
fn pieces(n_bytes: u64, overlap: u64) -> impl Iterator<Item = Range<u64>> {
    let half = SEARCHED / 2;
    // the second part is empty where the first is the whole
    let parts =
        if n_bytes <= SEARCHED { [0..n_bytes, n_bytes..n_bytes] } else { [0..half, n_bytes - half..n_bytes] };
    let cut = move |part: Range<u64>| {
        let end = part.end;
        part.step_by(PIECE).map(move |from| from..end.min(from + PIECE as u64 + overlap))
    };
    parts.into_iter().flat_map(cut)
}

/// The first of these places, in ascending order, whose address is written anywhere.
fn named(
    file: &mut File,
    start: u64,
    n_bytes: u64,
    places: &[u64],
    piece: &mut Vec<u8>,
) -> std::io::Result<Option<u64>> {
    let addresses: Vec<u64> = places.iter().filter_map(|place| place.checked_sub(start)).collect();
    let (Some(&first), Some(&last)) = (addresses.first(), addresses.last()) else { return Ok(None) };
    piece.resize(PIECE + 7, 0);
    for part in pieces(n_bytes, 7) {
        let bytes = &mut piece[..(part.end - part.start) as usize];
        read_at(file, part.start, bytes)?;
        let mut value = 0_u64;
        for (at, &byte) in bytes.iter().enumerate() {
            value = value >> 8 | u64::from(byte) << 56;
            if at >= 7 && (first..=last).contains(&value) && addresses.binary_search(&value).is_ok() {
                return Ok(Some(start + value));
            }
        }
    }
    Ok(None)
}

fn read_at(file: &mut File, place: u64, bytes: &mut [u8]) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(place))?;
    file.read_exact(bytes)
}

/// The whole number of 8 bytes at a place of a block.
fn number(block: &[u8], at: usize) -> u64 {
    block[at..at + 8].iter().rev().fold(0, |all, &byte| all << 8 | u64::from(byte))
}

/// How a walk through a heap ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It does, or the library refuses the heap.
    Fine,
    Circle,
    /// All heaps together take more than the file has room for, so that they share it.
    TooMany,
}

impl End {
    fn fault(self) -> Option<&'static str> {
        match self {
            Self::Fine => None,
            Self::Circle => Some("goes in circles"),
            Self::TooMany => Some("is one of more than the file has room for"),
        }
    }
}

/// Walks through the heaps of a file as the library does, and what that may cost for all of them together.
struct Walk<'f> {
    file: &'f mut File,
    start: u64,
    n_bytes: u64,
    /// Local heaps and free blocks in them that may still be visited: a group takes over 600 bytes.
    steps: u64,
    /// Bytes of collections that may still be read.
    bytes: u64,
    window: Vec<u8>,
}

impl<'f> Walk<'f> {
    fn new(file: &'f mut File, start: u64, n_bytes: u64) -> Self {
        let searched = n_bytes.min(SEARCHED);
        let (steps, bytes) = (searched / 128 + FOR_NOTHING, 2 * searched + FOR_NOTHING);
        Self { file, start, n_bytes, steps, bytes, window: vec![0; WINDOW] }
    }

    /// Whether one more step may be made.
    fn may_step(&mut self) -> bool {
        let left = self.steps.checked_sub(1);
        self.steps = left.unwrap_or(0);
        left.is_some()
    }

    /// Whether so many more bytes of collections may be read.
    fn may_read(&mut self, n_bytes: u64) -> bool {
        let left = self.bytes.checked_sub(n_bytes);
        self.bytes = left.unwrap_or(0);
        left.is_some()
    }

    /// `N` bytes at a place; none beyond the end of the file.
    fn bytes_at<const N: usize>(&mut self, place: u64) -> std::io::Result<Option<[u8; N]>> {
        let mut bytes = [0; N];
        if place.checked_add(N as u64).is_none_or(|end| end > self.n_bytes) {
            return Ok(None);
        }
        read_at(self.file, place, &mut bytes).map(|()| Some(bytes))
    }

    /// Whether the free blocks of the local heap at a place follow one another in a circle (Brent, 1980).
    fn list(&mut self, place: u64) -> std::io::Result<End> {
        if !self.may_step() {
            return Ok(End::TooMany);
        }
        // signature, version 0, 3 reserved bytes, size of the data, first free block, address of the data
        let prefix = self.bytes_at::<32>(place)?.filter(|prefix| prefix[4] == 0);
        let Some(prefix) = prefix else { return Ok(End::Fine) };
        let (size, mut free, data) = (number(&prefix, 8), number(&prefix, 16), number(&prefix, 24));
        let (mut mark, mut n_steps, mut stretch) = (free, 0_u64, 1_u64);
        while free != END_OF_LIST && free.checked_add(16).is_some_and(|end| end <= size) {
            let at = self.start.checked_add(data).and_then(|at| at.checked_add(free));
            let Some(at) = at else { break };
            let Some(block) = self.bytes_at::<16>(at)? else { break };
            let (next, len) = (number(&block, 0), number(&block, 8));
            // the library refuses both
            if next == 0 || free.wrapping_add(len) > size {
                break;
            }
            if !self.may_step() {
                return Ok(End::TooMany);
            }
            free = next;
            n_steps += 1;
            if free == mark {
                return Ok(End::Circle);
            }
            if n_steps == stretch {
                (mark, n_steps, stretch) = (free, 0, stretch.saturating_mul(2));
            }
        }
        Ok(End::Fine)
    }

    /// Whether the global heap at a place has an object of no bytes.
    fn collection(&mut self, place: u64) -> std::io::Result<End> {
        if !self.may_read(PREFIX_COST) {
            return Ok(End::TooMany);
        }
        // signature, version 1, 3 reserved bytes, size of all
        let prefix = self.bytes_at::<16>(place)?.filter(|prefix| prefix[4] == 1);
        let size = prefix.map_or(0, |prefix| number(&prefix, 8));
        if size < SMALLEST_COLLECTION {
            return Ok(End::Fine);
        }
        let end = place.saturating_add(size).min(self.n_bytes);
        let (mut at, mut there) = (place + 16, 0..0);
        while at.checked_add(16).is_some_and(|header_end| header_end <= end) {
            if at < there.start || at + 16 > there.end {
                there = at..end.min(at + WINDOW as u64);
                let n_read = there.end - there.start;
                if !self.may_read(n_read) {
                    return Ok(End::TooMany);
                }
                read_at(self.file, at, &mut self.window[..n_read as usize])?;
            }
            let object = &self.window[(at - there.start) as usize..];
            // number (0 is the free space), references, 4 reserved bytes, size
            let size = number(object, 8);
            let is_free = object[0] == 0 && object[1] == 0;
            let padded = size.wrapping_add(7) & !7;
            let needed = if is_free { size } else { padded.wrapping_add(16) };
            if needed == 0 {
                return Ok(End::Circle);
            }
            at = at.saturating_add(needed);
        }
        Ok(End::Fine)
    }
}

#[cfg(test)]
mod tests;
