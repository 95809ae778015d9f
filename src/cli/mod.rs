//! The command line.

pub mod inspect;
mod inspect_text;
mod suggestion;
