//! Bytes out: one file per format, and one saver.
//!
//! A format turns values into bytes and knows no paths ([`table`], [`json`]); [`save`] turns bytes into files and
//! knows no formats. So every file of the tool is written the same careful way: complete or not at all, and a set
//! of files can be recognised as one set. NWB ([`nwb`]) is the exception, because HDF5 writes its own files; it
//! writes into the saver's temporary file.

pub mod categorical;
pub mod digest;
pub mod json;
mod mixed;
pub mod model;
pub mod nemos;
pub mod npz;
pub mod nwb;
pub mod same_file;
pub mod save;
pub mod table;
pub mod temporaries;
