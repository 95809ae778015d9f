//! A simulated population as an NWB 2 file: units with their spikes and one epoch, in the layout of the simulated session.

use std::path::Path;

use hdf5::File;
use uuid::Uuid;

use super::session::new_file;
use super::{Nwb, unwritable};
use crate::Result;
use crate::simulate::SimulatedPopulation;
use crate::write::save::PendingFile;

/// The tag of the one epoch.
const TAG: &str = "simulated";

/// Writes the population as the file that is to become `path`.
///
/// # Errors
/// [`crate::Error::Io`] if the file cannot be written, also when HDF5 says so.
pub fn write_population(path: &Path, population: &SimulatedPopulation) -> Result<PendingFile> {
    PendingFile::write(path, |temporary| {
        fill(temporary.path(), population).map_err(|error| unwritable(path, &error))
    })
}

fn fill(path: &Path, population: &SimulatedPopulation) -> hdf5::Result<()> {
    let file: File = new_file(path)?;
    let SimulatedPopulation { seed, duration_s, network, spike_times_s, .. } = population;
    // no two populations have the same identifiers, unless they have the same spikes in the same places
    let text = format!("population {seed} {duration_s} {} {:?}", network.bin_s, network.intercepts);
    let nwb = Nwb { ids: Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes()), root: &file };
    let description = format!("simulated population of {} coupled units", spike_times_s.len());
    nwb.write_root(format!("rheobase-simulated-population-{seed}"), &description)?;
    nwb.write_electrodes()?;
    nwb.write_epochs(
        ["the one stretch that was simulated", "how the epoch came about"],
        &[(0.0, *duration_s, TAG.into())],
    )?;
    nwb.write_units("the simulated units", spike_times_s, network.bin_s)?;
    file.flush()?;
    file.close()
}
