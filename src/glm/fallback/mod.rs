//! Fits on a GPU that may fail: it is opened again, less is asked of it, and in the end the CPU does the work.
//!
//! What a fit on a device ends with is always one of two things: an answer whose proof was computed in `f64` on the CPU, or an
//! error of [`crate::error::DeviceError`]. [`CheckedSpec::fit`](super::CheckedSpec::fit) on a [`Gpu`](crate::backend::Gpu)
//! returns the error; a [`Fallback`] goes on:
//!
//! | what happens | what is done |
//! |---|---|
//! | the device is lost, or what it sent arrives changed ([`Lost`], [`Garbled`], [`Wrong`]) | once, a fresh device; then the CPU; from the points that had been taken |
//! | no room ([`OutOfMemory`]) | half of the design stays there, then none, then smaller blocks, then the CPU |
//! | no answer ([`Hung`]) | the CPU: a driver that hangs may not open another device either |
//! | anything else (a kernel that is refused, an adapter that is too small) | the CPU |
//! | numbers that are wrong and look right | steps are judged in `f64` in the end; targets without a proof go on on the CPU |
//!
//! All of it is kept as [`DeviceEvent`](crate::backend::DeviceEvent)s: every error of the device, and how the fit went on.
//!
//! [`Lost`]: crate::error::DeviceError::Lost
//! [`Garbled`]: crate::error::DeviceError::Garbled
//! [`Wrong`]: crate::error::DeviceError::Wrong
//! [`OutOfMemory`]: crate::error::DeviceError::OutOfMemory
//! [`Hung`]: crate::error::DeviceError::Hung

#[cfg(feature = "gpu")]
mod attempts;
#[cfg(feature = "gpu")]
mod device;
mod work;

#[cfg(feature = "gpu")]
pub use device::{Fallback, Turn};
pub use work::{ClassWork, TargetWork, Watcher, Work};
