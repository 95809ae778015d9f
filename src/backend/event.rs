//! [`DeviceEvent`]: what happened to the device of a fit.

use serde::{Deserialize, Serialize};

/// Something that happened to the device while it fitted, and why: a fallback to the CPU, a loss, another try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceEvent {
    /// What happened, in a word or a few: `lost`, `retried`, `fell back to the CPU`.
    pub event: String,
    /// Why.
    pub reason: String,
}
