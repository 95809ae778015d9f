//! Checksums of the structures of HDF5 that have one, so that a mutant gets past them.
//!
//! Source: HDF5 file format specification, sections II to IV; lookup3 of Jenkins (2006), which HDF5 uses.

/// Where the checksum of a structure is.
#[derive(Clone, Copy)]
enum Place {
    /// So many bytes behind its start.
    At(usize),
    /// Behind the messages of an object header, whose size its head tells.
    Header,
    /// Told by another structure: the first place where it is right.
    Found,
}

/// Structures with a checksum, by what they begin with.
const STRUCTURES: [(&[u8], Place); 8] = [
    (b"\x89HDF\r\n\x1a\n\x02", Place::At(44)),
    (b"\x89HDF\r\n\x1a\n\x03", Place::At(44)),
    (b"FRHP", Place::At(142)),
    (b"BTHD", Place::At(34)),
    (b"OHDR", Place::Header),
    (b"OCHK", Place::Found),
    (b"BTLF", Place::Found),
    (b"BTIN", Place::Found),
];

/// Bytes of the longest structure that is looked for.
const LONGEST: usize = 1024;

/// Start, and place of the checksum, of each structure of a file whose checksum is right.
fn sealed(bytes: &[u8]) -> Vec<(usize, usize, Place)> {
    let mut all = Vec::new();
    for (signature, place) in STRUCTURES {
        for start in (0..bytes.len()).filter(|&at| bytes[at..].starts_with(signature)) {
            let seal = match place {
                Place::Found => {
                    (8..LONGEST).map(|length| start + length).find(|&end| is_right(bytes, start, end))
                }
                _ => end(bytes, start, place).filter(|&end| is_right(bytes, start, end)),
            };
            all.extend(seal.map(|seal| (start, seal, place)));
        }
    }
    all
}

/// Where the checksum is, as far as the structure tells.
fn end(bytes: &[u8], start: usize, place: Place) -> Option<usize> {
    match place {
        Place::At(distance) => Some(start + distance),
        Place::Found => None,
        Place::Header => {
            let flags = *bytes.get(start + 5)?;
            let times = if flags & 0x20 != 0 { 16 } else { 0 };
            let numbers = if flags & 0x10 != 0 { 4 } else { 0 };
            let (at, width) = (start + 6 + times + numbers, 1 << (flags & 3));
            let size =
                bytes.get(at..at + width)?.iter().rev().fold(0, |all, &byte| all << 8 | u64::from(byte));
            usize::try_from(size).ok()?.checked_add(at + width)
        }
    }
}

fn is_right(bytes: &[u8], start: usize, end: usize) -> bool {
    end.checked_add(4)
        .and_then(|behind| bytes.get(end..behind))
        .is_some_and(|seal| seal == checksum(&bytes[start..end]))
}

/// Makes the checksums right again that were right in the original: of a header that lies about its size, where it says that
/// its checksum is.
pub(crate) fn make_right(whole: &[u8], mutant: &mut [u8]) {
    for (start, was_at, place) in sealed(whole) {
        let seal = end(mutant, start, place).unwrap_or(was_at);
        let Some(behind) = seal.checked_add(4).filter(|&behind| behind <= mutant.len()) else { continue };
        let is_changed = mutant[start..was_at.min(mutant.len())] != whole[start..was_at.min(mutant.len())];
        if is_changed {
            let right = checksum(&mutant[start..seal]);
            mutant[seal..behind].copy_from_slice(&right);
        }
    }
}

/// Whether something in a structure with a checksum is another, and its checksum is right.
pub(crate) fn is_sealed_lie(whole: &[u8], mutant: &[u8]) -> bool {
    sealed(whole).into_iter().any(|(start, was_at, place)| {
        let seal = end(mutant, start, place).unwrap_or(was_at);
        seal > start
            && mutant.get(start..was_at).is_some_and(|bytes| *bytes != whole[start..was_at])
            && is_right(mutant, start, seal)
    })
}

/// The checksum of HDF5 over these bytes, as it is stored.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    let word = |block: &[u8], k: usize| {
        block.iter().skip(4 * k).take(4).rev().fold(0_u32, |all, &byte| all << 8 | u32::from(byte))
    };
    let first = 0xdead_beef_u32.wrapping_add(bytes.len() as u32);
    let (mut a, mut b, mut c) = (first, first, first);
    // the last block, of 1 to 12 bytes, is mixed in another way
    let n_before = bytes.len().saturating_sub(1) / 12;
    for block in bytes.chunks(12).take(n_before) {
        a = a.wrapping_add(word(block, 0));
        b = b.wrapping_add(word(block, 1));
        c = c.wrapping_add(word(block, 2));
        (a, c) = (a.wrapping_sub(c) ^ c.rotate_left(4), c.wrapping_add(b));
        (b, a) = (b.wrapping_sub(a) ^ a.rotate_left(6), a.wrapping_add(c));
        (c, b) = (c.wrapping_sub(b) ^ b.rotate_left(8), b.wrapping_add(a));
        (a, c) = (a.wrapping_sub(c) ^ c.rotate_left(16), c.wrapping_add(b));
        (b, a) = (b.wrapping_sub(a) ^ a.rotate_left(19), a.wrapping_add(c));
        (c, b) = (c.wrapping_sub(b) ^ b.rotate_left(4), b.wrapping_add(a));
    }
    let last = &bytes[12 * n_before..];
    if last.is_empty() {
        return c.to_le_bytes();
    }
    a = a.wrapping_add(word(last, 0));
    b = b.wrapping_add(word(last, 1));
    c = c.wrapping_add(word(last, 2));
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    c = (c ^ b).wrapping_sub(b.rotate_left(24));
    c.to_le_bytes()
}

#[test]
fn checksums_are_those_of_the_library() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz/seeds/nwb/recording_latest.nwb");
    let whole = std::fs::read(path).unwrap();
    let found = sealed(&whole);
    let n_of =
        |signature: &[u8]| found.iter().filter(|(start, ..)| whole[*start..].starts_with(signature)).count();
    assert_eq!((n_of(b"\x89HDF"), n_of(b"OHDR") > 10, n_of(b"OCHK") > 5), (1, true, true));
    // a number of links in the head of the root, with its checksum
    let mut mutant = whole.clone();
    let (start, seal, _) = *found.iter().find(|(start, ..)| whole[*start..].starts_with(b"OHDR")).unwrap();
    mutant[seal - 1] ^= 1;
    assert!(!is_right(&mutant, start, seal) && !is_sealed_lie(&whole, &mutant));
    make_right(&whole, &mut mutant);
    assert!(is_right(&mutant, start, seal) && is_sealed_lie(&whole, &mutant));
}
