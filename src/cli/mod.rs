//! The command line.

mod cursor;
pub mod feature;
pub mod inspect;
mod inspect_text;
pub mod quantity;
mod suggestion;
