//! Files that numpy would write, and random data to put into them.

use std::io::Write;
use std::path::Path;

/// An array: its shape and its values row by row, stored as float64 or float32, by rows or by columns.
pub(crate) struct Array {
    shape: Vec<usize>,
    values: Vec<f64>,
    is_f32: bool,
    is_by_columns: bool,
}

impl Array {
    pub(crate) fn matrix(n_columns: usize, values: &[f64]) -> Self {
        assert_eq!(values.len() % n_columns, 0);
        Self {
            shape: vec![values.len() / n_columns, n_columns],
            values: values.to_vec(),
            is_f32: false,
            is_by_columns: false,
        }
    }

    pub(crate) fn vector(values: &[f64]) -> Self {
        Self { shape: vec![values.len()], values: values.to_vec(), is_f32: false, is_by_columns: false }
    }

    /// A matrix without values, whose shape says where they are missing.
    pub(crate) fn hollow(n_rows: usize, n_columns: usize) -> Self {
        Self { shape: vec![n_rows, n_columns], values: Vec::new(), is_f32: false, is_by_columns: false }
    }

    pub(crate) fn in_f32(mut self) -> Self {
        self.is_f32 = true;
        self
    }

    /// Fortran order.
    pub(crate) fn by_columns(mut self) -> Self {
        self.is_by_columns = true;
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let shape = match self.shape[..] {
            [n] => format!("{n},"),
            [rows, columns] => format!("{rows}, {columns}"),
            _ => panic!("one or two dimensions"),
        };
        let kind = if self.is_f32 { "<f4" } else { "<f8" };
        let order = if self.is_by_columns { "True" } else { "False" };
        let mut header = format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': ({shape}), }}");
        while (10 + header.len() + 1) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        let n_columns = if self.is_by_columns { self.shape[1] } else { 1 };
        let columns = (0..n_columns).map(|column| self.values.iter().skip(column).step_by(n_columns));
        for &value in columns.flatten() {
            if self.is_f32 {
                bytes.extend((value as f32).to_le_bytes());
            } else {
                bytes.extend(value.to_le_bytes());
            }
        }
        bytes
    }
}

/// Writes an npz file.
pub(crate) fn write_npz(path: &Path, arrays: &[(&str, Array)]) {
    let mut archive = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    for (name, array) in arrays {
        archive.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(&array.bytes()).unwrap();
    }
    archive.finish().unwrap();
}

/// Random numbers, the same everywhere (a 64-bit linear congruential generator).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Sum of twelve uniform numbers, less 6: mean 0, variance 1.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    /// A Poisson count with this mean (by counting products, for small means).
    pub(crate) fn poisson(&mut self, mean: f64) -> f64 {
        let (limit, mut product, mut count) = ((-mean).exp(), self.uniform(), 0.0);
        while product > limit {
            product *= self.uniform();
            count += 1.0;
        }
        count
    }
}

/// Rows of the random data.
pub(crate) const N_ROWS: usize = 400;

/// Three normal columns (row by row) and counts that depend on them.
pub(crate) fn random_data() -> (Vec<f64>, Vec<f64>) {
    let mut random = Random(11);
    let x: Vec<f64> = (0..3 * N_ROWS).map(|_| random.normal()).collect();
    let y = x.chunks(3).map(|x| random.poisson((0.4 * x[0] - 0.3 * x[1] - 0.8).exp())).collect();
    (x, y)
}
