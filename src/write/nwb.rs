//! A simulated session as an NWB 2 file, in the layout of the field's tutorials.
//!
//! Three choices:
//!
//! - **Stimulus and response are plain `TimeSeries`.** The types for current clamp ask for an intracellular
//!   electrode, which a simulation would have to invent, and the files that the tutorials use have the plain type,
//!   which every reader knows. It validates.
//! - **The same session gives the same bytes.** Dates are fixed, objects carry no modification times, and each
//!   `object_id` is a version-5 UUID of seed and path, so that a digest names a simulated file once and for all.
//! - **The timestamps are stored once**; the response's are a soft link to the stimulus's, as NWB's own library
//!   writes shared timestamps.
//!
//! # Source
//! NWB 2.8 and hdmf-common 1.8 schemas; the file passes `pynwb.validate` (`tests/check_nwb_with_pynwb.py`).

use std::path::Path;

use hdf5::types::VarLenUnicode;
use hdf5::{Dataset, DatasetBuilder, File, Group, H5Type, Location, ObjectReference1};
use uuid::Uuid;

use super::save::save_with;
use crate::simulate::{SPIKE_RESOLUTION_S, SimulatedSession};
use crate::{Error, Result};

/// Version of the schema that the file follows.
const NWB_VERSION: &str = "2.8.0";
/// Every date of the file: it was not recorded on any day, and the file must be reproducible.
const DATE: &str = "2025-01-01T00:00:00+00:00";
/// Values per chunk of a series: less than a second of samples.
const N_CHUNK: usize = 16_384;
/// Effort of the compression, from 1 to 9.
const GZIP_LEVEL: u8 = 4;

const DEVICE: &str = "/general/devices/simulated-amplifier";
const ELECTRODES: &str = "/general/extracellular_ephys/group0";
const STAMPS: &str = "/stimulus/presentation/stimulus/timestamps";

/// Writes the session to `path`, replacing what is there.
///
/// # Errors
/// [`Error::Io`] if the file cannot be written, also when HDF5 says so; [`Error::Length`] if stamps, stimulus and
/// response differ in length.
pub fn write_session(path: &Path, session: &SimulatedSession) -> Result<()> {
    let n_stamps = session.stamps.len();
    for (series, n) in [("stimulus", session.stimulus_a.len()), ("response", session.response_v.len())] {
        if n != n_stamps {
            let what = format!("timestamps and {series}");
            return Err(Error::Length { what, expected: n_stamps, found: n });
        }
    }
    save_with(path, |temporary| {
        fill(temporary.path(), session).map_err(|e| Error::io(path, std::io::Error::other(e.to_string())))
    })
}

/// Fills the file at `path`.
fn fill(path: &Path, session: &SimulatedSession) -> hdf5::Result<()> {
    // the root group's modification time is a property of the file
    let file = File::with_options().with_fcpl(|properties| properties.obj_track_times(false)).create(path)?;
    let nwb = Nwb { ids: Uuid::new_v5(&Uuid::NAMESPACE_OID, &session.seed.to_be_bytes()), root: &file };
    nwb.write_root(session)?;
    nwb.write_electrodes()?;
    nwb.write_series(session)?;
    nwb.write_epochs(session)?;
    nwb.write_units(session)?;
    file.flush()?;
    file.close()
}

/// A file in the making.
struct Nwb<'a> {
    /// Namespace of the object identifiers.
    ids: Uuid,
    root: &'a Group,
}

impl Nwb<'_> {
    /// What describes the session as a whole, and the groups that a file must have even if empty.
    fn write_root(&self, session: &SimulatedSession) -> hdf5::Result<()> {
        self.identify(self.root, "core", "NWBFile")?;
        set_text(self.root, "nwb_version", NWB_VERSION)?;
        for (name, value) in [
            ("identifier", format!("rheobase-simulated-session-{}", session.seed)),
            ("session_description", "simulated current-clamp session of one model neuron".into()),
            ("session_start_time", DATE.into()),
            ("timestamps_reference_time", DATE.into()),
        ] {
            let text = dataset(self.root).empty::<VarLenUnicode>().shape(()).create(name)?;
            text.write_scalar(&unicode(&value)?)?;
        }
        put(self.root, "file_create_date", &[unicode(DATE)?])?;
        for path in ["acquisition", "analysis", "processing", "stimulus/presentation", "stimulus/templates"] {
            self.group(path)?;
        }
        Ok(())
    }

    fn write_electrodes(&self) -> hdf5::Result<()> {
        let device = self.group(DEVICE)?;
        self.identify(&device, "core", "Device")?;
        set_text(&device, "description", "no instrument: a simulation")?;
        let electrodes = self.group(ELECTRODES)?;
        self.identify(&electrodes, "core", "ElectrodeGroup")?;
        set_text(&electrodes, "description", "no electrode: a simulation")?;
        set_text(&electrodes, "location", "simulated")?;
        electrodes.link_soft(DEVICE, "device")
    }

    fn write_series(&self, session: &SimulatedSession) -> hdf5::Result<()> {
        let stimulus = self.group("/stimulus/presentation/stimulus")?;
        self.describe_series(&stimulus, "injected current")?;
        put_series(&stimulus, &session.stimulus_a, "amperes")?;
        let stamps = put_compressed(&stimulus, "timestamps", &session.stamps)?;
        set_attribute(&stamps, "interval", &1i32)?;
        set_text(&stamps, "unit", "seconds")?;
        let response = self.group("/acquisition/response")?;
        self.describe_series(&response, "membrane voltage")?;
        put_series(&response, &session.response_v, "volts")?;
        response.link_soft(STAMPS, "timestamps")
    }

    fn write_epochs(&self, session: &SimulatedSession) -> hdf5::Result<()> {
        let epochs = self.group("/intervals/epochs")?;
        self.identify(&epochs, "core", "TimeIntervals")?;
        describe_table(&epochs, "sweeps of the session", &["start_time", "stop_time", "tags"])?;
        let starts: Vec<f64> = session.epochs.iter().map(|epoch| epoch.0).collect();
        let stops: Vec<f64> = session.epochs.iter().map(|epoch| epoch.1).collect();
        let tags = session.epochs.iter().map(|epoch| unicode(&epoch.2)).collect::<hdf5::Result<Vec<_>>>()?;
        self.put_column(&epochs, "start_time", "start of the sweep in seconds", &starts)?;
        self.put_column(&epochs, "stop_time", "end of the sweep in seconds", &stops)?;
        self.put_column(&epochs, "tags", "stimulus protocol of the sweep", &tags)?;
        let ends: Vec<u32> = (1..=session.epochs.len() as u32).collect();
        self.put_index(&epochs, "tags", &ends)?;
        self.put_ids(&epochs, session.epochs.len())
    }

    fn write_units(&self, session: &SimulatedSession) -> hdf5::Result<()> {
        let units = self.group("/units")?;
        self.identify(&units, "core", "Units")?;
        let columns = ["spike_times", "location", "group", "electrode_group"];
        describe_table(&units, "the simulated neuron", &columns)?;
        let spikes =
            self.put_column(&units, "spike_times", "spike times in seconds", &session.spike_times_s)?;
        set_attribute(&spikes, "resolution", &SPIKE_RESOLUTION_S)?;
        self.put_index(&units, "spike_times", &[session.spike_times_s.len() as u32])?;
        self.put_column(&units, "location", "where the unit was recorded", &[unicode("simulated")?])?;
        self.put_column(&units, "group", "number of the unit's group", &[0i64])?;
        let electrodes = self.root.reference::<ObjectReference1>(ELECTRODES)?;
        self.put_column(&units, "electrode_group", "electrode group of the unit", &[electrodes])?;
        self.put_ids(&units, 1)
    }

    /// Attributes that every typed object has.
    fn identify(&self, object: &Location, namespace: &str, neurodata_type: &str) -> hdf5::Result<()> {
        set_text(object, "namespace", namespace)?;
        set_text(object, "neurodata_type", neurodata_type)?;
        let id = Uuid::new_v5(&self.ids, object.name().as_bytes());
        set_text(object, "object_id", &id.to_string())
    }

    fn describe_series(&self, series: &Group, description: &str) -> hdf5::Result<()> {
        self.identify(series, "core", "TimeSeries")?;
        set_text(series, "comments", "simulated by rheobase")?;
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

fn put_compressed<T: H5Type>(group: &Group, name: &str, values: &[T]) -> hdf5::Result<Dataset> {
    let chunk = values.len().clamp(1, N_CHUNK);
    dataset(group).chunk(chunk).shuffle().deflate(GZIP_LEVEL).with_data(values).create(name)
}

fn put_series<T: H5Type>(series: &Group, values: &[T], unit: &str) -> hdf5::Result<()> {
    let data = put_compressed(series, "data", values)?;
    set_attribute(&data, "conversion", &1.0f32)?;
    set_attribute(&data, "offset", &0.0f32)?;
    set_attribute(&data, "resolution", &-1.0f32)?;
    set_text(&data, "unit", unit)
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
