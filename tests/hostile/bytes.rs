//! Mutants of files of bytes: flips, cuts, blocks, and headers that lie about sizes.

use rand::{Rng, RngExt};

/// What a size is claimed to be instead.
const LIES: [u64; 10] = [0, 1, 2, 255, 65_535, 1 << 20, 1 << 32, 1 << 40, i64::MAX.cast_unsigned(), u64::MAX];

/// A signature, and places behind it: the distance, and the width.
type SizesOf = (&'static [u8], &'static [(usize, usize)]);

/// Signatures of HDF5 with what counts or measures something behind them: the distance, and the width.
const SIZES_OF_HDF5: [SizesOf; 9] = [
    (b"\x89HDF\r\n\x1a\n", &[(8, 1), (13, 1), (14, 1), (16, 2), (28, 8), (40, 8), (64, 8)]),
    (b"BTHD", &[(4, 1), (5, 1), (6, 4), (10, 2), (12, 2), (16, 8), (24, 2), (26, 8)]),
    (b"TREE", &[(4, 1), (5, 1), (6, 2), (8, 8), (24, 8), (32, 8)]),
    (b"SNOD", &[(4, 1), (6, 2), (8, 8), (16, 8), (24, 4)]),
    (b"HEAP", &[(8, 8), (16, 8), (24, 8)]),
    (b"GCOL", &[(8, 8), (16, 2), (18, 2), (24, 8)]),
    (b"OHDR", &[(4, 1), (5, 1), (6, 1), (7, 2), (11, 1), (12, 2)]),
    (b"FRHP", &[(5, 2), (9, 4), (14, 8), (22, 8), (110, 2)]),
    (b"OCHK", &[(4, 1), (5, 2)]),
];

/// The same of zip archives: sizes, lengths of names, numbers of entries, and where they are.
const SIZES_OF_ZIP: [SizesOf; 3] = [
    (b"PK\x03\x04", &[(6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2)]),
    (b"PK\x01\x02", &[(8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2), (42, 4)]),
    (b"PK\x05\x06", &[(4, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2)]),
];

/// A mutant of an HDF5 file.
pub(crate) fn of_hdf5(whole: &[u8], random: &mut impl Rng) -> Vec<u8> {
    mutant(whole, &SIZES_OF_HDF5, random)
}

/// A mutant of a zip archive.
pub(crate) fn of_zip(whole: &[u8], random: &mut impl Rng) -> Vec<u8> {
    if random.random_bool(0.3) {
        header_of_numpy(whole, random)
    } else {
        mutant(whole, &SIZES_OF_ZIP, random)
    }
}

/// A mutant of an array of numpy.
pub(crate) fn of_npy(whole: &[u8], random: &mut impl Rng) -> Vec<u8> {
    if random.random_bool(0.6) { header_of_numpy(whole, random) } else { mutant(whole, &[], random) }
}

type Sizes<'s> = &'s [SizesOf];

fn mutant(whole: &[u8], sizes: Sizes, random: &mut impl Rng) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    let n = bytes.len();
    match random.random_range(0..12) {
        0..=2 => flip(&mut bytes, random),
        3 => bytes.truncate(random.random_range(0..n)),
        4 => block(&mut bytes, random).fill(0),
        5 => block(&mut bytes, random).fill(0xff),
        6 => {
            let from = random.random_range(0..n);
            let to = random.random_range(0..n);
            let len = random.random_range(1..=64).min(n - from.max(to));
            bytes.copy_within(from..from + len, to);
        }
        7..=8 => any_size(&mut bytes, random),
        _ => {
            let known = places(&bytes, sizes);
            if known.is_empty() {
                any_size(&mut bytes, random);
            } else {
                let (at, width) = known[random.random_range(0..known.len())];
                lie(&mut bytes, at, width, random);
            }
        }
    }
    bytes
}

fn flip(bytes: &mut [u8], random: &mut impl Rng) {
    for _ in 0..random.random_range(1..=8) {
        let at = random.random_range(0..bytes.len());
        bytes[at] ^= 1 << random.random_range(0..8);
    }
}

fn block<'b>(bytes: &'b mut [u8], random: &mut impl Rng) -> &'b mut [u8] {
    let from = random.random_range(0..bytes.len());
    let to = (from + random.random_range(1..=256)).min(bytes.len());
    &mut bytes[from..to]
}

/// Where the sizes of known structures are, and their widths.
fn places(bytes: &[u8], sizes: Sizes) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (signature, fields) in sizes {
        for start in (0..bytes.len()).filter(|&at| bytes[at..].starts_with(signature)) {
            found.extend(fields.iter().map(|&(distance, width)| (start + distance, width)));
        }
    }
    found.retain(|&(at, width)| at + width <= bytes.len());
    found
}

/// Changes a small whole number anywhere: most of them are sizes, counts and places.
fn any_size(bytes: &mut [u8], random: &mut impl Rng) {
    let width = [2, 4, 8][random.random_range(0..3)];
    let small = |at: &usize| {
        let number = number(&bytes[*at..*at + width]);
        number > 0 && number < 1 << 20
    };
    let found: Vec<usize> = (0..bytes.len().saturating_sub(width)).step_by(2).filter(small).collect();
    match found.len() {
        0 => flip(bytes, random),
        n => lie(bytes, found[random.random_range(0..n)], width, random),
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |all, &byte| all << 8 | u64::from(byte))
}

fn lie(bytes: &mut [u8], at: usize, width: usize, random: &mut impl Rng) {
    let truth = number(&bytes[at..at + width]);
    let lie = match random.random_range(0..LIES.len() + 4) {
        k if k < LIES.len() => LIES[k],
        k if k == LIES.len() => truth.wrapping_add(1),
        k if k == LIES.len() + 1 => truth.wrapping_sub(1),
        k if k == LIES.len() + 2 => truth.wrapping_mul(1000),
        _ => truth << 7,
    };
    bytes[at..at + width].copy_from_slice(&lie.to_le_bytes()[..width]);
}

/// Rewrites something in the text of the header of an array, wherever in the file one is.
fn header_of_numpy(whole: &[u8], random: &mut impl Rng) -> Vec<u8> {
    const SHAPES: [&str; 8] = [
        "(4294967296, 4294967296)",
        "(18446744073709551615,)",
        "(-3, 2)",
        "()",
        "(0, 1000000000000)",
        "(1000000000,)",
        "(1, 2, 3)",
        "((((((((",
    ];
    const TYPES: [&str; 8] =
        ["'<f4'", "'>f8'", "'|O'", "'<U4000000000'", "'<U0'", "'<c16'", "[('a', '<f8')]", "'<f80'"];
    let mut bytes = whole.to_vec();
    let starts: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(b"\x93NUMPY")).collect();
    if starts.is_empty() {
        flip(&mut bytes, random);
        return bytes;
    }
    let start = starts[random.random_range(0..starts.len())];
    let (word, instead) = match random.random_range(0..4) {
        0 => ("'shape': ", SHAPES[random.random_range(0..SHAPES.len())]),
        1 => ("'descr': ", TYPES[random.random_range(0..TYPES.len())]),
        2 => ("'fortran_order': ", ["True ", "None ", "1    "][random.random_range(0..3)]),
        _ => {
            lie(&mut bytes, start + [6, 7, 8][random.random_range(0..3)], 1, random);
            return bytes;
        }
    };
    // the header keeps its length: what does not fit is cut off
    let end = bytes[start..].iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |n| start + n);
    let Some(at) = (start..end).find(|&at| bytes[at..].starts_with(word.as_bytes())) else { return bytes };
    let room = &mut bytes[at + word.len()..end];
    let mut text = instead.as_bytes().to_vec();
    text.extend(b", }");
    if word != "'shape': " {
        text = [instead.as_bytes(), b", 'fortran_order': False, 'shape': (3, 2), }"].concat();
    }
    text.resize(room.len(), b' ');
    room.copy_from_slice(&text);
    bytes
}
