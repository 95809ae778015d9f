//! npz files as numpy writes them, byte by byte, and what is in files that were written.

use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// One array as numpy stores it.
#[derive(Clone, Debug)]
pub(crate) struct Raw {
    pub(crate) name: String,
    pub(crate) descriptor: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) is_by_columns: bool,
    pub(crate) data: Vec<u8>,
}

impl Raw {
    pub(crate) fn numbers(name: &str, shape: &[usize], values: &[f64]) -> Self {
        let data = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        Self::new(name, "<f8", shape, data)
    }

    pub(crate) fn integers(name: &str, shape: &[usize], values: &[i64]) -> Self {
        let data = values.iter().flat_map(|n| n.to_le_bytes()).collect();
        Self::new(name, "<i8", shape, data)
    }

    pub(crate) fn text(name: &str, text: &str) -> Self {
        let data = text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
        Self::new(name, &format!("<U{}", text.chars().count()), &[], data)
    }

    pub(crate) fn new(name: &str, descriptor: &str, shape: &[usize], data: Vec<u8>) -> Self {
        Self {
            name: name.into(),
            descriptor: descriptor.into(),
            shape: shape.to_vec(),
            is_by_columns: false,
            data,
        }
    }

    fn npy(&self) -> Vec<u8> {
        let order = if self.is_by_columns { "True" } else { "False" };
        let lengths = self.shape.iter().map(|len| format!("{len},")).collect::<Vec<_>>().join(" ");
        let mut header =
            format!("{{'descr': '{}', 'fortran_order': {order}, 'shape': ({}), }}", self.descriptor, lengths);
        while (10 + header.len() + 1) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(&self.data);
        bytes
    }
}

/// A file of these arrays, and the folder that it is in.
pub(crate) fn written(arrays: &[Raw]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.npz");
    let mut archive = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    for array in arrays {
        let options =
            zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        archive.start_file(format!("{}.npy", array.name), options).unwrap();
        archive.write_all(&array.npy()).unwrap();
    }
    archive.finish().unwrap();
    (folder, path)
}

/// Names, descriptors, shapes as numpy's header says them, and bytes of the values.
pub(crate) fn stored(path: &Path) -> Vec<(String, String, String, Vec<u8>)> {
    use std::io::Read;
    let mut archive = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let n = archive.len();
    let of = |k: usize| {
        let mut entry = archive.by_index(k).unwrap();
        assert_eq!(entry.compression(), zip::CompressionMethod::Stored);
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let n_header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        let header = String::from_utf8(bytes[10..10 + n_header].to_vec()).unwrap();
        let between = |begin: &str, end: &str| {
            let after = header.split(begin).nth(1).unwrap();
            after.split(end).next().unwrap().to_string()
        };
        let (descriptor, shape) = (between("'descr': '", "'"), between("'shape': (", ")"));
        let name = entry.name().trim_end_matches(".npy").to_string();
        (name, descriptor, shape, bytes[10 + n_header..].to_vec())
    };
    (0..n).map(of).collect()
}
