//! Recordings with bytes behind their end that look like heaps: some would keep the HDF5 library busy for ever, some are what
//! was deleted.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hdf5::types::VarLenUnicode;

use crate::crafted::{open, recording, refused, text};
use crate::readers::LIMIT_BYTES;
use rheobase::read::nwb;

/// A recording of two trials with notes, which are packed.
fn with_packed_texts(folder: &Path) -> PathBuf {
    recording(folder, |group| {
        let table = group.create_group("trials").unwrap();
        text(&table, "neurodata_type", "TimeIntervals");
        text(&table, "namespace", "core");
        for (name, shift) in [("start_time", 0.0), ("stop_time", 0.5)] {
            table.new_dataset_builder().with_data(&[shift, 1.0 + shift]).create(name).unwrap();
        }
        let notes: Vec<VarLenUnicode> = ["left", "right"].map(|note| note.parse().unwrap()).to_vec();
        table.new_dataset_builder().with_data(&notes).chunk(2).deflate(6).create("note").unwrap();
        let gone = group.create_group("gone").unwrap();
        for k in 0..200 {
            gone.create_group(&format!("a long name of something {k}")).unwrap();
        }
        group.unlink("gone").unwrap();
    })
}

/// Adds bytes behind the end of a file.
fn add(path: &Path, bytes: &[u8]) {
    let whole = [&std::fs::read(path).unwrap()[..], bytes].concat();
    std::fs::write(path, whole).unwrap();
}

#[test]
fn heaps_that_share_their_bytes_are_refused_at_once() {
    // 16 MB of collections, each of which is an object of those before it
    let collections = [*b"GCOL\x01\0\0\0", (8_u64 << 20).to_le_bytes()].concat().repeat(1 << 20);
    // a long list, and heaps that all have it
    let n_blocks = 1_u64 << 15;
    let folder = tempfile::tempdir().unwrap();
    let start = std::fs::metadata(with_packed_texts(folder.path())).unwrap().len();
    let block = |k: u64| {
        let next = if k == n_blocks { 1 } else { 16 * k };
        [next.to_le_bytes(), 16_u64.to_le_bytes()].concat()
    };
    let list: Vec<u8> = (1..=n_blocks).flat_map(block).collect();
    let size = list.len() as u64;
    let heap = [*b"HEAP\0\0\0\0", size.to_le_bytes(), [0; 8], start.to_le_bytes()].concat();
    let lists = [list, heap.repeat(1 << 15)].concat();
    for bytes in [&collections, &lists] {
        let path = with_packed_texts(folder.path());
        add(&path, bytes);
        let started = Instant::now();
        refused(
            nwb::open_with_limit(&path, LIMIT_BYTES),
            &["r.nwb", "the heap at byte", "is one of more than the file has room for"],
        );
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    }
}

#[test]
fn what_was_deleted_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let path = with_packed_texts(folder.path());
    assert_eq!(open(&path).intervals("trials").unwrap().n_rows(), 2);
    // the beginning of a local heap whose data are zeros now
    let start = std::fs::metadata(&path).unwrap().len();
    let data = start + 32;
    let prefix = [*b"HEAP\0\0\0\0", 256_u64.to_le_bytes(), 64_u64.to_le_bytes(), data.to_le_bytes()].concat();
    add(&path, &[&prefix[..], &[0; 256]].concat());
    assert_eq!(open(&path).intervals("trials").unwrap().n_rows(), 2);
    // and that of a global heap, which packed texts might name
    let start = std::fs::metadata(&path).unwrap().len();
    add(&path, &[&b"GCOL\x01\0\0\0\0\x10\0\0\0\0\0\0"[..], &[0; 4080]].concat());
    let sound_heaps =
        format!("expected texts in sound heaps, found one at byte {start} that goes in circles");
    refused(open(&path).intervals("trials"), &["r.nwb", "/acquisition/trials: note", &sound_heaps]);
    // one that is named is refused
    add(&path, &start.to_le_bytes());
    let circle = format!("the heap at byte {start} goes in circles");
    refused(nwb::open_with_limit(&path, LIMIT_BYTES), &["r.nwb", &circle]);
}
