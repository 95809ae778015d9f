//! Files in: one module per format.

pub mod csv;
pub mod h5;
pub mod npz;
pub mod nwb;
