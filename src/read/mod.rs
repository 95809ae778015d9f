//! Files in: one module per format.

pub mod csv;
pub mod h5;
pub mod nemos;
mod npy_header;
mod npy_number;
pub mod npz;
pub mod npz_entries;
pub mod nwb;
pub mod regular;
