//! Epochs and spikes as they are, before anything is binned.

use super::dataset::Request;
use super::epochs::support;
use super::reading::Watcher;
use super::units::Units;
use crate::Result;
use crate::read::nwb::NwbFile;
use crate::time::IntervalSet;

/// The spikes of the units that were asked for in the epochs that were asked for.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The epochs; those that overlap are joined.
    pub support: IntervalSet,
    /// Names of the units.
    pub names: Vec<String>,
    /// Spike times of each unit in the epochs, seconds.
    pub spike_times_s: Vec<Vec<f64>>,
    /// What a user should know.
    pub notices: Vec<String>,
}

impl Selection {
    /// Reads epochs and units; the width of a bin that the request has plays no part.
    ///
    /// # Errors
    /// [`crate::Error::Unknown`] for an epoch, unit or series that is not there, with those that are;
    /// [`crate::Error::Argument`] for a choice that is missing; whatever reading returns.
    pub fn read(file: &NwbFile, request: &Request, watcher: Watcher) -> Result<Self> {
        let mut notices = Vec::new();
        let (_, support) = support(file, request, &mut notices)?;
        let units = Units::read(file, request, &mut notices, watcher)?;
        let spike_times_s = units.times_inside(&support);
        Ok(Self { names: units.target_names(), spike_times_s, support, notices })
    }
}
