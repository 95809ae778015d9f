//! The command line.

mod cursor;
pub mod feature;
pub mod quantity;
