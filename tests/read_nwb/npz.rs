//! numpy arrays of every stored type and order.

use std::io::Write;
use std::path::PathBuf;

use ndarray::{Array2, arr2};
use rheobase::Error;
use rheobase::error::Blame;
use rheobase::read::npz::{NumpyArray, npz_names, read_npy, read_npz};
use tempfile::TempDir;

use crate::said;

const LIMIT: u64 = 1 << 20;

/// The bytes of a npy file, version 1.0.
fn npy(descriptor: &str, is_fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if is_fortran { "True" } else { "False" };
    let mut header = format!("{{'descr': {descriptor}, 'fortran_order': {order}, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn written(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn read(bytes: &[u8]) -> Result<NumpyArray, Error> {
    let folder = tempfile::tempdir().unwrap();
    read_npy(&written(&folder, "x.npy", bytes), LIMIT)
}

fn column(values: &[f64]) -> Array2<f64> {
    Array2::from_shape_vec((values.len(), 1), values.to_vec()).unwrap()
}

#[test]
fn every_number_type() {
    macro_rules! check {
        ($descriptor:literal, $kind:ty, $order:ident, $values:expr, $expected:expr) => {{
            let values: [$kind; 2] = $values;
            let data: Vec<u8> = values.iter().flat_map(|v| v.$order()).collect();
            let array = read(&npy(concat!("'", $descriptor, "'"), false, "(2,)", &data)).unwrap();
            assert_eq!((array.values.is_f32(), array.n_dims), ($descriptor.ends_with("f4"), 1));
            assert_eq!(array.values.into_f64(), column(&$expected), $descriptor);
        }};
    }
    check!("<f8", f64, to_le_bytes, [0.1, -2.5], [0.1, -2.5]);
    check!(">f8", f64, to_be_bytes, [0.1, -2.5], [0.1, -2.5]);
    check!("<f4", f32, to_le_bytes, [0.1, -2.5], [f64::from(0.1_f32), -2.5]);
    check!(">f4", f32, to_be_bytes, [0.5, -2.5], [0.5, -2.5]);
    check!("|i1", i8, to_le_bytes, [-128, 127], [-128.0, 127.0]);
    check!("<i2", i16, to_le_bytes, [-300, 300], [-300.0, 300.0]);
    check!(">i4", i32, to_be_bytes, [-70_000, 70_000], [-70_000.0, 70_000.0]);
    check!("<i8", i64, to_le_bytes, [-1, 1 << 40], [-1.0, (1_u64 << 40) as f64]);
    check!("|u1", u8, to_le_bytes, [0, 255], [0.0, 255.0]);
    check!("<u2", u16, to_le_bytes, [0, 65_535], [0.0, 65_535.0]);
    check!("<u4", u32, to_le_bytes, [0, u32::MAX], [0.0, f64::from(u32::MAX)]);
    check!("<u8", u64, to_le_bytes, [3, 1 << 50], [3.0, (1_u64 << 50) as f64]);
    check!("|b1", u8, to_le_bytes, [0, 1], [0.0, 1.0]);
}

#[test]
fn rows_and_columns_in_either_order() {
    let data: Vec<u8> = (0..6_u8).collect();
    let c_order = read(&npy("'|u1'", false, "(2, 3)", &data)).unwrap();
    assert_eq!(c_order.values.into_f64(), arr2(&[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]));
    let fortran = read(&npy("'|u1'", true, "(2, 3)", &data)).unwrap();
    assert_eq!(fortran.n_dims, 2);
    let fortran = fortran.values.into_f64();
    assert_eq!(fortran, arr2(&[[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]]));
    assert!(fortran.is_standard_layout());
    assert_eq!(read(&npy("'|u1'", false, "(0, 3)", &[])).unwrap().values.dim(), (0, 3));
}

#[test]
fn many_columns_become_rows_as_they_are_read() {
    // more numbers than are converted, or turned, at a time, and a last piece that is shorter
    let (n_rows, n_columns) = (300_001, 15);
    let value = |row: usize, column: usize| (row * 31 + column * 7) as f32;
    let of_column = |column: usize| (0..n_rows).flat_map(move |row| value(row, column).to_le_bytes());
    let data: Vec<u8> = (0..n_columns).flat_map(of_column).collect();
    let shape = format!("({n_rows}, {n_columns})");
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, "x.npy", &npy("'<f4'", true, &shape, &data));
    let found = read_npy(&path, 1 << 30).unwrap().values;
    assert_eq!(found, Array2::from_shape_fn((n_rows, n_columns), |(row, k)| value(row, k)).into());
}

#[test]
fn what_is_no_matrix_of_numbers_is_refused() {
    for (bytes, words) in [
        (npy("'|O'", false, "(2,)", &[0; 16]), "Python objects"),
        (npy("'<U5'", false, "(2,)", &[0; 40]), "strings"),
        (npy("'<c16'", false, "(1,)", &[0; 16]), "complex"),
        (npy("'<f2'", false, "(1,)", &[0; 2]), "another size"),
        (npy("'<M8[ns]'", false, "(1,)", &[0; 8]), "dates"),
        (npy("[('a', '<f8')]", false, "(1,)", &[0; 8]), "another type"),
        (npy("'<f8'", false, "(1, 1, 1)", &[0; 8]), "found 3 (shape [1, 1, 1])"),
        (npy("'<f8'", false, "()", &[0; 8]), "found 0"),
        (npy("'<f8'", false, "(3,)", &[0; 8]), "truncated"),
        (b"hello".to_vec(), "header"),
        (Vec::new(), "header"),
    ] {
        let error = read(&bytes).unwrap_err();
        let text = said(&error);
        assert!(text.contains(words), "{words:?} is not in: {text}");
        assert_eq!(error.blame(), Blame::Data);
    }
}

#[test]
fn sizes_are_checked_before_reading() {
    let huge = npy("'<f8'", false, "(4611686018427387904, 16)", &[0; 8]);
    assert!(said(&read(&huge).unwrap_err()).contains("truncated"));
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, "x.npy", &npy("'|u1'", false, "(1000,)", &[0; 1000]));
    assert!(matches!(read_npy(&path, 7999), Err(Error::Memory { needed_bytes: 8000, .. })));
    assert!(read_npy(&path, 8000).is_ok());
    let path = written(&folder, "single.npy", &npy("'<f4'", false, "(1000,)", &[0; 4000]));
    assert!(matches!(read_npy(&path, 3999), Err(Error::Memory { needed_bytes: 4000, .. })));
    assert!(read_npy(&path, 4000).is_ok());
}

#[test]
fn archives_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.npz");
    let mut archive = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    for (name, bytes) in [
        ("X.npy", npy("'<f4'", false, "(1, 2)", &[0, 0, 128, 63, 0, 0, 0, 64])),
        ("y.npy", npy("'|u1'", false, "(2,)", &[7, 9])),
        ("bad.npy", npy("'|O'", false, "(2,)", &[0; 16])),
    ] {
        archive.start_file(name, options).unwrap();
        archive.write_all(&bytes).unwrap();
    }
    archive.finish().unwrap();
    assert_eq!(npz_names(&path).unwrap(), ["X", "y", "bad"]);
    let x = read_npz(&path, "X", LIMIT).unwrap();
    assert_eq!(x.values, arr2(&[[1.0_f32, 2.0]]).into());
    assert_eq!(read_npz(&path, "y", LIMIT).unwrap().values, column(&[7.0, 9.0]).into());
    assert!(said(&read_npz(&path, "bad", LIMIT).unwrap_err()).contains("\"bad\""));
    let error = read_npz(&path, "Z", LIMIT).unwrap_err();
    assert_eq!((error.blame(), error.help().as_str()), (Blame::Request, "present are: X, y, bad"));
    // cut short: the list of arrays stands at the end of the file
    let bytes = std::fs::read(&path).unwrap();
    let cut = written(&folder, "cut.npz", &bytes[..bytes.len() / 2]);
    assert_eq!(read_npz(&cut, "X", LIMIT).unwrap_err().blame(), Blame::Data);
    assert!(
        said(&read_npz(&folder.path().join("none.npz"), "X", LIMIT).unwrap_err()).contains("check the path")
    );
    assert!(said(&npz_names(folder.path()).unwrap_err()).contains("a folder"));
}
