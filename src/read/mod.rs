//! Files in: one module per format.

pub mod csv;
pub mod h5;
mod npy_number;
pub mod npz;
pub mod nwb;
