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
        self.describe_series(&stimulus, "injected current", "simulated by rheobase")?;
        put_series(&stimulus, session.stimulus_a.as_slice(), "amperes")?;
        put_timestamps(&stimulus, &session.stamps)?;
        let response = self.group("/acquisition/response")?;
        self.describe_series(&response, "membrane voltage", "simulated by rheobase")?;
        put_series(&response, session.response_v.as_slice(), "volts")?;
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
}
