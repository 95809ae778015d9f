//! Series that take far more room in memory than in their file, and are there all the same.

use hdf5::filters::ScaleOffset;

use crate::crafted::{open, recording, series};

const N: usize = 1 << 22;
const CHUNK: usize = 1 << 16;

#[test]
fn what_is_packed_to_nearly_nothing_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = recording(folder.path(), |group| {
        let own = series(group, "zeros");
        let set = own.new_dataset::<f64>().chunk(CHUNK).shuffle().deflate(9).shape(N);
        set.create("data").unwrap().write_raw(&vec![0.0; N]).unwrap();
        let own = series(group, "sevens");
        let set = own.new_dataset::<i32>().chunk(CHUNK).scale_offset(ScaleOffset::Integer(0)).shape(N);
        set.create("data").unwrap().write_raw(&vec![7_i32; N]).unwrap();
        // nothing of it was written, which is meant: so it says what stands there
        let own = series(group, "gaps");
        let set = own.new_dataset::<f64>().chunk(CHUNK).deflate(4).fill_value(f64::NAN).shape(N);
        set.create("data").unwrap();
        // one chunk of 64 was written
        let own = series(group, "begun");
        let set = own.new_dataset::<f64>().chunk(CHUNK).shape(N).create("data").unwrap();
        set.write_slice(&vec![2.5; CHUNK], 0..CHUNK).unwrap();
        let own = series(group, "lost");
        let set = own.new_dataset::<i32>().chunk(CHUNK).scale_offset(ScaleOffset::Integer(0)).shape(N);
        set.create("data").unwrap();
    });
    let n_bytes = std::fs::metadata(&path).unwrap().len();
    assert!(n_bytes < 2 << 20, "{n_bytes}");
    let file = open(&path);
    let all = |name: &str| file.series(name).unwrap().read_rows(0..N, None).map(|read| read.values);
    assert!(all("zeros").unwrap().iter().all(|&value| value == 0.0));
    assert!(all("sevens").unwrap().iter().all(|&value| value == 7.0));
    assert!(all("gaps").unwrap().iter().all(|value| value.is_nan()));
    let begun = all("begun").unwrap();
    assert_eq!(begun.iter().sum::<f64>(), 2.5 * CHUNK as f64);
    let error = all("lost").unwrap_err().to_string();
    assert!(error.contains("expected 4194304 values, found room for hardly any"), "{error}");
}
