//! Files and objects that are not in order: one clear error each, and the rest still loads.

use std::io::Write;
use std::path::Path;

use rheobase::Error;
use rheobase::error::Blame;
use rheobase::read::nwb::{self, Severity};
use rheobase::recording::Kind;

use crate::{data, fixture, said};

fn refused(path: &Path, words: &[&str]) {
    let error = nwb::open(path).unwrap_err();
    let text = said(&error);
    assert_eq!(error.blame(), Blame::Data, "{text}");
    assert!(!error.help().is_empty(), "{text}");
    for word in words {
        assert!(text.contains(word), "{word:?} is not in: {text}");
    }
}

fn file_with(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

#[test]
fn missing_folder_empty_and_foreign_files() {
    refused(Path::new("no/such/file.nwb"), &["no/such/file.nwb", "check the path"]);
    refused(&data("nwb"), &["a folder"]);
    refused(file_with(b"").path(), &["empty"]);
    let noise: Vec<u8> = (0..5000_u32).map(|i| (i * i % 251) as u8).collect();
    refused(file_with(&noise).path(), &["5000 bytes without an HDF5 signature"]);
    refused(file_with(b"\x89HDF").path(), &["4 bytes without"]);
}

#[test]
fn hdf5_that_is_not_nwb() {
    refused(&data("nwb/plain.h5"), &["NWB 2", "nwb_version"]);
    refused(&data("nwb/nwb1.nwb"), &["NWB 1"]);
}

#[test]
fn truncated_files_tell_both_sizes() {
    let whole = std::fs::read(data("nwb/intervals.nwb")).unwrap();
    for n in [whole.len() - 1, whole.len() / 2, 100, 60, 30, 9] {
        let cut = file_with(&whole[..n]);
        refused(cut.path(), &["truncated", &format!("{n} bytes")]);
    }
    let text = said(&nwb::open(file_with(&whole[..1000]).path()).unwrap_err());
    assert!(text.contains(&format!("expected {} bytes", whole.len())), "{text}");
}

#[test]
fn flipped_bytes_never_panic() {
    let whole = std::fs::read(data("nwb/units.nwb")).unwrap();
    let mut state = 7_u64;
    for _ in 0..60 {
        let mut bytes = whole.clone();
        for _ in 0..20 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (state >> 33) as usize % bytes.len();
            bytes[at] ^= 1 << (state >> 30 & 7);
        }
        let file = file_with(&bytes);
        if let Ok(file) = nwb::open(file.path()) {
            let _ = file.units();
            let _ = file.check();
        }
    }
}

#[test]
fn broken_series_say_why() {
    let file = fixture("broken.nwb");
    for (key, words) in [
        ("no_times", "found neither"),
        ("rate_zero", "rate 0"),
        ("rate_negative", "rate -5"),
        ("rate_missing", "rate none"),
        ("short_times", "expected 10 times (one per sample of data), found 7"),
        ("transposed", "transposed"),
        ("no_data", "\"data\""),
        ("text", "expected numbers, found text"),
        ("cube", "found 3 ([10, 2, 2])"),
        ("lzf", "filter 32000 (lzf)"),
        ("dangling_times", "timestamps"),
    ] {
        let text = said(&file.series(key).unwrap_err());
        assert!(text.contains(words), "{key}: {text}");
        assert!(text.contains(&format!("/acquisition/{key}")), "{key}: {text}");
    }
    assert_eq!(file.series("good").unwrap().read_range(0.1, 0.2, None).unwrap().t, [0.1, 0.2]);
}

#[test]
fn broken_links_and_untyped_groups_are_said() {
    let file = fixture("broken.nwb");
    let unreadable: Vec<&str> =
        file.recording().of_kind(Kind::Unreadable).map(|entry| entry.key.as_str()).collect();
    assert_eq!(unreadable, ["dangling", "elsewhere"]);
    assert!(said(&file.series("elsewhere").unwrap_err()).contains("another file"));
    assert!(file.recording().notices.iter().any(|notice| notice.contains("/acquisition/untyped")));
    assert!(matches!(file.series("untyped"), Err(Error::Unknown { .. })));
}

#[test]
fn a_claimed_size_allocates_nothing() {
    let series = fixture("broken.nwb").series("huge").unwrap();
    assert_eq!(series.n_samples(), 1 << 40);
    assert!(matches!(series.read_rows(0..1 << 40, None), Err(Error::Memory { .. })));
    assert_eq!(series.read_range(5.0, 5.001, None).unwrap().t, [5.0, 5.001]);
}

#[test]
fn bad_times_are_found_in_the_range_and_beside_it() {
    let file = fixture("broken.nwb");
    let series = file.series("nan_time").unwrap();
    assert_eq!(series.read_rows(0..5, None).unwrap().t.len(), 5);
    for rows in [5..6, 0..6, 7..8, 6..7] {
        let text = said(&series.read_rows(rows, None).unwrap_err());
        assert!(text.contains("NaN at row 6") && text.contains("/acquisition/nan_time/timestamps"), "{text}");
    }
    let series = file.series("unsorted_times").unwrap();
    assert!(series.read_rows(0..6, None).is_ok());
    assert!(said(&series.read_rows(7..8, None).unwrap_err()).contains("at row 7 after"));
}

#[test]
fn bad_rows_of_intervals_are_dropped_and_said() {
    let file = fixture("broken.nwb");
    let epochs = file.intervals("epochs").unwrap();
    assert_eq!((epochs.start_s.clone(), epochs.file_rows.clone()), (vec![0.0, 0.7], vec![0, 4]));
    assert_eq!(epochs.tags(), ["a", "d"]);
    assert!(epochs.notices[0].contains("3 of 5 rows dropped"), "{:?}", epochs.notices);
    let text = said(&file.intervals("unequal").unwrap_err());
    assert!(text.contains("expected 2 entries (one per row), found 3"), "{text}");
    assert!(said(&file.units().unwrap_err()).contains("found 9 at row 1"));
}

#[test]
fn the_check_reads_all_values() {
    let findings = fixture("series.nwb").check();
    let text = |object: &str| -> Vec<&str> {
        findings.iter().filter(|f| f.object == object).map(|f| f.text.as_str()).collect()
    };
    assert_eq!(text("/acquisition/with_nan"), ["2 values are NaN (first at row 3)"]);
    assert_eq!(text("/acquisition/sweeps"), ["1 gaps longer than 1.5 sample intervals (first at row 3000)"]);
    assert!(text("/acquisition/regular").is_empty());
}

#[test]
fn the_check_of_a_broken_file() {
    let findings = fixture("broken.nwb").check();
    let has = |object: &str, severity: Severity, words: &str| {
        assert!(
            findings.iter().any(|f| f.object == object && f.severity == severity && f.text.contains(words)),
            "{object}: {words} is not in {findings:#?}"
        );
    };
    has("/acquisition/nan_time", Severity::Problem, "1 timestamps are not finite (first at row 6)");
    has("/acquisition/unsorted_times", Severity::Problem, "1 timestamps go back in time (first at row 7)");
    has("/acquisition/no_times", Severity::Problem, "neither");
    has("/acquisition/lzf", Severity::Problem, "32000");
    has("/acquisition/elsewhere", Severity::Problem, "another file");
    has("/intervals/overlapping", Severity::Remark, "1 rows overlap");
    has("/intervals/epochs", Severity::Problem, "dropped");
    has("/acquisition/huge", Severity::Problem, "never written");
    has("/units", Severity::Problem, "found 9");
}
