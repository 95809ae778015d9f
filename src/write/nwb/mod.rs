//! NWB 2 files: a simulated session ([`write_session`]) or population ([`write_population`]), and a copy of a recording with the results of a fit in it
//! ([`write_copy`]).
//!
//! Here are the objects that both are made of: typed groups, tables with plain and ragged columns, series. Objects
//! carry no modification times, and each `object_id` is a version-5 UUID of what the file was made from and of the
//! object's path, so that the same input gives the same identifiers.
//!
//! # Source
//! NWB 2.8 and hdmf-common 1.8 schemas; the files pass `pynwb.validate` (`tests/check_nwb_with_pynwb.py`).

mod copy;
mod population;
mod results;
mod session;
mod stored_model;

use std::io;
use std::path::Path;

use hdf5::types::VarLenUnicode;
use hdf5::{Dataset, DatasetBuilder, Group, H5Type, Location, ObjectReference1};
use ndarray::{ArrayView, Dimension};
use uuid::Uuid;

use crate::Error;

pub use copy::{check_place, write_copy};
pub use population::write_population;
pub use results::{FilterRows, Results, UnitRows, model_text};
pub use session::write_session;
pub use stored_model::StoredModel;

/// Values per chunk of a series: less than a second of samples.
const N_CHUNK: usize = 16_384;
/// Effort of the compression, from 1 to 9.
const GZIP_LEVEL: u8 = 4;

/// A file in the making.
struct Nwb<'a> {
    /// Namespace of the object identifiers.
    ids: Uuid,
    root: &'a Group,
}

impl Nwb<'_> {
    /// Attributes that every typed object has.
    fn identify(&self, object: &Location, namespace: &str, neurodata_type: &str) -> hdf5::Result<()> {
        set_text(object, "namespace", namespace)?;
        set_text(object, "neurodata_type", neurodata_type)?;
        let id = Uuid::new_v5(&self.ids, object.name().as_bytes());
        set_text(object, "object_id", &id.to_string())
    }

    /// What every series says about itself.
    fn describe_series(&self, series: &Group, description: &str, comments: &str) -> hdf5::Result<()> {
        self.identify(series, "core", "TimeSeries")?;
        set_text(series, "comments", comments)?;
        set_text(series, "description", description)
    }

    /// A group without modification times; missing groups above it are made.
    fn group(&self, path: &str) -> hdf5::Result<Group> {
        self.root.create_group_builder().create_intermediate_group(true).obj_track_times(false).create(path)
    }

    fn put_column<T: H5Type>(
        &self,
        table: &Group,
        name: &str,
        description: &str,
        values: &[T],
    ) -> hdf5::Result<Dataset> {
        let column = put(table, name, values)?;
        self.identify(&column, "hdmf-common", "VectorData")?;
        set_text(&column, "description", description)?;
        Ok(column)
    }

    /// Where each row of the ragged column `of` ends.
    fn put_index(&self, table: &Group, of: &str, ends: &[u32]) -> hdf5::Result<()> {
        let index = put(table, &format!("{of}_index"), ends)?;
        self.identify(&index, "hdmf-common", "VectorIndex")?;
        set_text(&index, "description", &format!("Index for VectorData '{of}'"))?;
        set_attribute(&index, "target", &table.reference::<ObjectReference1>(of)?)
    }

    fn put_ids(&self, table: &Group, n_rows: usize) -> hdf5::Result<()> {
        let ids: Vec<i64> = (0..n_rows as i64).collect();
        let column = put(table, "id", &ids)?;
        self.identify(&column, "hdmf-common", "ElementIdentifiers")
    }
}

fn describe_table(table: &Group, description: &str, columns: &[&str]) -> hdf5::Result<()> {
    set_text(table, "description", description)?;
    let names = columns.iter().map(|name| unicode(name)).collect::<hdf5::Result<Vec<_>>>()?;
    table.new_attr::<VarLenUnicode>().shape(names.len()).create("colnames")?.write_raw(&names)
}

/// A data set without modification times.
fn dataset(group: &Group) -> DatasetBuilder {
    group.new_dataset_builder().obj_track_times(false)
}

fn put<T: H5Type>(group: &Group, name: &str, values: &[T]) -> hdf5::Result<Dataset> {
    dataset(group).with_data(values).create(name)
}

/// Numbers in compressed chunks of whole rows.
fn put_compressed<'d, T: H5Type, D: Dimension>(
    group: &Group,
    name: &str,
    values: impl Into<ArrayView<'d, T, D>>,
) -> hdf5::Result<Dataset> {
    let values = values.into();
    let mut chunk = values.shape().to_vec();
    let n_per_row: usize = chunk.iter().skip(1).product();
    if let Some(rows) = chunk.first_mut() {
        *rows = (*rows).clamp(1, (N_CHUNK / n_per_row.max(1)).max(1));
    }
    dataset(group).chunk(chunk).shuffle().deflate(GZIP_LEVEL).with_data(values).create(name)
}

/// The data of a series, whose values are in `unit` as they are.
fn put_series<'d, T: H5Type, D: Dimension>(
    series: &Group,
    values: impl Into<ArrayView<'d, T, D>>,
    unit: &str,
) -> hdf5::Result<()> {
    let data = put_compressed(series, "data", values)?;
    set_attribute(&data, "conversion", &1.0f32)?;
    set_attribute(&data, "offset", &0.0f32)?;
    set_attribute(&data, "resolution", &-1.0f32)?;
    set_text(&data, "unit", unit)
}

/// The times of a series, seconds.
fn put_timestamps(series: &Group, times_s: &[f64]) -> hdf5::Result<()> {
    let stamps = put_compressed(series, "timestamps", times_s)?;
    set_attribute(&stamps, "interval", &1i32)?;
    set_text(&stamps, "unit", "seconds")
}

/// What HDF5 says about a file that cannot be written, as the operating system would say it.
fn unwritable(path: &Path, error: &hdf5::Error) -> Error {
    let text = error.to_string();
    let number = text.split("errno = ").nth(1).and_then(|rest| rest.split(',').next()?.parse().ok());
    Error::io(path, number.map_or_else(|| io::Error::other(text), io::Error::from_raw_os_error))
}

/// Text of variable length, the only kind that NWB's library writes.
fn unicode(text: &str) -> hdf5::Result<VarLenUnicode> {
    text.parse().map_err(|e: hdf5::types::StringError| hdf5::Error::from(e.to_string()))
}

fn set_text(object: &Location, name: &str, text: &str) -> hdf5::Result<()> {
    set_attribute(object, name, &unicode(text)?)
}

fn set_attribute<T: H5Type>(object: &Location, name: &str, value: &T) -> hdf5::Result<()> {
    object.new_attr::<T>().create(name)?.write_scalar(value)
}
