//! Files in: one module per format.

pub mod npz;
pub mod nwb;
