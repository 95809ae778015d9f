//! Heaps that are sound, endless, or left behind.

use std::io::Write;

use super::*;

fn verdict_on(bytes: &[u8]) -> Verdict {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    search(&mut file, 0, bytes.len() as u64).unwrap()
}

fn found(bytes: &[u8]) -> Option<u64> {
    verdict_on(bytes).endless.map(|(place, _)| place)
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
        bytes[48 + at..56 + at].copy_from_slice(&16_u64.to_le_bytes());
    }
    bytes
}

/// A global heap at byte 8, and its address at the end.
fn collection(objects: &[(u16, u64)]) -> Vec<u8> {
    let mut bytes = b"\0\0\0\0\0\0\0\0GCOL\x01\0\0\0".to_vec();
    bytes.extend(4096_u64.to_le_bytes());
    for &(number, size) in objects {
        bytes.extend(number.to_le_bytes());
        bytes.extend([0_u8; 6]);
        bytes.extend(size.to_le_bytes());
        let n_data = if number > 0 { size.min(64).next_multiple_of(8) as usize } else { 0 };
        bytes.extend(vec![b'x'; n_data]);
    }
    bytes.resize(8 + 4096, 0);
    bytes.extend(8_u64.to_le_bytes());
    bytes
}

#[test]
fn lists_of_free_blocks_may_not_go_in_circles() {
    assert_eq!(found(&local(&[(16, 48), (48, 1)], 16)), None);
    assert_eq!(found(&local(&[], 1)), None);
    // beyond the data, of more bytes than there are, and to block 0: the library refuses them itself
    assert_eq!(found(&local(&[(16, 120)], 16)), None);
    assert_eq!(found(&local(&[], 16)), None);
    let mut too_long = local(&[(16, 16)], 16);
    too_long[64] = 113;
    assert_eq!(found(&too_long), None);
    assert_eq!(found(&local(&[(16, 48), (48, 16)], 16)), Some(8));
    assert_eq!(found(&local(&[(16, 16)], 16)), Some(8));
    assert_eq!(found(&local(&[(32, 64), (64, 96), (96, 64)], 32)), Some(8));
    let mut other = local(&[(16, 16)], 16);
    other[12] = 1;
    assert_eq!(found(&other), None);
}

#[test]
fn objects_of_a_global_heap_take_bytes() {
    assert_eq!(found(&collection(&[(1, 5), (2, 16), (0, 4016)])), None);
    assert_eq!(found(&collection(&[(1, 5), (0, 0)])), Some(8));
    assert_eq!(found(&collection(&[(1, 5), (2, u64::MAX - 15), (0, 0)])), Some(8));
    assert_eq!(found(&collection(&[(1, 5), (2, u64::MAX / 2)])), None);
    // an object of no letters has a header
    assert_eq!(found(&collection(&[(1, 0), (2, 0), (0, 4048)])), None);
    // the library reads no smaller one
    let mut small = collection(&[(0, 0)]);
    small[17] = 8;
    assert_eq!(found(&small), None);
}

#[test]
fn a_global_heap_that_nothing_names_is_left_alone() {
    let mut bytes = collection(&[(1, 5), (0, 0)]);
    bytes.truncate(bytes.len() - 8);
    assert_eq!(verdict_on(&bytes), Verdict { endless: None, doubtful: Some(8) });
    // addresses count from the start of the format
    bytes.extend(5_u64.to_le_bytes());
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    let verdict = search(&mut file, 3, bytes.len() as u64).unwrap();
    assert_eq!(verdict.endless, Some((8, "goes in circles")));
}

#[test]
fn heaps_are_found_across_pieces() {
    let mut bytes = vec![b'x'; PIECE - 10];
    bytes.extend(local(&[], 1));
    assert_eq!(found(&bytes), None);
    let mut bytes = vec![0; PIECE - 2];
    bytes.extend(b"GCOL\x01\0\0\0\0\x10\0\0\0\0\0\0");
    bytes.extend([0_u8; 4096]);
    bytes.resize(2 * PIECE - 4, 0);
    bytes.extend((PIECE as u64 - 2).to_le_bytes());
    assert_eq!(found(&bytes), Some(PIECE as u64 - 2));
}

#[test]
fn heaps_that_share_their_bytes_are_too_many() {
    let end_of = |verdict: Verdict| verdict.endless.map(|(_, what)| what);
    // each collection is an object of those before it
    let shared: Vec<u8> =
        (0..1 << 17).flat_map(|_| [*b"GCOL\x01\0\0\0", 4096_u64.to_le_bytes()].concat()).collect();
    assert_eq!(end_of(verdict_on(&shared)), End::TooMany.fault());
    // each heap has the same long list
    let mut shared: Vec<u8> =
        (1..20_000_u64).flat_map(|k| [(16 * k).to_le_bytes(), 16_u64.to_le_bytes()].concat()).collect();
    shared.extend([1_u64.to_le_bytes(), 16_u64.to_le_bytes()].concat());
    let size = shared.len() as u64;
    let heap = [*b"HEAP\0\0\0\0", size.to_le_bytes(), [0; 8], [0; 8]].concat();
    let one = [&shared[..], &heap].concat();
    assert_eq!(verdict_on(&one), Verdict::default());
    assert_eq!(end_of(verdict_on(&[&shared[..], &heap.repeat(10)].concat())), End::TooMany.fault());
}

#[test]
fn a_file_is_searched_again_when_it_has_changed() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("a");
    let now = SystemTime::now();
    let verdict_of = |bytes: &[u8], hours: u64| {
        std::fs::write(&path, bytes).unwrap();
        let time = now - Duration::from_secs(3600 * hours);
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(time).unwrap();
        verdict(&path, &mut File::open(&path).unwrap(), 0).unwrap()
    };
    let (sound, endless) = (local(&[(16, 48), (48, 1)], 16), local(&[(16, 48), (48, 16)], 16));
    assert_eq!(verdict_of(&sound, 2).endless, None);
    // with the same time it passes for the same file
    assert_eq!(verdict_of(&endless, 2).endless, None);
    assert!(verdict_of(&endless, 5).endless.is_some());
}
