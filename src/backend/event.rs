//! [`DeviceEvent`]: what happened to the device of a fit.

use serde::{Deserialize, Serialize};

use crate::error::DeviceError;

/// Something that happened to the device while it fitted, and why. Every error of the device is one, also where the fit goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceEvent {
    /// What happened: the [word](DeviceError::word) of an error (`lost`, `hung`, `out_of_memory`, `garbled`, `wrong`, `rejected`,
    /// `unavailable`, ..); `reopened` where the fit went on on the device, opened again; `unproven` where a target came to no proof
    /// there; `cpu` where the CPU did what was left.
    pub event: String,
    /// Why, or how the fit went on: a sentence.
    pub reason: String,
}

impl DeviceEvent {
    /// Of a word and a sentence.
    pub fn new(event: &str, reason: impl Into<String>) -> Self {
        Self { event: event.into(), reason: reason.into() }
    }
}

impl From<&DeviceError> for DeviceEvent {
    fn from(error: &DeviceError) -> Self {
        Self::new(error.word(), error.to_string())
    }
}
