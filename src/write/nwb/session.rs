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

use std::path::Path;

use hdf5::types::VarLenUnicode;
use hdf5::{File, ObjectReference1};
use uuid::Uuid;

use super::{
    Nwb, dataset, describe_table, put, put_series, put_timestamps, set_attribute, set_text, unicode,
    unwritable,
};
use crate::simulate::{SPIKE_RESOLUTION_S, SimulatedSession};
use crate::write::save::save_with;
use crate::{Error, Result};

/// Version of the schema that the file follows.
const NWB_VERSION: &str = "2.8.0";
/// Every date of the file: it was not recorded on any day, and the file must be reproducible.
const DATE: &str = "2025-01-01T00:00:00+00:00";

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
    save_with(path, |temporary| fill(temporary.path(), session).map_err(|e| unwritable(path, &e)))
}

/// An empty file without modification times.
pub(super) fn new_file(path: &Path) -> hdf5::Result<File> {
    // that of the root group is a property of the file
    File::with_options().with_fcpl(|properties| properties.obj_track_times(false)).create(path)
}

/// Fills the file at `path`.
fn fill(path: &Path, session: &SimulatedSession) -> hdf5::Result<()> {
    let file = new_file(path)?;
    let nwb = Nwb { ids: Uuid::new_v5(&Uuid::NAMESPACE_OID, &session.seed.to_be_bytes()), root: &file };
    let identifier = format!("rheobase-simulated-session-{}", session.seed);
    nwb.write_root(identifier, "simulated current-clamp session of one model neuron")?;
    nwb.write_electrodes()?;
    nwb.write_series(session)?;
    nwb.write_epochs(["sweeps of the session", "stimulus protocol of the sweep"], &session.epochs)?;
    let spikes = std::slice::from_ref(&session.spike_times_s);
    nwb.write_units("the simulated neuron", spikes, SPIKE_RESOLUTION_S)?;
    file.flush()?;
    file.close()
}

impl Nwb<'_> {
    /// What describes the session as a whole, and the groups that a file must have even if empty.
    pub(super) fn write_root(&self, identifier: String, description: &str) -> hdf5::Result<()> {
        self.identify(self.root, "core", "NWBFile")?;
        set_text(self.root, "nwb_version", NWB_VERSION)?;
        for (name, value) in [
            ("identifier", identifier),
            ("session_description", description.into()),
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

    pub(super) fn write_electrodes(&self) -> hdf5::Result<()> {
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
        self.describe_series(&stimulus, "injected current", "simulated by rheobase")?;
        put_series(&stimulus, session.stimulus_a.as_slice(), "amperes")?;
        put_timestamps(&stimulus, &session.stamps)?;
        let response = self.group("/acquisition/response")?;
        self.describe_series(&response, "membrane voltage", "simulated by rheobase")?;
        put_series(&response, session.response_v.as_slice(), "volts")?;
        response.link_soft(STAMPS, "timestamps")
    }

    /// The table of epochs: start and stop in seconds and tag of each; described is the table and what a tag says.
    pub(super) fn write_epochs(
        &self,
        [description, tag]: [&str; 2],
        rows: &[(f64, f64, String)],
    ) -> hdf5::Result<()> {
        let epochs = self.group("/intervals/epochs")?;
        self.identify(&epochs, "core", "TimeIntervals")?;
        describe_table(&epochs, description, &["start_time", "stop_time", "tags"])?;
        let starts: Vec<f64> = rows.iter().map(|epoch| epoch.0).collect();
        let stops: Vec<f64> = rows.iter().map(|epoch| epoch.1).collect();
        let tags = rows.iter().map(|epoch| unicode(&epoch.2)).collect::<hdf5::Result<Vec<_>>>()?;
        self.put_column(&epochs, "start_time", "start of the epoch in seconds", &starts)?;
        self.put_column(&epochs, "stop_time", "end of the epoch in seconds", &stops)?;
        self.put_column(&epochs, "tags", tag, &tags)?;
        let ends: Vec<u32> = (1..=rows.len() as u32).collect();
        self.put_index(&epochs, "tags", &ends)?;
        self.put_ids(&epochs, rows.len())
    }

    /// The table of units, from the spike times of each, known to `resolution_s` seconds.
    pub(super) fn write_units(
        &self,
        description: &str,
        spike_times_s: &[Vec<f64>],
        resolution_s: f64,
    ) -> hdf5::Result<()> {
        let n_units = spike_times_s.len();
        let units = self.group("/units")?;
        self.identify(&units, "core", "Units")?;
        let columns = ["spike_times", "location", "group", "electrode_group"];
        describe_table(&units, description, &columns)?;
        let times = spike_times_s.concat();
        let spikes = self.put_column(&units, "spike_times", "spike times in seconds", &times)?;
        set_attribute(&spikes, "resolution", &resolution_s)?;
        let end = |end: &mut usize, times: &Vec<f64>| {
            *end += times.len();
            Some(*end as u32)
        };
        let ends: Vec<u32> = spike_times_s.iter().scan(0, end).collect();
        self.put_index(&units, "spike_times", &ends)?;
        let places = vec![unicode("simulated")?; n_units];
        self.put_column(&units, "location", "where the unit was recorded", &places)?;
        self.put_column(&units, "group", "number of the unit's group", &vec![0i64; n_units])?;
        let electrodes = || self.root.reference::<ObjectReference1>(ELECTRODES);
        let electrodes = (0..n_units).map(|_| electrodes()).collect::<hdf5::Result<Vec<_>>>()?;
        self.put_column(&units, "electrode_group", "electrode group of the unit", &electrodes)?;
        self.put_ids(&units, n_units)
    }
}
