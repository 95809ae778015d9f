//! What went wrong on a device, wherever it was heard of.

use std::sync::Mutex;

use crate::error::DeviceError;

/// What went wrong first.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    first: Mutex<Option<DeviceError>>,
    /// The loss of the device, which explains other errors.
    loss: Mutex<Option<DeviceError>>,
}

impl Trouble {
    pub(super) fn set(&self, error: DeviceError) {
        let place = if matches!(error, DeviceError::Lost { .. }) { &self.loss } else { &self.first };
        if let Ok(mut place) = place.lock() {
            place.get_or_insert(error);
        }
    }

    pub(super) fn get(&self) -> Option<DeviceError> {
        let of = |place: &Mutex<Option<DeviceError>>| place.lock().ok().and_then(|error| error.clone());
        of(&self.loss).or_else(|| of(&self.first))
    }
}

/// An error that nobody waited for.
pub(super) fn uncaptured(error: &wgpu::Error) -> DeviceError {
    match error {
        wgpu::Error::Validation { description, .. } => {
            DeviceError::ShaderRejected { kernel: "of a pass".into(), message: description.clone() }
        }
        // no room either for what is not a buffer of ours, which are asked for in scopes
        other @ (wgpu::Error::OutOfMemory { .. } | wgpu::Error::Internal { .. }) => {
            DeviceError::Lost { reason: other.to_string() }
        }
    }
}
